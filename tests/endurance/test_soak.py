"""Many requests, of which a tenth is given up by its client somewhere: nothing grows, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from tests.endurance.test_attacks import SLOW
from tests.endurance.test_oversize import UNARY
from tests.endurance.victim import ANSWER, EVENT, LAST, PlainUpstream, Victim, post, until, upstream_of

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
REQUESTS = 200_000 if THOROUGH else 1500
#: Before memory is looked at for the first time: buffers and caches have the size that they keep.
WARM_UP = REQUESTS // 5
CLIENTS = 24
#: MiB of memory of its own that it may have more at the end.
GROWTH = 4.0 if THOROUGH else 6.0

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Talking(PlainUpstream):
    """Answers whole, or with ten events, of which the last come a little later."""

    def data_received(self, data: bytes) -> None:
        self.streams = b'"stream":true' in data
        super().data_received(data)

    def replied(self) -> None:
        if not self.streams:
            self.transport.write(ANSWER)
            return
        self.transport.write(STREAM_HEAD + chunk(EVENT) * 5)
        asyncio.get_running_loop().call_later(0.002, self._rest)

    def _rest(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(chunk(EVENT) * 5 + chunk(LAST) + b"0\r\n\r\n")


class Client(asyncio.Protocol):
    """Asks again and again on one connection; now and then it leaves in the middle of something."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.waiting: asyncio.Future[bool] | None = None
        self.tail = b""
        self.leaves_at = 0
        self.seen = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += len(data)
        if self.leaves_at and self.seen >= self.leaves_at:
            self.leave()
            return
        whole = self.tail + data
        self.tail = whole[-400:]
        ended = whole.endswith((b"0\r\n\r\n", b"}")) and (b"content-length" in whole or whole.endswith(b"\r\n\r\n"))
        if ended and self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(True)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(False)

    def leave(self) -> None:
        if self.source.randrange(2):
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def ask(self, request: bytes, *, leaving: bool) -> bool:
        """Whether the connection is still good."""
        loop = asyncio.get_running_loop()
        self.waiting = loop.create_future()
        self.tail, self.seen, self.leaves_at = b"", 0, 0
        if leaving:
            match self.source.randrange(3):
                case 0:
                    request = request[:-20]
                    loop.call_later(0.001, self.leave)
                case 1:
                    loop.call_later(self.source.random() * 0.003, self.leave)
                case _:
                    self.leaves_at = self.source.randrange(1, 1500)
        self.transport.write(request)
        return await asyncio.wait_for(self.waiting, 30)


async def load(port: int, count: int, seed: int) -> tuple[int, int]:
    """Ask ``count`` times in all; return how many were answered, and how many were given up."""
    requests = [post(body, path=path) for kinds in (UNARY, SLOW) for path, body in kinds.values()]
    loop = asyncio.get_running_loop()
    left = count
    answered = given_up = 0

    async def one(number: int) -> None:
        nonlocal left, answered, given_up
        source = random.Random(f"{seed} {number}")
        client: Client | None = None
        while left > 0:
            left -= 1
            if client is None:
                _, client = await loop.create_connection(lambda: Client(source), "127.0.0.1", port)
            leaving = source.randrange(10) == 0
            good = await client.ask(source.choice(requests), leaving=leaving)
            assert good or leaving, "an answer was cut"
            answered += good
            given_up += not good
            if not good:
                client = None
            elif leaving:
                client.transport.abort()
                client = None
        if client is not None:
            client.transport.close()

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))
    return answered, given_up


@pytest.mark.timeout(3600)
async def test_nothing_grows_and_nothing_is_left(tmp_path: Path) -> None:
    server, port = await upstream_of(Talking)
    async with Victim(tmp_path, port, MAX_ERROR_COUNT=1_000_000) as victim:
        await victim.log_in()
        await load(victim.port, WARM_UP, 1)
        await asyncio.sleep(1)
        memory, descriptors, threads = victim.anonymous, victim.descriptors, victim.threads
        begun = time.monotonic()
        answered, given_up = await load(victim.port, REQUESTS, 2)
        seconds = time.monotonic() - begun
        # Connections to the upstream that are kept for the next requests are no leak; those of clients are.
        await until(lambda: victim.descriptors <= descriptors + CLIENTS, 30, f"{victim.descriptors} of {descriptors}")
        await asyncio.sleep(1)
        grown = victim.anonymous - memory
        print(
            f"{REQUESTS} requests, {given_up} given up, in {seconds:.0f} s: {memory:.1f} MiB and {grown:+.2f} MiB,"
            f" descriptors {descriptors} → {victim.descriptors}, threads {threads} → {victim.threads}"
        )
        assert answered + given_up == REQUESTS
        assert given_up > REQUESTS / 20
        assert grown <= GROWTH, grown
        assert victim.threads <= threads + 2
        report = await victim.system()
        assert report is not None
        # Only the request that asks is in progress.
        assert sum(process.get("requests") or 0 for process in report["processes"]) <= 1
    server.close()
