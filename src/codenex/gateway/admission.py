"""Admission: whether a request that is authenticated may go on, and what is settled when it ends.

Requests in progress are bounded in each process. What a client key may use is counted over all processes: each writes
its own column of the shared memory and adds up everybody's. What a key has spent is written by the control process,
which knows the prices.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from codenex.core.errors import Fault, FaultKind
from codenex.core.usage import Usage
from codenex.gateway.rate_headers import Allowance
from codenex.pool import budget, rate_window
from codenex.store.rows import row_tag
from codenex.store.settings import ClientKey, Settings
from codenex.store.shared_memory import SharedMemory

WINDOW = 60.0
#: Fields of a client key's row: its windows, and what it has spent.
REQUESTS, TOKENS, SPENT = 1, 3, 4


class Admission:
    """Counts requests in progress, and what each client key uses. ``clock`` gives seconds that all processes share,
    ``wall`` seconds since 1970."""

    def __init__(
        self,
        settings: Settings,
        shared: SharedMemory | None = None,
        *,
        limit: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.limit = limit
        self.in_progress = 0
        self._shared = shared
        self._clock = clock
        self._wall = wall
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings."""
        self._requests = settings.requests_per_minute
        self._places: dict[str, _Place] = {}
        for key in settings.client_keys:
            row = settings.rows.get(key.digest)
            if row is not None and self._shared is not None:
                self._places[key.digest] = _Place(self._shared, row, row_tag(key.digest))

    def is_counted(self, key: ClientKey) -> bool:
        """Whether there is anything that :meth:`admit` counts or looks at for a key."""
        return key.digest in self._places and bool(
            key.budget or key.tokens_per_minute or key.requests_per_minute or self._requests
        )

    def admit(self, key: ClientKey) -> list[Allowance]:
        """Count a request of a client key; return what it may still use. Raises :class:`Fault` ``rate_limit`` (429)
        beyond a limit."""
        place = self._places.get(key.digest)
        if place is None:
            return []
        self._check_budget(key, place)
        allowances = []
        requests = key.requests_per_minute or self._requests
        if key.tokens_per_minute:
            allowances.append(self._left("tokens", place, TOKENS, key.tokens_per_minute, 0))
        if requests:
            allowances.append(self._left("requests", place, REQUESTS, requests, 1))
        return allowances

    def settle(self, key: ClientKey, usage: Usage | None) -> None:
        """Count the tokens of an answer."""
        if not key.tokens_per_minute or usage is None:
            return
        place = self._places.get(key.digest)
        tokens = (usage.cost or usage).total
        if place is not None and tokens:
            place.add(TOKENS, self._clock(), tokens)

    def _left(self, what: str, place: _Place, field: int, limit: int, amount: int) -> Allowance:
        """Count ``amount``; return what is left of a limit. Raises :class:`Fault` beyond it."""
        now = self._clock()
        words = place.words(field)
        used = rate_window.total(words, now, WINDOW)
        # A request needs a whole place; tokens are known afterwards, so that one is enough to begin with.
        if used + max(1, amount) > limit:
            raise Fault(
                FaultKind.RATE_LIMIT,
                f"this key may use {limit} {what} a minute",
                code="rate_limit_exceeded",
                retry_after=rate_window.wait(words, now, WINDOW, limit),
            )
        if amount:
            place.add(field, now, amount)
        remaining = max(0, math.floor(limit - used - amount))
        return Allowance(what, limit, remaining, rate_window.wait(words, now, WINDOW, 1.0))

    def _check_budget(self, key: ClientKey, place: _Place) -> None:
        if not key.budget:
            return
        now = self._wall()
        number = budget.period_of(now, key.budget_period)
        spent = sum(budget.spent(word, number) for word in place.words(SPENT))
        if spent >= key.budget:
            raise Fault(
                FaultKind.RATE_LIMIT,
                f"this key has used up its budget of {key.budget:g} dollars for this {key.budget_period}",
                code="budget_exceeded",
                retry_after=budget.period_ends(now, key.budget_period) - now,
            )

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


class _Place:
    """A client key's row in the shared memory."""

    def __init__(self, shared: SharedMemory, row: int, tag: int) -> None:
        self._shared, self._row, self._tag = shared, row, tag
        shared.claim(row, tag)

    def words(self, field: int) -> list[int]:
        """Return a field as every process has it."""
        return self._shared.values(self._row, field, self._tag)

    def add(self, field: int, now: float, amount: int) -> None:
        """Count into the own window."""
        word = self._shared.own(self._row, field)
        self._shared.write(self._row, field, rate_window.counted(word, now, WINDOW, amount))
