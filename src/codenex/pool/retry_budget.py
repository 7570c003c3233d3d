"""How many requests may be repeated because an upstream failed: a fifth of all, and some each second. Pure.

When everything fails, repeating everything would only make more of it: at most so many repetitions come on top.
Numbers after Finagle's ``RetryBudget`` (20 %, 10 a second, read 2026-11).
"""

from __future__ import annotations

import msgspec

#: Repetitions that each request earns, and each second.
SHARE = 0.2
EACH_SECOND = 10.0
#: What can be saved up.
MOST_SAVED = 100.0


class RetryBudget(msgspec.Struct, frozen=True):
    """What is left, as of a moment (monotonic seconds)."""

    left: float = EACH_SECOND
    at: float = 0.0


def earned(budget: RetryBudget, now: float, each_second: float = EACH_SECOND) -> RetryBudget:
    """Return the budget after one more request."""
    left, passed = budget.left, now - budget.at
    if left < each_second and passed > 0:
        # Seconds alone earn no more than one second's worth; only requests can save up more.
        left = min(left + passed * each_second, each_second)
    left += SHARE
    return RetryBudget(left if left < MOST_SAVED else MOST_SAVED, now)


def spent(budget: RetryBudget) -> RetryBudget | None:
    """Return the budget after a repetition, ``None`` where none may be made."""
    return RetryBudget(budget.left - 1.0, budget.at) if budget.left >= 1.0 else None
