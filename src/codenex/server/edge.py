"""One client connection: requests in order, one handler task at a time."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.deadlines import NEVER
from codenex.server.exchange import EdgeExchange
from codenex.server.inflow import Inflow
from codenex.server.origins import UNIX
from codenex.server.request_ids import new_request_id
from codenex.server.responses import CONTINUE

if TYPE_CHECKING:
    from codenex.server.server import Server


#: Seconds that a connection without any request yet is kept when the server drains.
FRESH_SECONDS = 1.0


class Connection(Inflow):
    """Reads requests, hands each to the server's handler in turn and keeps the deadlines of the client's side.

    ``read_deadline`` and ``write_deadline`` are loop times; the server's sweep calls :meth:`expire`.
    """

    __slots__ = ("_lingering", "_read_paused", "_window_mark", "address", "secure")

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        #: The other end of the connection: an address, or "unix".
        self.address = ""
        #: The client speaks TLS with this server.
        self.secure = False
        self._lingering = False
        self._read_paused = False
        self._window_mark = 0

    # --- transport callbacks ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; refuse the connection when there are too many."""
        # A cast: uvloop's transports are no subclasses of asyncio's.
        self.transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else UNIX
        self.secure = transport.get_extra_info("ssl_object") is not None
        trusted = self.server.trusted
        self.known = self.trusted = bool(trusted) and trusted.trusts(self.address)
        transport.set_write_buffer_limits(high=self.limits.write_bytes)
        if self.server.connection_opened(self):
            self._wait_to_read(self.limits.head_seconds)
            self._half_opened()
        else:
            self._refuse(
                Fault(FaultKind.OVERLOADED, "Too many connections.", code="too_many_connections", retry_after=1)
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what is being done for the client."""
        self.ignoring = True
        self.read_deadline = NEVER
        self.flow_ended()
        self._client_left()
        self._drop_waiting()
        if self.receiving is not None:
            self.receiving.forget_body()
            self.receiving = None
        if self.half_open:
            self.half_open = False
            self.server.half_open.remove(self)
        self.server.connection_closed(self)

    def eof_received(self) -> bool | None:
        """Treat a half-closed connection as left: nobody could tell it from a client that is gone."""
        self.ignoring = True
        if self.current is not None:
            self._client_left()
            self.transport.abort()
        else:
            self._close()
        return None

    def pause_writing(self) -> None:
        """Stop the source: the client is slower than it."""
        self.flow_stopped()
        current = self.current
        if current is not None and current.flow is not None:
            current.flow[0]()

    def resume_writing(self) -> None:
        """Restart the source."""
        self.flow_goes_on()
        current = self.current
        if current is not None:
            if current.flow is not None:
                current.flow[1]()
        elif self._queue:
            self._next()

    def _half_opened(self) -> None:
        if self.trusted:
            # All clients of a reverse proxy come from its address, and it has deadlines of its own.
            return
        self.half_open = True
        oldest = self.server.half_open.add(self, self.loop.time())
        if oldest is not None and oldest is not self:
            oldest.give_way()

    def give_way(self) -> None:
        """Close the connection for a newer one: its address has too many that bring no whole head."""
        self.server.half_open.remove(self)
        self.half_open = False
        if self.current is None:
            self.ignoring = True
            self.transport.abort()

    # --- the order of requests ----------------------------------------------------------------------------------

    def _next(self, *, light: bool = False) -> None:
        exchange = self._queue.popleft()
        self.current = exchange
        self.read_deadline = NEVER
        if exchange.refusal is not None:
            self.server.answer_refusal(exchange)
        else:
            self.server.serve(exchange, light=light)

    def body_wanted(self, exchange: EdgeExchange) -> None:
        """Let the body come: the handler has asked for it."""
        self._release(exchange)
        exchange.reading = True
        if exchange.complete or exchange.body_fault is not None:
            return
        if exchange.form.expects_continue and exchange.bytes_in == 0 and not exchange.started:
            self.transport.write(CONTINUE)
        self._window_mark = exchange.bytes_in
        self._wait_to_read(self.limits.body_window_seconds)
        self._regulate()

    def may_keep(self, exchange: EdgeExchange) -> bool:
        """Return whether the connection can serve another request after the answer to this one."""
        if self.server.draining:
            return False
        if exchange.complete:
            return True
        if exchange.form.expects_continue or exchange.form.chunked or exchange.body_fault is not None:
            return False
        return exchange.length - exchange.bytes_in <= self.limits.discard_bytes

    def answer_done(self, exchange: EdgeExchange) -> None:
        """Go on after a whole answer: the next request, the rest of a body nobody read, or the end."""
        server = self.server
        exchange.done = True
        exchange.ended = server.clock()
        if not exchange.reading:
            self._release(exchange)
        if exchange.charged:
            # As forget_body does.
            exchange.upload, exchange.plain = None, b""
            server.budget.used -= exchange.charged
            exchange.charged = 0
        self.current = None
        if not self.known and exchange.notes.key is not None:
            self.known = True
        if exchange.keep and exchange.complete and not (self._queue or server.draining or self._parser.in_head):
            # What _settle does then.
            limits = self.limits
            if self.known:
                self._ready = self._known_head
                deadline = self.loop.time() + limits.idle_seconds
            else:
                deadline = self.loop.time() + limits.stranger_idle_seconds
            self.read_deadline = deadline
            if deadline < server.sweep.next:
                server.sweep.watch(deadline)
        elif not exchange.keep:
            self._end(whole=exchange.complete and exchange.refusal is None and not self._queue)
        elif exchange.complete:
            self._settle()
        else:
            self._window_mark = exchange.bytes_in
            self._wait_to_read(self.limits.body_window_seconds)
        if self._read_paused:
            self._regulate()

    def _settle(self) -> None:
        """Start the next request or wait for it."""
        if self.current is not None or self.closed:
            return
        if self._queue:
            if not self.write_paused:
                self._next()
        elif self.server.draining:
            self._end(whole=True)
        elif self._parser.in_head:
            self._wait_to_read(self.limits.head_seconds)
        else:
            limits = self.limits
            self._wait_to_read(limits.idle_seconds if self.known else limits.stranger_idle_seconds)

    def _end(self, *, whole: bool) -> None:
        """Close after the answer. Unless the request was ``whole``, drop what comes for a while, to avoid a reset."""
        self.ignoring = True
        self._drop_waiting()
        if whole:
            self._close()
            return
        self._lingering = True
        self._wait_to_read(self.limits.linger_seconds)
        if self.transport.can_write_eof():
            try:
                self.transport.write_eof()
            except OSError:
                # The client has reset the connection, and the loop has not told us yet.
                self.transport.abort()
        self._regulate()

    def _drop_waiting(self) -> None:
        """Forget the requests that will never be answered, and give back what their bodies were charged."""
        for exchange in self._queue:
            exchange.forget_body()
        self._queue.clear()

    def _close(self) -> None:
        self.read_deadline = NEVER
        self.close_when_sent()

    def _refuse(self, fault: Fault) -> None:
        """Answer in turn that the request is refused, and read no further."""
        self.ignoring = True
        exchange = self.receiving
        if exchange is not None:
            # Its handler (if it still wants the body) learns it there.
            self.receiving = None
            self._release(exchange)
            exchange.keep = False
            exchange.body_ended(fault)
            if exchange.done:
                self.cut()
            return
        exchange = EdgeExchange(self, *self._parser.beginning())
        exchange.request_id = new_request_id()
        exchange.refusal = fault
        exchange.keep = False
        self._queue.append(exchange)
        if self.current is None and not self.write_paused:
            self._next()

    # --- leaving, cutting, deadlines ----------------------------------------------------------------------------

    def _client_left(self) -> None:
        exchange = self.current
        if exchange is None:
            return
        self.current = None
        exchange.gone = True
        exchange.forget_body()
        exchange.ended = self.server.clock()
        if exchange.refusal is None:
            exchange.cancel()

    def connection_left(self) -> None:
        """Cancel what is being done and drop the connection: the server ends, or has no room for it."""
        self._client_left()
        self.transport.abort()

    def cut(self, *, reset: bool = False) -> None:
        """Drop the connection at once; with ``reset``, so that even a close-delimited answer is seen to be broken."""
        if reset:
            sock = self.transport.get_extra_info("socket")
            if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange = self.current
        if exchange is not None:
            self.current = None
            exchange.gone = True
            exchange.forget_body()
            exchange.ended = self.server.clock()
        self.ignoring = True
        self._drop_waiting()
        self.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether it is kept for a next request, of which nothing has come yet."""
        busy = self.current is not None or self._queue or self._parser.in_head or self.receiving is not None
        return not (busy or self._fresh or self.ignoring or self.transport.is_closing())

    def close_if_idle(self) -> bool:
        """Close the connection if no request is being received or answered. Used when the server drains.

        A connection that has just been accepted has its first request on the way, which nobody else would answer: it
        gets a moment for it.
        """
        idle = self.current is None and not self._queue and not self._parser.in_head and self.receiving is None
        if idle and self._fresh:
            self._wait_to_read(min(FRESH_SECONDS, self.limits.head_seconds))
        elif idle and not self._lingering:
            self._end(whole=True)
        return idle

    def _wait_to_read(self, seconds: float) -> None:
        self.read_deadline = deadline = self.loop.time() + seconds
        sweep = self.server.sweep
        if deadline < sweep.next:
            sweep.watch(deadline)

    def _regulate(self) -> None:
        """Pause or resume reading by what has been read and not been asked for."""
        limits = self.limits
        pause = not self._lingering and (len(self._queue) >= limits.pipelined or self._unread > limits.unread_bytes)
        if pause == self._read_paused or self.transport.is_closing():
            return
        self._read_paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def expire(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        if self.write_deadline <= now and self.has_stalled(now):
            self._client_left()
            self.transport.abort()
        if self.read_deadline <= now and not self.closed:
            self.read_deadline = NEVER
            self._expire_read()

    def _expire_read(self) -> None:
        receiving = self.receiving
        if self._lingering:
            self.transport.abort()
        elif receiving is not None:
            if receiving.bytes_in - self._window_mark >= self.limits.body_window_bytes:
                self._window_mark = receiving.bytes_in
                self._wait_to_read(self.limits.body_window_seconds)
            elif receiving.done:
                self.transport.abort()
            else:
                self._refuse(Fault(FaultKind.REQUEST_TIMEOUT, "The request body came too slowly."))
        elif self._parser.in_head and self.current is None:
            self._refuse(Fault(FaultKind.REQUEST_TIMEOUT, "The request head came too slowly."))
        elif self.current is None:
            self._end(whole=True)
