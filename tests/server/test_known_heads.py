"""A head that came before is taken by its bytes: whatever is sent, the answers are those of the parser."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from tests.fuzz.mutation import DEEP, mutated, pieces, sources
from tests.fuzz.wire import Wire

from codenex.providers.transport import BodyBudget
from codenex.server import AccessRecord, Limits, Server
from codenex.server.edge import Connection
from codenex.server.exchange import EdgeExchange
from codenex.server.sampling import Sample

INPUTS = 200_000 if DEEP else 400


def _post(body: bytes, *headers: bytes, length: bytes = b"Content-Length", target: bytes = b"/v1/x?a=b") -> bytes:
    lines = (b"POST %b HTTP/1.1" % target, b"Host: gateway", *headers, b"%b: %d" % (length, len(body)))
    return b"\r\n".join((*lines, b"Accept: */*", b"", b"")) + body


HEADS = (
    (), (b"Connection: keep-alive", b"Authorization: Bearer abc"), (b"Content-Encoding: gzip",), (b"X-Request-Id: me",),
    (b"Expect: 100-continue",), (b"Connection: close",), (b"Upgrade: h2c",), (b"Cookie: a\xe4\tb", b"X: y"),
)  # fmt: skip
WORDS = (
    b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Content-Length: ", b"\r\nContent-Length: 3\r\n",
    b"Host: b",
    b"Connection: close", b"0\r\n\r\n", b"5\r\nhello\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"Expect: 100-continue",
)  # fmt: skip
LIMITS = Limits(head_bytes=1500, body_bytes=2500, unread_bytes=100, discard_bytes=50, pipelined=2)


class Side:
    """A server with one connection, which has sent one request."""

    def __init__(self, *, remembers: bool, light: bool = False, budget: int = 0) -> None:
        self.remembers = remembers
        self.light = light
        self.records: list[AccessRecord] = []
        self.crashes: list[BaseException] = []
        self.server = Server(
            self._handle,
            # Without a limit to what is read no answer comes before its body has.
            LIMITS if budget else replace(LIMITS, body_bytes=1_000_000),
            budget=BodyBudget(budget),
            on_record=self.records.append,
            on_crash=lambda _, error: self.crashes.append(error),
        )
        # Every refusal has a record here.
        self.server.refusals = Sample(time.monotonic, each=INPUTS * 100, total=INPUTS * 100)

    def _handle(self, exchange: EdgeExchange) -> Coroutine[Any, Any, None]:
        exchange.light = self.light
        return self._answer(exchange)

    async def _answer(self, exchange: EdgeExchange) -> None:
        told = [exchange.method, exchange.path, exchange.query, exchange.headers, exchange.header("content-length")]
        if exchange.header("x") == "late":
            await asyncio.sleep(0)
        if exchange.header("x") != "deaf" or not self.server.budget.limit:
            told.append(await exchange.body())
        exchange.respond(200, [("told", repr(told).encode().hex())], b"")

    async def take(self, wire: Wire, data: list[bytes]) -> None:
        for piece in data:
            # Who has had a key is remembered, and nobody else.
            wire.protocol.known = self.remembers
            wire.feed(piece)
            if self.server.budget.limit:
                # When the room of a body is free again depends on turns of the loop, of which the two need not have as
                # many: how a body that is held up finds room is no matter of what is read.
                await self._quiet(wire)
            else:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        await self._quiet(wire)

    async def _quiet(self, wire: Wire) -> None:
        quiet = 0
        for _ in range(100):
            await asyncio.sleep(0)
            # A request whose body is asked for lets what waits come, which brings the next one, some turns later.
            quiet = 0 if wire.protocol._queue or (wire.held and wire.reading) else quiet + 1
            if quiet == 4:
                break


def _seen(side: Side, wire: Wire) -> tuple[Any, ...]:
    said = re.sub(rb"x-request-id: [0-9a-f]{16}-[0-9a-f]+|date: [^\r]*", b"", bytes(wire.written))
    records = [(record.path, record.status, record.bytes_in, record.complete) for record in side.records]
    return said, records, wire.closing, wire.aborted, side.server.budget.used


def _messages(source: random.Random) -> list[bytes]:
    headers = (*source.choice(HEADS), *source.choice(((), (), (b"X: late",), (b"X: deaf",))))
    length = source.choice((b"Content-Length", b"content-length"))

    def post() -> bytes:
        return _post(b"b" * source.choice((0, 1, 9, 10, 120, 2500, 2501)), *headers, length=length)

    sent = [post(), post()]
    for _ in range(source.randint(1, 4)):
        sent.extend(
            pieces(source, mutated(source, (post(), post() + post()), WORDS)) if source.randrange(3) else [post()]
        )
    return sent


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("light", "budget"), [(False, 2600), (False, 0), (True, 0)], ids=["tasks", "tasks in a hurry", "light"]
)
async def test_what_is_remembered_is_read_as_the_parser_reads_it(light: bool, budget: int) -> None:
    # Without tasks, or where more comes meanwhile, a known head is answered before what came behind it is looked at,
    # and so are freed the bytes of its body: records come in another order, and bodies find more room.
    sides = [Side(remembers=remembers, light=light, budget=budget) for remembers in (True, False)]
    hits = 0
    for side in sides:
        await side.server.start([])
    try:
        for seed, source in sources(INPUTS):
            messages = _messages(source)
            seen = []
            for side in sides:
                side.records.clear()
                wire = Wire(asyncio.get_running_loop(), Connection(side.server))
                await side.take(wire, messages)
                seen.append(_seen(side, wire))
                hits += wire.protocol._known_head is not None
                assert not side.crashes, (seed, side.crashes)
                wire.lose()
                for _ in range(4):
                    await asyncio.sleep(0)
                assert side.server.budget.used == 0, seed
                assert side.server.request_count == 0, seed
            if not budget:
                for _, records, *_ in seen:
                    records[:] = sorted((path, status, size * (status == 200)) for path, status, size, _ in records)
            assert seen[0] == seen[1], (seed, messages)
    finally:
        for side in sides:
            await side.server.drain(0)
    assert hits > INPUTS // 4
    print(f"{INPUTS} conversations, {hits} with a head that was remembered")


async def test_a_head_is_remembered_only_for_who_had_a_key(serve) -> None:
    async def handler(exchange: EdgeExchange) -> None:
        if exchange.path == "/key":
            exchange.notes.key = "k"
        exchange.respond(200, [], await exchange.body())

    site = await serve(handler)
    client = site.client()
    for target, remembered in ((b"/v1", False), (b"/key", False), (b"/v1", True), (b"/v1", True)):
        assert (await client.ask(_post(b"hello", target=target))).body == b"hello"
        (connection,) = site.server._connections
        assert (connection._known_head is not None) is remembered


@pytest.mark.parametrize("remembered", [False, True])
async def test_body_of_a_known_head_may_come_in_many_pieces(serve, remembered) -> None:
    async def handler(exchange: EdgeExchange) -> None:
        exchange.notes.key = "k"
        exchange.respond(200, [], await exchange.body())

    site = await serve(handler)
    client = site.client()
    for _ in range(3 if remembered else 1):
        await client.ask(_post(b"hello"))
    await client.send_bytewise(_post(b"in pieces") + _post(b"more"))
    assert [(await client.answer()).body for _ in range(2)] == [b"in pieces", b"more"]
    large = random.Random(1).randbytes(3_000_000)
    sending = asyncio.create_task(client.send(_post(large) + _post(b"behind")))
    assert (await client.answer()).body == large
    assert (await client.answer()).body == b"behind"
    await sending


@pytest.mark.parametrize("cut", [1, 3, 5])
async def test_upgrade_whose_body_comes_later_is_answered(serve, cut) -> None:
    async def handler(exchange: EdgeExchange) -> None:
        exchange.respond(200, [], await exchange.body())

    client = (await serve(handler)).client()
    message = _post(b"hello", b"Connection: Upgrade", b"Upgrade: h2c")
    await client.send(message[:-cut])
    await asyncio.sleep(0.02)
    await client.send(message[-cut:])
    assert (await client.answer()).body == b"hello"
