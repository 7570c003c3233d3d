"""The bytes that all bodies in memory may take together: requests that are being collected, answers taken whole."""

from __future__ import annotations

from codenex.core.errors import Fault, FaultKind


class BodyBudget:
    """Counts bytes of bodies. Whoever charges gives back as much. ``limit`` is in bytes; 0 means none."""

    __slots__ = ("limit", "refused", "used")

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.used = 0
        #: bodies that there was no room for
        self.refused = 0

    def charge(self, size: int) -> bool:
        """Take ``size`` bytes; false, with nothing taken, where there is no room for them."""
        used = self.used + size
        if self.limit and used > self.limit:
            self.refused += 1
            return False
        self.used = used
        return True

    def add(self, size: int) -> None:
        """Take ``size`` bytes that are there already, whether there is room for them or not."""
        self.used += size

    def give_back(self, size: int) -> None:
        """Return ``size`` bytes that were charged."""
        self.used -= size


def no_room() -> Fault:
    """Build the 503 of a body that there is no room for."""
    return Fault(FaultKind.OVERLOADED, "The server holds as many bodies as it may.", code="body_budget", retry_after=1)
