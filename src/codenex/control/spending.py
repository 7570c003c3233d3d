"""What each client key has spent in its period: read from the database at the start, added up as rows come in, and told
to the workers through the shared memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from codenex.gateway.admission import SPENT
from codenex.pool import budget
from codenex.store.rows import row_tag
from codenex.store.settings import ClientKey, Settings
from codenex.store.shared_memory import SharedMemory


class Spending:
    """The spending of keys that have a budget. ``wall`` gives seconds since 1970."""

    def __init__(self, settings: Settings, shared: SharedMemory, wall: Callable[[], float] = time.time) -> None:
        self._shared = shared
        self._wall = wall
        #: key id → number of the period and dollars spent in it
        self._spent: dict[str, tuple[int, float]] = {}
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings."""
        self._rows = settings.rows
        self._keys = {key.id: key for key in settings.client_keys if key.budget}
        for key in self._keys.values():
            row = self._rows.get(key.digest)
            if row is not None:
                self._shared.claim(row, row_tag(key.digest))
                self._tell(key)

    def periods(self) -> Iterable[tuple[ClientKey, float]]:
        """Return the keys that have a budget, each with the beginning of its period in seconds since 1970."""
        now = self._wall()
        for key in self._keys.values():
            yield key, budget.period_begins(now, key.budget_period)

    def restore(self, key: ClientKey, dollars: float) -> None:
        """Say what a key had spent in its present period before this process began."""
        self._spent[key.id] = budget.period_of(self._wall(), key.budget_period), dollars
        self._tell(key)

    def add(self, key_id: str | None, at: float, dollars: float | None) -> None:
        """Count what a request cost."""
        key = self._keys.get(key_id or "")
        if key is None or not dollars:
            return
        number = budget.period_of(self._wall(), key.budget_period)
        if budget.period_of(at, key.budget_period) != number:
            return
        known, spent = self._spent.get(key.id, (number, 0.0))
        self._spent[key.id] = number, (spent if known == number else 0.0) + dollars
        self._tell(key)

    def of(self, key: ClientKey) -> float:
        """Return what a key has spent in its present period, in dollars."""
        number = budget.period_of(self._wall(), key.budget_period)
        known, spent = self._spent.get(key.id, (number, 0.0))
        return spent if known == number else 0.0

    def _tell(self, key: ClientKey) -> None:
        row = self._rows.get(key.digest)
        if row is not None:
            number = budget.period_of(self._wall(), key.budget_period)
            self._shared.write(row, SPENT, budget.spent_word(number, self.of(key)))
