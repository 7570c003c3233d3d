"""The error after an answer of another's that broke off while its bytes were passed through."""

from __future__ import annotations

import json

from codenex.core.errors import Fault, FaultKind
from codenex.core.render import RenderContext
from codenex.gateway.lanes import PassthroughLane
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.cut import fail_after

CREATED = {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_theirs", "status": "in_progress"}}
DELTA = {"type": "response.output_text.delta", "sequence_number": 1, "output_index": 0, "content_index": 0}


def framed(event: dict[str, object], newline: bytes) -> bytes:
    return b"event: %s%sdata: %s%s%s" % (
        str(event["type"]).encode(),
        newline,
        json.dumps(event).encode(),
        newline,
        newline,
    )


def lane() -> PassthroughLane:
    context = RenderContext("a" * 24, 1, "m")
    return PassthroughLane(
        SPOKE.stream_decoder, SPOKE.skim, None, b"", lambda fault, id, last: fail_after(fault, context, id, last)
    )


def test_the_error_belongs_to_the_answer_that_began() -> None:
    for newline in (b"\n", b"\r\n"):
        for together in (False, True):
            passing = lane()
            assert passing.fail is None
            events = [framed(event, newline) for event in (CREATED, {**DELTA, "delta": "Hello"})]
            for data in [b"".join(events)] if together else events:
                assert passing.feed(data) == data
            passing.feed(b"event: response.output_text.delta\ndata: {")
            assert passing.fail is not None
            name, data, *_ = passing.fail(Fault(FaultKind.UPSTREAM_TRUNCATED, "it broke")).decode().split("\n")
            event = json.loads(data.removeprefix("data: "))
            assert name == "event: response.failed"
            assert (event["type"], event["sequence_number"]) == ("response.failed", 2)
            assert event["response"]["id"] == "resp_theirs"
            assert event["response"]["error"]["message"] == "it broke"
