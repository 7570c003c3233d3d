"""One connection to an upstream: httptools' parser on an asyncio transport, one response at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.budget import BodyBudget
from codenex.providers.transport.deadlines import NEVER
from codenex.providers.transport.origin import Deadlines, Origin
from codenex.providers.transport.response import UpstreamResponse
from codenex.wire.head import header_name

if TYPE_CHECKING:
    from codenex.providers.transport.pool import Transport

_JOIN_BYTES = 64 * 1024
_BODILESS = frozenset((204, 304))
#: Seconds that the end of a body may take once its content has come to its own end.
_SETTLE_SECONDS = 2.0
#: Bytes taken by one read, which is what a client that reads slowly makes a stream hold at least.
_READ_BYTES = 32 * 1024
#: Where all connections read into: what the parser makes of it are copies.
_read_buffer = memoryview(bytearray(_READ_BYTES))


class ConnectionStale(Exception):
    """A kept connection ended before it brought a single byte: the request may be sent again."""


class _ParserCallbacks:
    """What the parser calls. Pieces of a body go straight into a list: the parser calls once for every chunk."""

    def __init__(self, connection: UpstreamConnection, body: list[bytes]) -> None:
        self.on_message_begin = connection.on_message_begin
        self.on_header = connection.on_header
        self.on_headers_complete = connection.on_headers_complete
        self.on_message_complete = connection.on_message_complete
        self.on_body = body.append


class UpstreamConnection(asyncio.BufferedProtocol):
    """Sends requests one after the other and feeds each one's :class:`UpstreamResponse`.

    ``deadline`` is a loop time; the pool's sweep calls :meth:`expire`.
    """

    __slots__ = (
        "_body",
        "_body_end",
        "_bytes_seen",
        "_dirty",
        "_ended",
        "_head_only",
        "_head_size",
        "_headers",
        "_idle_seconds",
        "_interim",
        "_keep",
        "_parser",
        "_paused",
        "_total_deadline",
        "closed",
        "counted",
        "deadline",
        "idle_since",
        "loop",
        "origin",
        "pool",
        "requests",
        "response",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, pool: Transport, origin: Origin) -> None:
        self.pool = pool
        self.origin = origin
        self.loop = pool.loop
        self.response: UpstreamResponse | None = None
        self.deadline = NEVER
        self.idle_since = 0.0
        self.closed = False
        #: It counts among the connections of its origin.
        self.counted = False
        #: Requests sent so far.
        self.requests = 0
        #: Pieces of body of the present read; those from ``_body_end`` on belong to no response.
        self._body: list[bytes] = []
        self._body_end = 0
        self._parser = httptools.HttpResponseParser(_ParserCallbacks(self, self._body))
        self._headers: list[tuple[str, str]] = []
        self._head_size = 0
        self._bytes_seen = False
        self._ended = False
        self._dirty = False
        self._keep = False
        self._interim = False
        self._head_only = False
        self._paused = False
        self._idle_seconds = 0.0
        self._total_deadline = NEVER

    @property
    def budget(self) -> BodyBudget:
        """What counts bodies that are read whole."""
        return self.pool.budget

    # --- sending ------------------------------------------------------------------------------------------------

    def send(self, head: bytes, body: bytes, deadlines: Deadlines, *, head_only: bool) -> UpstreamResponse:
        """Send a request; the response is filled as it arrives."""
        self._body.clear()
        response = UpstreamResponse(self, self.pool.high_water, reused=self.requests > 0)
        self.requests += 1
        self.response = response
        self._headers = []
        self._head_size = self._body_end = 0
        self._bytes_seen = self._ended = self._dirty = self._keep = self._interim = False
        self._head_only = head_only
        now = self.loop.time()
        self._idle_seconds = deadlines.idle
        self._total_deadline = NEVER if deadlines.total is None else now + deadlines.total
        self.deadline = min(now + deadlines.first_byte, self._total_deadline)
        self.pool.sweep.watch(self.deadline)
        if len(body) <= _JOIN_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        return response

    # --- transport callbacks ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast(asyncio.Transport, transport)
        self.pool.connection_opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read into."""
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came and hand it on, once for the whole read."""
        data = _read_buffer[:nbytes]
        response = self.response
        if response is None:
            # Nothing was asked: such a connection can't be trusted with a request.
            self.drop()
            return
        self._bytes_seen = True
        in_head = response.status == 0
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._deliver(response)
            if not self._ended:
                self._fail(self._parse_fault(error))
                return
            self._dirty = True
        else:
            if in_head:
                self._head_size += len(data)
                if response.status == 0 and self._head_size > self.pool.head_bytes:
                    self._fail(self._nonsense("its response head is too large"))
                    return
            self._deliver(response)
        if self.response is not response:
            return  # the consumer has dropped the connection
        if self._ended:
            self._finish(response)
        elif response.status != 0:
            if response.full:
                self.regulate()
            if not self._paused:
                deadline = self.loop.time() + self._idle_seconds
                self.deadline = deadline if deadline < self._total_deadline else self._total_deadline
                if in_head:
                    self.pool.sweep.watch(self.deadline)

    def _deliver(self, response: UpstreamResponse) -> None:
        body = self._body
        if self._ended:
            del body[self._body_end :]
        if len(body) == 1:
            piece = body[0]
            body.clear()
            response.take_body(piece)
        elif body:
            piece = b"".join(body)
            body.clear()
            response.take_body(piece)
        elif response.status != 0:
            response.head_arrived()

    def eof_received(self) -> bool | None:
        """Judge what the upstream's end of the stream means for the response."""
        self._upstream_ended(None)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Judge a lost connection and forget it."""
        self._upstream_ended(exc)
        self.closed = True
        self.deadline = NEVER
        self.pool.connection_closed(self)

    def _upstream_ended(self, exc: Exception | None) -> None:
        response = self.response
        if response is None:
            self.pool.connection_unusable(self)
            return
        if response.close_delimited and exc is None:
            self._keep = False
            self._finish(response)
        elif not self._bytes_seen and self.requests > 1:
            self._fail(ConnectionStale())
        elif response.status == 0:
            self._fail(self._nonsense("it closed the connection without an answer", "upstream_closed"))
        else:
            self._fail(
                Fault(
                    FaultKind.UPSTREAM_TRUNCATED,
                    f"The answer of {self.origin.authority} ended before it was whole.",
                    code="upstream_truncated",
                )
            )

    # --- parser callbacks ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice a response beyond the one that was asked for."""
        if self._ended:
            self._dirty = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        response = self.response
        if response is not None and response.status == 0:
            self._headers.append((header_name(name), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Take the head, unless it is an interim one."""
        response = self.response
        if response is None or self._ended:
            return
        status = self._parser.get_status_code()
        if status < 200:
            # 101 can't come, since no upgrade is ever asked for; the parser fails on it by itself.
            self._interim = True
            self._headers = []
            return
        size = 0
        framed = False
        for name, value in self._headers:
            size += len(name) + len(value)
            if name == "content-length" or (
                name == "transfer-encoding" and value.lower().rpartition(",")[2].strip() == "chunked"
            ):
                framed = True
        if size > self.pool.head_bytes:
            raise ValueError("head too large")
        response.headers = self._headers
        response.status = status
        if self._head_only or status in _BODILESS:
            if self._head_only:
                # The parser waits for the body that the head promises: it is of no further use.
                self._keep = False
                self._ended = True
                self._body_end = len(self._body)
            return
        response.close_delimited = not framed

    def on_message_complete(self) -> None:
        """Note the end. The parser's opinion on keeping the connection is only right here."""
        if self._interim:
            self._interim = False
        elif not self._ended:
            self._ended = True
            self._body_end = len(self._body)
            self._keep = self._parser.should_keep_alive()

    # --- endings ------------------------------------------------------------------------------------------------

    def _nonsense(self, reason: str, code: str = "upstream_protocol") -> Fault:
        return Fault(FaultKind.UPSTREAM, f"No valid answer from {self.origin.authority}: {reason}.", code=code)

    def _parse_fault(self, error: Exception) -> Fault:
        if isinstance(error, httptools.HttpParserCallbackError):
            return self._nonsense("its response head is too large")
        if isinstance(error, httptools.HttpParserUpgrade):
            return self._nonsense("it switched protocols")
        if self.response is not None and self.response.status != 0:
            # The head was fine, so what is broken is the framing of the body.
            return Fault(
                FaultKind.UPSTREAM_TRUNCATED,
                f"The answer of {self.origin.authority} is broken: {error}.",
                code="upstream_truncated",
            )
        return self._nonsense(f"it does not speak HTTP/1.1 ({error})")

    def _finish(self, response: UpstreamResponse) -> None:
        self.response = None
        self.deadline = NEVER
        reusable = (
            self._keep
            and not self._dirty
            and not self.closed
            and not self.transport.is_closing()
            and self.transport.get_write_buffer_size() == 0
        )
        if reusable:
            if self._paused:
                self._paused = False
                self.transport.resume_reading()
            self.pool.connection_idle(self)
        else:
            self.drop()
        response.body_ended()

    def _fail(self, error: Exception) -> None:
        response = self.response
        self.drop()
        if response is not None:
            response.fail(error)

    def drop(self) -> None:
        """Close the connection at once."""
        self.response = None
        self.deadline = NEVER
        self.pool.connection_closed(self)
        if not self.closed:
            self.transport.abort()

    def settle(self) -> None:
        """Give a response, of which the end is all that matters yet, a moment for it."""
        if not self._ended:
            self._total_deadline = min(self._total_deadline, self.loop.time() + _SETTLE_SECONDS)
            self.deadline = self._total_deadline
            self.pool.sweep.watch(self.deadline)

    def expire(self, now: float) -> None:
        """Fail the response whose deadline has passed."""
        response = self.response
        if response is None:
            self.deadline = NEVER
            return
        if now >= self._total_deadline:
            code, what = "total_timeout", "did not finish its answer in time"
        elif response.status == 0:
            code, what = "first_byte_timeout", "did not begin its answer in time"
        else:
            code, what = "idle_timeout", "stopped in the middle of its answer"
        self._fail(Fault(FaultKind.UPSTREAM_TIMEOUT, f"{self.origin.authority} {what}.", code=code))

    def regulate(self) -> None:
        """Pause or resume reading as the consumer wants it. A paused connection can't be late."""
        response = self.response
        if response is None or self.transport.is_closing():
            return
        pause = response.held or response.full
        if pause == self._paused:
            return
        self._paused = pause
        if pause:
            self.deadline = self._total_deadline
            self.transport.pause_reading()
        else:
            if response.status != 0:
                self.deadline = min(self.loop.time() + self._idle_seconds, self._total_deadline)
                self.pool.sweep.watch(self.deadline)
            self.transport.resume_reading()
