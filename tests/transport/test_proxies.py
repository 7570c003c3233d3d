"""Proxies on the way to an upstream: what they are asked, what passes through, and what their refusals are."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode

import pytest
from tests.transport.scripted import Line, always, answer
from tests.transport.test_pool import serve_tls, serving_context, trusting

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest
from codenex.providers.transport.proxy import Proxy, parsed_proxy
from codenex.providers.transport.resolver import Resolver

SECRET = ("authorization", "Bearer sk-secret")


async def carry(line: Line, port: int) -> None:
    """Connect the tunnel and carry bytes both ways until one side ends."""
    loop = asyncio.get_running_loop()
    with socket.socket() as far:
        far.setblocking(False)
        await loop.sock_connect(far, ("127.0.0.1", port))

        async def copy(source: socket.socket, target: socket.socket) -> None:
            while data := await loop.sock_recv(source, 65536):
                await loop.sock_sendall(target, data)

        ways = [asyncio.create_task(copy(line.sock, far)), asyncio.create_task(copy(far, line.sock))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


def connecting(seen: list[bytes], port: int):
    async def script(line: Line) -> None:
        head, _ = await line.request()
        seen.append(head)
        await line.send(b"HTTP/1.1 200 Connection established\r\nVia: me\r\n\r\n")
        await carry(line, port)

    return script


def socks(seen: list[object], port: int, *, wants_password: bool = False):
    async def script(line: Line) -> None:
        loop = line.loop

        async def take(size: int) -> bytes:
            data = b""
            while len(data) < size:
                data += await loop.sock_recv(line.sock, size - len(data))
            return data

        version, count = await take(2)
        methods = await take(count)
        assert version == 5
        if wants_password:
            assert 2 in methods
            await line.send(b"\x05\x02")
            _, length = await take(2)
            user = await take(length)
            password = await take((await take(1))[0])
            seen.append((user, password))
            await line.send(b"\x01\x00")
        else:
            await line.send(b"\x05\x00")
        assert (await take(3)) == b"\x05\x01\x00"
        (kind,) = await take(1)
        where = await take((await take(1))[0]) if kind == 3 else await take(4 if kind == 1 else 16)
        seen.append((kind, where, int.from_bytes(await take(2), "big")))
        await line.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        await carry(line, port)

    return script


@pytest.mark.parametrize("credentials", ["", "user:p%40ss@"])
async def test_connect_carries_a_connection_that_is_kept(upstream, credentials):
    server = upstream(always(answer(b"here")))
    seen: list[bytes] = []
    proxy = upstream(connecting(seen, server.origin.port))
    origin = Origin("http", "api.test", 80, proxy=f"http://{credentials}127.0.0.1:{proxy.origin.port}")
    async with Transport() as transport:
        for _ in range(3):
            request = UpstreamRequest("POST", origin, "/v1/x", [SECRET], b"{}")
            assert await (await transport.send(request)).read() == b"here"
    (head,) = seen
    assert head.startswith(b"CONNECT api.test:80 HTTP/1.1\r\nHost: api.test:80")
    assert (b"Proxy-Authorization: Basic " + b64encode(b"user:p@ss") in head) is bool(credentials)
    # The proxy never sees a key; the upstream never sees the proxy's.
    assert b"sk-secret" not in head
    assert b"roxy" not in server.lines[0].requests[0][0]


@pytest.mark.parametrize("kind", ["http", "socks5h"])
async def test_tls_is_between_us_and_the_upstream(upstream, kind):
    names: list[str | None] = []
    server, port = await serve_tls(serving_context("api.test"), answer(b"secure"), names)
    seen: list[object] = []
    script = connecting(seen, port) if kind == "http" else socks(seen, port)
    proxy = upstream(script)
    origin = Origin("https", "api.test", 443, proxy=f"{kind}://127.0.0.1:{proxy.origin.port}")
    async with Transport(ssl_context_factory=trusting) as transport:
        assert await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read() == b"secure"
    assert names == ["api.test"]
    server.close()
    await asyncio.sleep(0.02)


async def test_socks_is_given_a_name_or_an_address_as_the_url_says(upstream):
    server = upstream(always(answer(b"here")))
    seen: list[object] = []
    proxy = upstream(socks(seen, server.origin.port))
    at = proxy.origin.port
    found = {"api.test": "127.0.0.9"}
    resolver = Resolver(lambda host, port: [(socket.AF_INET, (found.get(host, host), port))])
    async with Transport(resolver=resolver) as transport:
        for scheme in ("socks5h", "socks5"):
            origin = Origin("http", "api.test", 81, proxy=f"{scheme}://127.0.0.1:{at}")
            assert await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read() == b"here"
    assert seen == [(3, b"api.test", 81), (1, bytes((127, 0, 0, 9)), 81)]


async def test_socks_with_a_password(upstream):
    server = upstream(always(answer(b"here")))
    seen: list[object] = []
    proxy = upstream(socks(seen, server.origin.port, wants_password=True))
    origin = Origin("http", "api.test", 81, proxy=f"socks5h://me:secret@127.0.0.1:{proxy.origin.port}")
    async with Transport() as transport:
        assert await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read() == b"here"
    assert seen[0] == (b"me", b"secret")


async def test_connections_through_different_proxies_are_not_shared(upstream):
    server = upstream(always(answer(b"here")))
    first, second = (upstream(connecting([], server.origin.port)) for _ in range(2))
    async with Transport() as transport:
        for proxy in (first, second, first):
            origin = Origin("http", "a.test", 80, proxy=f"http://127.0.0.1:{proxy.origin.port}")
            assert await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read() == b"here"
    assert (len(first.lines), len(second.lines)) == (1, 1)


@pytest.mark.parametrize(
    ("scheme", "data", "words"),
    [
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "status 407 Proxy Authentication Required"),
        ("http", b"HTTP/1.0 502 Bad\x07Gateway\r\n\r\n", "status 502 BadGateway"),
        ("http", b"SSH-2.0-x\r\n\r\n", "no valid answer"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nextra", "more than its answer"),
        ("http", b"x" * 20_000, "no valid answer"),
        ("http", b"", "no valid answer"),
        ("socks5h", b"\x04\x00", "does not speak SOCKS5"),
        ("socks5h", b"\x05\xff", "wants credentials"),
        ("socks5h", b"\x05\x00\x05\x05\x00\x01", "connection refused"),
        ("socks5h", b"\x05\x00\x05\x63\x00\x01", "code 99"),
        ("socks5h", b"\x05\x00\x05\x00\x00\x01\x7f", "closed the connection"),
    ],
)
async def test_refusals_are_connect_faults_with_their_reason(upstream, scheme, data, words):
    async def script(line: Line) -> None:
        await line.loop.sock_recv(line.sock, 4096)
        await line.send(data)
        line.sock.shutdown(socket.SHUT_WR)
        await line.left()

    proxy = upstream(script)
    origin = Origin("http", "api.test", 80, proxy=f"{scheme}://u:proxy-password@127.0.0.1:{proxy.origin.port}")
    async with Transport() as transport:
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", origin, "/", [SECRET]))
        assert (caught.value.kind, caught.value.code) == (FaultKind.UPSTREAM_CONNECT, "proxy_refused")
        assert words in caught.value.message
        assert "proxy-password" not in caught.value.message
        assert transport.counts() == {}


async def test_a_proxy_that_is_not_there_and_one_that_hangs(upstream):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    async with Transport() as transport:
        with pytest.raises(Fault) as caught:
            await transport.send(
                UpstreamRequest("GET", Origin("http", "a", 80, proxy=f"http://127.0.0.1:{port}"), "/", [])
            )
        assert "the proxy can't be reached: connection refused" in caught.value.message

        async def hang(line: Line) -> None:
            await line.left()

        origin = Origin("http", "a", 80, proxy=f"socks5h://127.0.0.1:{upstream(hang).origin.port}")
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", origin, "/", []), Deadlines(connect=0.1))
        assert caught.value.code == "connect_timeout"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy", Proxy("http", "proxy", 80)),
        ("http://proxy:3128/", Proxy("http", "proxy", 3128)),
        ("socks5://[::1]:9", Proxy("socks5", "::1", 9)),
        ("socks://h", Proxy("socks5h", "h", 1080)),
        (" socks5h://a%20b:c%3Ad@h ", Proxy("socks5h", "h", 1080, "a b", "c:d")),
    ],
)
def test_urls(url, proxy):
    assert parsed_proxy(url) == proxy
    assert proxy.resolves is (proxy.scheme != "socks5")


@pytest.mark.parametrize(
    "url", ["", "proxy:1", "ftp://h", "https://h", "http://", "http://h:99999", "http://h/x", "http://h?a"]
)
def test_what_is_no_proxy(url):
    with pytest.raises(ValueError) as caught:
        parsed_proxy(url)
    assert url == "" or url not in str(caught.value)
