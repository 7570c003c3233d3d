"""One timer for many deadlines.

A timer per request costs more than the rest of its bookkeeping. Connections keep their deadline as a plain number; this
class wakes at the earliest one, lets the owner look at all of them, and sleeps until the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class DeadlineSweep:
    """Calls ``expire(now) -> earliest remaining deadline`` when the earliest watched deadline has passed.

    Times are of ``loop.time()``. ``resolution`` (seconds) is the least time between two sweeps.
    """

    __slots__ = ("_expire", "_loop", "_resolution", "_timer", "next")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, expire: Callable[[float], float], resolution: float = 0.05
    ) -> None:
        self._loop = loop
        self._expire = expire
        self._resolution = resolution
        #: When the next sweep is: earlier deadlines alone have to be watched for.
        self.next = NEVER
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, when: float) -> None:
        """Make sure that a sweep happens at ``when`` or (nearly) no later."""
        if when < self.next:
            if self._timer is not None:
                self._timer.cancel()
            self.next = when
            self._timer = self._loop.call_at(when, self._fire)

    def stop(self) -> None:
        """Cancel the timer; ``watch`` starts it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.next = NEVER

    def _fire(self) -> None:
        self._timer = None
        self.next = NEVER
        now = self._loop.time()
        earliest = self._expire(now)
        if earliest < NEVER:
            self.watch(max(earliest, now + self._resolution))
