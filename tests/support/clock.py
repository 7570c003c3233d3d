"""Time that passes only when a test says so."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Final

EPOCH: Final = 1_790_000_000.0
"""Wall time (seconds since 1970) at which a virtual clock starts."""


class VirtualClock:
    """Monotonic and wall time under control; the clock itself can be handed over as a function.

    ``advance`` wakes sleepers in the order of their deadlines; ``run_for`` also lets them run, and sees the sleeps
    that they begin meanwhile.
    """

    def __init__(self, start: float = 1000.0, wall: float = EPOCH) -> None:
        self._now = start
        self._wall_offset = wall - start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self._now

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._now + self._wall_offset

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator or a time server does; monotonic time isn't touched."""
        self._wall_offset += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass; sleepers whose time has come are woken and run when the caller next waits."""
        if seconds < 0:
            raise ValueError("monotonic time doesn't go back")
        self._wake_until(self._now + seconds)

    def _wake_until(self, end: float) -> None:
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
        self._now = end

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock has been moved that far; a sleep of nothing gives up one turn."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    @property
    def sleeping(self) -> int:
        """Sleepers that haven't been woken or cancelled."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def run_for(self, seconds: float, *, turns: int = 10) -> None:
        """Let time pass from deadline to deadline, with ``turns`` turns of the loop after each."""
        end = self._now + seconds
        await self._settle(turns)
        while self._sleepers and self._sleepers[0][0] <= end:
            self._wake_until(self._sleepers[0][0])
            await self._settle(turns)
        self._now = end

    @staticmethod
    async def _settle(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
