"""How many processes may run at once: who finds no room waits in order, and not forever."""

from __future__ import annotations

import asyncio
from collections import deque

from codenex.core.errors import Fault, FaultKind

#: Requests that may wait for room.
QUEUE = 64


class Slots:
    """Room for processes, given out first come, first served."""

    def __init__(self) -> None:
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, limit: int, patience: float) -> None:
        """Take room for one among ``limit``, waiting up to ``patience`` seconds. Raises :class:`Fault` (429)."""
        if self.taken < limit and not self._waiting:
            self.taken += 1
            return
        if len(self._waiting) >= QUEUE:
            raise _busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(turn, patience)
        except TimeoutError:
            self._waiting.remove(turn) if turn in self._waiting else None
            raise _busy() from None
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Let the next one have the room."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                # The room goes from hand to hand.
                turn.set_result(None)
                return
        self.taken -= 1


def _busy() -> Fault:
    return Fault(
        FaultKind.RATE_LIMIT,
        "too many requests wait for the Claude Code CLI on this server",
        code="claude_code_busy",
        retry_after=1.0,
    )
