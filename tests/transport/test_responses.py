"""Responses: framings, ways of reading, ends that are none."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import brotli
import pytest
import zstandard
from tests.transport.scripted import CHUNKED_HEAD, Line, always, answer, chunk, once

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import Deadlines, Transport, UpstreamResponse

CHUNKED = CHUNKED_HEAD + chunk(b"one,") + b"3;ext=1\r\ntwo\r\n" + b"0\r\nTrailer: x\r\n\r\n"


async def read(response: UpstreamResponse) -> bytes:
    return await response.read()


async def chunks(response: UpstreamResponse) -> bytes:
    data = b""
    while piece := await response.chunk():
        data += piece
    assert await response.chunk() == b""
    return data


async def pipe(response: UpstreamResponse) -> bytes:
    pieces: list[bytes] = []
    await response.pipe(pieces.append)
    return b"".join(pieces)


WAYS = pytest.mark.parametrize("way", [read, chunks, pipe])


@WAYS
@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (answer(b"hello"), b"hello"),
        (answer(b""), b""),
        (CHUNKED, b"one,two"),
        (CHUNKED_HEAD + b"0\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"late"), b"late"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)
async def test_framings_are_read_and_the_connection_kept(upstream, transport, way, bytewise, data, body):
    server = upstream(always(data, bytewise=bytewise))
    for number in range(3):
        response = await transport.send(server.ask())
        assert await way(response) == body
        assert response.complete
        assert not response.close_delimited
        assert response.reused == (number > 0)
    assert len(server.lines) == 1
    counts = transport.counts()[server.origin]
    assert (counts.open, counts.idle, counts.in_use) == (1, 1, 0)


async def test_headers_keep_order_and_repetition_in_lower_case(upstream, transport):
    server = upstream(always(answer(b"", "Set-Cookie: a", "X-Thing: Ä", "Set-Cookie: b", status=418)))
    response = await transport.send(server.ask())
    assert response.status == 418
    assert response.headers == [
        ("content-length", "0"), ("set-cookie", "a"), ("x-thing", "Ä"), ("set-cookie", "b")
    ]  # fmt: skip
    assert response.header("set-cookie") == "a"
    assert response.header("nothing") is None


async def test_head_answers_have_no_body(upstream, transport):
    server = upstream(always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
    response = await transport.send(server.ask(b"", "HEAD"))
    assert await asyncio.wait_for(response.read(), 1) == b""
    assert response.header("content-length") == "500"


@WAYS
@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
async def test_close_delimited_bodies_end_with_the_connection_and_say_so(upstream, transport, way, head):
    server = upstream(once(head + b"until the end", "fin"))
    response = await transport.send(server.ask())
    assert response.close_delimited
    assert await way(response) == b"until the end"
    assert transport.counts().get(server.origin) is None or transport.counts()[server.origin].idle == 0


@WAYS
@pytest.mark.parametrize("ending", ["fin", "rst"])
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nfour",
        CHUNKED_HEAD + chunk(b"four"),
        CHUNKED_HEAD + b"9\r\nfour",
        CHUNKED_HEAD + chunk(b"four") + b"0\r\n",
        CHUNKED_HEAD + chunk(b"four") + b"zz\r\n",
    ],
)
async def test_truncation_is_never_an_end(upstream, transport, way, ending, data):
    server = upstream(once(data, ending))
    response = await transport.send(server.ask())
    with pytest.raises(Fault) as caught:
        await way(response)
    assert caught.value.kind is FaultKind.UPSTREAM_TRUNCATED
    assert caught.value.status == 502
    assert f"127.0.0.1:{server.origin.port}" in caught.value.message
    assert transport.counts() == {}


@WAYS
async def test_reset_truncates_a_close_delimited_body(upstream, transport, way):
    server = upstream(once(b"HTTP/1.0 200 OK\r\n\r\nfour", "rst"))
    response = await transport.send(server.ask())
    with pytest.raises(Fault) as caught:
        await way(response)
    assert caught.value.kind is FaultKind.UPSTREAM_TRUNCATED


async def test_what_came_before_a_truncation_is_delivered(upstream, transport):
    server = upstream(once(CHUNKED_HEAD + chunk(b"four"), "fin"))
    response = await transport.send(server.ask())
    await asyncio.sleep(0.05)
    assert await response.chunk() == b"four"
    for _ in range(2):
        with pytest.raises(Fault):
            await response.chunk()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "without an answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "without an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        (b"<html>oops</html>", "does not speak HTTP"),
        (b"HTTP/2.0 200 OK\r\n\x00\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "too large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 700_000, "too large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000, "too large"),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc", "switched protocols"),
    ],
)
async def test_nonsense_is_an_upstream_fault(upstream, transport, data, words):
    server = upstream(once(data, "fin"))
    with pytest.raises(Fault) as caught:
        await transport.send(server.ask())
    assert caught.value.kind is FaultKind.UPSTREAM
    assert words in caught.value.message
    assert transport.counts() == {}


@WAYS
async def test_bytes_after_the_end_spoil_the_connection_but_not_the_answer(upstream, transport, way):
    server = upstream(always(answer(b"fine") + answer(b"unasked")), always(answer(b"second")))
    assert await way(await transport.send(server.ask())) == b"fine"
    assert await way(await transport.send(server.ask())) == b"second"
    assert len(server.lines) == 2


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", lambda data: brotli.compress(data, quality=1)),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
async def test_read_undoes_content_codings(upstream, transport, coding, encode):
    plain = b'{"a": 1}' * 1000
    server = upstream(always(answer(encode(plain), f"Content-Encoding: {coding}")))
    assert await (await transport.send(server.ask())).read() == plain
    with pytest.raises(Fault, match="larger than 7999"):
        await (await transport.send(server.ask())).read(7999)
    bomb = upstream(always(answer(encode(b"\0" * 20_000_000), f"Content-Encoding: {coding}")))
    with pytest.raises(Fault, match="larger than 1000000"):
        await (await transport.send(bomb.ask())).read(1_000_000)
    broken = upstream(always(answer(b"nonsense" + plain, f"Content-Encoding: {coding}")))
    with pytest.raises(Fault, match="could not be decompressed") as caught:
        await (await transport.send(broken.ask())).read()
    assert caught.value.kind is FaultKind.UPSTREAM


async def test_unknown_content_coding(upstream, transport):
    server = upstream(always(answer(b"x", "Content-Encoding: rot13")))
    with pytest.raises(Fault, match="rot13"):
        await (await transport.send(server.ask())).read()


@pytest.mark.parametrize("chunked", [False, True])
async def test_read_stops_at_its_limit(upstream, transport, chunked):
    async def pour(line: Line) -> None:
        await line.request()
        await line.send(CHUNKED_HEAD if chunked else b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n")
        while True:
            await line.send(chunk(b"x" * 100_000) if chunked else b"x" * 100_000)

    server = upstream(pour)
    response = await transport.send(server.ask())
    with pytest.raises(Fault, match="larger than 1000000"):
        await response.read(1_000_000)
    assert transport.counts() == {}


@pytest.mark.parametrize("how", ["chunk", "pause"])
async def test_slow_consumer_stops_the_upstream(upstream, transport, how):
    sent = 0

    async def pour(line: Line) -> None:
        nonlocal sent
        await line.request()
        await line.send(CHUNKED_HEAD)
        for _ in range(500):
            await line.send(chunk(b"x" * 100_000))
            sent += 100_000
        await line.send(b"0\r\n\r\n")
        await line.left()

    server = upstream(pour)
    # A paused connection is not a late one.
    response = await transport.send(server.ask(), Deadlines(idle=0.2))
    got = 0
    if how == "pause":
        piping = asyncio.create_task(pipe(response))
        response.pause()
    await asyncio.sleep(0.5)
    held = sent
    assert held < 20_000_000
    assert response._size <= 2 * transport.high_water
    await asyncio.sleep(0.05)
    assert sent == held
    if how == "pause":
        response.resume()
        got = len(await piping)
    else:
        while piece := await response.chunk():
            got += len(piece)
    assert got == 50_000_000
    assert transport.counts()[server.origin].idle == 1


async def test_connection_paused_at_its_end_is_read_again(upstream, transport):
    server = upstream(always(answer(b"x" * 300_000)))
    for _ in range(5):
        response = await transport.send(server.ask())
        await asyncio.sleep(0.02)
        assert len(await chunks(response)) == 300_000
    assert len(server.lines) == 1


async def test_pipe_calls_once_per_read(upstream, transport):
    many = CHUNKED_HEAD + b"".join(chunk(b"data: %d\n\n" % number) for number in range(100)) + b"0\r\n\r\n"
    server = upstream(always(many))
    response = await transport.send(server.ask())
    pieces: list[bytes] = []
    await response.pipe(pieces.append)
    assert len(pieces) <= 2
    assert b"".join(pieces) == b"".join(b"data: %d\n\n" % number for number in range(100))


@pytest.mark.parametrize("late", [False, True])
async def test_failing_consumer_of_a_pipe_drops_the_connection(upstream, transport, late):
    async def script(line: Line) -> None:
        await line.request()
        await line.send(CHUNKED_HEAD + (b"" if late else chunk(b"x")))
        await asyncio.sleep(0.02)
        await line.send(chunk(b"y"))
        await line.left()

    def fail(data: bytes) -> None:
        raise KeyError(data)

    response = await transport.send(upstream(script).ask())
    if not late:
        await asyncio.sleep(0.01)
    with pytest.raises(KeyError):
        await response.pipe(fail)
    assert transport.counts() == {}


async def test_close_spares_a_connection_that_is_back_in_the_pool(upstream, transport: Transport):
    server = upstream(always(answer(b"x")))
    async with await transport.send(server.ask()) as response:
        assert response.status == 200
    assert transport.counts()[server.origin].idle == 1
    async with await transport.send(server.ask()) as response:
        assert response.reused


@pytest.mark.parametrize("body", [b"", b"hello"])
async def test_a_body_that_is_there_is_handed_out_without_a_wait(transport, upstream, body: bytes) -> None:
    server = upstream(always(answer(body)))
    async with await transport.send(server.ask()) as response:
        # Head and body come in one read.
        assert response.complete
        assert response.whole() == body
        assert response.whole(len(body) - 1) is None
        assert transport.budget.used == 0


async def test_a_body_that_is_coming_or_coded_is_to_be_waited_for(transport, upstream) -> None:
    server = upstream(always(answer(gzip.compress(b"hello"), "Content-Encoding: gzip")))
    async with await transport.send(server.ask()) as response:
        assert response.complete
        assert response.whole() is None
        assert await response.read() == b"hello"
