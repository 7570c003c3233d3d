"""A recorded answer against the gateway: decoded, passed on, written in every protocol, sent back in the next turn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tests.replay import reading, rendering, sdk_answers
from tests.replay.comparison import MALFORMED, differences, meaning_of
from tests.replay.continuation import asked, continued, refusals, signatures, spoken
from tests.replay.recorded import Recorded, said
from tests.replay.report import Report, expect, expect_equal
from tests.replay.sdk_events import wire_problems
from tests.support.vendors.dialects import DIALECTS, ProtocolName

from codenex.core.answer import fault_of
from codenex.core.errors import Fault
from codenex.core.events import StreamEvent

PIECES: Final = (1 << 30, 1021, 7)
"""Sizes of the pieces in which a stream is fed; all must give the same."""


def check_answer(one: Recorded, report: Report) -> None:
    """Check one answer, in every protocol that clients speak."""
    wanted: reading.Reading | None = None
    with report.check("oracle", one.name):
        wanted = reading.READ[one.protocol](one.answer)
        _check_oracle(one, wanted)
    if wanted is None:
        return
    events: list[StreamEvent] = []
    with report.check("decoded answer", one.name):
        events = rendering.events_of(one.protocol, one.raw, stream=one.stream)
        fault = fault_of(events)
        expect(fault is None, f"the gateway takes it for an error: {fault!r}")
        rendering.validate(events)
        for size in PIECES if one.stream else ():
            again = rendering.events_of(one.protocol, one.raw, stream=True, piece=size)
            expect(again == events, f"fed in pieces of {size} bytes it gives other events")
    if one.stream and not one.array:
        with report.check("passed on", one.name):
            _check_passed(one, wanted)
    if not events or fault_of(events) is not None:
        return
    for client, way in _ways():
        answer: Any = None
        if meaning_of(wanted, one.protocol) == MALFORMED:
            with report.check("failed answer", f"{one.name} → {client} {way}"):
                _check_failed(one, events, client, way)
            continue
        with report.check(f"{way} answer", f"{one.name} → {client}"):
            answer = _rendered(one, events, client, way)
            found = differences(wanted, one.protocol, reading.READ[client](answer), client)
            expect(not found, "; ".join(found))
        if answer is not None and way != "array":
            with report.check("next turn", f"{one.name} → {client} {way}"):
                _check_next_turn(one, wanted, client, answer)


def _check_oracle(one: Recorded, wanted: reading.Reading) -> None:
    """Where the vendor's own SDK can read what it sent, it reads what was read here.

    It doesn't stop at the end of a first message where a second one follows, and it doesn't join lists of content.
    """
    if one.raw.count(b'"type":"message_start"') > 1 or (one.stream and b'"content":[' in one.raw):
        return
    judge = "anthropic_beta" if one.protocol == "anthropic" else one.protocol
    try:
        heard = sdk_answers.array(one.raw) if one.array else sdk_answers.answer(judge, one.raw, stream=one.stream)
    except Exception:
        return
    found = reading.READ[one.protocol](heard)
    expect_equal("text by the SDK", found.text, wanted.text)
    expect_equal("calls by the SDK", found.calls, wanted.calls)


def _check_passed(one: Recorded, wanted: reading.Reading) -> None:
    """Every byte up to the end of the answer, whatever the pieces, and what was seen of it for the records."""
    for size in PIECES:
        out, seen = rendering.passed(one.protocol, one.raw, size)
        expect(seen.done and seen.fault is None, f"in pieces of {size}: done {seen.done}, fault {seen.fault!r}")
        sent = out.rstrip()
        expect(one.raw.startswith(sent), f"in pieces of {size} other bytes come out")
        whole = not one.raw[len(sent) :].strip() or said(one.protocol, out, True)[0] == one.answer
        expect(whole, f"in pieces of {size} only {len(sent)} bytes of {len(one.raw)} come out")
        if wanted.tokens.output is not None and seen.usage is not None:
            expect_equal("output tokens that were seen", seen.usage.output_total, wanted.tokens.output)
        if one.protocol == "gemini":
            expect_equal("as an array", json.loads(rendering.passed_as_array(one.raw, size)), one.answer)


def _ways() -> Iterator[tuple[ProtocolName, str]]:
    for client in DIALECTS:
        yield client, "whole"
        yield client, "streamed"
    yield "gemini", "array"


def _rendered(one: Recorded, events: list[StreamEvent], client: ProtocolName, way: str) -> Any:
    """The answer as the client's SDK holds it."""
    if way == "whole":
        body = rendering.whole(one.protocol, events, client)
    else:
        body = rendering.streamed(one.protocol, events, client, array=way == "array")
    problems = wire_problems(client, body, stream=way != "whole")
    if client == one.protocol and problems:
        # What the vendor itself says beside its SDK goes back as it came.
        known = set(map(_bare, wire_problems(client, one.raw, stream=one.stream)))
        problems = [problem for problem in problems if _bare(problem) not in known]
    problems = [problem for problem in problems if not _excused(problem)]
    expect(not problems, f"the SDK's types refuse: {problems[:3]}")
    if way == "array":
        return sdk_answers.array(body)
    # Blocks of beta versions come back to Anthropic's own clients only, who have asked for them.
    judge = "anthropic_beta" if client == one.protocol == "anthropic" else client
    return sdk_answers.answer(judge, body, stream=way == "streamed")


def _check_failed(one: Recorded, events: list[StreamEvent], client: ProtocolName, way: str) -> None:
    """An answer that is of no use is an error to the client, or has the vendor's own word for it."""
    try:
        if way == "whole":
            body = rendering.whole(one.protocol, events, client)
        else:
            body = rendering.streamed(one.protocol, events, client, array=way == "array")
    except Fault as fault:
        expect(fault.status >= 500, f"the status is {fault.status}")
        return
    words = (b'"error"', b'"failed"', b"MALFORMED", b"UNEXPECTED", b"TOO_MANY", b"MISSING")
    expect(any(word in body for word in words), f"nothing is said of the failure: {body[-200:]!r}")


def _excused(problem: str) -> bool:
    """Complaints that are nobody's fault: the SDK has no type for a call with free text in a stream of Chat."""
    return "tool_calls.type: Input should be 'function' (custom)" in problem


def _bare(problem: str) -> str:
    """A complaint without the event that brought it: whole answers have none."""
    bare = re.sub(r"^(response\.[\w.]+|content\w*|message_\w+) ?", "", problem).lstrip(": ")
    return re.sub(r"^(delta|response|message)\.", "", bare)


def _check_next_turn(one: Recorded, wanted: reading.Reading, client: ProtocolName, answer: Any) -> None:
    body = asked(client, answer)
    sent = continued(client, body, one.protocol)
    problems = refusals(one.protocol, sent, one.answer)
    if client == one.protocol:
        # What its own client would be refused for is not the gateway's doing.
        known = refusals(one.protocol, body, one.answer)
        problems = [
            problem for problem in problems if re.sub(r"\d+", "", problem) not in re.sub(r"\d+", "", str(known))
        ]
    expect(not problems, f"the vendor refuses: {problems[:4]}")
    words = spoken(sent)
    for piece in wanted.pieces or [wanted.text]:
        expect(piece.strip() in words, f"the text is not in it: {piece[:80]!r}")
    kept = set(signatures(sent))
    lost = [proof[:30] for proof in signatures(one.answer, client) if proof not in kept]
    expect(not lost, f"signatures are lost: {lost}")
