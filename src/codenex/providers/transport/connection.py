"""One connection to an upstream: httptools' parser on an asyncio transport, one response at a time."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, cast

import httptools

from codenex.providers.transport.callbacks import ChunkCallbacks, ParserCallbacks
from codenex.providers.transport.deadlines import NEVER
from codenex.providers.transport.faults import ConnectionStale, late, nonsense, truncated, unparsable
from codenex.providers.transport.heads import CHUNKED, DIGITS, NotPlain, plain_head
from codenex.providers.transport.known_heads import PATIENCE
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
#: What a head is cut off from in one step; of more, as streams bring that don't come slowly, the head alone is copied.
_CUT_BYTES = 8 * 1024
#: Where so much comes at once without being all, more may come as soon as it is read: the kernel of a server on the
#: same machine holds some eighty events that are written one by one, and then lets it wait.
_MUCH_BYTES = 8 * 1024
#: Chunks of one read that are many.
_CROWD = 8
_LAST_CHUNK = b"0\r\n\r\n"
#: Where all connections read into: what is made of it are copies.
_read_bytes = bytearray(_READ_BYTES)
_read_buffer = memoryview(_read_bytes)
#: What a parser of chunks is told of the head before them: no head of an answer in chunks is shorter.
_CHUNKED_HEAD = b"HTTP/1.1 200 \r\ntransfer-encoding:chunked\r\n\r\n"
#: No byte of a read is for a parser.
_TAKEN = -1


class UpstreamConnection(asyncio.BufferedProtocol):
    """Sends requests one after the other and feeds each one's :class:`UpstreamResponse`.

    ``deadline`` is a loop time: of the answer, or until when the connection waits for a request. The pool's sweep calls
    :meth:`expire`.
    """

    __slots__ = (
        "_body",
        "_body_end",
        "_bytes_seen",
        "_chunks",
        "_descriptor",
        "_ended",
        "_head_only",
        "_head_size",
        "_headers",
        "_idle_seconds",
        "_interim",
        "_keep",
        "_lost",
        "_missing",
        "_parser",
        "_paused",
        "_reader",
        "_total_deadline",
        "_used",
        "budget",
        "closed",
        "counted",
        "deadline",
        "last_head",
        "loop",
        "origin",
        "pool",
        "response",
        "siblings",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, pool: Transport, origin: Origin) -> None:
        self.pool = pool
        self.origin = origin
        self.loop = pool.loop
        #: What counts bodies that are read whole.
        self.budget = pool.budget
        self.response: UpstreamResponse | None = None
        #: The idle connections of its origin.
        self.siblings = pool.idle_of(origin)
        self.last_head = pool.last_head_of(origin)
        self.deadline = NEVER
        self.closed = False
        #: It counts among the connections of its origin.
        self.counted = False
        #: It has been sent a request.
        self._used = False
        #: Of the socket, where bytes are read from it as they are.
        self._descriptor = -1
        #: Why nothing can be read from it any more, if that was found out here.
        self._lost: OSError | None = None
        #: Pieces of body of the present read; those from ``_body_end`` on belong to no response.
        self._body: list[bytes] = []
        self._body_end = 0
        self._parser = httptools.HttpResponseParser(ParserCallbacks(self, self._body))
        #: Takes the chunks behind a head that was read without a parser.
        self._chunks: httptools.HttpResponseParser | None = None
        #: The one of the two that the present answer is for.
        self._reader = self._parser
        self._headers: list[tuple[str, str]] = []
        self._head_size = 0
        #: Bytes still to come of a body of a known length, which the parser has not seen.
        self._missing = 0
        self._bytes_seen = False
        #: The answer is whole for a parser. Unless it is being parsed, this says nothing of it.
        self._ended = False
        #: Whether the connection is good for another request when the answer is whole.
        self._keep = False
        self._interim = False
        self._head_only = False
        self._paused = False
        self._idle_seconds = 0.0
        self._total_deadline = NEVER

    # --- sending ------------------------------------------------------------------------------------------------

    def send(
        self, head: bytes, body: bytes, deadlines: Deadlines, head_only: bool, awaits_body: bool
    ) -> UpstreamResponse:
        """Send a request; the response is filled as it arrives."""
        pool = self.pool
        self.response = response = UpstreamResponse(self, pool.high_water, self._used, awaits_body)
        if response.light is None:
            response.waiter = self.loop.create_future()
        self._used = True
        self._bytes_seen = False
        self._head_only = head_only
        now = self.loop.time()
        self._idle_seconds = deadlines.idle
        self._total_deadline = now + deadlines.in_all
        self.deadline = deadline = now + deadlines.first
        if deadline < pool.sweep.next:
            pool.sweep.watch(deadline)
        if len(body) <= _JOIN_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        return response

    # --- transport callbacks ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None and (sock := transport.get_extra_info("socket")) is not None:
            self._descriptor = sock.fileno()
        self.pool.connection_opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read into."""
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came and hand it on, once for the whole read."""
        response = self.response
        if response is None:
            # Nothing was asked: such a connection can't be trusted with a request.
            self.drop()
            return
        if self._missing:
            self._take_missing(response, nbytes)
            return
        if (
            _MUCH_BYTES <= nbytes < _READ_BYTES
            and self._descriptor >= 0
            and _read_bytes[nbytes - len(_LAST_CHUNK) : nbytes] != _LAST_CHUNK
        ):
            nbytes += self._come_since(nbytes)
        if self._bytes_seen:
            start, in_head = 0, response.status == 0
        else:
            self._bytes_seen = True
            start, in_head = self._take_plain(response, nbytes), True
            if start == _TAKEN:
                return
            self._begin_parsing(plain=start > 0)
        try:
            self._reader.feed_data(_read_buffer[start:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._ended:
                self._deliver(response)
                self._fail(unparsable(self.origin.authority, error, in_body=response.status != 0))
                return
            self._keep = False
        else:
            if in_head:
                self._head_size += nbytes
                if response.status == 0 and self._head_size > self.pool.head_bytes:
                    self._fail(nonsense(self.origin.authority, "its response head is too large"))
                    return
        body = self._body
        if len(body) >= _CROWD:
            self.pool.on_crowd()
        if self._ended:
            del body[self._body_end :]
            piece = body[0] if len(body) == 1 else b"".join(body)
            pieces = body[:]
            del body[:]
            self._leave()
            if in_head and response.fields is not None:
                # A plain head, and all of the body behind it.
                response.arrived(response.status, response.headers, response.fields, piece, None, pieces)
            else:
                response.body_ended(piece)
            return
        # Without calls of _deliver and _expect_more: every event of every stream comes by here.
        if body:
            piece = body[0] if len(body) == 1 else b"".join(body)
            del body[:]
            response.take_body(piece)
        elif response.status != 0:
            response.head_arrived()
        if in_head or response._size > response._high_water:
            # Else the consumer has dropped the connection.
            if self.response is response and response.status != 0:
                self._expect_more(response, first=in_head)
        elif self.response is response and not self._paused:
            deadline = self.loop.time() + self._idle_seconds
            self.deadline = deadline if deadline < self._total_deadline else self._total_deadline

    def _come_since(self, nbytes: int) -> int:
        """Read behind so many bytes what has come meanwhile; return how much that is."""
        for _ in range(2):
            try:
                return os.readv(self._descriptor, [_read_buffer[nbytes:]])
            except BlockingIOError:
                os.sched_yield()
            except OSError as error:
                # The loop will only see the end.
                self._lost = error
        return 0

    def _take_plain(self, response: UpstreamResponse, nbytes: int) -> int:
        """Take a head that is whole and written plainly, with what has come of its body; return from where on a parser
        has to see what came."""
        cut = nbytes > _CUT_BYTES
        data, last = _read_buffer[: _CUT_BYTES if cut else nbytes].tobytes(), self.last_head
        known = last.known
        if known is not None and not cut and not self._head_only:
            known_body = known.body_in(data)
            if known_body is not None:
                last.patience = PATIENCE
                self._keep = True
                self._leave()
                response.arrived(200, known.headers, known.fields, known_body, known)
                return _TAKEN
        head, end, body = data.partition(b"\r\n\r\n")
        if not end or len(head) > self.pool.head_bytes or self._head_only:
            return 0
        try:
            status, headers, fields, length = plain_head(head)
        except NotPlain:
            return 0
        if cut and length != CHUNKED:
            body = _read_buffer[len(head) + 4 : nbytes].tobytes()
        missing = length - len(body)
        if missing == 0:
            known = None
            if status == 200 and last.patience and len(head) + DIGITS <= self.pool.head_bytes:
                known = last.learn(head, headers, fields)
            self._keep = True
            self._leave()
            response.arrived(status, headers, fields, body, known)
            return _TAKEN
        if missing < 0 and length != CHUNKED:
            # More has come than belongs to the answer.
            return 0
        response.status, response.headers, response.fields = status, headers, fields
        if length == CHUNKED:
            start = len(head) + 4 - len(_CHUNKED_HEAD)
            _read_bytes[start : start + len(_CHUNKED_HEAD)] = _CHUNKED_HEAD
            return start
        self._keep, self._ended = True, False
        self._missing = missing
        if body:
            response.take_body(body)
        else:
            response.head_arrived()
        self._expect_more(response, first=True)
        return _TAKEN

    def _begin_parsing(self, *, plain: bool) -> None:
        """Make a parser ready: the one of chunks behind a head that is ``plain``, or the one of whole answers."""
        if plain:
            if self._chunks is None:
                self._chunks = httptools.HttpResponseParser(ChunkCallbacks(self, self._body))
            self._reader = self._chunks
        else:
            self._reader = self._parser
        self._body.clear()
        self._headers = []
        self._head_size = self._body_end = 0
        self._ended = self._keep = self._interim = False

    def _take_missing(self, response: UpstreamResponse, nbytes: int) -> None:
        """Take more of a body whose length is all that there is to its framing."""
        missing = self._missing - nbytes
        if missing > 0:
            self._missing = missing
            response.take_body(_read_buffer[:nbytes].tobytes())
            if self.response is response:
                self._expect_more(response, first=False)
            return
        piece = _read_buffer[: self._missing].tobytes()
        self._missing = 0
        self._ended = True
        # Line ends behind an answer are no answer.
        self._keep = missing == 0 or not _read_buffer[len(piece) : nbytes].tobytes().strip(b"\r\n")
        self._leave()
        response.body_ended(piece)

    def _expect_more(self, response: UpstreamResponse, *, first: bool) -> None:
        if response.full:
            self.regulate()
        if not self._paused:
            deadline = self.loop.time() + self._idle_seconds
            self.deadline = deadline if deadline < self._total_deadline else self._total_deadline
            if first:
                self.pool.sweep.watch(self.deadline)

    def _deliver(self, response: UpstreamResponse) -> None:
        body = self._body
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
        if response.close_delimited and exc is None and self._lost is None:
            self._keep = False
            self._finish(response)
        elif not self._bytes_seen and response.reused:
            self._fail(ConnectionStale())
        elif response.status == 0:
            self._fail(nonsense(self.origin.authority, "it closed the connection without an answer", "upstream_closed"))
        else:
            self._fail(truncated(self.origin.authority))

    # --- parser callbacks ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice a response beyond the one that was asked for."""
        if self._ended:
            self._keep = False

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
            self._keep = self._reader.should_keep_alive()

    # --- endings ------------------------------------------------------------------------------------------------

    def _finish(self, response: UpstreamResponse) -> None:
        self._leave()
        response.body_ended()

    def _leave(self) -> None:
        """Give the connection back, or drop it: its response is whole."""
        self.response = None
        pool, idle, transport = self.pool, self.siblings, self.transport
        if not self._keep or transport.get_write_buffer_size() or len(idle) >= pool.idle_per_origin:
            self.drop()
            return
        if self._paused:
            if transport.is_closing():
                self.drop()
                return
            self._paused = False
            transport.resume_reading()
        idle.append(self)
        self.deadline = until = self.loop.time() + pool.idle_seconds
        if until < pool.sweep.next:
            pool.sweep.watch(until)

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
        """Fail the response whose deadline has passed, or close a connection that waited too long for a request."""
        response = self.response
        if response is None:
            self.drop()
            return
        in_all = now >= self._total_deadline
        self._fail(late(self.origin.authority, begun=response.status != 0, in_all=in_all))

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
