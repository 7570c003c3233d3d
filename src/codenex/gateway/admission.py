"""Admission: whether a request that is authenticated may go on, and what is settled when it ends.

Requests in progress are bounded in each process. The rate of a client key is counted over all processes: each writes
its own column of the shared memory and adds up everybody's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from codenex.core.errors import Fault, FaultKind
from codenex.pool import rate_window
from codenex.store.rows import row_tag
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory

WINDOW = 60.0
#: The field of a client key's row that holds its window.
_REQUESTS = 1


class Admission:
    """Counts requests in progress, and those of each client key. ``clock`` gives seconds that all processes share."""

    def __init__(
        self,
        settings: Settings,
        shared: SharedMemory | None = None,
        *,
        limit: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = limit
        self.in_progress = 0
        self._shared = shared
        self._clock = clock
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings."""
        self._rate = settings.requests_per_minute
        self._rows: dict[str, tuple[int, int]] = {}
        if self._shared is None:
            return
        for digest in settings.client_key_digests:
            row = settings.rows.get(digest)
            if row is not None:
                self._rows[digest] = row, row_tag(digest)
                self._shared.claim(row, row_tag(digest))

    def count(self, key: str) -> None:
        """Count a request of a client key (its digest). Raises :class:`Fault` ``rate_limit`` (429) beyond the
        limit."""
        place = self._rows.get(key)
        if not self._rate or place is None or self._shared is None:
            return
        row, tag = place
        now = self._clock()
        words = self._shared.values(row, _REQUESTS, tag)
        if rate_window.total(words, now, WINDOW) + 1 > self._rate:
            raise Fault(
                FaultKind.RATE_LIMIT,
                f"this key may make {self._rate} requests a minute",
                code="rate_limit_exceeded",
                retry_after=rate_window.wait(words, now, WINDOW, self._rate),
            )
        self._shared.write(row, _REQUESTS, rate_window.counted(self._shared.own(row, _REQUESTS), now, WINDOW))

    def __enter__(self) -> Admission:
        """Admit a request. Raises :class:`Fault` ``unavailable`` (503, retry after 1 s)."""
        if self.in_progress >= self.limit:
            raise Fault(
                FaultKind.UNAVAILABLE, "the server is at its limit of requests", code="overloaded", retry_after=1
            )
        self.in_progress += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Settle: the request has ended, whatever came of it."""
        self.in_progress -= 1
