"""The validator finds every kind of disorder."""

from __future__ import annotations

import pytest

from codenex.core import events as e
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Reasoning, Text, ToolCall
from codenex.core.stream_validator import InvalidStream, StreamValidator
from codenex.core.usage import Usage

START = e.Start("x")
FINISH = e.Finish(FinishDetail(FinishReason.STOP))
TEXT = e.PartStart(0, "text")
STOP = e.PartStop(0, Text(""))
CALL = e.PartStart(0, "tool_call", id="a", name="f")
ERROR = e.Error(Fault(FaultKind.UPSTREAM, "x"))
LATER = e.UsageSnapshot(Usage(output_text=1))


def run(events: list[e.StreamEvent], *, sequential: bool = False) -> None:
    validator = StreamValidator(sequential=sequential)
    for event in events:
        validator.check(event)
    validator.end()


@pytest.mark.parametrize(
    "events",
    [
        [START, FINISH],
        [START, e.Ping(), TEXT, e.TextDelta(0, "x"), e.PartStop(0, Text("x")), FINISH, LATER, e.Ping()],
        [START, TEXT, ERROR],
        [ERROR],
        [START, LATER, TEXT, e.PartStart(1, "reasoning"), STOP, e.PartStop(1, Reasoning()), FINISH],
        [START, TEXT, e.PartStart(1, "text", 1), STOP, FINISH, e.PartStop(1, Text(""), 1), e.Finish(FINISH.detail, 1)],
        [START, e.LogprobDelta(({},)), FINISH],
        [START, CALL, e.ToolArgumentsDelta(0, "{"), e.PartStop(0, ToolCall("a", "f", "{", complete=False)), FINISH],
    ],
)
def test_legal_streams(events: list[e.StreamEvent]) -> None:
    run(events)


ILLEGAL: dict[str, list[e.StreamEvent]] = {
    "no start": [FINISH],
    "nothing": [],
    "part before start": [TEXT],
    "ping before start": [e.Ping()],
    "two starts": [START, START],
    "no finish": [START, TEXT, STOP],
    "no finish at all": [START],
    "no finish of the second choice": [
        START,
        TEXT,
        STOP,
        FINISH,
        e.PartStart(1, "text", 1),
        e.PartStop(1, Text(""), 1),
    ],
    "two finishes": [START, FINISH, FINISH],
    "open part at the end": [START, TEXT],
    "finish while a part is open": [START, TEXT, FINISH],
    "part after the finish": [START, FINISH, TEXT],
    "probabilities after the finish": [START, FINISH, e.LogprobDelta(({},))],
    "gap in the numbers": [START, e.PartStart(1, "text")],
    "number used twice": [START, TEXT, TEXT],
    "delta without part": [START, e.TextDelta(0, "x")],
    "negative number": [START, TEXT, e.TextDelta(-1, "x")],
    "delta after the stop": [START, TEXT, STOP, e.TextDelta(0, "x")],
    "stop without start": [START, STOP],
    "two stops": [START, TEXT, STOP, STOP],
    "delta of another kind": [START, TEXT, e.ToolArgumentsDelta(0, "x")],
    "reasoning into text": [START, TEXT, e.ReasoningDelta(0, "x")],
    "part of another kind": [START, TEXT, e.PartStop(0, ToolCall("a", "f"))],
    "stop in another choice": [START, TEXT, e.PartStop(0, Text(""), 1)],
    "text that differs": [START, TEXT, e.TextDelta(0, "x"), e.PartStop(0, Text("y"))],
    "arguments that differ": [START, CALL, e.PartStop(0, ToolCall("a", "f", "{}"))],
    "call that differs": [START, CALL, e.PartStop(0, ToolCall("b", "f"))],
    "after an error": [START, ERROR, e.Ping()],
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_illegal_streams(name: str) -> None:
    with pytest.raises(InvalidStream):
        run(ILLEGAL[name])


def test_one_part_at_a_time_where_demanded() -> None:
    events: list[e.StreamEvent] = [START, TEXT, e.PartStart(1, "text"), STOP, e.PartStop(1, Text("")), FINISH]
    run(events)
    with pytest.raises(InvalidStream, match="another part is open"):
        run(events, sequential=True)
