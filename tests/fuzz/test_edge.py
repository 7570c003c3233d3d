"""Whatever clients send, the edge answers in HTTP, forgets it, and nothing but a ``Fault`` is ever raised."""

from __future__ import annotations

import asyncio
import random
import re
import time
import zlib
from typing import Any

import pytest
from tests.fuzz.mutation import INPUTS, mutated, pieces, sources
from tests.fuzz.wire import Wire

from codenex.providers.transport import BodyBudget
from codenex.server import AccessRecord, Limits, Server
from codenex.server.edge import Connection
from codenex.server.exchange import EdgeExchange
from codenex.server.sampling import Sample


def _request(line: bytes, *headers: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join((line + b" HTTP/" + version, b"Host: gateway", *headers, b"", b"")) + body


_CHUNKED = b"Transfer-Encoding: chunked"
_GZIP = zlib.compress(b'{"model":"m"}' * 40, wbits=31)
#: Within the limit of one body, and more than there is room for.
_ROOMY = zlib.compress(b"0" * 2480, wbits=31)

SEEDS = (
    _request(b"GET /health"),
    _request(b"GET /v1/models?key=a%20b", b"Accept: */*"),
    _request(b"HEAD /"),
    _request(b"OPTIONS *", b"Origin: https://a.example"),
    _request(b"POST /v1/chat/completions", b"Content-Length: 13", body=b'{"model":"m"}'),
    _request(b"POST /v1/messages", b"Content-Length: 0", b"Connection: close"),
    _request(b"POST /large", b"Content-Length: 2400", body=b"x" * 2400),
    _request(b"POST /c", _CHUNKED, body=b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrail: er\r\n\r\n"),
    _request(b"POST /c", _CHUNKED, body=b"500\r\n%b\r\n" % (b"y" * 0x500) * 2 + b"0\r\n\r\n"),
    _request(b"POST /c", _CHUNKED, body=b"1\r\na\r\n" * 60 + b"0\r\n\r\n"),
    _request(b"POST /z", b"Content-Encoding: gzip", b"Content-Length: %d" % len(_GZIP), body=_GZIP),
    _request(b"POST /z", b"Content-Encoding: gzip", b"Content-Length: %d" % len(_ROOMY), body=_ROOMY),
    _request(b"POST /e", b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"),
    _request(b"GET /ws", b"Connection: Upgrade", b"Upgrade: websocket"),
    _request(b"POST /ws", b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 4", body=b"abcd"),
    _request(b"GET /old", b"Connection: keep-alive", version=b"1.0"),
    _request(b"POST http://other.example:80/p?q", b"Content-Length: 2", body=b"{}"),
    b"".join(_request(b"POST /%d" % number, b"Content-Length: 1", body=b"!") for number in range(6)),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
WORDS = (
    b"Content-Length: 5", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked", b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=a",
    b"Host: b", b"Host: [::1", b"Host:", b"Expect: 100-continue", b"Connection: close", b"Connection: upgrade",
    b"Upgrade: websocket", b"Content-Encoding: br", b"Content-Encoding: gzip, deflate, zstd", b"0\r\n\r\n",
    b"X-Request-Id: \xff", b"5\r\nhello\r\n",
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"CONNECT a:1 HTTP/1.1", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"/" * 200,
    b"X: y\r\n" * 30, b";ext=" + b"e" * 100,
)  # fmt: skip

#: Small, so that messages of a few bytes reach every limit.
LIMITS = Limits(
    head_bytes=1500, target_bytes=200, header_count=16, body_bytes=2500, half_open_per_address=2, pipelined=2,
    unread_bytes=100, discard_bytes=50, write_bytes=1,
)  # fmt: skip

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*\r\n((?:[a-z0-9-]+: [^\r\n\0]*\r\n)*)\r\n")
_ID = re.compile(rb"x-request-id: ([^\r]*)")
_LENGTH = re.compile(rb"content-length: (\d+)\r\n")


def read_answers(data: bytes, methods: dict[str, str], *, cut: bool) -> int:
    """Read all of a connection's output; return the number of final answers. Raises ``AssertionError`` for anything
    that is no HTTP. ``methods`` are those of the requests by their ids. ``cut``: the end may be missing."""
    count = position = 0
    while position < len(data):
        head = _HEAD.match(data, position)
        if head is None:
            assert cut, data[position:]
            return count
        position = head.end()
        if head[1] == b"100":
            continue
        count += 1
        method = methods[_ID.findall(head[2])[0].decode()]
        length = _LENGTH.search(head[2])
        if method == "HEAD" or head[1] == b"204":
            continue
        if length is not None:
            position += int(length[1])
        elif b"transfer-encoding: chunked" in head[2]:
            while (size := data[position : data.find(b"\r\n", position)]) != b"0":
                if cut and not size:
                    return count
                position += len(size) + 2 + int(size, 16)
                assert cut or data[position : position + 2] == b"\r\n", data[position:]
                position += 2
            position += 5
        else:
            assert b"connection: close" in head[2], "a body without an end"
            return count
        assert cut or position <= len(data), "a body that is too short"
    return count


class Edge:
    """A server that connections are given to without a socket."""

    def __init__(self) -> None:
        self.records: list[AccessRecord] = []
        self.crashes: list[BaseException] = []
        self.server = Server(
            self._handle,
            LIMITS,
            budget=BodyBudget(2450),
            on_record=self.records.append,
            on_crash=lambda _, error: self.crashes.append(error),
        )
        # Every refusal has a record here.
        self.server.refusals = Sample(time.monotonic, each=INPUTS * 100, total=INPUTS * 100)
        self.source = random.Random()

    async def _handle(self, exchange: EdgeExchange) -> None:
        """Do by turns what handlers do."""
        match self.source.randrange(7):
            case 0:
                exchange.respond(401, [("content-type", "text/plain")], b"no")
            case 1:
                await exchange.body()
                exchange.start(200, [("content-type", "text/event-stream")], hold=True)
                exchange.write(b"data: 1\n\n")
                await exchange.drain()
                exchange.finish(b"data: 2\n\n")
            case 2:
                exchange.start(200, [])
                await exchange.body()
                exchange.finish()
            case 3:
                exchange.respond(204, [], b"")
            case _:
                exchange.respond(200, [], b"%d bytes" % len(await exchange.body()))

    async def take(self, source: random.Random) -> None:
        """Send one message over a connection of its own, leave in some way, and look at all that came of it."""
        self.records.clear()
        self.source = source
        wire = Wire(asyncio.get_running_loop(), Connection(self.server))
        # As after a request with a right key.
        wire.protocol.known = source.randrange(2) == 0
        stalling = source.randrange(4) == 0
        for piece in pieces(source, mutated(source, SEEDS, WORDS)):
            if stalling and not wire.closing:
                (wire.protocol.resume_writing if wire.protocol.write_paused else wire.protocol.pause_writing)()
            wire.feed(piece)
            if source.randrange(3):
                await asyncio.sleep(0)
        if wire.protocol.write_paused and not wire.closing:
            wire.protocol.resume_writing()
        early = source.randrange(4) == 0
        if not early:
            await self._quiet()
        match source.randrange(3):
            case 0:
                wire.end()
            case 1:
                wire.lose()
            case _:
                wire.lose(ConnectionResetError())
        await self._quiet()
        wire.lose()
        await self._quiet()
        if self.crashes:
            raise self.crashes[0]
        assert self.server.request_count == 0
        assert self.server.connection_count == 0
        assert self.server.budget.used == 0
        assert self.server.half_open.count("127.0.0.1") == 0
        cut = early or wire.aborted or not all(record.complete for record in self.records)
        methods = {record.request_id: record.method for record in self.records}
        count = read_answers(bytes(wire.written), methods, cut=cut)
        assert cut or count == len(self.records)

    async def _quiet(self) -> None:
        """Let everything run that can."""
        for _ in range(4):
            await asyncio.sleep(0)


@pytest.mark.timeout(3600)
async def test_no_message_upsets_the_edge() -> None:
    edge = Edge()
    await edge.server.start([])
    statuses: set[Any] = set()
    try:
        for seed, source in sources():
            try:
                await edge.take(source)
            except BaseException as error:
                raise AssertionError(f"message {seed}") from error
            statuses.update(record.status for record in edge.records)
    finally:
        await edge.server.drain(0)
    # The messages reach what they are meant to reach.
    assert {200, 204, 400, 401, 413, 414, 415, 431, 499, 503, 505} <= statuses, statuses
    print(f"{INPUTS} messages; {edge.server.refusals.counted} refused; statuses {sorted(statuses)}")
