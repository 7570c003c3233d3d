"""The HTTP server: listeners, connections, handler tasks, and its orderly end."""

from __future__ import annotations

import asyncio
import heapq
import logging
import socket
import ssl as tls
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.core.notes import Notes
from codenex.gateway.exchange import Handler
from codenex.providers.transport.budget import BodyBudget
from codenex.providers.transport.deadlines import NEVER, DeadlineSweep
from codenex.server.edge import Connection
from codenex.server.exchange import EdgeExchange
from codenex.server.half_open import HalfOpen
from codenex.server.limits import Limits
from codenex.server.origins import TrustedProxies
from codenex.server.responses import RenderError, answer_head, render_plain_error
from codenex.server.sampling import Sample

_logger = logging.getLogger(__name__)

#: Recorded for a client that left before it had its answer; it is never sent.
CLIENT_CLOSED_REQUEST = 499


class AccessRecord(msgspec.Struct, frozen=True):
    """One answered (or abandoned) request, for the access log. The query is left out, since keys travel in it."""

    method: str
    path: str
    status: int
    #: Body bytes as received, and all bytes sent.
    bytes_in: int
    bytes_out: int
    #: From the end of the request's head to the end of the answer, in microseconds.
    duration_us: int
    request_id: str
    peer: str
    #: Whether the answer is whole.
    complete: bool
    #: What the handler attached.
    notes: Notes


def _log_crash(exchange: EdgeExchange | None, error: BaseException) -> None:
    where = "a connection" if exchange is None else f"request {exchange.request_id}"
    _logger.error("unexpected error in %s", where, exc_info=error)


class Server:
    """Serves ``handler`` on listening sockets.

    ``trusted_proxies`` are addresses and networks (and ``unix``) whose word on a client's address is taken;
    ``budget`` bounds the bytes of all bodies in memory. ``render_error`` shapes the answers to faults that no handler
    has answered; ``on_record`` gets an :class:`AccessRecord` per request; ``on_crash`` gets exceptions that are bugs,
    with their traceback.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits | None = None,
        *,
        render_error: RenderError = render_plain_error,
        trusted_proxies: Iterable[str] = (),
        budget: BodyBudget | None = None,
        on_record: Callable[[AccessRecord], None] | None = None,
        on_crash: Callable[[EdgeExchange | None, BaseException], None] = _log_crash,
    ) -> None:
        self.handler = handler
        self.limits = Limits() if limits is None else limits
        self.draining = False
        self.trusted = TrustedProxies(trusted_proxies)
        self.budget = BodyBudget() if budget is None else budget
        self.half_open = HalfOpen(self.limits.half_open_per_address)
        self.refusals = Sample(time.monotonic)
        self.clock = time.perf_counter_ns
        self.loop: asyncio.AbstractEventLoop
        self.sweep: DeadlineSweep
        self._render_error = render_error
        self._on_record = on_record
        self._on_crash = on_crash
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        #: those among them that there was no room for, oldest first
        self._refused: dict[Connection, None] = {}
        #: loop time from which on idle ones are looked for again
        self._search_again = 0.0
        #: What handlers are at work on.
        self._served: set[EdgeExchange] = set()
        self._empty: asyncio.Event | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self, sockets: Iterable[socket.socket], *, ssl: tls.SSLContext | None = None) -> None:
        """Serve on listening sockets, which the server owns from now on. May be called again for further ones."""
        if not self._listeners:
            self.loop = asyncio.get_running_loop()
            limits = self.limits
            idle = min(limits.idle_seconds, limits.stranger_idle_seconds)
            shortest = min(limits.head_seconds, limits.body_window_seconds, idle, limits.stall_seconds)
            self.sweep = DeadlineSweep(self.loop, self._expire, max(0.01, min(1.0, shortest / 10)))
        for listener in sockets:
            self._listeners.append(
                await self.loop.create_server(lambda: Connection(self), sock=listener, backlog=2048, ssl=ssl)
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(0)

    async def drain(self, deadline: float) -> int:
        """Stop accepting, close idle connections, let the others end; cut them after ``deadline`` seconds.

        Returns the number of connections that had to be cut.
        """
        self.draining = True
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._empty = asyncio.Event()
        for connection in tuple(self._connections):
            connection.close_if_idle()
        cut = 0
        if not self._is_empty() and deadline > 0:
            try:
                await asyncio.wait_for(self._empty.wait(), deadline)
            except TimeoutError:
                cut = len(self._connections)
        for connection in tuple(self._connections):
            connection.connection_left()
        for exchange in tuple(self._served):
            exchange.cancel()
        if tasks := [exchange.task for exchange in self._served if exchange.task is not None]:
            await asyncio.wait(tasks, timeout=5)
        # Transports report their end in the next turns of the loop.
        for _ in range(10):
            if self._is_empty():
                break
            await asyncio.sleep(0)
        self.sweep.stop()
        return cut

    @property
    def connection_count(self) -> int:
        """Open connections."""
        return len(self._connections)

    @property
    def request_count(self) -> int:
        """Handlers at work."""
        return len(self._served)

    def _is_empty(self) -> bool:
        empty = not self._connections and not self._served
        if empty and self._empty is not None:
            self._empty.set()
        return empty

    # --- what connections ask for ---------------------------------------------------------------------------------

    def connection_opened(self, connection: Connection) -> bool:
        """Register a connection; return whether it may be served."""
        self._connections.add(connection)
        refused = self._refused
        if len(self._connections) - len(refused) <= self.limits.connections or self._idle_give_way():
            return True
        refused[connection] = None
        if len(refused) > self.limits.refused_connections:
            # It has been sent its answer, and had time to take it; even this courtesy has its limit.
            oldest = next(iter(refused))
            del refused[oldest]
            oldest.connection_left()
        return False

    def _idle_give_way(self) -> bool:
        """Close connections that are kept without a request, those first that nobody with a key has used; return
        whether there were any."""
        now = self.loop.time()
        if now < self._search_again:
            return False
        idle = [connection for connection in self._connections if connection.idle]
        if not idle:
            # A search among many takes long: not with every connection of a flood.
            self._search_again = now + 0.1
            return False
        some = max(1, self.limits.connections // 64)
        for connection in heapq.nsmallest(some, idle, key=lambda one: (one.known, one.read_deadline)):
            connection.close_if_idle()
        return True

    def connection_closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._refused.pop(connection, None)
        if self._empty is not None:
            self._is_empty()

    def serve(self, exchange: EdgeExchange, *, light: bool) -> None:
        """Let the handler answer a request; ``light``: without a task, if the handler can do so."""
        self._served.add(exchange)
        try:
            answering = self.handler(exchange)
        except Exception as error:
            exchange.over(error)
        else:
            # As begin does.
            if light and exchange.light:
                exchange.coroutine, exchange.steps = answering, answering.__await__()
                exchange.step()
            else:
                exchange.begin(answering, light=False)

    def answer_refusal(self, exchange: EdgeExchange) -> None:
        """Answer a request that no handler gets to see."""
        if exchange.refusal is not None:
            self._answer_fault(exchange, exchange.refusal)
            left_out = self.refusals.take(exchange.connection.address)
            if left_out is None:
                return
            more = exchange.notes.more
            more["error"] = exchange.refusal.code or exchange.refusal.kind.value
            more["error_class"] = exchange.refusal.kind.value
            if left_out:
                more["refusals_not_logged"] = left_out
            self.left(exchange)

    def report_crash(self, exchange: EdgeExchange | None, error: BaseException) -> None:
        """Hand an exception that is a bug to the log; the client never sees it."""
        self._on_crash(exchange, error)

    def _expire(self, now: float) -> float:
        earliest = NEVER
        for connection in tuple(self._connections):
            if connection.read_deadline <= now or connection.write_deadline <= now:
                connection.expire(now)
            if connection.read_deadline < earliest:
                earliest = connection.read_deadline
            if connection.write_deadline < earliest:
                earliest = connection.write_deadline
        return earliest

    # --- one request ----------------------------------------------------------------------------------------------

    def failed(self, exchange: EdgeExchange, error: BaseException) -> None:
        """Answer for a handler that has not, or not wholly."""
        fault = Fault(FaultKind.INTERNAL, "Internal error.", code="internal_error")
        if isinstance(error, asyncio.CancelledError):
            # Not the client has left: something inside the handler was cancelled, or the server ends.
            fault = Fault(FaultKind.CANCELLED, "The request was cancelled.", status=503)
        elif isinstance(error, Fault):
            fault = error
        else:
            self.report_crash(exchange, error)
        if not exchange.done:
            self._answer_fault(exchange, fault)

    def _answer_fault(self, exchange: EdgeExchange, fault: Fault) -> None:
        if exchange.started:
            exchange.status = exchange.status or fault.status
            exchange.abort()
            return
        try:
            answer = self._render_error(fault, exchange.path)
            answer_head(answer[0], answer[1], "", "")
        except Exception as error:
            self.report_crash(exchange, error)
            answer = render_plain_error(Fault(FaultKind.INTERNAL, "Internal error."), exchange.path)
        exchange.respond(*answer)

    def left(self, exchange: EdgeExchange) -> None:
        """Take note that nothing more is done for a request."""
        if self._on_record is not None:
            status = exchange.status
            if not status and exchange.gone and not exchange.done:
                status = CLIENT_CLOSED_REQUEST
            self._on_record(
                AccessRecord(
                    exchange.method,
                    exchange.path,
                    status,
                    exchange.bytes_in,
                    exchange.bytes_out,
                    ((exchange.ended or self.clock()) - exchange.begun) // 1000,
                    exchange.request_id,
                    exchange.peer,
                    exchange.done,
                    exchange.notes,
                )
            )
        self._served.discard(exchange)
        if self._empty is not None:
            self._is_empty()
