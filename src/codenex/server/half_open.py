"""Connections that have not brought a whole head yet, by address: the oldest ones go when an address has too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codenex.server.edge import Connection

#: Seconds in which a connection is never sent away: clients that open many at once need a moment to speak on them.
GRACE = 1.0


class HalfOpen:
    """Keeps at most ``limit`` such connections of each address, but for those that are younger than :data:`GRACE`."""

    __slots__ = ("_by_address", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        #: address → its connections and when they came, oldest first
        self._by_address: dict[str, dict[Connection, float]] = {}

    def add(self, connection: Connection, now: float) -> Connection | None:
        """Take a connection; return another one that has to go for it."""
        own = self._by_address.setdefault(connection.address, {})
        own[connection] = now
        if len(own) <= self.limit:
            return None
        oldest = next(iter(own))
        return oldest if own[oldest] <= now - GRACE else None

    def remove(self, connection: Connection) -> None:
        """Forget a connection: its head is whole, or it is gone."""
        own = self._by_address.get(connection.address)
        if own is not None and own.pop(connection, None) is not None and not own:
            del self._by_address[connection.address]

    def count(self, address: str) -> int:
        """Return how many an address has."""
        return len(self._by_address.get(address, ()))
