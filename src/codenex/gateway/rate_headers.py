"""What a client key may still use, in the headers that each vendor's clients read.

OpenAI: ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``, resets as durations ("6m0s"); Anthropic:
``anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}``, resets as RFC 3339 times. Vendors' pages of
November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from codenex.gateway.exchange import Headers


class Allowance(msgspec.Struct, frozen=True):
    """One limit: ``what`` is ``requests`` or ``tokens``, ``reset`` the seconds until all of it is there again."""

    what: str
    limit: int
    remaining: int
    reset: float


def rate_headers(allowances: Iterable[Allowance], protocol: str, wall: float) -> Headers:
    """Return the headers for clients of a protocol; ``wall`` is now, in seconds since 1970."""
    found: Headers = []
    for allowance in allowances:
        what, limit, remaining = allowance.what, str(allowance.limit), str(allowance.remaining)
        if protocol == "anthropic":
            reset = datetime.fromtimestamp(wall + allowance.reset, UTC).isoformat(timespec="seconds")
            prefix = f"anthropic-ratelimit-{what}"
            found += [
                (f"{prefix}-limit", limit),
                (f"{prefix}-remaining", remaining),
                (f"{prefix}-reset", reset.replace("+00:00", "Z")),
            ]
        else:
            found += [
                (f"x-ratelimit-limit-{what}", limit),
                (f"x-ratelimit-remaining-{what}", remaining),
                (f"x-ratelimit-reset-{what}", duration(allowance.reset)),
            ]
    return found


def duration(seconds: float) -> str:
    """Return a duration as OpenAI writes it: ``1s``, ``6m0s``, ``20ms``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
