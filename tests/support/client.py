"""A client on a raw socket: sends exactly these bytes, reads strictly, leaves as rudely as asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.support.http import Headers, HeaderSource, MalformedMessage, pairs_of, read_body, read_head, render_head
from tests.support.peer import Closing, Peer
from tests.support.sse import ServerSentEvent, decode


@dataclass
class RawResponse:
    """A whole answer."""

    status: int
    reason: str
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[ServerSentEvent]:
        """The server-sent events of the body; one that no blank line ends doesn't count."""
        return decode(self.body)


@dataclass
class ResponseHead:
    """Status line and headers of an answer."""

    status: int
    reason: str
    headers: Headers


class RawClient:
    """``async with await RawClient.connect(port) as client: answer = await client.ask("GET", "/health")``."""

    def __init__(self, peer: Peer, host: str) -> None:
        self.peer = peer
        self._host = host
        self._head_only = False

    @classmethod
    async def connect(cls, port: int, host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> Self:
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(Peer, host, port, ssl=tls)
        return cls(peer, f"{host}:{port}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if not self.peer.lost.is_set():
            self.peer.abort()
            await self.peer.lost.wait()

    @property
    def closing(self) -> Closing | None:
        """How and when the server closed."""
        return self.peer.closing

    # sending

    async def send(self, data: bytes) -> None:
        """These bytes and no others."""
        await self.peer.write(data)

    async def request(
        self, method: str, target: str, body: bytes | Mapping[str, Any] | None = None, headers: HeaderSource = ()
    ) -> None:
        """A well-formed request; a mapping is sent as JSON. ``host`` and ``content-length`` are added."""
        pairs = pairs_of(headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            pairs.insert(0, ("content-type", "application/json"))
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.insert(0, ("host", self._host))
        if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in pairs):
            pairs.append(("content-length", str(len(body))))
        self._head_only = method == "HEAD"
        await self.send(render_head(f"{method} {target} HTTP/1.1", pairs) + (body or b""))

    # receiving

    async def head(self, timeout: float = 10.0) -> ResponseHead:
        """The next head that is not 100 Continue."""
        while True:
            start, headers = await asyncio.wait_for(read_head(self.peer), timeout)
            version, _, rest = start.partition(" ")
            status, _, reason = rest.partition(" ")
            if version != "HTTP/1.1" or not status.isdecimal():
                raise MalformedMessage(f"bad status line {start!r}")
            if int(status) != 100:
                return ResponseHead(int(status), reason, headers)

    def body(self, head: ResponseHead) -> AsyncIterator[bytes]:
        """Pieces of the body as they arrive; ``TruncatedMessage`` when it ends early."""
        bodyless = self._head_only or head.status in (204, 304)
        return read_body(self.peer, Headers() if bodyless else head.headers, until_close=not bodyless)

    async def response(self, timeout: float = 10.0) -> RawResponse:
        """A whole answer."""
        head = await self.head(timeout)

        async def rest() -> bytes:
            return b"".join([piece async for piece in self.body(head)])

        return RawResponse(head.status, head.reason, head.headers, await asyncio.wait_for(rest(), timeout))

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: HeaderSource = (),
        timeout: float = 10.0,
    ) -> RawResponse:
        """A request and its whole answer."""
        await self.request(method, target, body, headers)
        return await self.response(timeout)

    async def events(self, head: ResponseHead) -> AsyncIterator[ServerSentEvent]:
        """Events as they become complete, comments left out."""
        seen = b""
        given = 0
        async for piece in self.body(head):
            seen += piece
            # Decoding all of it again each time is slow and plainly right. A CR at the end may become a CRLF.
            complete = decode(seen[:-1] if seen.endswith(b"\r") else seen)
            for event in complete[given:]:
                yield event
            given = len(complete)
        for event in decode(seen)[given:]:
            yield event

    async def closed(self, timeout: float = 10.0) -> Closing:
        """Wait until the server has closed."""
        await asyncio.wait_for(self.peer.left.wait(), timeout)
        assert self.peer.closing is not None
        return self.peer.closing

    # leaving

    def half_close(self) -> None:
        """Send FIN and go on reading."""
        self.peer.half_close()

    def close(self) -> None:
        """Send FIN and stop reading."""
        self.peer.close()

    def reset(self) -> None:
        """Send RST."""
        self.peer.reset()
