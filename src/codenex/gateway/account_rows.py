"""What all processes together do with an account: counters in the shared memory, each process in its own column."""

from __future__ import annotations

from codenex.store.rows import row_tag
from codenex.store.settings import Settings
from codenex.store.shared_memory import GAUGE, SharedMemory

#: Fields of an account's row: when it was last called (monotonic nanoseconds), and what came of how many requests.
LAST_USED, IN_FLIGHT, REQUESTS, FAILURES = 1, GAUGE, 3, 4
#: What came before this gateway was started.
EARLIER_REQUESTS, EARLIER_FAILURES = 5, 6


class AccountRows:
    """The rows of the accounts of one generation of settings; without shared memory there are none."""

    def __init__(self, settings: Settings, shared: SharedMemory | None) -> None:
        self._shared = shared
        self._places: dict[str, tuple[int, int]] = {}
        if shared is None:
            return
        for group in settings.accounts.values():
            for account in group:
                row = settings.rows.get(account.uuid)
                if row is not None:
                    self._places[account.uuid] = (row, row_tag(account.uuid))
                    shared.claim(row, row_tag(account.uuid))

    def __bool__(self) -> bool:
        return bool(self._places)

    def write(self, uuid: str, field: int, value: int) -> None:
        """Set a field of the own column."""
        place = self._places.get(uuid)
        if place is not None and self._shared is not None:
            self._shared.write(place[0], field, value)

    def begun(self, uuid: str, sequence: int) -> None:
        """Count an attempt that begins."""
        place, shared = self._places.get(uuid), self._shared
        if place is not None and shared is not None:
            row = place[0]
            shared.write(row, LAST_USED, sequence)
            shared.add(row, IN_FLIGHT, 1)
            shared.add(row, REQUESTS, 1)

    def ended(self, uuid: str) -> None:
        """Count an attempt that has ended."""
        place, shared = self._places.get(uuid), self._shared
        if place is not None and shared is not None:
            shared.add(place[0], IN_FLIGHT, -1)

    def add(self, uuid: str, field: int, amount: int = 1) -> None:
        """Add to a field of the own column."""
        place = self._places.get(uuid)
        if place is not None and self._shared is not None:
            self._shared.add(place[0], field, amount)

    def values(self, uuid: str, field: int) -> list[int]:
        """Return a field as every process has it; what is in progress only of those that live."""
        place = self._places.get(uuid)
        if place is None or self._shared is None:
            return []
        return self._shared.values(place[0], field, place[1], living=field == IN_FLIGHT)
