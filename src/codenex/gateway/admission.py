"""Admission: whether a request that is authenticated and read may go on, and what is settled when it ends.

This is the step where rate limits, budgets and load shedding take place; today it keeps a bound on requests in
progress.
"""

from __future__ import annotations

from codenex.core.errors import Fault, FaultKind


class Admission:
    """Counts requests in progress and refuses more than ``limit`` of them."""

    __slots__ = ("in_progress", "limit")

    def __init__(self, limit: int = 10_000) -> None:
        self.limit = limit
        self.in_progress = 0

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
