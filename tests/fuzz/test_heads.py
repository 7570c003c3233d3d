"""A head that is remembered is read as the parser reads it, and nothing else is taken for it."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from typing import Any

import pytest
from tests.fuzz.mutation import INPUTS, mutated, pieces, sources
from tests.fuzz.test_edge import LIMITS, SEEDS, WORDS, _request
from tests.fuzz.wire import Wire

from codenex.providers.transport import BodyBudget
from codenex.server import Server
from codenex.server.edge import Connection
from codenex.server.exchange import EdgeExchange
from codenex.server.sampling import Sample

#: A handler that has yet to ask for a body holds nothing up: when pieces come would differ otherwise.
ROOMY = dataclasses.replace(LIMITS, unread_bytes=100_000, pipelined=100)

#: Heads that are remembered, beside those of all other kinds.
ORDINARY = (
    _request(b"POST /v1/messages", b"Content-Length: 13", b"X-Api-Key: k", body=b'{"model":"m"}'),
    _request(b"POST /v1/messages", b"content-length: 2", b"Connection: keep-alive", body=b"{}"),
    _request(b"POST /a?b=c&d", b"A: 1", b"CONTENT-LENGTH: 3", b"A: 2", body=b"abc"),
    _request(b"POST /w", b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    _request(b"POST /w", b"X: \r\nContent-Length: 5", b"content-length: 7", body=b"hello"),
    _request(b"POST /w", b"Content-Length: 05", body=b"hello"),
    _request(b"POST /large", b"Content-Length: 2400", body=b"x" * 2400),
)
PARSED = (*ORDINARY, *SEEDS)
WORDS_OF_LENGTH = (
    *WORDS,
    b"Content-Length: 13",
    b"content-length:2",
    b"X: Content-Length: 4",
    b"\r\nContent-Length: \r\n",
)


class Forgetful(Connection):
    """Remembers no head: the parser reads them all."""

    def _parse_and_learn(self, data: bytes) -> None:
        super()._parse_and_learn(data)
        self._known_head = None


class Counting(Connection):
    """Counts how often a head is known."""

    found = 0
    counted: EdgeExchange | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        exchange = self.current
        Counting.found += exchange is not None and exchange.repetition is not None and exchange is not self.counted
        self.counted = exchange


class Reader:
    """A server that tells what its handler sees."""

    def __init__(self, kind: type[Connection]) -> None:
        self.kind = kind
        self.seen: list[Any] = []
        self.crashes: list[BaseException] = []
        self.server = Server(
            self._handle,
            ROOMY,
            budget=BodyBudget(1_000_000),
            on_record=lambda record: self.seen.append((record.status, record.bytes_in, record.complete)),
            on_crash=lambda _, error: self.crashes.append(error),
        )
        self.server.refusals = Sample(time.monotonic, each=INPUTS * 100, total=INPUTS * 100)

    async def _handle(self, exchange: EdgeExchange) -> None:
        exchange.notes.key = "k"
        body = await exchange.body()
        self.seen.append((exchange.method, exchange.path, exchange.query, exchange.headers, body, exchange.keep))
        self.seen.append((exchange.header("host"), exchange.header("content-length"), exchange.length))
        exchange.respond(200, [], b"%d bytes" % len(body))

    async def read(self, messages: list[list[bytes]]) -> tuple[list[Any], bool]:
        """Send messages, each in its pieces, over one connection on which a key was right."""
        self.seen = []
        wire = Wire(asyncio.get_running_loop(), self.kind(self.server))
        wire.protocol.known = True
        for message in messages:
            for piece in message:
                wire.feed(piece)
            for _ in range(4):
                await asyncio.sleep(0)
        closing = wire.closing
        wire.lose()
        for _ in range(4):
            await asyncio.sleep(0)
        if self.crashes:
            raise self.crashes[0]
        assert self.server.budget.used == 0
        assert self.server.request_count == 0
        # One that is refused and one that is served may end in the same turn of the loop.
        return sorted(self.seen, key=repr), closing


@pytest.mark.timeout(3600)
async def test_remembering_heads_changes_nothing_that_is_read() -> None:
    remembering, parsing = Reader(Counting), Reader(Forgetful)
    await remembering.server.start([])
    await parsing.server.start([])
    try:
        for seed, source in sources():
            messages = list(made(source))
            assert await remembering.read(messages) == await parsing.read(messages), (seed, messages)
    finally:
        await remembering.server.drain(0)
        await parsing.server.drain(0)
    assert Counting.found > INPUTS / 10, Counting.found
    print(f"{INPUTS} times two to four messages; {Counting.found} by a head that was remembered")


def made(source: random.Random) -> list[list[bytes]]:
    """Messages of one connection: ordinary ones, as they are, and others that are nearly like them."""
    first = source.choice(ORDINARY)
    messages = [[first]]
    for _ in range(source.randrange(1, 4)):
        kinds = (first,) if source.randrange(2) else PARSED
        data = source.choice(kinds) if source.randrange(3) == 0 else mutated(source, kinds, WORDS_OF_LENGTH)
        messages.append([data] if source.randrange(2) else list(pieces(source, data)))
    return messages
