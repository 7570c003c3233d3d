"""A gateway in one process that is attacked or worn out, what it holds, and how it feels to its other clients."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.processes.site import KEY, Site, resident_mib

from codenex.providers.registry import PROVIDER_TYPES

#: A request that answers with a whole body, and one that answers with a stream.
CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
CHAT_STREAM = CHAT[:-1] + b',"stream":true}'


def post(body: bytes, length: int | None = None, path: str = "/v1/chat/completions") -> bytes:
    """A request with the key of the tests, of which ``length`` may promise more than is there."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


class Victim(Site):
    """``async with Victim(tmp_path, port_of_an_upstream) as victim``. ``descriptors`` limits what it may open."""

    def __init__(
        self,
        folder: Path,
        upstream: int | None = None,
        *,
        provider: str = "openai-custom",
        descriptors: int | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(folder, standalone=True, **settings)
        if upstream is not None:
            kind = PROVIDER_TYPES[provider]
            assert kind.key_field is not None
            assert kind.base_url_field is not None
            self._environment |= {
                kind.key_field: "sk-of-the-upstream",
                kind.base_url_field: f"http://127.0.0.1:{upstream}{kind.version_path}",
                "MODEL_PROVIDER": provider,
            }
        if descriptors is not None:
            command = self._command
            self._command = lambda port: ["prlimit", f"--nofile={descriptors}:{descriptors}", *command(port)]

    @property
    def sockets(self) -> int:
        """Open sockets, listeners included."""
        return sum(target.startswith("socket:") for target in self._targets())

    @property
    def descriptors(self) -> int:
        return len(list(self._targets()))

    def _targets(self) -> Iterator[str]:
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                yield str(entry.readlink())
            except OSError:
                continue

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    @property
    def resident(self) -> float:
        """MiB."""
        return resident_mib(self.pid)

    @property
    def anonymous(self) -> float:
        """MiB of memory of its own: without the files that are mapped, and without what the kernel holds for it."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"RssAnon:\s+(\d+) kB", text)
        assert match is not None
        return int(match[1]) / 1024


async def until(holds: Callable[[], bool], patience: float, what: str = "it never happened") -> float:
    """Wait until something holds; the seconds that it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < patience, what
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


class Lurker(asyncio.Protocol):
    """A connection that says ``first``, then perhaps ``more`` byte by byte, and never reads an answer to its end."""

    def __init__(self, first: bytes, more: bytes = b"", pause: float = 1.0) -> None:
        self.first, self.more, self.pause = first, more, pause
        self.begun = time.monotonic()
        #: seconds that it was held open; ``None`` while it is
        self.lasted: float | None = None
        self.told = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.first)
        self._drip()

    def _drip(self) -> None:
        if self.more and self.lasted is None:
            self.transport.write(self.more[:1])
            self.more = self.more[1:]
            asyncio.get_running_loop().call_later(self.pause, self._drip)

    def data_received(self, data: bytes) -> None:
        self.told = (self.told + data)[:200]

    def connection_lost(self, error: Exception | None) -> None:
        self.lasted = time.monotonic() - self.begun


async def lurk(port: int, first: bytes, more: bytes = b"") -> Lurker:
    _, lurker = await asyncio.get_running_loop().create_connection(lambda: Lurker(first, more), "127.0.0.1", port)
    return lurker


class Times(list[float]):
    """Seconds that each of many things took."""

    def quantile(self, share: float) -> float:
        return sorted(self)[min(len(self) - 1, int(len(self) * share))]


@contextmanager
def health_watched(port: int, pause: float = 0.02) -> Iterator[Times]:
    """Ask for ``/health`` again and again, on connections of its own, from a thread that nothing else holds up."""
    times = Times()
    ended = threading.Event()
    failures: list[str] = []

    def ask() -> None:
        request = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        while not ended.wait(pause):
            begun = time.perf_counter()
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                    sock.sendall(request)
                    answer = sock.recv(4096)
            except OSError as error:
                failures.append(repr(error))
                continue
            times.append(time.perf_counter() - begun)
            if not answer.startswith(b"HTTP/1.1 200"):
                failures.append(repr(answer[:100]))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join(15)
    assert not failures, failures[:3]


class PlainUpstream(asyncio.Protocol):
    """An upstream that costs next to nothing: each request gets ``answer``, whatever it says."""

    answer = b""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data if self._buffer else data
        head, mark, body = data.partition(b"\r\n\r\n")
        if mark and len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            self._buffer = b""
            self.replied()

    def replied(self) -> None:
        """Answer a whole request."""
        self.transport.write(self.answer)


def answering(answer: bytes) -> type[PlainUpstream]:
    return type("Answering", (PlainUpstream,), {"answer": answer})


@asynccontextmanager
async def upstream_of(kind: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    """The port of an upstream."""
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def whole(body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (kind, len(body), body)


ANSWER = whole(
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"word"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
LAST = (
    b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


def slowest(lurkers: Sequence[Lurker]) -> float:
    """How long the one that lasted longest was open."""
    assert all(lurker.lasted is not None for lurker in lurkers)
    return max(lurker.lasted or 0.0 for lurker in lurkers)
