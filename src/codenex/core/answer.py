"""The whole answer, as the fold of its stream events, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from codenex.core import events as e
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail
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
from codenex.core.usage import Usage


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One alternative of an answer."""

    index: int
    parts: tuple[Part, ...] = ()
    finish: FinishDetail | None = None
    logprobs: tuple[dict[str, Any], ...] = ()
    refusal_logprobs: tuple[dict[str, Any], ...] = ()
    extras: dict[str, Any] | None = None


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A complete answer. ``raws`` are events that only the answer's own protocol knows."""

    protocol: str
    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    extras: dict[str, Any] | None = None
    raws: tuple[e.Raw, ...] = ()


class _OpenChoice:
    __slots__ = ("extras", "finish", "logprobs", "parts", "refusal_logprobs")

    def __init__(self) -> None:
        self.parts: dict[int, Part] = {}
        self.finish: FinishDetail | None = None
        self.extras: dict[str, Any] | None = None
        self.logprobs: list[dict[str, Any]] = []
        self.refusal_logprobs: list[dict[str, Any]] = []


class Fold:
    """Collects events into an :class:`Answer`. ``PartStop`` is authoritative, so deltas need not be kept."""

    def __init__(self) -> None:
        self._start: e.Start | None = None
        self._choices: dict[int, _OpenChoice] = {}
        self._usage: Usage | None = None
        self._raws: list[e.Raw] = []

    def add(self, event: e.StreamEvent) -> None:
        """Take one event. Raises the :class:`~codenex.core.errors.Fault` of an ``Error`` event."""
        match event:
            case e.PartStop():
                self._choice(event.choice).parts[event.index] = event.part
            case e.Start():
                if self._start is None:
                    self._start = event
                self._see(event.usage)
            case e.UsageSnapshot():
                self._see(event.usage)
            case e.Finish():
                choice = self._choice(event.choice)
                choice.finish, choice.extras = event.detail, event.extras
            case e.LogprobDelta():
                choice = self._choice(event.choice)
                (choice.logprobs if event.kind == "content" else choice.refusal_logprobs).extend(event.tokens)
            case e.Error():
                raise event.fault
            case e.Raw():
                self._raws.append(event)
            case (
                e.PartStart()
                | e.TextDelta()
                | e.ReasoningDelta()
                | e.SignatureSet()
                | e.ToolArgumentsDelta()
                | e.CitationAdd()
                | e.MediaDelta()
                | e.Ping()
            ):
                pass
            case _:
                assert_never(event)

    def answer(self) -> Answer:
        """Return what was collected."""
        start = self._start if self._start is not None else e.Start(protocol="")
        choices = tuple(
            Choice(
                index,
                tuple(part for _, part in sorted(choice.parts.items())),
                choice.finish,
                tuple(choice.logprobs),
                tuple(choice.refusal_logprobs),
                choice.extras,
            )
            for index, choice in sorted(self._choices.items())
        )
        return Answer(
            start.protocol, start.id, start.model, start.created, choices, self._usage, start.extras, tuple(self._raws)
        )

    def _choice(self, index: int) -> _OpenChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _OpenChoice()
        return choice

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)


def fold(events: Iterable[e.StreamEvent]) -> Answer:
    """Fold a whole stream. Raises the :class:`~codenex.core.errors.Fault` of an ``Error`` event."""
    folding = Fold()
    for event in events:
        folding.add(event)
    return folding.answer()


def unfold(answer: Answer) -> Iterator[e.StreamEvent]:
    """Play an answer as a stream: every part in one delta. ``fold(unfold(a)) == a``."""
    yield e.Start(answer.protocol, answer.id, answer.model, answer.created, None, answer.extras)
    yield from answer.raws
    index = 0
    for choice in answer.choices:
        for part in choice.parts:
            yield from part_events(index, part, choice.index)
            index += 1
        if choice.logprobs:
            yield e.LogprobDelta(choice.logprobs, choice.index)
        if choice.refusal_logprobs:
            yield e.LogprobDelta(choice.refusal_logprobs, choice.index, "refusal")
        if choice.finish is not None:
            yield e.Finish(choice.finish, choice.index, choice.extras)
    if answer.usage is not None:
        yield e.UsageSnapshot(answer.usage)


def part_events(index: int, part: Part, choice: int = 0) -> Iterator[e.StreamEvent]:
    """Play one part: start, one delta for each piece, stop."""
    match part:
        case Text():
            yield e.PartStart(index, "text", choice, item_id=part.item_id)
            if part.text:
                yield e.TextDelta(index, part.text)
            for citation in part.citations:
                yield e.CitationAdd(index, citation)
            if part.signature is not None:
                yield e.SignatureSet(index, part.signature)
        case Refusal():
            yield e.PartStart(index, "refusal", choice, item_id=part.item_id)
            if part.text:
                yield e.TextDelta(index, part.text)
        case Reasoning():
            yield e.PartStart(index, "reasoning", choice, item_id=part.item_id, raw=part.raw)
            for number, segment in enumerate(part.segments):
                yield e.ReasoningDelta(index, segment, number)
            if part.signature is not None:
                yield e.SignatureSet(index, part.signature)
        case ToolCall():
            yield e.PartStart(index, "tool_call", choice, part.id, part.name, part.kind, part.namespace, part.item_id)
            if part.signature is not None:
                yield e.SignatureSet(index, part.signature)
            if part.arguments:
                yield e.ToolArgumentsDelta(index, part.arguments)
        case Media():
            yield e.PartStart(index, "media", choice)
            if part.data is not None:
                yield e.MediaDelta(index, part.data)
        case ServerTool():
            yield e.PartStart(index, "server_tool", choice)
        case Compaction():
            yield e.PartStart(index, "compaction", choice)
        case Opaque() | ToolResult():
            yield e.PartStart(index, "opaque", choice)
        case _:
            assert_never(part)
    yield e.PartStop(index, part, choice)


def fault_of(events: Iterable[e.StreamEvent]) -> Fault | None:
    """Return the fault of the first ``Error`` event, if there is one."""
    return next((event.fault for event in events if isinstance(event, e.Error)), None)
