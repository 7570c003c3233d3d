"""What became of each attempt of a request, for whoever wants to know why it took so long or failed.

A request that the first account serves leaves nothing here, and costs one look at a clock.
"""

from __future__ import annotations

import asyncio

from codenex.core.errors import Fault, FaultKind
from codenex.core.notes import Notes
from codenex.telemetry.rows import AttemptRow

#: Attempts that are noted; no request makes more.
_MOST = 20


class Trail:
    """The attempts of one request, in the order in which they ended, under ``attempts`` in the exchange's notes."""

    __slots__ = ("_always", "_loop", "_notes", "_start")

    def __init__(self, notes: Notes, *, always: bool, start: float | None = None) -> None:
        """With ``always`` a request that one attempt serves has its trail too. ``start`` is the loop's time when the
        first attempt could begin: now, where it isn't given."""
        self._notes = notes
        self._always = always
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time() if start is None else start

    def now(self) -> float:
        """Return the seconds since the first attempt could begin."""
        return self._loop.time() - self._start

    def served(self, provider: str, account: str, model: str, began: float, fault: Fault | None) -> None:
        """Note the attempt that answered; ``fault`` is what ended the answer after it had begun."""
        if self._always or fault is not None or "attempts" in self._notes.more:
            self.ended(provider, account, model, began, None if fault is None else fault.kind.value)

    def failed(self, provider: str, account: str, model: str, began: float, fault: Fault) -> None:
        """Note an attempt that another one may follow."""
        told = getattr(fault, "upstream_status", None)
        status = told if told is not None else fault.status if fault.from_upstream else None
        kind = fault.code if fault.kind is FaultKind.UPSTREAM and fault.code else fault.kind.value
        self.ended(provider, account, model, began, kind, status)

    def ended(
        self, provider: str, account: str, model: str, began: float, error: str | None, status: int | None = None
    ) -> None:
        """Note an attempt with its end at this moment."""
        rows: list[AttemptRow] = self._notes.more.setdefault("attempts", [])
        if len(rows) < _MOST:
            began_ms, ended_ms = round(began * 1000, 1), round(self.now() * 1000, 1)
            rows.append(AttemptRow(provider, account, model, began_ms, ended_ms, error, status))
