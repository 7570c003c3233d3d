"""Files by address, fetched from a real server: what is taken, what is not, and how little it may cost."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.matrix.cases import PNG
from tests.support.replies import Reply, Stream, Unary, cut
from tests.support.upstream import ScriptedUpstream

from codenex.core.errors import Fault
from codenex.core.media import MediaKind
from codenex.providers.media import fetching
from codenex.providers.media.fetching import Fetcher, PublicResolver, Unavailable
from codenex.providers.transport import BodyBudget, Transport
from codenex.providers.transport.resolver import Address

PICTURE = base64.b64decode(PNG)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
MP3_FRAME = b"\xff\xf3\x40\xc0" * 8


def local(host: str, port: int) -> list[Address]:
    """A DNS in which every name of ``example`` is this machine."""
    if not host.endswith(".example"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, ("127.0.0.1" if host.startswith("public.") else "127.0.0.2", port))]


@asynccontextmanager
async def fetcher(budget: BodyBudget | None = None) -> AsyncIterator[Fetcher]:
    """One for which 127.0.0.1 is the public internet."""
    resolver = PublicResolver(local, lambda address: address == "127.0.0.1")
    async with Transport(resolver=resolver, budget=budget) as transport:
        yield Fetcher(transport)


def file(content: bytes, kind: str = "application/octet-stream", status: int = 200) -> Unary:
    return Unary(content, status, {"content-type": kind})


async def got(reply: Reply, kind: MediaKind = "image") -> str:
    """The media type of what came, or why nothing did."""
    async with ScriptedUpstream() as server, fetcher() as held:
        server.on("GET", "/x", lambda request: reply)
        try:
            found = await held.fetch(f"http://public.example:{server.port}/x?y=1", kind)
        except Unavailable as error:
            return str(error)
        assert base64.b64decode(found.data)
        (request,) = server.requests
        assert request.target == "/x?y=1"
        assert {name.lower() for name, _ in request.headers.pairs} == {
            "host",
            "accept",
            "accept-encoding",
            "user-agent",
        }
        return found.media_type


@pytest.mark.parametrize(
    ("reply", "kind", "media_type"),
    [
        (file(PICTURE, "image/png"), "image", "image/png"),
        (file(PICTURE), "image", "image/png"),
        (file(PICTURE, "text/plain"), "image", "image/png"),
        (file(PICTURE), "document", "image/png"),
        (file(b"%PDF-1.7 x"), "image", "application/pdf"),
        (file(b"%PDF-1.7 x", "application/pdf"), "document", "application/pdf"),
        (file(b"a,b\n1,2", "text/csv; charset=utf-8"), "document", "text/csv"),
        (file(b"{}", "application/json"), "document", "application/json"),
        (file(WAV), "audio", "audio/wav"),
        (file(MP3_FRAME, "audio/mpeg"), "audio", "audio/mpeg"),
        (file(MP3_FRAME, "video/x-strange"), "video", "video/x-strange"),
    ],
)
async def test_what_is_taken(reply: Reply, kind: MediaKind, media_type: str) -> None:
    assert await got(reply, kind) == media_type


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (file(b"<html>log in", "text/html"), "image", "no image: its type is text/html"),
        (file(b"<html>log in", "image/png"), "image", "no image"),
        (file(b"no PDF", "application/pdf"), "document", "no document"),
        (file(b"\x00\x01", ""), "document", "nobody says"),
        (file(b"\x00\x01"), "document", "no document: its type is application/octet-stream"),
        (file(b"words", "text/plain"), "audio", "no audio"),
        (file(PICTURE, "image/png"), "audio", "no audio: its type is image/png"),
        (file(WAV), "image", "no image"),
        (file(b"", "image/png"), "image", "empty"),
        (file(PICTURE, "image/png", 404), "image", "status 404"),
        (file(PICTURE, "image/png", 206), "image", "status 206"),
        (Unary(b"", 302, {}), "image", "redirected to nowhere"),
        (Unary(b"", 302, {"location": "/x"}), "image", "more than 3 times"),
        (Unary(b"", 307, {"location": "http://private.example/x"}), "image", "on the public internet"),
        (Unary(b"", 301, {"location": "http://127.0.0.2/x"}), "image", "on the public internet"),
        (Unary(b"", 308, {"location": "http://169.254.169.254/latest"}), "image", "on the public internet"),
        (Unary(b"", 303, {"location": "file:///etc/passwd"}), "image", "https"),
        (Unary(b"", 302, {"location": "http://a:b@public.example/x"}), "image", "user"),
        (Unary(b"", 302, {"location": "//public.example:22/x"}), "image", "port 22"),
        (Unary(b"", 302, {"location": "http://nowhere.invalid/x"}), "image", "on the public internet"),
        (cut(file(PICTURE * 100, "image/png"), at=1000), "image", "cut short"),
    ],
)
async def test_what_is_not(reply: Reply, kind: MediaKind, words: str) -> None:
    assert words in await got(reply, kind)


async def test_redirects_are_followed_to_other_hosts() -> None:
    async with ScriptedUpstream() as server, fetcher() as held:
        server.on("GET", "/a", lambda request: Unary(b"", 302, {"location": "/b?c=d"}))
        there = f"http://public.other.example:{server.port}/c"
        server.on("GET", "/b", lambda request: Unary(b"", 307, {"location": there}))
        server.on("GET", "/c", lambda request: file(PICTURE))
        assert (await held.fetch(f"http://public.example:{server.port}/a", "image")).data == PNG
        assert [request.headers.get("host") for request in server.requests] == [
            f"public.example:{server.port}",
            f"public.example:{server.port}",
            f"public.other.example:{server.port}",
        ]


async def test_size_and_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SIZE_LIMIT", 1 << 20)
    assert "more than 1 MiB" in await got(file(PICTURE + bytes(1 << 20), "image/png"))
    # Said too small, or not at all: what comes is counted.
    chunked = Stream([PICTURE, *[bytes(1 << 16)] * 17], headers={"content-type": "image/png"})
    assert "too large" in await got(chunked)
    bomb = Unary(gzip.compress(bytes(1 << 22)), 200, {"content-type": "image/png", "content-encoding": "gzip"})
    assert "too large" in await got(bomb)
    monkeypatch.setattr(fetching, "PATIENCE", 0.05)
    async with ScriptedUpstream() as server, fetcher() as held:
        server.on("GET", "/x", _never)
        with pytest.raises(Unavailable, match="did not come within"):
            await held.fetch(f"http://public.example:{server.port}/x", "image")


async def test_there_has_to_be_room() -> None:
    budget = BodyBudget(1000)
    async with ScriptedUpstream() as server, fetcher(budget) as held:
        server.on("GET", "/x", lambda request: file(PICTURE + bytes(2000)))
        with pytest.raises(Fault) as caught:
            await held.fetch(f"http://public.example:{server.port}/x", "image")
    assert caught.value.status == 503
    assert budget.used == 0


async def _never(request: object) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError
