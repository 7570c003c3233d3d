"""One request as the handler sees it, and its answer as the connection sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING

from codenex.core.errors import Fault
from codenex.core.notes import no_notes
from codenex.gateway.exchange import Headers
from codenex.providers.transport.budget import no_room
from codenex.providers.transport.light_task import LightTask, driven
from codenex.server.body import plain_body, request_codings, too_large
from codenex.server.request_ids import ID_PREFIX, id_numbers
from codenex.server.responses import answer_head
from codenex.server.upload import Upload

if TYPE_CHECKING:
    from codenex.server.edge import Connection
    from codenex.server.known_head import KnownHead

_BODILESS = frozenset((204, 304))

#: Bodies up to this size are joined with the head; copying a larger one costs more than a second buffer.
_JOIN_BYTES = 64 * 1024
#: Chunks below this size are of a size that comes again.
_USUAL_BYTES = 1024


class _SizeLines(dict[int, bytes]):
    """Sizes of chunks in bytes → the lines that say them. Bounded."""

    def __missing__(self, size: int) -> bytes:
        line = b"%x\r\n" % size
        if size < _USUAL_BYTES:
            self[size] = line
        return line


_size_lines = _SizeLines()


class Form:
    """What a head says of the form of its request, where it is not the usual one."""

    __slots__ = ("chunked", "coding", "expects_continue", "head_only", "http_1_0")

    def __init__(
        self,
        *,
        head_only: bool = False,
        http_1_0: bool = False,
        chunked: bool = False,
        expects_continue: bool = False,
        coding: str | None = None,
    ) -> None:
        #: The answer has no body.
        self.head_only = head_only
        self.http_1_0 = http_1_0
        self.chunked = chunked
        self.expects_continue = expects_continue
        self.coding = coding


USUAL = Form()
_HEAD_ONLY = Form(head_only=True)


class EdgeExchange(LightTask):
    """Implements :class:`codenex.gateway.exchange.Exchange` on one connection of the edge, and drives what answers
    it."""

    __slots__ = (
        "_headers",
        "_held",
        "_waiter",
        "begun",
        "body_fault",
        "bytes_in",
        "bytes_out",
        "charged",
        "complete",
        "connection",
        "done",
        "ended",
        "first",
        "flow",
        "form",
        "gone",
        "keep",
        "length",
        "light",
        "method",
        "notes",
        "path",
        "peer",
        "plain",
        "query",
        "reading",
        "refusal",
        "repetition",
        "request_id",
        "scheme",
        "status",
        "streaming",
        "upload",
    )

    #: The head, where it waits for the first piece of a streamed answer.
    _held: bytes

    def __init__(
        self,
        connection: Connection,
        method: str,
        path: str,
        query: str,
        headers: Headers | None,
        known: KnownHead | None = None,
        length: int = 0,
        body: bytes | None = None,
    ) -> None:
        """A head that came before brings the length of its body, and the whole of it where it is there already;
        its headers are made when somebody asks for them."""
        # What the light task would set.
        self.waiting = False
        self.task = None
        self.light = False
        self.connection = connection
        self.method = method
        self.path = path
        self.query = query
        self._headers = headers
        #: Where the head is one that came before.
        self.repetition = known
        if known is None:
            self.peer = connection.address
            self.scheme = "https" if connection.secure else "http"
            if connection.trusted:
                trusted = connection.server.trusted
                self.peer = trusted.client(self.headers, self.peer)
                self.scheme = trusted.scheme(self.headers, self.scheme)
            self.request_id = ""
            self.form = _HEAD_ONLY if method == "HEAD" else USUAL
        else:
            self.peer = known.peer
            self.scheme = known.scheme
            # As new_request_id does.
            self.request_id = f"{ID_PREFIX}-{next(id_numbers):x}"
            self.form = known.form
        #: What the handler wants to have in the access log.
        self.notes = no_notes()
        #: A request that is refused before any handler sees it.
        self.refusal: Fault | None = None
        self.begun = perf_counter_ns()
        self.ended = 0
        self.keep = True

        self.length = length
        #: The body as received; ``bytes_in`` counts dropped pieces of it too.
        self.upload: Upload | None = None
        #: The body as it is handed out, once it is there.
        self.plain = body
        self.complete = self.reading = whole = body is not None
        self.bytes_in = size = length if whole else 0
        #: Bytes of it that are charged to the budget of all bodies.
        self.charged = size
        self.body_fault: Fault | None = None
        self._waiter: asyncio.Future[None] | None = None
        #: The first value of each header, once it has been asked for one.
        self.first: dict[str, str] | None = None

        #: The client has left; nothing is sent any more.
        self.gone = False
        #: The answer is whole (or given up).
        self.done = False
        self.streaming = False
        #: Of the answer, as soon as its head has been sent.
        self.status = 0
        self.bytes_out = 0
        #: What stops the source of the answer, and what restarts it.
        self.flow: tuple[Callable[[], None], Callable[[], None]] | None = None

    def over(self, error: BaseException | None) -> None:
        """Take note that the handler has ended, and answer if it hasn't."""
        server = self.connection.server
        try:
            if not self.gone and (error is not None or not self.done):
                server.failed(self, error or RuntimeError("the handler returned without a whole answer"))
        finally:
            server.left(self)

    # --- request ------------------------------------------------------------------------------------------------

    @property
    def headers(self) -> Headers:
        """Names in lower case with their values as received, in their order."""
        headers = self._headers
        if headers is None:
            known = self.repetition
            headers = self._headers = [] if known is None else known.headers_with(self.length)
        return headers

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        first = self.first
        if first is None:
            # Reversed, so that of several the first one stays.
            first = self.first = dict(reversed(self.headers))
        return first.get(name)

    async def body(self) -> bytes:
        """Read the whole decoded body. Raises :class:`~codenex.core.errors.Fault` (400, 408, 413, 415)."""
        read_before = self.plain
        if read_before is not None:
            return read_before
        limit = self.connection.limits.body_bytes
        # Both are judged before a byte is asked for: a client that waits for "100 Continue" is spared the upload.
        codings = [] if self.form.coding is None else request_codings(self.form.coding)
        if self.length > limit:
            raise too_large(limit)
        if not self.reading:
            self.connection.body_wanted(self)
        while not self.complete and self.body_fault is None:
            if driven.light_task is self:
                await self
                continue
            if self._waiter is None:
                self._waiter = self.connection.loop.create_future()
            # Shielded, so that one of two readers giving up does not fail the other.
            await asyncio.shield(self._waiter)
        if self.body_fault is not None:
            raise self.body_fault
        if self.plain is not None:
            return self.plain
        data = b"" if self.upload is None else self.upload.whole()
        if codings:
            # It stays until this is done, for a second reader.
            data = await plain_body(data, codings, limit)
            self._charge_plain(len(data))
        if not self.gone:
            self.plain = data
        self.upload = None
        return data

    def _charge_plain(self, size: int) -> None:
        """Charge the plain body in place of the compressed one. Raises :class:`Fault` 503."""
        self._give_back()
        if not self.connection.server.budget.charge(size):
            self.upload = None
            raise no_room()
        self.charged = size

    def forget_body(self, held: int = 0) -> None:
        """Let go of the body, but for ``held`` bytes that are counted until the end: nobody needs it any more.
        :meth:`body` is not to be called again."""
        self.upload = None
        self.plain = b""
        if self.charged > held:
            self.connection.server.budget.used -= self.charged - held
            self.charged = held

    def _give_back(self, held: int = 0) -> None:
        if self.charged > held:
            self.connection.server.budget.give_back(self.charged - held)
            self.charged = held

    def body_ended(self, fault: Fault | None = None) -> None:
        """Record that the body is whole, or why it never will be."""
        if fault is None:
            self.complete = True
        else:
            self.body_fault = fault
            self.upload = None
            self._give_back()
        if self.waiting:
            # Not at once: the parser is still at work.
            self.connection.loop.call_soon(self.wake)
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    # --- answer -------------------------------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether the head of the answer has been sent."""
        return self.status != 0

    def _framing(self, status: int, length: int | None) -> str:
        self.keep = self.keep and self.connection.may_keep(self)
        if status in _BODILESS:
            framing = ""
        elif length is not None:
            framing = f"content-length: {length}\r\n"
        elif self.form.http_1_0:
            # Without chunks only the end of the connection can mark the end of the body.
            self.keep = False
            framing = ""
        else:
            framing = "transfer-encoding: chunked\r\n"
        if not self.keep:
            return framing + "connection: close\r\n"
        return framing + "connection: keep-alive\r\n" if self.form.http_1_0 else framing

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; the server adds ``content-length``, ``date`` and ``x-request-id``.

        Raises :class:`ValueError` for headers that can't be sent (nothing has been sent then).
        """
        if self.gone:
            return
        connection = self.connection
        length = len(body)
        usual = length > 0 and status == 200 and self.complete and self.keep and self.form is USUAL
        if usual and not connection.server.draining:
            # What _framing says of it.
            framing = f"content-length: {length}\r\n"
        else:
            if self.form.head_only and not body:
                length = _stated_length(headers)
            framing = self._framing(status, length)
        head = answer_head(status, headers, framing, self.request_id)
        if self.status:
            raise RuntimeError("the answer has already been started")
        self.status = status
        if not usual and (self.form.head_only or status in _BODILESS):
            body = b""
        if length <= _JOIN_BYTES or not body:
            data = head + body
            self.bytes_out = len(data)
            connection.transport.write(data)
        else:
            self.bytes_out = len(head) + length
            connection.transport.writelines((head, body))
            connection.hold_answer()
        connection.answer_done(self)

    def start(self, status: int, headers: Headers, *, hold: bool = False) -> None:
        """Send the head of a streamed answer (chunked for HTTP/1.1, closed at the end for HTTP/1.0).

        With ``hold`` it goes out together with what is written next, which has to follow at once.
        """
        if self.gone:
            return
        head = answer_head(status, headers, self._framing(status, None), self.request_id)
        if self.status:
            raise RuntimeError("the answer has already been started")
        self.status = status
        self.streaming = not (self.form.head_only or status in _BODILESS)
        self.bytes_out = len(head)
        if hold and self.streaming:
            self._held = head
        else:
            self._held = b""
            self.connection.transport.write(head)

    def write(self, data: bytes) -> None:
        """Send a piece of a streamed answer at once. Does nothing when the client has left."""
        if self.gone or self.done or not data:
            return
        if not self.streaming:
            if not self.status:
                raise RuntimeError("write() before start()")
            return
        held = self._held
        piece = held + data if self.form.http_1_0 else b"".join((held, _size_lines[len(data)], data, b"\r\n"))
        self.bytes_out += len(piece)
        if held:
            self.bytes_out -= len(held)
            self._held = b""
        self.connection.transport.write(piece)

    def finish(self, last: bytes = b"") -> None:
        """End a streamed answer properly, after a last piece of it."""
        if self.gone or self.done:
            return
        if not self.status:
            raise RuntimeError("finish() before start()")
        if self.streaming:
            held = self._held
            if self.form.http_1_0:
                piece = held + last
            elif last:
                piece = b"".join((held, _size_lines[len(last)], last, b"\r\n0\r\n\r\n"))
            else:
                piece = held + b"0\r\n\r\n"
            self.bytes_out += len(piece) - len(held)
            self._held = b""
            if piece:
                self.connection.transport.write(piece)
        self.connection.answer_done(self)

    def abort(self) -> None:
        """Cut the connection, so that a truncated answer can't be taken for a whole one."""
        if not self.gone and not self.done:
            self.connection.cut(reset=self.form.http_1_0)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written."""
        await self.connection.writable()

    def on_flow(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Register what stops and restarts the source of ``write`` when the client is slower than it."""
        self.flow = (pause, resume)
        if self.connection.write_paused and not self.gone:
            pause()


def _stated_length(headers: Headers) -> int:
    """Return the length that a handler states for the body it would have sent to a GET."""
    for name, value in headers:
        if name == "content-length" and value.isdecimal():
            return int(value)
    return 0
