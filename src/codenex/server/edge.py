"""One client connection: httptools' parser on an asyncio transport, requests in order, one handler task at a time."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.gateway.exchange import Headers
from codenex.providers.transport.budget import no_room
from codenex.providers.transport.deadlines import NEVER
from codenex.server.body import too_large
from codenex.server.exchange import EdgeExchange
from codenex.server.origins import UNIX
from codenex.server.progress import unacknowledged
from codenex.server.requests import check_head, method_name, new_request_id, split_target
from codenex.server.responses import CONTINUE
from codenex.wire.head import header_name, known_names

if TYPE_CHECKING:
    from codenex.server.server import Server


#: Seconds that a connection without any request yet is kept when the server drains.
FRESH_SECONDS = 1.0
#: Names that have been received before, by their bytes.
_names = known_names


class _Refused(Exception):
    """Leaves a parser callback; the fault is kept in the connection."""


class _Dropped(list[tuple[str, str]]):
    """Where trailers go: nobody looks at them, and a long body may have many."""

    def append(self, pair: tuple[str, str]) -> None:
        """Keep nothing."""


_DROPPED = _Dropped()


class _RemainderSink:
    """Receives the body of a request that also asked for an upgrade, which the parser itself would not read."""

    def __init__(self, connection: Connection) -> None:
        self.on_body = connection.on_body
        self.on_message_complete = connection.on_message_complete


class Connection(asyncio.Protocol):
    """Reads requests, hands each to the server's handler in turn and keeps the deadlines of the client's side.

    ``read_deadline`` and ``write_deadline`` are loop times; the server's sweep calls :meth:`expire`.
    """

    __slots__ = (
        "_fault",
        "_fresh",
        "_head_fed",
        "_headers",
        "_held_out",
        "_in_head",
        "_last",
        "_lingering",
        "_overhead",
        "_parser",
        "_queue",
        "_read_paused",
        "_receiving",
        "_stall_mark",
        "_target",
        "_unread",
        "_upgrade",
        "_window_mark",
        "_writable",
        "address",
        "closed",
        "current",
        "half_open",
        "ignoring",
        "known",
        "limits",
        "loop",
        "read_deadline",
        "secure",
        "server",
        "transport",
        "trusted",
        "write_deadline",
        "write_paused",
    )

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self.server = server
        self.limits = server.limits
        self.loop = server.loop
        #: The other end of the connection: an address, or "unix".
        self.address = ""
        #: The other end is a reverse proxy, whose word on the client is taken.
        self.trusted = False
        #: The client speaks TLS with this server.
        self.secure = False
        #: No whole head has come yet.
        self.half_open = False
        #: A request on it had a valid key, or a reverse proxy keeps it for whomever it serves.
        self.known = False
        #: The exchange that is being answered.
        self.current: EdgeExchange | None = None
        self.closed = False
        #: Nothing more is parsed; what still comes is dropped.
        self.ignoring = False
        self.read_deadline = NEVER
        self.write_deadline = NEVER
        self.write_paused = False
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[EdgeExchange] = deque()
        #: The exchange whose body is arriving.
        self._receiving: EdgeExchange | None = None
        self._in_head = False
        #: No request has come yet.
        self._fresh = True
        self._head_fed = 0
        self._target = b""
        self._headers: Headers = []
        self._fault: Fault | None = None
        self._upgrade = False
        self._last = False
        self._lingering = False
        self._overhead = 0
        self._unread = 0
        self._read_paused = False
        self._window_mark = 0
        self._stall_mark = 0
        self._writable: asyncio.Future[None] | None = None
        #: bytes of a whole answer that a slow client has not taken yet, as charged to the budget of all bodies
        self._held_out = 0

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
        self.closed = True
        self.ignoring = True
        self.read_deadline = self.write_deadline = NEVER
        self._client_left()
        self._drop_waiting()
        if self._receiving is not None:
            self._receiving.forget_body()
            self._receiving = None
        if self.half_open:
            self.half_open = False
            self.server.half_open.remove(self)
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._give_back_held()
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

    def data_received(self, data: bytes) -> None:
        """Parse what came, then go on with the next request if there is one."""
        while data and not self.ignoring:
            data = self._feed(data)
        if self.current is None and self._queue and not self.write_paused:
            self._next()
        if self._unread or self._queue:
            self._regulate()

    def pause_writing(self) -> None:
        """Stop the source: the client is slower than it."""
        self.write_paused = True
        self._watch_progress()
        current = self.current
        if current is not None and current.pause_source is not None:
            current.pause_source()

    def resume_writing(self) -> None:
        """Restart the source."""
        self.write_paused = False
        self.write_deadline = NEVER
        if self._held_out:
            self._give_back_held()
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None
        current = self.current
        if current is not None:
            if current.resume_source is not None:
                current.resume_source()
        elif self._queue:
            self._next()

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

    # --- parsing ------------------------------------------------------------------------------------------------

    def _feed(self, data: bytes) -> bytes:
        """Parse ``data``; return what is left of it after a request that asked for an upgrade."""
        receiving = self._receiving
        before = 0 if receiving is None else receiving.bytes_in
        in_head = self._in_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not self._last:
                self._refuse(self._fault_of(error))
            return b""
        if receiving is not None:
            # Chunk extensions and trailers cost memory or time without being body; nobody needs many.
            self._overhead += len(data) - (receiving.bytes_in - before)
            if self._overhead > self.limits.head_bytes + 16 * receiving.bytes_in and self._receiving is receiving:
                self._refuse(invalid_request("The chunked body has too much framing."))
        elif self._in_head:
            if not self.half_open:
                self._half_opened()
            if in_head:
                self._head_fed += len(data)
                if self._head_fed > self.limits.head_bytes:
                    self._refuse(self._head_too_large())
        if self._last:
            self.ignoring = True
        return b""

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

    def _fault_of(self, error: httptools.HttpParserError) -> Fault:
        if self._fault is not None:
            return self._fault
        if isinstance(error, httptools.HttpParserCallbackError):
            cause = error.__context__ or error
            self.server.report_crash(None, cause)
            return Fault(FaultKind.INTERNAL, "Internal error.")
        return invalid_request(f"The request is not valid HTTP/1.1: {error}.", code="malformed_request")

    def _head_too_large(self) -> Fault:
        if len(self._target) > self.limits.target_bytes:
            return Fault(FaultKind.URI_TOO_LONG, "The request target is too long.")
        return Fault(FaultKind.HEADERS_TOO_LARGE, "The request headers are too large.")

    def _stop(self, fault: Fault) -> _Refused:
        self._fault = fault
        return _Refused()

    def _go_on_without_upgrade(self, rest: bytes) -> bytes:
        """Treat an upgrade as not asked for (RFC 9110 section 7.8): the request and its body stay ordinary."""
        self._upgrade = False
        exchange = self._receiving
        if exchange is None:
            return b""
        if not exchange.chunked_in and exchange.length == 0:
            self._parser = httptools.HttpRequestParser(self)
            self._message_ended(exchange)
            return b"" if self._last else rest
        framing = "transfer-encoding: chunked" if exchange.chunked_in else f"content-length: {exchange.length}"
        self._parser = httptools.HttpRequestParser(_RemainderSink(self))
        self._parser.feed_data(f"POST / HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n".encode())
        # The sink knows bodies only, so this request is the connection's last.
        self._last = True
        exchange.keep = False
        return rest

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        self._fresh = False
        self._head_fed = 0
        self._target = b""
        self._headers = []
        if self.current is None and not self._queue:
            self._wait_to_read(self.limits.head_seconds)

    def on_url(self, piece: bytes) -> None:
        """Collect the target."""
        self._target = target = self._target + piece if self._target else piece
        if len(target) > self.limits.target_bytes:
            raise self._stop(self._head_too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header, or a trailer, which nobody looks at. A head's size is judged with each read and at its
        end, a trailer's as framing of the body."""
        self._headers.append((_names.get(name) or header_name(name), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Queue the request; it is judged here, before any of its body is taken."""
        self._in_head = False
        if self.half_open:
            self.half_open = False
            self.server.half_open.remove(self)
        parser = self._parser
        method = method_name(parser.get_method())
        headers = self._headers
        limits = self.limits
        if len(headers) > limits.header_count:
            raise self._stop(Fault(FaultKind.HEADERS_TOO_LARGE, "There are too many request headers."))
        size = len(self._target) + 4 * len(headers)
        for name, value in headers:
            size += len(name) + len(value)
        if size > limits.head_bytes:
            raise self._stop(self._head_too_large())
        exchange = EdgeExchange(self, method, "", "", headers)
        self._headers = _DROPPED
        try:
            check_head(exchange, parser.get_http_version())
            exchange.path, exchange.query = split_target(self._target, method)
        except Fault as fault:
            raise self._stop(fault) from None
        if not exchange.request_id:
            exchange.request_id = new_request_id()
        # Read here or in on_message_complete: later the parser has reset its flags and always says False.
        exchange.keep = parser.should_keep_alive()
        self._upgrade = parser.should_upgrade()
        self._overhead = 0
        self._receiving = exchange
        self._queue.append(exchange)

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, or drop it if nobody wants it."""
        exchange = self._receiving
        if exchange is None:
            return
        exchange.bytes_in += len(piece)
        if exchange.done or exchange.body_fault is not None:
            if exchange.bytes_in > self.limits.body_bytes:
                raise self._stop(too_large(self.limits.body_bytes))
            return
        if exchange.bytes_in > self.limits.body_bytes:
            self._release(exchange)
            exchange.body_ended(too_large(self.limits.body_bytes))
            return
        if not self.server.budget.charge(len(piece)):
            self._release(exchange)
            exchange.body_ended(no_room())
            return
        exchange.charged += len(piece)
        exchange.parts.append(piece)
        if not exchange.reading:
            self._unread += len(piece)

    def on_message_complete(self) -> None:
        """End the request that is arriving, unless it asked for an upgrade and its body is still to come."""
        if not self._upgrade and self._receiving is not None:
            self._message_ended(self._receiving)

    def _message_ended(self, exchange: EdgeExchange) -> None:
        self._receiving = None
        if not exchange.keep:
            self._last = True
        exchange.body_ended()
        if exchange.done:
            # What remained of an answered request's body is through.
            self._settle()
        elif exchange is self.current:
            self.read_deadline = NEVER

    # --- the order of requests ----------------------------------------------------------------------------------

    def _next(self) -> None:
        exchange = self._queue.popleft()
        self.current = exchange
        self.read_deadline = NEVER
        if exchange.refusal is not None:
            self.server.answer_refusal(exchange)
        else:
            exchange.task = self.server.spawn(exchange)

    def _release(self, exchange: EdgeExchange) -> None:
        """Count an exchange's held body bytes no longer as unread."""
        if exchange.parts and not exchange.reading:
            self._unread -= sum(map(len, exchange.parts))

    def body_wanted(self, exchange: EdgeExchange) -> None:
        """Let the body come: the handler has asked for it."""
        self._release(exchange)
        exchange.reading = True
        if exchange.complete or exchange.body_fault is not None:
            return
        if exchange.expects_continue and exchange.bytes_in == 0 and not exchange.sent_head:
            self.transport.write(CONTINUE)
        self._window_mark = exchange.bytes_in
        self._wait_to_read(self.limits.body_window_seconds)
        self._regulate()

    def may_keep(self, exchange: EdgeExchange) -> bool:
        """Return whether the connection can serve another request after the answer to this one."""
        if self.server.draining or exchange.refusal is not None:
            return False
        if exchange.complete:
            return True
        if exchange.expects_continue or exchange.chunked_in or exchange.body_fault is not None:
            return False
        return exchange.length - exchange.bytes_in <= self.limits.discard_bytes

    def answer_done(self, exchange: EdgeExchange) -> None:
        """Go on after a whole answer: the next request, the rest of a body nobody read, or the end."""
        exchange.done = True
        exchange.ended = self.server.clock()
        self._release(exchange)
        exchange.forget_body()
        self.current = None
        if not self.known and "key" in exchange.notes:
            self.known = True
        if not exchange.keep:
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
        elif self._in_head:
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
        """Close when what is written has been sent, or when the client takes nothing of it."""
        self.read_deadline = NEVER
        self.transport.close()
        if not self.write_paused and self.transport.get_write_buffer_size() > 0:
            self._watch_progress()

    def _watch_progress(self) -> None:
        self._stall_mark = unacknowledged(self.transport)
        self.write_deadline = self.loop.time() + self.limits.stall_seconds
        self.server.sweep.watch(self.write_deadline)

    def _refuse(self, fault: Fault) -> None:
        """Answer in turn that the request is refused, and read no further."""
        self.ignoring = True
        exchange = self._receiving
        if exchange is not None:
            # Its handler (if it still wants the body) learns it there.
            self._receiving = None
            self._release(exchange)
            exchange.keep = False
            exchange.body_ended(fault)
            if exchange.done:
                self.cut()
            return
        path, _, query = self._target.decode("latin-1").partition("?")
        method = self._parser.get_method().decode() if path else ""
        exchange = EdgeExchange(self, method, path[:2048], query, self._headers)
        exchange.request_id = new_request_id()
        exchange.refusal = fault
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
        if exchange.task is not None and exchange.serving:
            exchange.task.cancel()

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
        busy = self.current is not None or self._queue or self._in_head or self._receiving is not None
        return not (busy or self._fresh or self.ignoring or self.transport.is_closing())

    def close_if_idle(self) -> bool:
        """Close the connection if no request is being received or answered. Used when the server drains.

        A connection that has just been accepted has its first request on the way, which nobody else would answer: it
        gets a moment for it.
        """
        idle = self.current is None and not self._queue and not self._in_head and self._receiving is None
        if idle and self._fresh:
            self._wait_to_read(min(FRESH_SECONDS, self.limits.head_seconds))
        elif idle and not self._lingering:
            self._end(whole=True)
        return idle

    def _wait_to_read(self, seconds: float) -> None:
        self.read_deadline = deadline = self.loop.time() + seconds
        self.server.sweep.watch(deadline)

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
        if self.write_deadline <= now:
            self._expire_write(now)
        if self.read_deadline <= now and not self.closed:
            self.read_deadline = NEVER
            self._expire_read()

    def _expire_write(self, now: float) -> None:
        waiting = unacknowledged(self.transport)
        if waiting < self._stall_mark:
            self._stall_mark = waiting
            self.write_deadline = now + self.limits.stall_seconds
            return
        self.write_deadline = NEVER
        self._client_left()
        self.transport.abort()

    def _expire_read(self) -> None:
        receiving = self._receiving
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
        elif self._in_head and self.current is None:
            self._refuse(Fault(FaultKind.REQUEST_TIMEOUT, "The request head came too slowly."))
        elif self.current is None:
            self._end(whole=True)
