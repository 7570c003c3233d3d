"""Makes concurrent parts sequential, for targets that allow one open part at a time (Anthropic, and in practice
Responses)."""

from __future__ import annotations

from collections import deque

from codenex.core import events as e

_PartEvent = (
    e.PartStart
    | e.TextDelta
    | e.ReasoningDelta
    | e.SignatureSet
    | e.ToolArgumentsDelta
    | e.CitationAdd
    | e.MediaDelta
    | e.PartStop
)


class Serializer:
    """Lets the oldest open part through live and holds the others back until it stops.

    The finish of a choice waits for its parts; one that comes while a part of its choice is open lets everything out.
    """

    __slots__ = ("_choices", "_finishes", "_held", "_live")

    def __init__(self) -> None:
        self._live: int | None = None
        self._held: dict[int, deque[e.StreamEvent]] = {}
        #: the choice of every part that is live or held
        self._choices: dict[int, int] = {}
        self._finishes: list[e.Finish] = []

    def push(self, event: e.StreamEvent) -> list[e.StreamEvent]:
        """Take one event; return those that may go out now, in an order with at most one open part."""
        if isinstance(event, e.Finish):
            return self._finish(event)
        if not isinstance(event, _PartEvent):
            return [event] if not isinstance(event, e.Error) else [*self.flush(), event]
        if isinstance(event, e.PartStart):
            self._choices[event.index] = event.choice
            if self._live is None:
                self._live = event.index
                return [event]
        if event.index != self._live:
            self._held.setdefault(event.index, deque()).append(event)
            return []
        if not isinstance(event, e.PartStop):
            return [event]
        out: list[e.StreamEvent] = [event]
        self._live = None
        self._choices.pop(event.index, None)
        while self._held and self._live is None:
            index = next(iter(self._held))
            held = self._held.pop(index)
            out.extend(held)
            if isinstance(held[-1], e.PartStop):
                self._choices.pop(index, None)
            else:
                self._live = index
        if self._finishes:
            waiting = set(self._choices.values())
            out.extend(finish for finish in self._finishes if finish.choice not in waiting)
            self._finishes = [finish for finish in self._finishes if finish.choice in waiting]
        return out

    def flush(self) -> list[e.StreamEvent]:
        """Return all that is held back."""
        out = [event for held in self._held.values() for event in held]
        out.extend(self._finishes)
        self._finishes = []
        self._held.clear()
        self._choices.clear()
        self._live = None
        return out

    def _finish(self, event: e.Finish) -> list[e.StreamEvent]:
        if event.choice not in self._choices.values():
            return [event]
        own = [index for index, choice in self._choices.items() if choice == event.choice]
        if all(index in self._held and isinstance(self._held[index][-1], e.PartStop) for index in own):
            self._finishes.append(event)
            return []
        return [*self.flush(), event]
