"""The data plane's handler under an ASGI server: one request as the handler sees it, its answer as ASGI messages.

The server in front parses HTTP and keeps its own limits; limit, codings and budget of bodies are kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from codenex.core.errors import Fault, FaultKind
from codenex.core.notes import no_notes
from codenex.gateway.exchange import Handler, Headers, Repetition
from codenex.providers.transport.budget import BodyBudget, no_room
from codenex.server.body import plain_body, request_codings, too_large
from codenex.server.request_ids import new_request_id
from codenex.server.requests import request_id_of
from codenex.server.responses import FRAMING, RenderError
from codenex.server.server import CLIENT_CLOSED_REQUEST, AccessRecord
from codenex.server.upload import Upload
from codenex.wire.head import header_lines

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Bytes that wait for the server before the source is paused, and at which it goes on.
_HIGH, _LOW = 64 * 1024, 16 * 1024
_BODILESS = frozenset((204, 304))


class Truncated(ConnectionAbortedError):
    """Raised to the ASGI server after an answer that must not look whole: it then cuts the connection."""


class AsgiExchange:
    """Implements :class:`codenex.gateway.exchange.Exchange` on one ASGI scope."""

    def __init__(self, scope: Scope, receive: Receive, body_limit: int, budget: BodyBudget) -> None:
        self.method: str = scope["method"]
        raw = scope.get("raw_path")
        path = scope["path"] if raw is None else raw.decode("latin-1").partition("?")[0]
        root = scope.get("root_path", "")
        self.path: str = path.removeprefix(root) if root else path
        self.query: str = scope.get("query_string", b"").decode("latin-1")
        self.headers: Headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        client = scope.get("client")
        self.peer: str = client[0] if client else "unix"
        self.scheme: str = scope.get("scheme", "http")
        self.request_id = request_id_of(self.header("x-request-id")) or new_request_id()
        self.notes = no_notes()
        self.repetition: Repetition | None = None
        self.light = False
        self.begun = time.perf_counter_ns()
        self.status = 0
        self.bytes_in = self.bytes_out = 0
        self.done = False
        self.aborted = False
        #: Set when the body has been read or the answer begins: from then on the client's leaving is looked for.
        self.listening = asyncio.Event()
        self._receive = receive
        self._limit = body_limit
        self._budget = budget
        self._charged = 0
        self.plain: bytes | None = None
        self._reading = asyncio.Lock()
        self._messages: deque[Message] = deque()
        self._waiting = 0
        self._more = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._pause: Callable[[], None] | None = None
        self._resume: Callable[[], None] | None = None
        self._paused = False

    # --- request ------------------------------------------------------------------------------------------------

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def body(self) -> bytes:
        """Read the whole decoded body. Raises :class:`~codenex.core.errors.Fault` (400, 413, 415, 503)."""
        async with self._reading:
            if self.plain is None:
                self.plain = await self._read()
                self.listening.set()
            return self.plain

    async def _read(self) -> bytes:
        coding = ", ".join(value for name, value in self.headers if name == "content-encoding")
        codings = request_codings(coding) if coding else []
        length = self.header("content-length")
        if length is not None and length.isdecimal() and int(length) > self._limit:
            raise too_large(self._limit)
        upload = Upload()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            piece = message.get("body", b"")
            self.bytes_in += len(piece)
            if self.bytes_in > self._limit:
                raise too_large(self._limit)
            self._charge(len(piece))
            upload.add(piece)
            if not message.get("more_body", False):
                break
        data = upload.whole()
        if codings:
            data = await plain_body(data, codings, self._limit)
            self._give_back()
            self._charge(len(data))
        return data

    def _charge(self, size: int) -> None:
        if not self._budget.charge(size):
            raise no_room()
        self._charged += size

    def _give_back(self, held: int = 0) -> None:
        if self._charged > held:
            self._budget.give_back(self._charged - held)
            self._charged = held

    def forget_body(self, held: int = 0) -> None:
        """Let go of the body, but for ``held`` bytes that are counted until the end: no attempt can need it again."""
        self._give_back(held)
        if self.plain is not None:
            self.plain = b""

    # --- answer -------------------------------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Whether the head of the answer has been given to the server."""
        return self.status != 0

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer. Raises :class:`ValueError` for headers that can't be sent."""
        length: int | None = len(body)
        if self.method == "HEAD" and not body:
            stated = [value for name, value in headers if name == "content-length" and value.isdecimal()]
            length = int(stated[0]) if stated else 0
        if status in _BODILESS:
            length = None
        self._begin(status, headers, length)
        self._put(b"" if self.method == "HEAD" or status in _BODILESS else body, more=False)

    def start(self, status: int, headers: Headers, *, hold: bool = False) -> None:
        """Send the head of a streamed answer."""
        self._begin(status, headers, None)

    def write(self, data: bytes) -> None:
        """Send a piece of a streamed answer. Does nothing when the client has left."""
        if data and not self.done and self.method != "HEAD":
            if not self.started:
                raise RuntimeError("write() before start()")
            self._put(data, more=True)

    def finish(self, last: bytes = b"") -> None:
        """End a streamed answer properly, after a last piece of it."""
        if self.done:
            return
        if not self.started:
            raise RuntimeError("finish() before start()")
        self._put(b"" if self.method == "HEAD" else last, more=False)

    def abort(self) -> None:
        """Let the server cut the connection, so that a truncated answer can't be taken for a whole one."""
        if not self.done:
            self.done = self.aborted = True
            self._more.set()

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written."""
        await self._roomy.wait()

    def on_flow(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Register what stops and restarts the source of ``write`` when the client is slower than it."""
        self._pause, self._resume = pause, resume
        if self._paused:
            pause()

    def _begin(self, status: int, headers: Headers, length: int | None) -> None:
        if self.started:
            raise RuntimeError("the answer has already been started")
        header_lines(headers)
        own = [(name, value) for name, value in headers if name.lower() not in FRAMING]
        own.append(("x-request-id", self.request_id))
        if length is not None:
            own.append(("content-length", str(length)))
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own]
        self.status = status
        self.listening.set()
        self._messages.append({"type": "http.response.start", "status": status, "headers": pairs})
        self._more.set()

    def _put(self, data: bytes, *, more: bool) -> None:
        self._messages.append({"type": "http.response.body", "body": data, "more_body": more})
        self.bytes_out += len(data)
        self._waiting += len(data)
        self.done = not more
        self._more.set()
        if self._waiting > _HIGH and not self._paused:
            self._paused = True
            self._roomy.clear()
            if self._pause is not None:
                self._pause()

    async def deliver(self, send: Send) -> None:
        """Give the server one message after the other until the answer is over. Raises :class:`Truncated`."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                await send(message)
                self._taken(len(message.get("body", b"")))
                if message["type"] == "http.response.body" and not message["more_body"]:
                    return
            if self.aborted:
                raise Truncated("the answer was cut")
            self._more.clear()
            if not self._messages and not self.aborted:
                await self._more.wait()

    def _taken(self, size: int) -> None:
        self._waiting -= size
        if self._paused and self._waiting <= _LOW:
            self._paused = False
            self._roomy.set()
            if self._resume is not None:
                self._resume()

    async def left(self) -> None:
        """Return when the client has left. Not to be called while the body is read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def serve(
    handler: Handler,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    body_limit: int,
    budget: BodyBudget,
    render_error: RenderError,
    on_crash: Callable[[BaseException], None],
    on_record: Callable[[AccessRecord], None] = lambda record: None,
) -> AsgiExchange:
    """Serve one HTTP scope. A client that leaves cancels the handler; ``on_record`` is told what became of it. Raises
    :class:`Truncated`."""
    exchange = AsgiExchange(scope, receive, body_limit, budget)
    work = asyncio.ensure_future(_handle(handler, exchange, render_error, on_crash))
    watching = asyncio.ensure_future(_watch(exchange, work))
    try:
        await exchange.deliver(send)
        await work
    finally:
        # Whatever ended the delivery (the server may cancel it as well), nothing goes on behind it.
        for task in (watching, work):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(watching, work, return_exceptions=True)
        exchange.forget_body()
        on_record(_record_of(exchange))
    return exchange


def _record_of(exchange: AsgiExchange) -> AccessRecord:
    whole = exchange.done and not exchange.aborted
    return AccessRecord(
        exchange.method,
        exchange.path,
        exchange.status or CLIENT_CLOSED_REQUEST,
        exchange.bytes_in,
        exchange.bytes_out,
        (time.perf_counter_ns() - exchange.begun) // 1000,
        exchange.request_id,
        exchange.peer,
        whole,
        exchange.notes,
    )


async def _watch(exchange: AsgiExchange, work: asyncio.Future[None]) -> None:
    await exchange.listening.wait()
    await exchange.left()
    if not exchange.done:
        work.cancel()


async def _handle(
    handler: Handler, exchange: AsgiExchange, render_error: RenderError, on_crash: Callable[[BaseException], None]
) -> None:
    try:
        await handler(exchange)
        if not exchange.done:
            raise RuntimeError("the handler returned without a whole answer")
    except asyncio.CancelledError:
        exchange.abort()
        raise
    except Fault as fault:
        _answer_fault(exchange, fault, render_error)
    except Exception as error:
        on_crash(error)
        _answer_fault(exchange, Fault(FaultKind.INTERNAL, "Internal error.", code="internal_error"), render_error)


def _answer_fault(exchange: AsgiExchange, fault: Fault, render_error: RenderError) -> None:
    if exchange.started:
        exchange.abort()
    elif not exchange.done:
        exchange.respond(*render_error(fault, exchange.path))
