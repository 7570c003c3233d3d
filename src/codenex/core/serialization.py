"""Makes concurrent parts sequential, for targets that allow one open part at a time (Anthropic, and in practice
Responses)."""

from __future__ import annotations

from collections import deque
from typing import Any

from codenex.core import events as e

#: Events that only add to a part.
_DELTAS = frozenset(
    {
        e.TextDelta,
        e.TextRun,
        e.ReasoningDelta,
        e.ReasoningRun,
        e.SignatureSet,
        e.ToolArgumentsDelta,
        e.ArgumentsRun,
        e.CitationAdd,
        e.MediaDelta,
    }
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
        kind = type(event)
        if kind in _DELTAS:
            if event.index == self._live:  # type: ignore[union-attr]
                return [event]
        elif kind is e.PartStart:
            self._choices[event.index] = event.choice  # type: ignore[union-attr]
            if self._live is None:
                self._live = event.index  # type: ignore[union-attr]
                return [event]
        elif isinstance(event, e.Finish):
            return self._finish(event)
        elif kind is not e.PartStop:
            return [event] if kind is not e.Error else [*self.flush(), event]
        return self._placed(event)

    def _placed(self, event: Any) -> list[e.StreamEvent]:
        """Take an event of a part that is held back, or that ends what is live."""
        if event.index != self._live:
            self._held.setdefault(event.index, deque()).append(event)
            return []
        if not isinstance(event, e.PartStop):
            return [event]
        out: list[e.StreamEvent] = [event]
        self._live = None
        self._choices.pop(event.index, None)
        if not self._held and not self._finishes:
            return out
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
        if not self._held and not self._finishes:
            self._choices = {}
            self._live = None
            return []
        out = [event for held in self._held.values() for event in held]
        out.extend(self._finishes)
        self._finishes = []
        self._held.clear()
        self._choices.clear()
        self._live = None
        return out

    def _finish(self, event: e.Finish) -> list[e.StreamEvent]:
        if not self._choices or event.choice not in self._choices.values():
            return [event]
        own = [index for index, choice in self._choices.items() if choice == event.choice]
        if all(index in self._held and isinstance(self._held[index][-1], e.PartStop) for index in own):
            self._finishes.append(event)
            return []
        return [*self.flush(), event]
