"""Checks that a stream keeps the order of :mod:`codenex.core.events`, for tests of what makes or passes on events."""

from __future__ import annotations

from typing import assert_never

from codenex.core import events as e
from codenex.core.parts import (
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)

_KIND_OF_PART: dict[type[Part], e.PartKind] = {
    Text: "text",
    Refusal: "refusal",
    Reasoning: "reasoning",
    Media: "media",
    ToolCall: "tool_call",
    ToolResult: "opaque",
    ServerTool: "server_tool",
    Compaction: "compaction",
    Opaque: "opaque",
}
_KINDS_OF_DELTA: dict[type[e.Event], tuple[e.PartKind, ...]] = {
    e.TextDelta: ("text", "refusal"),
    e.TextRun: ("text", "refusal"),
    e.ReasoningDelta: ("reasoning",),
    e.ReasoningRun: ("reasoning",),
    e.ToolArgumentsDelta: ("tool_call",),
    e.ArgumentsRun: ("tool_call",),
    e.MediaDelta: ("media",),
    e.CitationAdd: ("text",),
    e.SignatureSet: ("text", "reasoning", "tool_call", "media"),
}


class InvalidStream(AssertionError):
    """An event stands where it may not."""


class _Seen:
    def __init__(self, start: e.PartStart) -> None:
        self.start = start
        self.stopped = False
        self.pieces: list[str] = []


class StreamValidator:
    """Takes a stream event by event. ``check`` and ``end`` raise :class:`InvalidStream`."""

    __slots__ = ("_choices", "_ended", "_finished", "_parts", "_sequential", "_started")

    def __init__(self, *, sequential: bool = False) -> None:
        """``sequential`` demands that at most one part is open at a time."""
        self._sequential = sequential
        self._started = False
        self._ended = False
        self._parts: list[_Seen] = []
        self._choices: set[int] = set()
        self._finished: set[int] = set()

    def check(self, event: e.StreamEvent) -> None:
        """Take the next event."""
        _demand(not self._ended, event, "stands after an Error")
        match event:
            case e.Start():
                _demand(not self._started, event, "is a second Start")
                self._started = True
            case e.Error():
                self._ended = True
            case e.Ping() | e.Raw() | e.UsageSnapshot():
                self._demand_start(event)
            case e.PartStart():
                self._open(event)
            case e.PartStop():
                self._close(event)
            case e.Finish():
                self._finish(event)
            case e.LogprobDelta():
                self._demand_start(event)
                self._demand_unfinished(event, event.choice)
                self._choices.add(event.choice)
            case (
                e.TextDelta()
                | e.ReasoningDelta()
                | e.SignatureSet()
                | e.ToolArgumentsDelta()
                | e.CitationAdd()
                | e.MediaDelta()
            ):
                self._delta(event)
            case _:
                assert_never(event)

    def end(self) -> None:
        """The stream is over: a whole answer has begun, all its parts are closed and all its choices finished."""
        if self._ended:
            return
        if not self._started:
            raise InvalidStream("the stream ended without a Start")
        still_open = [seen.start.index for seen in self._parts if not seen.stopped]
        if still_open:
            raise InvalidStream(f"the stream ended with open parts: {still_open}")
        if self._choices - self._finished:
            missing = sorted(self._choices - self._finished)
            raise InvalidStream(f"the stream ended without the Finish of choices {missing}")
        if not self._finished:
            raise InvalidStream("the stream ended without any Finish")

    def _demand_start(self, event: e.StreamEvent) -> None:
        _demand(self._started, event, "stands before Start")

    def _demand_unfinished(self, event: e.StreamEvent, choice: int) -> None:
        _demand(choice not in self._finished, event, "stands after the Finish of its choice")

    def _open(self, event: e.PartStart) -> None:
        self._demand_start(event)
        _demand(event.index == len(self._parts), event, f"should have the index {len(self._parts)}")
        self._demand_unfinished(event, event.choice)
        if self._sequential:
            _demand(all(seen.stopped for seen in self._parts), event, "opens while another part is open")
        self._parts.append(_Seen(event))
        self._choices.add(event.choice)

    def _part(self, event: e.StreamEvent, index: int) -> _Seen:
        _demand(0 <= index < len(self._parts), event, "belongs to no part")
        seen = self._parts[index]
        _demand(not seen.stopped, event, "belongs to a part that has stopped")
        return seen

    def _delta(
        self,
        event: e.TextDelta | e.ReasoningDelta | e.SignatureSet | e.ToolArgumentsDelta | e.CitationAdd | e.MediaDelta,
    ) -> None:
        seen = self._part(event, event.index)
        kinds = _KINDS_OF_DELTA[type(event)]
        _demand(seen.start.kind in kinds, event, f"does not belong into a part of kind {seen.start.kind}")
        if isinstance(event, e.TextDelta | e.ToolArgumentsDelta):
            seen.pieces.append(event.text)

    def _close(self, event: e.PartStop) -> None:
        seen = self._part(event, event.index)
        start, part = seen.start, event.part
        _demand(event.choice == start.choice, event, "names another choice than its start")
        _demand(_KIND_OF_PART[type(part)] == start.kind, event, f"ends a part of kind {start.kind}")
        if isinstance(part, Text | Refusal | ToolCall):
            whole = part.arguments if isinstance(part, ToolCall) else part.text
            _demand("".join(seen.pieces) == whole, event, "differs from its deltas")
        if isinstance(part, ToolCall):
            told = (start.id or "", start.name or "", start.tool_kind, start.namespace)
            _demand(told == (part.id, part.name, part.kind, part.namespace), event, "differs from its start")
        seen.stopped = True

    def _finish(self, event: e.Finish) -> None:
        self._demand_start(event)
        self._demand_unfinished(event, event.choice)
        still_open = any(seen.start.choice == event.choice and not seen.stopped for seen in self._parts)
        _demand(not still_open, event, "comes while a part of its choice is open")
        self._finished.add(event.choice)
        self._choices.add(event.choice)


def _demand(holds: bool, event: e.StreamEvent, complaint: str) -> None:
    if not holds:
        raise InvalidStream(f"{event!r} {complaint}")
