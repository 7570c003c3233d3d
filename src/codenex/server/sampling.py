"""Which refused requests are written to the log: a few of each address. The others are counted."""

from __future__ import annotations

from collections.abc import Callable


class Sample:
    """Lets through so many of each address and so many in all per window. ``clock`` gives seconds."""

    __slots__ = ("_clock", "_each", "_seen", "_total", "_until", "_window", "_written", "counted", "left_out")

    def __init__(
        self, clock: Callable[[], float], *, each: int = 5, total: int = 50, window_seconds: float = 10.0
    ) -> None:
        self._clock = clock
        self._each = each
        self._total = total
        self._window = window_seconds
        self._until = 0.0
        self._seen: dict[str, int] = {}
        self._written = 0
        #: all that there were, and those since the last one that was let through
        self.counted = 0
        self.left_out = 0

    def take(self, address: str) -> int | None:
        """Count one; return how many were left out before it where it is to be written, else ``None``."""
        self.counted += 1
        now = self._clock()
        if now >= self._until:
            self._until = now + self._window
            self._seen = {}
            self._written = 0
        seen = self._seen.get(address, 0)
        if seen >= self._each or self._written >= self._total:
            self.left_out += 1
            return None
        self._seen[address] = seen + 1
        self._written += 1
        left_out, self.left_out = self.left_out, 0
        return left_out
