"""Several attempts at once for one request, of which the first with output answers; the others are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from codenex.core.errors import Fault
from codenex.pool.blame import may_try_another

Entrant = asyncio.Task[Fault | None]


class Contest:
    """Which attempt may answer. Each runs in a task of its own and calls :meth:`claim` before its first output."""

    def __init__(self) -> None:
        self._entrants: set[Entrant] = set()
        #: done as soon as an attempt has output
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def enter(self, attempt: Coroutine[Any, Any, Fault | None]) -> Entrant:
        """Start an attempt."""
        task = asyncio.ensure_future(attempt)
        self._entrants.add(task)
        return task

    def claim(self) -> None:
        """Let the attempt of the current task answer. Raises :class:`asyncio.CancelledError` where another one does."""
        if self.begun.done():
            raise asyncio.CancelledError
        self.begun.set_result(None)
        for entrant in self._entrants:
            if entrant is not asyncio.current_task():
                entrant.cancel()

    async def outcome(self, entrants: Iterable[Entrant]) -> Fault | None:
        """Return what became of the attempts: ``None`` where one served, else the last fault, or the one that no other
        account could do better with."""
        running = set(entrants)
        fault: Fault | None = None
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for entrant in done:
                if entrant.cancelled():
                    continue
                fault = entrant.result()
                if fault is None or not may_try_another(fault):
                    return fault
        return fault

    def leave(self, entrants: Iterable[Entrant]) -> None:
        """End the attempts that still run."""
        for entrant in entrants:
            entrant.cancel()
            self._entrants.discard(entrant)
