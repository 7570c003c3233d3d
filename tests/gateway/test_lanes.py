"""What a lane lets through when the upstream's bytes end in the middle: whole events, and word of the truncation."""

from __future__ import annotations

import json

import pytest
from tests.protocols.corpus.all import STREAMS

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.lanes import ArrayLane, PassthroughLane
from codenex.gateway.spokes import SPOKES

GEMINI = STREAMS["gemini"]["text"]


def failed(fault: Fault) -> bytes:
    return json.dumps([{"error": {"message": fault.message}}]).encode()


@pytest.mark.pitfall("ERR-8", "SSE-18")
@pytest.mark.parametrize("protocol", STREAMS)
def test_a_cut_within_an_event_is_told_and_not_passed_on(protocol: str) -> None:
    data = STREAMS[protocol]["text"].replace(b"\r\n", b"\n")
    for place in range(data.index(b"\n\n") + 2, len(data) - 40):
        if data[:place].endswith((b"\n", b"}")):
            continue
        lane = PassthroughLane(SPOKES[protocol].stream_decoder)
        assert lane.feed(data[:place]) + lane.eof() == data[: data.rfind(b"\n\n", 0, place) + 2]
        if lane.seen.fault is None:
            # The answer itself has come; of its usage or its last word nothing has.
            assert b'"finish_reason": "stop"' in data[:place]
            assert lane.seen.finish is not None
            continue
        assert lane.seen.fault.kind is FaultKind.UPSTREAM_TRUNCATED
        # The upstream has not told the client of it, so that the relay must.
        assert not lane.seen.told


@pytest.mark.pitfall("ERR-8", "SSE-5")
def test_an_array_that_is_cut_stays_an_array() -> None:
    whole = ArrayLane(SPOKES["gemini"].stream_decoder(), failed)
    elements = json.loads(whole.feed(GEMINI) + whole.eof())
    assert len(elements) == GEMINI.count(b"data: ")
    for place in range(1, len(GEMINI)):
        lane = ArrayLane(SPOKES["gemini"].stream_decoder(), failed)
        out = lane.feed(GEMINI[:place]) + lane.eof()
        if lane.seen.fault is not None:
            found = json.loads(out + lane.fail(lane.seen.fault))
            assert found.pop() == {"error": {"message": lane.seen.fault.message}}
            assert found == elements[: len(found)]
        else:
            assert json.loads(out) == elements


@pytest.mark.pitfall("USE-11")
@pytest.mark.parametrize("protocol", ["anthropic", "gemini"])
def test_of_a_stream_that_is_broken_off_the_usage_so_far_is_known(protocol: str) -> None:
    data = STREAMS[protocol]["text"].replace(b"\r\n", b"\n")
    lane = PassthroughLane(SPOKES[protocol].stream_decoder)
    lane.feed(data[: data.index(b"\n\n", data.index(b"sage")) + 2])
    lane.eof()

    assert lane.seen.fault is not None
    assert lane.seen.usage is not None
    assert lane.seen.usage.input_total
