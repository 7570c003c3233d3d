"""The way out of a client connection: what the client takes of the answers, how slowly, and what it is charged for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codenex.providers.transport.deadlines import NEVER
from codenex.server.progress import unacknowledged

if TYPE_CHECKING:
    from codenex.server.server import Server


class Outflow(asyncio.Protocol):
    """Pauses writers while the client is slow, and knows until when it has to have taken something.

    ``write_deadline`` is a loop time; the server's sweep asks :meth:`has_stalled`.
    """

    __slots__ = (
        "_held_out",
        "_stall_mark",
        "_writable",
        "closed",
        "limits",
        "loop",
        "server",
        "transport",
        "write_deadline",
        "write_paused",
    )

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self.server = server
        self.limits = server.limits
        self.loop = server.loop
        self.closed = False
        self.write_deadline = NEVER
        self.write_paused = False
        self._stall_mark = 0
        self._writable: asyncio.Future[None] | None = None
        #: bytes of a whole answer that a slow client has not taken yet, as charged to the budget of all bodies
        self._held_out = 0

    def flow_stopped(self) -> None:
        """Note that the client is slower than the source."""
        self.write_paused = True
        self._watch_progress()

    def flow_goes_on(self) -> None:
        """Note that the client has taken nearly all; whoever waits for it goes on."""
        self.write_paused = False
        self.write_deadline = NEVER
        if self._held_out:
            self._give_back_held()
        self._wake_writers()

    def flow_ended(self) -> None:
        """Note that the connection is lost."""
        self.closed = True
        self.write_deadline = NEVER
        self._give_back_held()
        self._wake_writers()

    def _wake_writers(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def hold_answer(self) -> None:
        """Count what is left of a large answer until the client has taken nearly all of it."""
        if self.write_paused and not self.closed:
            waiting = self.transport.get_write_buffer_size()
            self._held_out += waiting
            self.server.budget.add(waiting)

    def _give_back_held(self) -> None:
        self.server.budget.give_back(self._held_out)
        self._held_out = 0

    async def writable(self) -> None:
        """Wait until the write buffer has been emptied far enough, or the connection is gone."""
        while self.write_paused and not self.closed:
            if self._writable is None:
                self._writable = self.loop.create_future()
            await asyncio.shield(self._writable)

    def close_when_sent(self) -> None:
        """Close when what is written has been sent, or when the client takes nothing of it."""
        self.transport.close()
        if not self.write_paused and self.transport.get_write_buffer_size() > 0:
            self._watch_progress()

    def _watch_progress(self) -> None:
        self._stall_mark = unacknowledged(self.transport)
        self.write_deadline = self.loop.time() + self.limits.stall_seconds
        self.server.sweep.watch(self.write_deadline)

    def has_stalled(self, now: float) -> bool:
        """Act on a write deadline that has passed: whether the client has taken nothing meanwhile."""
        waiting = unacknowledged(self.transport)
        if waiting < self._stall_mark:
            self._stall_mark = waiting
            self.write_deadline = now + self.limits.stall_seconds
            return False
        self.write_deadline = NEVER
        return True
