"""Looks after the silence of all streams with one timer: a timer for each would cost more than the rest of its
bookkeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from codenex.providers.transport.deadlines import NEVER, DeadlineSweep


class Watched(Protocol):
    """What may have been silent for too long."""

    def look(self, now: float) -> float:
        """Do what is due at this time of the loop; return when to look again."""
        ...


class Vigil:
    """Belongs to the event loop in which it first wakes."""

    #: how the loop tells time
    clock: Callable[[], float]
    sweep: DeadlineSweep

    def __init__(self) -> None:
        #: what is looked at, until it is taken out
        self.watched: set[Watched] = set()
        self.awake = False

    def wake(self) -> None:
        """Find the loop."""
        loop = asyncio.get_running_loop()
        self.clock, self.sweep, self.awake = loop.time, DeadlineSweep(loop, self._look), True

    def _look(self, now: float) -> float:
        earliest = NEVER
        for watched in tuple(self.watched):
            try:
                due = watched.look(now)
            except Exception as error:
                # The others are looked at all the same.
                self.watched.discard(watched)
                told = {"message": "a silent stream could not be kept alive", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)
                continue
            if due < earliest:
                earliest = due
        return earliest
