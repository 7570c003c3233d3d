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
        #: the words of each account's row in the own column
        self.own: dict[str, memoryview] = {}
        if shared is None:
            return
        for group in settings.accounts.values():
            for account in group:
                row = settings.rows.get(account.uuid)
                if row is not None:
                    self._places[account.uuid] = (row, row_tag(account.uuid))
                    shared.claim(row, row_tag(account.uuid))
                    self.own[account.uuid] = shared.own_row(row)

    def __bool__(self) -> bool:
        return bool(self._places)

    def write(self, uuid: str, field: int, value: int) -> None:
        """Set a field of the own column."""
        if uuid in self.own:
            self.own[uuid][field] = value

    def begun(self, uuid: str, sequence: int) -> None:
        """Count an attempt that begins."""
        if uuid in self.own:
            words = self.own[uuid]
            words[LAST_USED] = sequence
            words[IN_FLIGHT] += 1
            words[REQUESTS] += 1

    def ended(self, uuid: str) -> None:
        """Count an attempt that has ended."""
        if uuid in self.own:
            words = self.own[uuid]
            if words[IN_FLIGHT]:
                words[IN_FLIGHT] -= 1

    def add(self, uuid: str, field: int, amount: int = 1) -> None:
        """Add to a counter of the own column."""
        if uuid in self.own:
            self.own[uuid][field] += amount

    def values(self, uuid: str, field: int) -> list[int]:
        """Return a field as every process has it; what is in progress only of those that live."""
        place = self._places.get(uuid)
        if place is None or self._shared is None:
            return []
        return self._shared.values(place[0], field, place[1], living=field == IN_FLIGHT)
