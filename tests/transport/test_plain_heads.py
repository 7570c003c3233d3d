"""Answers in plain form are read line by line: whatever comes, it is read as the parser reads it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from tests.fuzz.mutation import DEEP, mutated, pieces, sources
from tests.fuzz.test_pool import BODY, ORIGIN, SEEDS, WORDS, Dialled

from codenex.core.errors import Fault
from codenex.providers.transport import BodyBudget, Transport, UpstreamRequest, connection, heads
from codenex.providers.transport.heads import NotPlain, plain_head
from codenex.providers.transport.known_heads import PATIENCE, KnownHead, LastHead

INPUTS = 300_000 if DEEP else 1000

_FIELDS = (
    b"Date: Thu, 26 Nov 2026 10:00:00 GMT", b"server: x", b"Connection: keep-alive", b"connection: Keep-Alive, foo",
    b"X-A:  two", b"X-B:", b"X-C: ends ", b"X-D:\ttab", b"X-E: \xe4", b"X-F : g", b"Set-Cookie: a=b", b"set-cookie: c",
    b"Proxy-Connection: close", b"Content-Type: application/json", b"Keep-Alive: timeout=5", b"no colon", b"a: b: c",
)  # fmt: skip


def _plain(source: random.Random) -> bytes:
    framing, body = b"Content-Length: %d" % len(BODY), BODY
    if source.randrange(2):
        framing, body = source.choice((b"Transfer-Encoding: chunked", b"transfer-encoding: chunked")), _chunked(source)
    fields = [framing, *source.sample(_FIELDS, source.choice((0, 1, 2, 2, 3, 4)))]
    source.shuffle(fields)
    line = source.choice((b"HTTP/1.1 200 OK", b"HTTP/1.1 503 No", b"HTTP/1.1 200 "))
    return b"\r\n".join((line, *fields, b"", body))


def _chunked(source: random.Random) -> bytes:
    parts = [BODY[start : start + 20] for start in range(0, len(BODY), 20)]
    written = [b"%x%b\r\n%b\r\n" % (len(part), source.choice((b"", b"", b";a=b")), part) for part in parts]
    if not source.randrange(8):
        written[source.randrange(len(written))] = source.choice((b"5\r\nfour\r\n", b"-1\r\n\r\n", b"", b"\r\n"))
    after = source.choice((b"", b"", b"", b"\r\n", b"HTTP/1.1 200 OK\r\n", b"x", b"0\r\n\r\n"))
    return b"".join(written) + b"0\r\n" + source.choice((b"", b"", b"Server-Timing: a\r\n")) + b"\r\n" + after


def _answers(source: random.Random) -> list[bytes]:
    """Two answers, as what the two requests of a connection get."""
    seeds = (*SEEDS, *(_plain(source) for _ in range(20)))
    return [_plain(source), mutated(source, seeds, (*WORDS, *_FIELDS)) if source.randrange(3) else _plain(source)]


async def _outcome(answers: list[list[bytes]], *, late: bool) -> tuple[list[object], bool]:
    """Let a connection bring the answers; tell what was made of them, and whether it is kept."""
    transport = Transport(head_bytes=1000, high_water=500, budget=BodyBudget(2800))
    transport._connector = dialled = Dialled()  # type: ignore[assignment]
    told: list[object] = []

    async def ask() -> None:
        async with await transport.send(UpstreamRequest("POST", ORIGIN, "/v1", [], b"{}")) as response:
            # The length of a body that is there already may lack.
            headers = [pair for pair in response.headers if pair[0] != "content-length"]
            told.append((response.status, headers, response.header("x-a"), response.reused))
            told.append(await response.read(2000))
            told.append(response.complete)

    for answer in answers:
        task = asyncio.ensure_future(ask())
        for _ in range(3):
            await asyncio.sleep(0)
        wire = dialled.wires[-1]
        for piece in answer:
            if wire.protocol.response is not None:
                wire.feed(piece)
            if late:
                await asyncio.sleep(0)
        for _ in range(6):
            await asyncio.sleep(0)
        for _ in range(6):
            if not task.done():
                # A request may have been sent once more, on another connection.
                dialled.wires[-1].end()
                await asyncio.sleep(0)
        if not task.done():
            # Compressed bodies may be with a thread.
            await asyncio.wait([task], timeout=0.5)
        task.cancel()
        try:
            await task
        except Fault as fault:
            told.append((fault.kind, fault.code))
        except asyncio.CancelledError:
            told.append("waiting")
    kept = sum(count.idle for count in transport.counts().values())
    await transport.close()
    assert transport.budget.used == 0
    assert not transport._idle
    return told, kept == 1


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[bool | str]:
    """Count the heads that were read, and those that were left to the parser."""
    counted: Counter[bool | str] = Counter()

    def counting(head: bytes) -> object:
        if counted["off"]:
            raise NotPlain
        try:
            found = plain_head(head)
        except NotPlain:
            counted[False] += 1
            raise
        counted[True] += 1
        return found

    monkeypatch.setattr(connection, "plain_head", counting)
    return counted


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cut", [8 * 1024, 160])
async def test_plain_answers_are_read_as_the_parser_reads_them(read, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_CUT_BYTES", cut)
    for seed, source in sources(INPUTS):
        answers = [list(pieces(source, answer)) for answer in _answers(source)]
        late = bool(source.randrange(2))
        read["off"] = 0
        plain = await _outcome(answers, late=late)
        read["off"] = 1
        assert plain == await _outcome(answers, late=late), (seed, answers)
    assert min(read[True], read[False]) > INPUTS // 10, read
    print(f"{INPUTS} pairs of answers, {read[True]} heads were plain, {read[False]} were not")


async def test_what_is_remembered_of_heads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = heads._Lines()
    monkeypatch.setattr(heads, "_pair_of", lines.__getitem__)
    for number in range(3000):
        plain_head(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Id-Of-Each: %d\r\nSet-Cookie: a=%d" % (number, number))
    assert len(lines) <= 1024
    assert sum(line.startswith(b"X-Id-Of-Each") for line in lines) == 32
    assert not any(line.startswith(b"Set-Cookie") for line in lines)


def _again(source: random.Random) -> list[bytes]:
    """Answers with nearly the same head."""
    first = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: "
    last = source.choice((b"\r\nDate: now\r\nx-a: 2\r\n\r\n", b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"))
    made = []
    for _ in range(6):
        body = BODY[: source.choice((0, 1, 20, 400))]
        size = source.choice((b"%d",) * 6 + (b"0%d", b"%d ", b"+%d", b"%020d", b"-%d", b"%x", b"%d, 1")) % len(body)
        head = first + size + last
        if not source.randrange(4):
            head = mutated(source, (head,), (b"\r\n", b"Content-Length: 3", b"204", b"close"))
        made.append(head + body + source.choice((b"",) * 6 + (b"\r\n", b"x", b"HTTP/1.1")))
    return made


@pytest.mark.timeout(3600)
async def test_heads_that_come_again_are_read_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    known = 0

    def counting(self: KnownHead, data: bytes) -> bytes | None:
        nonlocal known
        body = body_in(self, data)
        known += body is not None
        return body

    body_in = KnownHead.body_in
    monkeypatch.setattr(KnownHead, "body_in", counting)
    for seed, source in sources(INPUTS // 4):
        answers = [[*pieces(source, one)] if not source.randrange(4) else [one] for one in _again(source)]
        late = bool(source.randrange(2))
        told = await _outcome(answers, late=late)
        with monkeypatch.context() as unknown:
            unknown.setattr(LastHead, "learn", lambda *_: None)
            assert told == await _outcome(answers, late=late), (seed, answers)
    assert known > INPUTS // 16, known


async def test_heads_that_never_come_again_are_soon_not_remembered() -> None:
    last = LastHead()
    for number in range(20):
        if last.patience:
            last.learn(b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 0" % number, [], {})
    assert last.known is not None
    assert last.known.before == b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: " % (PATIENCE - 1)
    last.be_patient()
    assert last.learn(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a", [], {"set-cookie": "a"}) is None
