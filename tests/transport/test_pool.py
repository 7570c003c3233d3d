"""Connections: keeping, resending, deadlines, cancelling, connecting."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from tests.transport.scripted import CHUNKED_HEAD, Line, always, answer, chunk, once, until

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest
from codenex.providers.transport.resolver import Resolver

SECRET = ("authorization", "Bearer sk-very-secret")


# --- what is sent -----------------------------------------------------------------------------------------------------


async def test_request_as_sent(upstream, transport):
    server = upstream(always(answer()))
    request = server.ask(b'{"a":1}', "POST", ("X-Key", "v"), ("Host", "evil"), ("content-length", "9"), ("te", "x"))
    await (await transport.send(request)).read()
    head, body = server.lines[0].requests[0]
    assert head == (
        b"POST /v1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nX-Key: v\r\ncontent-length: 7" % server.origin.port
    )
    assert body == b'{"a":1}'


async def test_bodiless_requests(upstream, transport):
    server = upstream(always(answer()))
    for method in ("GET", "DELETE", "POST"):
        await (await transport.send(server.ask(b"", method))).read()
    heads = [head for head, _ in server.lines[0].requests]
    assert [b"content-length: 0" in head for head in heads] == [False, False, True]


async def test_large_body(upstream, transport):
    server = upstream(always(answer()))
    body = bytes(range(256)) * 40_000
    await (await transport.send(server.ask(body))).read()
    assert server.lines[0].requests[0][1] == body


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("/a", ("x", "a\r\nb: c")),
        ("/a", ("x", "a\nb")),
        ("/a", ("x", "a\0b")),
        ("/a", ("x\r\n", "a")),
        ("/a", ("x", "€ sk-very-secret")),
        ("/a b", ("x", "a")),
        ("/a\r\nx: y", ("x", "a")),
        ("nothing", ("x", "a")),
    ],
)
async def test_what_would_break_the_framing_is_not_sent(upstream, transport, target, header):
    server = upstream(always(answer()))
    with pytest.raises(Fault) as caught:
        await transport.send(UpstreamRequest("POST", server.origin, target, [header], b""))
    assert caught.value.kind is FaultKind.INTERNAL
    assert "secret" not in caught.value.message
    assert server.lines == []


@pytest.mark.parametrize(("scheme", "host", "port"), [("ftp", "a", 1), ("http", "a b", 1), ("http", "a", 0)])
def test_origins_are_checked(scheme, host, port):
    with pytest.raises(ValueError, match="not a"):
        Origin(scheme, host, port)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        (Origin("https", "api.example", 443), "api.example"),
        (Origin("https", "api.example", 80), "api.example:80"),
        (Origin("http", "api.example", 80), "api.example"),
        (Origin("http", "::1", 8080), "[::1]:8080"),
    ],
)
def test_authority(origin, authority):
    assert origin.authority == authority


# --- keeping ----------------------------------------------------------------------------------------------------------


async def test_most_recent_connection_is_used_first(upstream, transport):
    server = upstream(always(answer()))
    first, second = [await transport.send(server.ask()) for _ in range(2)]
    assert not first.reused  # it was complete, so the second found it
    await first.read()
    await second.read()
    hold, all_there = asyncio.Event(), asyncio.Event()

    async def held(line: Line) -> None:
        while True:
            await line.request()
            if len(held_lines) == 3:
                all_there.set()
            await hold.wait()
            await line.send(answer(b"%d" % held_lines.index(line)))

    held_server = upstream(held)
    held_lines = held_server.lines
    sending = [asyncio.create_task(transport.send(held_server.ask())) for _ in range(3)]
    await all_there.wait()
    counts = transport.counts()[held_server.origin]
    assert (counts.open, counts.idle, counts.in_use) == (3, 0, 3)
    hold.set()
    for response in await asyncio.gather(*sending):
        await response.read()
    last = await (await transport.send(held_server.ask())).read()
    for _ in range(5):
        assert await (await transport.send(held_server.ask())).read() == last
    assert transport.counts()[held_server.origin].idle == 3


async def test_origins_share_nothing(upstream, transport):
    one, other = upstream(always(answer(b"1"))), upstream(always(answer(b"2")))
    for _ in range(2):
        assert await (await transport.send(one.ask())).read() == b"1"
        assert await (await transport.send(other.ask())).read() == b"2"
    assert {len(server.lines) for server in (one, other)} == {1}


async def test_idle_connections_are_bounded_in_number_and_time(upstream):
    server = upstream(always(answer()))
    async with Transport(idle_seconds=0.2, idle_per_origin=4) as transport:

        async def visit() -> None:
            await (await transport.send(server.ask())).read()

        await asyncio.gather(*(visit() for _ in range(20)))
        await asyncio.sleep(0.01)
        assert transport.counts()[server.origin].open <= 4
        await asyncio.sleep(0.5)
        assert transport.counts() == {}
        await visit()


async def test_idle_connection_that_the_upstream_closes_is_forgotten(upstream, transport):
    server = upstream(once(answer(), "fin"), always(answer(b"second")))
    await (await transport.send(server.ask())).read()
    await asyncio.sleep(0.02)
    assert transport.counts() == {}
    response = await transport.send(server.ask())
    assert not response.reused
    assert await response.read() == b"second"


async def test_idle_connection_that_speaks_unasked_is_dropped(upstream, transport):
    async def chatty(line: Line) -> None:
        await line.request()
        await line.send(answer())
        await asyncio.sleep(0.02)
        await line.send(answer(b"408", status=408))
        await line.left()

    server = upstream(chatty, always(answer(b"second")))
    await (await transport.send(server.ask())).read()
    await until(lambda: transport.counts() == {})
    assert await (await transport.send(server.ask())).read() == b"second"


@pytest.mark.parametrize("ending", ["fin", "rst"])
async def test_keep_alive_race_never_fails(upstream, transport, ending):
    """The upstream closes each reused connection on receipt of the second request."""

    async def race(line: Line) -> None:
        await line.request()
        await line.send(answer(b"ok"))
        await line.request()
        if ending == "rst":
            line.reset()

    server = upstream(race)
    for _ in range(50):
        assert await (await transport.send(server.ask())).read() == b"ok"
    # Each request after the first was sent twice: on the old connection, then on a new one.
    assert len(server.lines) == 50


async def test_resend_happens_once_and_on_a_new_connection(upstream, transport):
    async def dying(line: Line) -> None:
        await line.request()
        if line is server.lines[0]:
            await line.send(answer(b"ok"))
            await line.request()

    server = upstream(dying)
    await (await transport.send(server.ask())).read()
    with pytest.raises(Fault, match="without an answer"):
        await transport.send(server.ask())
    assert [len(line.requests) for line in server.lines] == [2, 1]


async def test_no_resend_after_the_first_byte(upstream, transport):
    async def script(line: Line) -> None:
        await line.request()
        await line.send(answer(b"ok"))
        await line.request()
        await line.send(b"H")

    server = upstream(script)
    await (await transport.send(server.ask())).read()
    with pytest.raises(Fault, match="without an answer"):
        await transport.send(server.ask())
    assert len(server.lines) == 1


async def test_no_resend_on_a_new_connection(upstream, transport):
    server = upstream(once(b"", "fin"))
    with pytest.raises(Fault) as caught:
        await transport.send(server.ask(b"{}", "POST", SECRET))
    assert caught.value.kind is FaultKind.UPSTREAM
    assert "secret" not in caught.value.message
    assert len(server.lines) == 1


async def test_answer_before_the_whole_request_ends_the_connection(upstream, transport):
    async def early(line: Line) -> None:
        await line.loop.sock_recv(line.sock, 1000)
        await line.send(answer(b"no", status=413))
        await line.left()

    server = upstream(early)
    response = await transport.send(server.ask(b"x" * 50_000_000))
    assert response.status == 413
    assert await response.read() == b"no"
    assert transport.counts() == {}


# --- deadlines and cancelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "deadlines", "code"),
    [
        (b"", Deadlines(first_byte=0.15), "first_byte_timeout"),
        (b"HTTP/1.1 200 OK\r\n", Deadlines(first_byte=0.15), "first_byte_timeout"),
        (CHUNKED_HEAD, Deadlines(idle=0.15), "idle_timeout"),
        (CHUNKED_HEAD + chunk(b"x") + b"5\r\nab", Deadlines(idle=0.15), "idle_timeout"),
        (CHUNKED_HEAD, Deadlines(total=0.15), "total_timeout"),
        (b"", Deadlines(total=0.15), "total_timeout"),
    ],
)
async def test_deadlines(upstream, transport, data, deadlines, code):
    server = upstream(once(data, "wait"))
    begun = time.perf_counter()
    with pytest.raises(Fault) as caught:
        await (await transport.send(server.ask(), deadlines)).read()
    assert 0.1 < time.perf_counter() - begun < 1
    assert (caught.value.kind, caught.value.status, caught.value.code) == (FaultKind.UPSTREAM_TIMEOUT, 504, code)
    await asyncio.sleep(0.01)
    assert transport.counts() == {}


@pytest.mark.pitfall("NET-9")
async def test_live_stream_outlives_the_idle_deadline_but_not_the_total(upstream, transport):
    async def steady(line: Line) -> None:
        await line.request()
        await line.send(CHUNKED_HEAD)
        for _ in range(12):
            await asyncio.sleep(0.05)
            await line.send(chunk(b"x"))
        await line.send(b"0\r\n\r\n")
        await line.left()

    server = upstream(steady)
    response = await transport.send(server.ask(), Deadlines(first_byte=0.3, idle=0.3))
    assert await response.read() == b"x" * 12
    with pytest.raises(Fault) as caught:
        await (await transport.send(upstream(steady).ask(), Deadlines(total=0.3))).read()
    assert caught.value.code == "total_timeout"


@pytest.mark.parametrize("phase", ["waiting", "mid-head", "reading", "chunk", "pipe"])
async def test_cancelling_closes_the_upstream_at_once(upstream, transport, phase):
    slowest = 0.0
    for _ in range(20):
        arrived, left = asyncio.Event(), asyncio.Event()
        data = {"waiting": b"", "mid-head": b"HTTP/1.1 200 O"}.get(phase, CHUNKED_HEAD + chunk(b"x"))

        async def script(line: Line, data: bytes = data, arrived=arrived, left=left) -> None:
            await line.request()
            await line.send(data)
            arrived.set()
            await line.left()
            left.set()

        server = upstream(script)

        async def call(server=server) -> None:
            response = await transport.send(server.ask())
            if phase == "pipe":
                await response.pipe(lambda data: None)
            elif phase == "chunk":
                while await response.chunk():
                    pass
            else:
                await response.read()

        task = asyncio.create_task(call())
        await arrived.wait()
        await asyncio.sleep(0.005)
        begun = time.perf_counter()
        task.cancel()
        await asyncio.wait_for(left.wait(), 1)
        slowest = max(slowest, time.perf_counter() - begun)
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.01)
    assert transport.counts() == {}
    assert slowest < 0.05


async def test_closing_a_response_closes_the_upstream_at_once(upstream, transport):
    left = asyncio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.send(CHUNKED_HEAD + chunk(b"x"))
        await line.left()
        left.set()

    response = await transport.send(upstream(script).ask())
    response.close()
    response.close()
    await asyncio.wait_for(left.wait(), 0.05)
    with pytest.raises(Fault):
        await response.chunk()


async def test_closing_the_transport_fails_what_is_under_way(upstream):
    server = upstream(once(CHUNKED_HEAD, "wait"))
    transport = Transport()
    response = await transport.send(server.ask())
    reading = asyncio.create_task(response.read())
    await asyncio.sleep(0)
    await transport.close()
    with pytest.raises(Fault):
        await reading
    assert transport.counts() == {}
    with pytest.raises(Fault, match="shutting down"):
        await transport.send(server.ask())


async def test_nothing_is_left_after_many_requests(upstream, transport):
    async def mixed(line: Line) -> None:
        while True:
            _, body = await line.request()
            match int(body) % 4:
                case 0:
                    await line.send(answer(b"x"))
                case 1:
                    await line.send(CHUNKED_HEAD + chunk(b"x"))
                    return
                case 2:
                    await line.left()
                case _:
                    await line.send(CHUNKED_HEAD + chunk(b"x") + b"0\r\n\r\n")

    server = upstream(mixed)

    async def visit(number: int) -> None:
        try:
            async with asyncio.timeout(0.1), await transport.send(server.ask(b"%d" % number)) as response:
                await response.read()
        except (Fault, TimeoutError):
            pass

    for start in range(0, 400, 40):
        await asyncio.gather(*(visit(number) for number in range(start, start + 40)))
    await asyncio.sleep(0.05)
    counts = transport.counts()[server.origin]
    assert counts.in_use == 0
    assert counts.open == counts.idle <= 40


# --- connecting -------------------------------------------------------------------------------------------------------


async def test_refused_connection(transport):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("POST", Origin("http", "127.0.0.1", port), "/", [SECRET]))
    assert (caught.value.kind, caught.value.status) == (FaultKind.UPSTREAM_CONNECT, 502)
    assert caught.value.message == f"Could not connect to 127.0.0.1:{port}: connection refused."


async def test_connect_deadline():
    release = threading.Event()

    def hang(host: str, port: int):
        release.wait(5)
        return []

    async with Transport(resolver=Resolver(hang)) as transport:
        begun = time.perf_counter()
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", Origin("http", "a.test", 80), "/", []), Deadlines(connect=0.1))
        assert time.perf_counter() - begun < 1
        assert (caught.value.kind, caught.value.status) == (FaultKind.UPSTREAM_CONNECT, 504)
        assert caught.value.code == "connect_timeout"
    release.set()


async def test_unknown_name():
    def unknown(host: str, port: int):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with Transport(resolver=Resolver(unknown)) as transport:
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", Origin("https", "a.test", 443), "/", []))
        assert caught.value.code == "name_resolution"
        assert "a.test: its name could not be resolved" in caught.value.message


async def test_addresses_are_tried_in_order(upstream):
    server = upstream(always(answer(b"here")))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = [
            (socket.AF_INET, closed.getsockname()),
            (socket.AF_INET, ("127.0.0.1", server.origin.port)),
        ]
        async with Transport(resolver=Resolver(lambda host, port: found)) as transport:
            request = UpstreamRequest("GET", Origin("http", "a.test", 1), "/", [])
            assert await (await transport.send(request)).read() == b"here"


async def test_hung_lookups_of_one_name_delay_nobody_else(upstream):
    server = upstream(always(answer(b"here")))
    release = threading.Event()
    lookups: list[str] = []

    def lookup(host: str, port: int):
        lookups.append(host)
        if host == "hung.test":
            release.wait(5)
            raise OSError("gone")
        return [(socket.AF_INET, ("127.0.0.1", server.origin.port))]

    async with Transport(resolver=Resolver(lookup, concurrency=2)) as transport:

        async def call(host: str) -> bytes:
            return await (await transport.send(UpstreamRequest("GET", Origin("http", host, 1), "/", []))).read()

        hung = [asyncio.create_task(call("hung.test")) for _ in range(50)]
        await asyncio.sleep(0.01)
        begun = time.perf_counter()
        assert await call("well.test") == b"here"
        assert time.perf_counter() - begun < 0.5
        assert lookups.count("hung.test") == 1
        release.set()
        results = await asyncio.gather(*hung, return_exceptions=True)
        assert all(isinstance(result, Fault) for result in results)


async def test_cancelling_while_connecting_leaves_nothing(transport):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        origin = Origin("http", "127.0.0.1", full.getsockname()[1])
        fillers = []
        for _ in range(4):  # the queue is full: the next connection hangs
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", origin.port))
            fillers.append(filler)
        task = asyncio.create_task(transport.send(UpstreamRequest("GET", origin, "/", [])))
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(Fault, match=r"within 0\.1 s"):
            await transport.send(UpstreamRequest("GET", origin, "/", []), Deadlines(connect=0.1))
        for filler in fillers:
            filler.close()
    assert transport.counts() == {}


async def test_unix_socket(transport, tmp_path: Path):
    path = str(tmp_path / "up.sock")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"unix"))
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    origin = Origin("http", "control", 80, path)
    assert await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read() == b"unix"
    await transport.close()
    server.close()
    await asyncio.sleep(0.01)
    with pytest.raises(Fault) as caught:
        await Transport().send(UpstreamRequest("GET", Origin("http", "control", 80, path + "-none"), "/", []))
    assert caught.value.kind is FaultKind.UPSTREAM_CONNECT
    assert "up.sock-none" in caught.value.message


# --- TLS --------------------------------------------------------------------------------------------------------------

AUTHORITY = trustme.CA()


def serving_context(*names: str, **options) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names, **options).configure_cert(context)
    return context


def trusting(origin: Origin) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def serve_tls(context: ssl.SSLContext, payload: bytes, names: list[str | None] | None = None):
    if names is not None:
        context.sni_callback = lambda sock, name, _: names.append(name)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(payload)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1]


def to_loopback(port: int) -> Resolver:
    return Resolver(lambda host, _: [(socket.AF_INET, ("127.0.0.1", port))])


async def test_tls_with_server_name_and_keeping():
    names: list[str | None] = []
    server, port = await serve_tls(serving_context("api.test"), answer(b"secure"), names)
    async with Transport(ssl_context_factory=trusting, resolver=to_loopback(port)) as transport:
        origin = Origin("https", "api.test", 443)
        for _ in range(3):
            response = await transport.send(UpstreamRequest("GET", origin, "/", []))
            assert await response.read() == b"secure"
        assert names == ["api.test"]
        assert transport.counts()[origin].open == 1
    server.close()
    await asyncio.sleep(0.02)


async def test_the_authorities_are_read_once_and_hold_nobody_up():
    server, port = await serve_tls(serving_context("api.test"), answer(b"secure"))
    made = []

    def slow(origin: Origin) -> ssl.SSLContext:
        made.append(origin)
        time.sleep(0.3)
        return trusting(origin)

    async with Transport(ssl_context_factory=slow, resolver=to_loopback(port)) as transport:
        origin = Origin("https", "api.test", 443)

        async def ask() -> bytes:
            return await (await transport.send(UpstreamRequest("GET", origin, "/", []))).read()

        asking = [asyncio.ensure_future(ask()) for _ in range(5)]
        pauses = []
        while not all(task.done() for task in asking):
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            pauses.append(time.perf_counter() - begun)
        assert [task.result() for task in asking] == [b"secure"] * 5
        assert made == [origin]
        assert len(pauses) > 10
        assert max(pauses) < 0.25
    server.close()
    await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("wrong name", "Hostname mismatch"),
        ("expired", "certificate has expired"),
        ("unknown authority", "unable to get local issuer certificate"),
    ],
)
async def test_tls_certificates_are_verified(certificate, words):
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)  # noqa: UP017
    context = {
        "wrong name": lambda: serving_context("other.test"),
        "expired": lambda: serving_context("api.test", not_after=past),
        "unknown authority": lambda: serving_context("api.test"),
    }[certificate]()
    factory = {} if certificate == "unknown authority" else {"ssl_context_factory": trusting}
    server, port = await serve_tls(context, answer(b"never"))
    async with Transport(resolver=to_loopback(port), **factory) as transport:
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", Origin("https", "api.test", 443), "/", [SECRET]))
        assert (caught.value.kind, caught.value.code) == (FaultKind.UPSTREAM_CONNECT, "tls_certificate")
        assert words in caught.value.message
        assert "api.test" in caught.value.message
        assert transport.counts() == {}
    server.close()
    await asyncio.sleep(0.02)


async def test_plain_http_where_tls_is_expected(upstream):
    async def plain(line: Line) -> None:
        await line.loop.sock_recv(line.sock, 1000)
        await line.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await line.left()

    server = upstream(plain)
    async with Transport(ssl_context_factory=trusting) as transport:
        with pytest.raises(Fault) as caught:
            await transport.send(UpstreamRequest("GET", Origin("https", "127.0.0.1", server.origin.port), "/", []))
        assert caught.value.code == "tls_error"


async def test_hung_tls_handshake_meets_the_connect_deadline(upstream):
    left = asyncio.Event()

    async def silent(line: Line) -> None:
        await line.left()
        left.set()

    server = upstream(silent)
    origin = Origin("https", "127.0.0.1", server.origin.port)
    # Made beforehand: reading the system's authorities takes time, in which a busy machine would not even connect.
    context = trusting(origin)
    async with Transport(ssl_context_factory=lambda _: context) as transport:
        with pytest.raises(Fault, match=r"within 0\.5 s"):
            await transport.send(UpstreamRequest("GET", origin, "/", []), Deadlines(connect=0.5))
        await asyncio.wait_for(left.wait(), 5)
