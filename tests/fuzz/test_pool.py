"""Whatever upstreams send, the pool has the answer whole, as a reader of its own has it, or raises a ``Fault``."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import Counter
from typing import Any

import pytest
from tests.fuzz.mutation import INPUTS, mutated, pieces, sources
from tests.fuzz.wire import Wire

from codenex.core.errors import Fault
from codenex.providers.transport import BodyBudget, Origin, Transport, UpstreamRequest

ORIGIN = Origin("http", "upstream.example", 80)
BODY = b'{"object":"chat.completion","choices":[{"message":{"content":"word"}}]}'
_GZIP = zlib.compress(BODY, wbits=31)
_CHUNKED = b"Transfer-Encoding: chunked"


def _answer(*headers: bytes, body: bytes = b"", line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((line, *headers, b"", b"")) + body


def _chunks(*parts: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


SEEDS = (
    _answer(b"Content-Type: application/json", b"Content-Length: %d" % len(BODY), body=BODY),
    _answer(
        _CHUNKED, b"Content-Type: text/event-stream", body=_chunks(*[b'data: {"a":1}\n\n'] * 9, b"data: [DONE]\n\n")
    ),
    _answer(_CHUNKED, body=_chunks(BODY, trailer=b"Server-Timing: a\r\n")),
    _answer(_CHUNKED, body=b"4;x=y\r\nabcd\r\n00\r\n\r\n"),
    _answer(b"Connection: close", body=BODY),
    _answer(b"Content-Length: 2", b"Connection: close", body=b"{}"),
    _answer(b"Content-Length: 2", line=b"HTTP/1.0 200 OK", body=b"{}"),
    _answer(b"Content-Encoding: gzip", b"Content-Length: %d" % len(_GZIP), body=_GZIP),
    _answer(b"Content-Encoding: gzip", _CHUNKED, body=_chunks(_GZIP[:20], _GZIP[20:])),
    _answer(line=b"HTTP/1.1 100 Continue") + _answer(b"Content-Length: 2", body=b"ok"),
    _answer(b"Link: </a>", line=b"HTTP/1.1 103 Early Hints") + _answer(b"Content-Length: 2", body=b"ok"),
    _answer(line=b"HTTP/1.1 204 No Content"),
    _answer(b"Content-Length: 5", line=b"HTTP/1.1 304 Not Modified"),
    _answer(
        b"Upgrade: websocket", b"Connection: Upgrade", line=b"HTTP/1.1 101 Switching Protocols", body=b"\x81\x05hello"
    ),
    _answer(b"Retry-After: 5", b"Content-Length: 14", line=b"HTTP/1.1 429 Too Many Requests", body=b'{"error":"no"}'),
    _answer(*[b"X-%d: y" % number for number in range(40)], b"Content-Length: 0"),
    _answer(b"Content-Length: 3000", body=b"z" * 3000),
    b"<html>not HTTP at all</html>",
    b"HTTP/2 200\r\n\r\n",
)
WORDS = (
    b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: 5, 5", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding : chunked",
    b"Content-Encoding: br", b"Content-Encoding: gzip, gzip", b"Content-Encoding: rot13", b"Connection: close",
    b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP/1.1 200 OK", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 99999 X",
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"X: y\r\n" * 40, b";e=" + b"e" * 100, b"data: [DONE]\n\n", b"\x1f\x8b\x08\x00",
)  # fmt: skip
WAYS = ("read", "chunk", "pipe")
LIMIT = 2000


def dechunked(data: bytes) -> bytes | None:
    """Read a chunked body; ``None`` where its end is missing or anything in it is not as it has to be."""
    out = bytearray()
    while True:
        line, mark, data = data.partition(b"\r\n")
        if not mark:
            return None
        try:
            size = int(line.partition(b";")[0].strip(b" \t"), 16)
        except ValueError:
            return None
        if size == 0:
            return bytes(out)
        if data[size : size + 2] != b"\r\n":
            return None
        out += data[:size]
        data = data[size + 2 :]


class Dialled:
    """Connects to nothing."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.called = asyncio.Event()

    async def connect(self, origin: Origin, factory: Any, timeout: float) -> Any:
        wire = Wire(asyncio.get_running_loop(), factory())
        self.wires.append(wire)
        self.called.set()
        return wire.protocol


async def ask(transport: Transport, way: str) -> tuple[bytes, int, bytes | None]:
    """Ask once; the body, its status and its transfer coding."""
    async with await transport.send(UpstreamRequest("POST", ORIGIN, "/v1", [], b"{}")) as response:
        coding = response.header("transfer-encoding")
        status = response.status
        if way == "read":
            body = await response.read(LIMIT)
        elif way == "pipe":
            taken: list[bytes] = []
            await response.pipe(taken.append)
            body = b"".join(taken)
        else:
            body = b""
            while piece := await response.chunk():
                body += piece
        assert response.complete
        if way != "read" or response.header("content-encoding") is None:
            length = response.header("content-length")
            assert length is None or status in (204, 304) or len(body) == int(length), "a truncation taken for the end"
        return body, status, None if coding is None else coding.encode("latin-1")


async def take(source: random.Random, seen: Counter[str]) -> None:
    """Let an upstream answer one request, and end in some way."""
    transport = Transport(head_bytes=1000, high_water=500, budget=BodyBudget(2800))
    transport._connector = dialled = Dialled()  # type: ignore[assignment]
    sent = mutated(source, SEEDS, WORDS)
    way = source.choice(WAYS)
    task = asyncio.ensure_future(ask(transport, way))
    await dialled.called.wait()
    wire = dialled.wires[0]
    for piece in pieces(source, sent):
        if wire.protocol.response is not None:
            wire.feed(piece)
        if source.randrange(3):
            await asyncio.sleep(0)
    for _ in range(6):
        await asyncio.sleep(0)
    match source.randrange(3):
        case 0:
            wire.end()
        case 1:
            wire.lose(ConnectionResetError())
        case _:
            pass  # it goes on waiting
    for _ in range(6):
        await asyncio.sleep(0)
    if not task.done():
        # Compressed bodies may be with a thread.
        await asyncio.wait([task], timeout=0.0 if wire.protocol.response is not None else 2.0)
    task.cancel()
    try:
        body, status, coding = await task
    except Fault as fault:
        seen[fault.code or fault.kind.value] += 1
    except asyncio.CancelledError:
        seen["waiting"] += 1
    else:
        seen[f"{way} {status}"] += 1
        if coding == b"chunked" and way != "read" and status not in (204, 304) and b"HTTP/1.1 1" not in sent:
            assert body == dechunked(sent.lstrip(b"\r\n").partition(b"\r\n\r\n")[2]), "another body than was sent"
    idle = transport.counts()
    assert sum(count.in_use for count in idle.values()) == 0
    if idle:
        # A connection that is kept is clean, and says nothing unasked.
        wire.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    assert transport.counts() == {}
    assert transport.budget.used == 0
    await transport.close()


@pytest.mark.timeout(3600)
async def test_no_answer_upsets_the_pool() -> None:
    seen: Counter[str] = Counter()
    for seed, source in sources():
        try:
            await take(source, seen)
        except BaseException as error:
            raise AssertionError(f"answer {seed}") from error
    wanted = {
        "read 200", "chunk 200", "pipe 200", "waiting", "upstream_closed", "upstream_truncated", "upstream_protocol",
        "upstream_too_large", "upstream_content_encoding", "body_budget",
    }  # fmt: skip
    assert wanted <= set(seen), wanted - set(seen)
    print(f"{INPUTS} answers: {dict(seen.most_common(12))}")
