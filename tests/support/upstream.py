"""A real HTTP/1.1 server on loopback that answers from a script and writes down what it saw.

It knows no vendor: routes and replies are given to it. ``ScriptedVendor`` puts the vendors on top.
"""

from __future__ import annotations

import asyncio
import gzip
import inspect
import json
import re
import ssl
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from tests.support.http import Headers, MalformedMessage, read_body, read_head
from tests.support.peer import Closing, Peer
from tests.support.ports import listener
from tests.support.replies import Close, HalfClose, Hang, Reply, Reset, Sleep, Step, Unary, Wait, Write


@dataclass
class Request:
    """A request as it came: ``path`` is decoded, ``target`` isn't; ``params`` are the ``{names}`` of the route."""

    method: str
    target: str
    headers: Headers
    body: bytes
    connection: int
    at: float
    params: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def content(self) -> bytes:
        """The body without its content encoding (gzip and deflate)."""
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(self.body)
            case "deflate":
                return zlib.decompress(self.body)
            case _:
                return self.body

    @property
    def json(self) -> Any:
        """The parsed body; None where it isn't JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None


@dataclass
class Exchange:
    """One request and what became of its answer. Times are ``time.monotonic``."""

    request: Request
    peer: Peer
    answered_at: float | None = None
    """When the first byte of the answer was written."""
    finished_at: float | None = None
    complete: bool = False
    """The whole script was played; False after an ending by either side."""
    body_writes: int = 0

    @property
    def client_left(self) -> Closing | None:
        """How the client closed, when it did so before this exchange was complete."""
        closing = self.peer.closing
        if closing is None or (self.complete and self.finished_at is not None and closing.at > self.finished_at):
            return None
        return closing

    async def left(self, timeout: float = 5.0) -> Closing:
        """Wait until the client is gone."""
        await asyncio.wait_for(self.peer.left.wait(), timeout)
        assert self.peer.closing is not None
        return self.peer.closing


Answer = Reply | Callable[[Request], "Reply | Awaitable[Reply]"]


@dataclass
class _Route:
    method: str
    pattern: re.Pattern[str]
    default: Answer | None = None
    queue: deque[Answer] = field(default_factory=deque)


def _compiled(path: str) -> re.Pattern[str]:
    """``/v1beta/models/{model}:countTokens`` as a pattern; a name takes anything but a slash and a colon."""
    pieces = re.split(r"\{(\w+)\}", path)
    return re.compile(
        "".join(re.escape(piece) if index % 2 == 0 else f"(?P<{piece}>[^/:]+)" for index, piece in enumerate(pieces))
    )


class ScriptedUpstream:
    """``async with ScriptedUpstream() as up: up.on("POST", "/v1/chat/completions", Unary(b"{}"))``.

    A route has a default answer (``on``) and a queue of answers used up first (``queue``); an unknown route is
    answered with 404. ``tls`` is a server-side context; with ``unix_path`` it listens there and has no port.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, unix_path: str | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.connections: list[Peer] = []
        self.malformed: list[ValueError] = []
        """Requests that were no HTTP/1.1; each is answered with 400."""
        self.failures: list[Exception] = []
        """What a test's own answer function raised; raised again when the server stops."""
        self._routes: list[_Route] = []
        self._tls = tls
        self._unix_path = unix_path
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self.port = 0

    # life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None and self.failures:
            raise self.failures[0]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._unix_path is not None:
            self._server = await loop.create_unix_server(self._accept, self._unix_path)
            return
        listening = listener(self.port)
        self.port = listening.getsockname()[1]
        self._server = await loop.create_server(self._accept, sock=listening, ssl=self._tls)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        open_peers = [peer for peer in self.connections if peer.alive]
        for peer in open_peers:
            peer.abort()
        await asyncio.gather(*(peer.lost.wait() for peer in open_peers))
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    # routes

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Set the default answer of a route."""
        self._route(method, path).default = answer

    def queue(self, method: str, path: str, *answers: Answer) -> None:
        """Add answers that are given once each, before the default."""
        self._route(method, path).queue.extend(answers)

    def _route(self, method: str, path: str) -> _Route:
        pattern = _compiled(path)
        for route in self._routes:
            if (route.method, route.pattern.pattern) == (method, pattern.pattern):
                return route
        self._routes.append(_Route(method, pattern))
        return self._routes[-1]

    async def reply_to(self, request: Request) -> Reply:
        """The reply that is due for this request; takes it from the queue."""
        for route in self._routes:
            found = route.pattern.fullmatch(request.path)
            if found is None or route.method != request.method:
                continue
            request.params = found.groupdict()
            answer = route.queue.popleft() if route.queue else route.default
            if answer is not None:
                return await _resolved(answer, request)
        return self.unknown(request)

    def unknown(self, request: Request) -> Reply:
        """The answer of a route that nobody has set."""
        return Unary(b"no such route", 404, {"content-type": "text/plain"})

    # records

    @property
    def requests(self) -> list[Request]:
        return [exchange.request for exchange in self.exchanges]

    @property
    def open_connections(self) -> int:
        return sum(peer.alive for peer in self.connections)

    async def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Wait until ``condition()`` holds; looked at whenever a request arrives or an exchange moves on."""

        async def watch() -> None:
            async with self._news:
                await self._news.wait_for(condition)

        await asyncio.wait_for(watch(), timeout)

    async def wait_for_requests(self, count: int, timeout: float = 5.0) -> Exchange:
        """Wait until ``count`` requests are there and return the exchange of that one."""
        await self.wait_for(lambda: len(self.exchanges) >= count, timeout)
        return self.exchanges[count - 1]

    # service

    def _accept(self) -> Peer:
        peer = Peer()
        number = len(self.connections)
        self.connections.append(peer)
        self._spawn(self._serve(peer, number))
        return peer

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _serve(self, peer: Peer, number: int) -> None:
        alive = True
        try:
            while alive and (request := await self._read_request(peer, number)) is not None:
                exchange = Exchange(request, peer)
                self.exchanges.append(exchange)
                await self._tell()
                alive = await self._play(exchange, await self.reply_to(request))
                exchange.finished_at = time.monotonic()
                await self._tell()
        except ConnectionError:
            pass
        except MalformedMessage as error:
            self.malformed.append(error)
            for step in Unary(str(error).encode(), 400, {"connection": "close"}).steps():
                peer.transport.write(step.data if isinstance(step, Write) else b"")
        except Exception as error:
            self.failures.append(error)
        if not peer.lost.is_set():
            peer.close()

    async def _read_request(self, peer: Peer, number: int) -> Request | None:
        if not await peer.wait_for_data():
            return None
        at = time.monotonic()
        start, headers = await read_head(peer)
        try:
            method, target, _ = start.split(" ")
        except ValueError as error:
            raise MalformedMessage(f"bad request line {start!r}") from error
        if (headers.get("expect") or "").lower() == "100-continue":
            await peer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"".join([piece async for piece in read_body(peer, headers, until_close=False)])
        return Request(method, target, headers, body, number, at)

    async def _play(self, exchange: Exchange, reply: Reply) -> bool:
        """Play the script; True when the connection may take another request."""
        peer = exchange.peer
        for step in reply.steps():
            if not await self._perform(exchange, step):
                return False
        exchange.complete = True
        return (exchange.request.headers.get("connection") or "").lower() != "close" and not peer.left.is_set()

    async def _perform(self, exchange: Exchange, step: Step) -> bool:
        peer = exchange.peer
        match step:
            case Write(data, part):
                if exchange.answered_at is None:
                    exchange.answered_at = time.monotonic()
                await peer.write(data)
                exchange.body_writes += part == "body"
                # One turn of the loop for each write, so that a closing is seen between two of them.
                await asyncio.sleep(0)
                await self._tell()
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Wait(event):
                await event.wait()
            case Hang():
                await peer.left.wait()
                return False
            case Reset():
                await asyncio.sleep(0)
                peer.reset()
                return False
            case Close():
                exchange.complete = True
                peer.close()
                return False
            case HalfClose():
                peer.half_close()
                await peer.left.wait()
                return False
        return True


async def _resolved(answer: Answer, request: Request) -> Reply:
    if not callable(answer):
        return answer
    result = answer(request)
    return await result if inspect.isawaitable(result) else result
