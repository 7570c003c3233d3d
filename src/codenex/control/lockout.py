"""Slows down guessing of the admin password: after five failures the waiting time doubles, up to 15 minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

FREE_FAILURES = 5
FIRST_WAIT = 1.0
LONGEST_WAIT = 900.0
#: As many as reach the longest wait from any first one that makes sense.
_DOUBLINGS = 20


class Lockout:
    """Counts failures over all clients of the one admin account. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def wait(self) -> float:
        """Return the seconds until the next attempt is looked at; 0 where it may be made now."""
        return max(0.0, self._until - self._clock())

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        if self._failures >= FREE_FAILURES:
            doublings = min(self._failures - FREE_FAILURES, _DOUBLINGS)
            self._until = self._clock() + min(LONGEST_WAIT, FIRST_WAIT * 2**doublings)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures, self._until = 0, 0.0
