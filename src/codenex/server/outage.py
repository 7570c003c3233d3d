"""How long requests wait for a control process that is not there yet, or not at the moment.

It is ready a second or more after the workers, and somebody may have opened a page by then. Nothing of a request has
been sent where the connection could not be opened, so that it can be tried again whatever it asks for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Seconds of patience with a control process that has not been reached so far, and with one that has been: a replaced
#: one is there sooner, and an end of the whole server must not take longer.
FIRST, AGAIN = 10.0, 3.0
#: Requests that wait at most, and bytes of their bodies: they are in memory meanwhile.
WAITING_LIMIT = 64
BODY_LIMIT = 64 * 1024
_PAUSE = 0.05


class Outage:
    """Counts from the first failure of an outage, whoever meets with it, so that nobody waits for a process that has
    been gone for long."""

    def __init__(self, first: float = 0.0, again: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = first
        self._again = again
        self._clock = clock
        self._began: float | None = None
        self.waiting = 0

    def over(self) -> None:
        """Note that the control process has been reached."""
        self._began = None
        self._patience = self._again

    async def lasts(self, size: int) -> bool:
        """Note that it could not be reached, and wait a moment; return whether a request with a body of ``size`` bytes
        is to be tried again."""
        now = self._clock()
        if self._began is None:
            self._began = now
        if now - self._began >= self._patience or size > BODY_LIMIT or self.waiting >= WAITING_LIMIT:
            return False
        self.waiting += 1
        try:
            await asyncio.sleep(_PAUSE)
        finally:
            self.waiting -= 1
        return True
