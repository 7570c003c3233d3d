"""Load of the worst ordinary kind: a tenth of the requests meets an upstream that fails, a tenth is given up by its
client somewhere, whole answers and streams of all protocols mixed."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from tests.endurance.test_attacks import SLOW
from tests.endurance.test_oversize import UNARY
from tests.endurance.victim import ANSWER, EVENT, LAST, PlainUpstream, post, whole

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
REFUSED = whole(b'{"error":{"message":"not like this","type":"invalid_request_error"}}').replace(b"200 OK", b"400 No")
FAILED = whole(b'{"error":{"message":"it broke","type":"server_error"}}').replace(b"200 OK", b"500 Broken")
AWAY = whole(b"<html>away for lunch</html>", b"text/html").replace(b"200 OK", b"503 Away")
#: What goes wrong at the upstream, each as often as the others: refusals, failures, answers that nobody can read, and
#: connections that are reset or closed before the head, in it, and between events.
FAULTS = ("refused", "failed", "away", "garbage", "reset", "closed", "cut head", "cut answer", "reset answer")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Failing(PlainUpstream):
    """Answers whole, or with ten events of which the last come a little later; a share of ``faults`` fails."""

    faults = 0.1
    source = random.Random("faults")
    #: what went wrong how often
    met: ClassVar[Counter[str]] = Counter()

    def data_received(self, data: bytes) -> None:
        self.streams = b'"stream":true' in data
        super().data_received(data)

    def replied(self) -> None:
        fault = self.source.choice(FAULTS) if self.source.random() < self.faults else ""
        self.met[fault] += 1
        write = self.transport.write
        match fault:
            case "refused":
                write(REFUSED)
            case "failed":
                write(FAILED)
            case "away":
                write(AWAY)
            case "garbage":
                write(whole(b'{"id":"c","object":"chat.compl'))
            case "reset":
                reset(self.transport)
            case "closed":
                self.transport.close()
            case "cut head":
                write(STREAM_HEAD[:30])
                self.transport.close()
            case "cut answer" | "reset answer":
                write(STREAM_HEAD + chunk(EVENT) * 5 if self.streams else ANSWER[:-10])
                end = self.transport.close if fault == "cut answer" else lambda: reset(self.transport)
                asyncio.get_running_loop().call_later(0.002, end)
            case _ if self.streams:
                write(STREAM_HEAD + chunk(EVENT) * 5)
                asyncio.get_running_loop().call_later(0.002, self._rest)
            case _:
                write(ANSWER)

    def _rest(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(chunk(EVENT) * 5 + chunk(LAST) + b"0\r\n\r\n")


def reset(transport: Any) -> None:
    """End a connection with a reset where it is still open."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Client(asyncio.Protocol):
    """Asks again and again on one connection; now and then it leaves in the middle of something."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.waiting: asyncio.Future[str] | None = None
        self.open = True
        self._answer = b""
        self._leaves_at = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._answer = answer = self._answer + data
        if self._leaves_at and len(answer) >= self._leaves_at:
            self.leave()
        elif is_whole(answer):
            self._tell(answer[9:12].decode())

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        self._tell("cut")

    def _tell(self, outcome: str) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(outcome)

    def leave(self) -> None:
        """Leave by a reset or by closing, each half of the time."""
        if self.source.randrange(2):
            reset(self.transport)
        else:
            self.transport.abort()

    async def ask(self, request: bytes, *, leaving: bool) -> str:
        """The status of a whole answer; ``cut`` where there is none."""
        loop = asyncio.get_running_loop()
        self.waiting = loop.create_future()
        self._answer, self._leaves_at = b"", 0
        if leaving:
            match self.source.randrange(3):
                case 0:
                    request = request[:-20]
                    loop.call_later(0.001, self.leave)
                case 1:
                    loop.call_later(self.source.random() * 0.003, self.leave)
                case _:
                    self._leaves_at = self.source.randrange(1, 1500)
        self.transport.write(request)
        async with asyncio.timeout(60):
            return await self.waiting


def is_whole(answer: bytes) -> bool:
    """Whether an answer has its end, by its framing."""
    head, mark, body = answer.partition(b"\r\n\r\n")
    if not mark:
        return False
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r")[0])


def requests() -> Sequence[bytes]:
    """Each client protocol, whole and as a stream."""
    return [post(body, path=path) for kinds in (UNARY, SLOW) for path, body in kinds.values()]


async def load(port: int, count: int, seed: int, clients: int) -> Counter[str]:
    """Ask ``count`` times in all; return how often each outcome was: a status, ``given up``, or ``cut``."""
    kinds = requests()
    loop = asyncio.get_running_loop()
    outcomes: Counter[str] = Counter()
    left = count

    async def one(number: int) -> None:
        nonlocal left
        source = random.Random(f"{seed} {number}")
        client: Client | None = None
        while left > 0:
            left -= 1
            if client is None or not client.open:
                _, client = await loop.create_connection(lambda: Client(source), "127.0.0.1", port)
            leaving = source.randrange(10) == 0
            outcome = await client.ask(source.choice(kinds), leaving=leaving)
            outcomes["given up" if leaving and outcome == "cut" else outcome] += 1
            if leaving:
                client.transport.abort()
                client = None
        if client is not None:
            client.transport.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return outcomes
