"""Concurrent parts come out one after the other."""

from __future__ import annotations

from hypothesis import given, settings
from tests.support.strategies import interleaved_streams

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Text, ToolCall
from codenex.core.serialization import Serializer
from codenex.core.stream_validator import StreamValidator


def serialized(events: list[e.StreamEvent]) -> list[e.StreamEvent]:
    serializer = Serializer()
    out: list[e.StreamEvent] = []
    for event in events:
        out.extend(serializer.push(event))
    return out


@settings(deadline=None)
@given(interleaved_streams())
def test_any_interleaving_comes_out_sequential_with_the_same_answer(events: list[e.StreamEvent]) -> None:
    out = serialized(events)
    validator = StreamValidator(sequential=True)
    for event in out:
        validator.check(event)
    validator.end()
    assert fold(out) == fold(events)
    assert sorted(map(repr, out)) == sorted(map(repr, events))


def test_the_first_part_goes_through_live() -> None:
    serializer = Serializer()
    assert serializer.push(e.PartStart(0, "tool_call", id="a", name="f")) != []
    assert serializer.push(e.PartStart(1, "tool_call", id="b", name="g")) == []
    assert serializer.push(e.ToolArgumentsDelta(1, "{}")) == []
    assert serializer.push(e.ToolArgumentsDelta(0, "{")) == [e.ToolArgumentsDelta(0, "{")]
    stop = e.PartStop(0, ToolCall("a", "f", "{"))
    assert serializer.push(stop) == [
        stop,
        e.PartStart(1, "tool_call", id="b", name="g"),
        e.ToolArgumentsDelta(1, "{}"),
    ]
    assert serializer.push(e.ToolArgumentsDelta(1, " ")) == [e.ToolArgumentsDelta(1, " ")]


def test_an_error_lets_everything_out_first() -> None:
    error = e.Error(Fault(FaultKind.UPSTREAM, "x"))
    events = [e.PartStart(0, "text"), e.PartStart(1, "text"), e.TextDelta(1, "held"), error]
    assert serialized(events) == events


def test_a_finish_before_its_parts_have_stopped_loses_nothing() -> None:
    finish = e.Finish(FinishDetail(FinishReason.STOP))
    events = [
        e.PartStart(0, "text"),
        e.PartStart(1, "text"),
        e.TextDelta(1, "held"),
        e.PartStop(1, Text("held")),
        finish,
    ]
    assert serialized(events) == events


def test_a_choice_does_not_end_before_its_parts_are_out() -> None:
    stop = FinishDetail(FinishReason.STOP)
    first, second = e.PartStart(0, "text", 1), e.PartStart(1, "text", 0)
    ends = [
        e.PartStop(1, Text(""), 0),
        e.Finish(stop, 0),
        e.TextDelta(0, "x"),
        e.PartStop(0, Text("x"), 1),
        e.Finish(stop, 1),
    ]
    assert serialized([first, second, *ends]) == [first, ends[2], ends[3], second, ends[0], ends[1], ends[4]]
