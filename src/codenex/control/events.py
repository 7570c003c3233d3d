"""The event stream: everything that happens gets a number, and each subscriber gets everything in that order, once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import msgspec

#: Events that are kept for subscribers who come back, and that wait for a slow one before it is let go.
KEPT = 1000
_WAITING = 1000


class Published(msgspec.Struct, frozen=True):
    """One event of the stream. ``at`` in seconds since 1970."""

    number: int
    name: str
    data: dict[str, Any]
    at: float


class Events:
    """The events of one control process. Numbers begin with its start time, so that none comes twice."""

    def __init__(self) -> None:
        self._number = int(time.time() * 1000) * 1000
        self._kept: deque[Published] = deque(maxlen=KEPT)
        self._subscribers: set[asyncio.Queue[Published | None]] = set()

    def publish(self, name: str, data: dict[str, Any], at: float | None = None) -> None:
        """Give an event its number and hand it to every subscriber."""
        self._number += 1
        event = Published(self._number, name, data, time.time() if at is None else at)
        self._kept.append(event)
        for queue in tuple(self._subscribers):
            if queue.qsize() < _WAITING:
                queue.put_nowait(event)
            else:
                # It has fallen behind: it gets what waits, and comes back with the number of its last event.
                self._subscribers.discard(queue)
                queue.put_nowait(None)

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    def close(self) -> None:
        """End every subscription."""
        for queue in self._subscribers:
            queue.put_nowait(None)

    async def subscribe(self, after: int | None = None, patience: float = 15.0) -> AsyncIterator[Published | None]:
        """Yield events as they come, those kept since ``after`` first, and ``None`` whenever there is none for
        ``patience`` seconds. Ends for a subscriber that falls behind."""
        queue: asyncio.Queue[Published | None] = asyncio.Queue()
        missed = [event for event in self._kept if after is not None and event.number > after]
        self._subscribers.add(queue)
        try:
            for event in missed:
                yield event
            while True:
                try:
                    next_event = await asyncio.wait_for(queue.get(), patience)
                except TimeoutError:
                    yield None
                    continue
                if next_event is None:
                    return
                yield next_event
        finally:
            self._subscribers.discard(queue)
