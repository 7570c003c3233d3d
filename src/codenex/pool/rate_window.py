"""A sliding window's count in one word of 64 bits, so that other processes read it whole. Pure.

The word holds the number of the window (16 bits), the count of the window before it and its own (24 bits each). The
window before counts by the share of it that the sliding window still covers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

_BITS = 24
_LARGEST = (1 << _BITS) - 1
_NUMBERS = 1 << 16


def counted(word: int, now: float, window: float, amount: int = 1) -> int:
    """Return the word after ``amount`` more at ``now`` (seconds); counts stop at 16,777,215."""
    current, previous = _counts(word, now, window)
    number = math.floor(now / window) % _NUMBERS
    return number << 2 * _BITS | previous << _BITS | min(_LARGEST, current + amount)


def total(words: Iterable[int], now: float, window: float) -> float:
    """Return what several counters together hold in the ``window`` seconds before ``now``."""
    fading = 1.0 - (now % window) / window
    return sum(current + previous * fading for current, previous in (_counts(word, now, window) for word in words))


def wait(words: Iterable[int], now: float, window: float, limit: float) -> float:
    """Return the seconds until the total has fallen below ``limit``, if nothing more is counted."""
    counts = [_counts(word, now, window) for word in words]
    current, previous = sum(count for count, _ in counts), sum(count for _, count in counts)
    elapsed = now % window
    # One whole place has to become free.
    room = limit - 1.0
    if current + previous * (1.0 - elapsed / window) <= room:
        return 0.0
    if current <= room and previous > 0:
        return window * (1.0 - (room - current) / previous) - elapsed
    return window - elapsed + window * max(0.0, 1.0 - room / current)


def _counts(word: int, now: float, window: float) -> tuple[int, int]:
    """Return the counts of the current window and of the one before it."""
    age = (math.floor(now / window) - (word >> 2 * _BITS)) % _NUMBERS
    if age == 0:
        return word & _LARGEST, word >> _BITS & _LARGEST
    return (0, word & _LARGEST) if age == 1 else (0, 0)
