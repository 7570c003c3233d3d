"""Bodies larger than anybody needs, from upstreams and from clients: an error each, and memory within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.endurance.test_attacks import SLOW
from tests.endurance.victim import CHAT, PlainUpstream, Victim, post, until, upstream_of

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
MIB = 1024 * 1024
#: Bytes of a whole answer, or of one event, that are taken.
LIMIT = 64 * MIB
PIECE = b"x" * MIB
PROVIDERS = ("openai-custom", "openaiResponses-custom", "claude-custom", "gemini-custom")
UNARY = {
    **SLOW,
    "openai_chat": ("/v1/chat/completions", CHAT),
    "anthropic": ("/v1/messages", CHAT[:-1] + b',"max_tokens":9}'),
    "openai_responses": ("/v1/responses", b'{"model":"m","input":"hi"}'),
    "gemini": ("/v1beta/models/m:generateContent", SLOW["gemini"][1]),
}


class Endless(PlainUpstream):
    """Sends one thing without end, until nobody listens. ``lost`` counts those that have left."""

    head = b""
    lost = 0

    def replied(self) -> None:
        self.transport.write(self.head)
        self._pour()

    def _pour(self) -> None:
        self.writing = True
        while self.writing and not self.transport.is_closing():
            self.transport.write(PIECE)

    def pause_writing(self) -> None:
        self.writing = False

    def resume_writing(self) -> None:
        self._pour()

    def connection_lost(self, error: Exception | None) -> None:
        Endless.lost += 1


class EndlessEvent(Endless):
    head = b'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"id":"c","choices":[{"delta":{"content":"'


class EndlessBody(Endless):
    head = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"id":"'


class Bomb(PlainUpstream):
    """A small body that would be a very large one."""

    packed = b""

    def replied(self) -> None:
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
            % len(self.packed)
            + self.packed
        )


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(
        [packer.compress(b'{"id":"'), *(packer.compress(PIECE) for _ in range(size // MIB)), packer.flush()]
    )


@asynccontextmanager
async def peak(victim: Victim) -> AsyncIterator[list[float]]:
    """The most memory of its own that it has in the meantime, in MiB beyond what it had."""
    before = victim.anonymous
    found = [0.0]

    async def watch() -> None:
        while True:
            found[0] = max(found[0], victim.anonymous - before)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(watch())
    try:
        yield found
    finally:
        task.cancel()


async def ask(port: int, request: bytes, patience: float = 60) -> bytes:
    """All that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), patience)
        if b"content-length: " in head:
            return head + await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
        return head + await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), patience)
    finally:
        writer.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "kind", ["one event", *(pytest.param(kind, marks=pytest.mark.deep) for kind in ("a whole answer", "a bomb"))]
)
@pytest.mark.parametrize(
    "provider",
    ["openai-custom", *(pytest.param(name, marks=pytest.mark.deep) for name in PROVIDERS if name != "openai-custom")],
)
async def test_an_answer_beyond_the_limit_is_an_error_and_dropped(tmp_path: Path, kind: str, provider: str) -> None:
    Bomb.packed = bomb(10 * LIMIT if THOROUGH else 2 * LIMIT)
    upstream = {"one event": EndlessEvent, "a whole answer": EndlessBody, "a bomb": Bomb}[kind]
    requests = SLOW if kind == "one event" else UNARY
    async with upstream_of(upstream) as port, Victim(tmp_path, port, provider=provider, MAX_ERROR_COUNT=1000) as victim:
        for client, (path, body) in requests.items():
            if not THOROUGH and client != "anthropic":
                continue
            Endless.lost = 0
            async with peak(victim) as most:
                told = await ask(victim.port, post(body, path=path))
            if kind == "one event":
                assert b"error" in told or b"failed" in told, told[:300]
            assert told.startswith(b"HTTP/1.1 502") or b"text/event-stream" in told, told[:300]
            assert len(told) < 5000
            if kind != "a bomb":
                await until(lambda: Endless.lost == 1, 2, "the upstream is still listened to")
            assert most[0] <= 2 * LIMIT / MIB + 10, most
            print(f"{kind}, {client} → {provider}: {most[0]:.0f} MiB at most")


@pytest.mark.timeout(300)
async def test_many_large_bodies_share_one_budget(tmp_path: Path) -> None:
    """More than there is room for, all at once: some are served, the others told so, and memory is bounded."""
    number, size = (100, 31 * MIB) if THOROUGH else (24, 12 * MIB)
    room = 256 * MIB if THOROUGH else 64 * MIB
    body = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}'
    filling = b"x" * (size - len(body) + 2)
    request = post(body % filling)
    answer = b'{"object":"chat.completion","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}'
    held: list[Slow] = []

    class Slow(PlainUpstream):
        """Answers only when all have come."""

        def replied(self) -> None:
            held.append(self)

    async with upstream_of(Slow) as port, Victim(tmp_path, port, BODY_BUDGET_BYTES=room) as victim:

        async def pour(writer: asyncio.StreamWriter) -> None:
            """In pieces, since a hundred whole copies would hold up this process for seconds."""
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(request), MIB):
                    writer.write(request[start : start + MIB])
                    await writer.drain()

        async def send() -> int:
            reader, writer = await asyncio.open_connection("127.0.0.1", victim.port)
            pouring = asyncio.create_task(pour(writer))
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
                return int(head[9:12])
            finally:
                pouring.cancel()
                writer.close()

        async with peak(victim) as most:
            sending = [asyncio.create_task(send()) for _ in range(number)]
            # Those that there was room for wait for the upstream; all others have been told.
            await until(lambda: sum(not task.done() for task in sending) <= len(held), 120)
            for line in held:
                line.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
            told = Counter(await asyncio.gather(*sending))
        assert set(told) <= {200, 503}, told
        assert told[200] >= room // size // 2, told
        assert told[503] > 0
        assert most[0] <= 1.75 * room / MIB, most
        # All that was charged has been given back.
        held.clear()
        again = asyncio.create_task(send())
        await until(lambda: bool(held), 30)
        held[0].transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
        assert await again == 200
        print(f"{number} bodies of {size // MIB} MiB: {dict(told)}, {most[0]:.0f} MiB at most")


@pytest.mark.timeout(120)
async def test_a_body_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    async with Victim(tmp_path) as victim, peak(victim) as most:
        head = post(b"", 1024 * MIB)
        assert (await ask(victim.port, head)).startswith(b"HTTP/1.1 413")
        assert most[0] < 10
