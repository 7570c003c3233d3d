"""How many requests may be repeated because an upstream failed: a fifth of all, and some each second.

When everything fails, repeating everything would only make more of it: at most so many repetitions come on top.
Numbers after Finagle's ``RetryBudget`` (20 %, 10 a second, read 2026-11).
"""

from __future__ import annotations

#: Repetitions that each request earns, and each second.
SHARE = 0.2
EACH_SECOND = 10.0
#: What can be saved up.
MOST_SAVED = 100.0


class RetryBudget:
    """What is left, as of a moment (monotonic seconds)."""

    __slots__ = ("at", "left")

    def __init__(self, left: float = EACH_SECOND, at: float = 0.0) -> None:
        self.left = left
        self.at = at

    def earn(self, now: float) -> None:
        """Count one more request."""
        left = self.left
        if left < EACH_SECOND and now > self.at:
            # Seconds alone earn no more than one second's worth; only requests can save up more.
            left = min(left + (now - self.at) * EACH_SECOND, EACH_SECOND)
        left += SHARE
        self.left = left if left < MOST_SAVED else MOST_SAVED
        self.at = now

    def spend(self) -> bool:
        """Take one repetition, if there is one left."""
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True
