"""What the faults of one request say of the accounts that had them. Pure.

One request can send at most one account to rest, and a fault that two accounts have in a row is taken for the
request's own: it counts on neither, so that one poisonous request can't take a pool down. Where that goes on without a
good answer in between, it is the upstream after all (:data:`~codenex.pool.health.DOUBTS`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.pool.blame import Blame, blame

#: What no request can be to blame for: nothing of it was sent.
_NEVER_THE_REQUESTS = frozenset({FaultKind.UPSTREAM_CONNECT})


class Weight(StrEnum):
    """How a fault counts."""

    #: like any other
    FULL = "full"
    #: another account had it too
    DOUBTED = "doubted"


class Count(msgspec.Struct, frozen=True):
    """One fault that is to be counted on an account."""

    uuid: str
    fault: Fault
    weight: Weight


class Verdict:
    """Collects the faults of one request's attempts, in order."""

    __slots__ = ("_pending", "repeated")

    def __init__(self) -> None:
        self._pending: tuple[str, Fault] | None = None
        #: whether two accounts in a row had the same fault
        self.repeated = False

    def failed(self, uuid: str, fault: Fault) -> list[Count]:
        """Take a fault; return what counts now."""
        before, self._pending, self.repeated = self._pending, None, False
        if blame(fault) is not Blame.UPSTREAM or fault.kind in _NEVER_THE_REQUESTS:
            return [*_full(before), *_full((uuid, fault))]
        if before is not None and before[0] != uuid and _same(before[1], fault):
            self.repeated = True
            return [Count(before[0], before[1], Weight.DOUBTED), Count(uuid, fault, Weight.DOUBTED)]
        self._pending = (uuid, fault)
        return _full(before)

    def closed(self) -> list[Count]:
        """Return what still counts when no more attempts follow."""
        before, self._pending = self._pending, None
        return _full(before)


def _full(attempt: tuple[str, Fault] | None) -> list[Count]:
    return [] if attempt is None else [Count(*attempt, Weight.FULL)]


def _same(one: Fault, other: Fault) -> bool:
    return (one.kind, one.status, one.code) == (other.kind, other.status, other.code)
