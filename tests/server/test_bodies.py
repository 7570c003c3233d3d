"""Sizes and content codings of request bodies."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import brotli
import pytest
import zstandard
from tests.server.handlers import echo
from tests.server.site import get, post

from codenex.core.json import decode
from codenex.server import Limits

PLAIN = b'{"model": "m"}' * 100


def raw_deflate(data: bytes) -> bytes:
    writer = zlib.compressobj(wbits=-15)
    return writer.compress(data) + writer.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.pitfall("NET-1", "CLI-21")
@pytest.mark.parametrize("coding", CODERS)
async def test_codings(serve, coding):
    site = await serve(echo)
    client = site.client()
    answer = await client.ask(post("/", CODERS[coding](PLAIN), f"Content-Encoding: {coding.upper()}"))
    assert decode(answer.body)["body"].encode() == PLAIN
    large = PLAIN * 500  # decoded outside the loop
    answer = await client.ask(post("/", CODERS[coding](large), f"Content-Encoding: {coding}"))
    assert decode(answer.body)["body"].encode() == large


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(brotli.compress(PLAIN), mtime=0), ["Content-Encoding: br, gzip"]),
        (brotli.compress(gzip.compress(PLAIN, mtime=0)), ["Content-Encoding: gzip", "Content-Encoding: br"]),
        (zlib.compress(CODERS["zstd"](PLAIN)), ["Content-Encoding: identity, zstd , deflate"]),
        (PLAIN, ["Content-Encoding: identity"]),
        (PLAIN, ["Content-Encoding:"]),
        (raw_deflate(PLAIN), ["Content-Encoding: deflate"]),
        (gzip.compress(PLAIN[:700], mtime=0) + gzip.compress(PLAIN[700:], mtime=0), ["Content-Encoding: gzip"]),
        (CODERS["zstd"](PLAIN[:700]) + CODERS["zstd"](PLAIN[700:]), ["Content-Encoding: zstd"]),
    ],
)
async def test_stacked_and_unusual_codings(serve, body, headers):
    site = await serve(echo)
    answer = await site.client().ask(post("/", body, *headers))
    assert decode(answer.body)["body"].encode() == PLAIN


@pytest.mark.pitfall("NET-1")
@pytest.mark.parametrize("coding", CODERS)
async def test_bombs_are_a_413(serve, coding):
    site = await serve(echo, Limits(body_bytes=1_000_000))
    client = site.client()
    bomb = CODERS[coding](b"\0" * 8_000_000)
    assert len(bomb) < 1_000_000
    assert (await client.ask(post("/", bomb, f"Content-Encoding: {coding}"))).status == 413
    exact = CODERS[coding](b"\0" * 1_000_000)
    assert (await client.ask(post("/", exact, f"Content-Encoding: {coding}"))).status == 200
    over = CODERS[coding](b"\0" * 1_000_001)
    assert (await client.ask(post("/", over, f"Content-Encoding: {coding}"))).status == 413


async def test_stacked_bomb_is_a_413(serve):
    site = await serve(echo, Limits(body_bytes=1_000_000))
    bomb = gzip.compress(gzip.compress(b"\0" * 40_000_000, 1), 1, mtime=0)
    assert (await site.client().ask(post("/", bomb, "Content-Encoding: gzip, gzip"))).status == 413


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "trailing"])
async def test_broken_codings_are_a_400(serve, coding, damage):
    whole = CODERS[coding](PLAIN)
    body = {"garbage": b"not at all " * 9, "cut": whole[:-6], "empty": b"", "trailing": whole + b"garbage"}[damage]
    site = await serve(echo)
    answer = await site.client().ask(post("/", body, f"Content-Encoding: {coding}"))
    assert answer.status == 400
    assert decode(answer.body)["error"]["code"] == "invalid_content_encoding"


@pytest.mark.parametrize("coding", ["compress", "gzip, rot13", "gzip," * 5 + "gzip", "x" * 500])
async def test_unknown_codings_are_a_415(serve, coding):
    site = await serve(echo)
    answer = await site.client().ask(post("/", b"x", f"Content-Encoding: {coding}"))
    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate, br, zstd"


@pytest.mark.pitfall("NET-8")
async def test_announced_body_beyond_the_limit_is_refused_unread(serve):
    site = await serve(echo, Limits(body_bytes=10_000))
    client = site.client()
    answer = await client.ask(get("/", "Content-Length: 10001", method="POST"))
    assert answer.status == 413
    assert decode(answer.body)["error"]["code"] == "request_too_large"
    assert site.records[0].bytes_in == 0


async def test_chunked_body_beyond_the_limit_is_refused_as_it_comes(serve):
    site = await serve(echo, Limits(body_bytes=100_000))
    client = site.client()
    await client.send(get("/", "Transfer-Encoding: chunked", method="POST"))

    async def flood():
        for _ in range(10_000):
            await client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    sending = asyncio.create_task(flood())
    assert (await client.answer()).status == 413
    assert await client.ended()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert site.records[0].bytes_in < 2_000_000


async def test_body_at_the_limit(serve):
    site = await serve(echo, Limits(body_bytes=100_000))
    assert (await site.client().ask(post("/", b"x" * 100_000))).status == 200


async def test_body_can_be_asked_for_again(serve):
    async def twice(exchange):
        first, second = await asyncio.gather(exchange.body(), exchange.body())
        assert first == second == await exchange.body()
        exchange.respond(200, [], first)

    site = await serve(twice)
    client = site.client()
    await client.send(get("/", "Content-Length: 3", method="POST"))
    await asyncio.sleep(0.02)
    await client.send(b"abc")
    assert (await client.answer()).body == b"abc"
