"""Requests that wait for an account, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds between two looks at what other processes do.
_LOOK = 0.05

Key = tuple[str, str]
Place = asyncio.Event


class Waiting:
    """Lines of requests by provider type and model. Only the first of a line is woken; what it can't take, others
    can't either."""

    def __init__(self) -> None:
        #: each with somebody in it
        self.lines: dict[Key, list[Place]] = {}

    def number(self, key: Key) -> int:
        """Return how many wait."""
        return 0 if not self.lines else len(self.lines.get(key, ()))

    def total(self, provider: str) -> int:
        """Return how many wait for a provider type."""
        return sum(len(line) for (name, _), line in self.lines.items() if name == provider)

    def before(self, key: Key, place: Place) -> int:
        """Return how many stand before a place in its line."""
        return self.lines[key].index(place)

    @contextmanager
    def place(self, key: Key) -> Iterator[Place]:
        """Stand in a line as long as the block lasts."""
        place = asyncio.Event()
        line = self.lines.setdefault(key, [])
        line.append(place)
        try:
            yield place
        finally:
            line.remove(place)
            if line:
                # Whoever leaves may have been woken for something that the next one can take.
                line[0].set()
            elif self.lines.get(key) is line:
                del self.lines[key]

    async def turn(self, place: Place, timeout: float, *, shared: bool) -> None:
        """Wait until it may be this place's turn. ``shared``: other processes may end what is waited for, and wake
        nobody here."""
        try:
            async with asyncio.timeout(min(timeout, _LOOK) if shared else timeout):
                await place.wait()
        except TimeoutError:
            pass
        place.clear()

    def wake(self, provider: str) -> None:
        """Say that an attempt at a provider type has ended."""
        if not self.lines:
            return
        for (name, _), line in self.lines.items():
            if name == provider:
                line[0].set()

    def wake_all(self) -> None:
        """Say that anything may have changed."""
        for line in self.lines.values():
            line[0].set()
