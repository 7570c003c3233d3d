"""Requests that never reach a handler, and those that a handler's fault ends."""

from __future__ import annotations

import asyncio

import pytest
from tests.server.handlers import echo
from tests.server.site import get, post

from codenex.core.errors import Fault, FaultKind
from codenex.core.json import decode, encode
from codenex.server import Limits
from codenex.server.responses import render_plain_error

HOST = b"Host: a\r\n"


def request_of(*lines: bytes, body: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request_of(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
        (request_of(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=b"0\r\n\r\n"), 400),
        (request_of(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400),
        (request_of(b"Content-Length: 3", b"Content-Length: 4", body=b"abc"), 400),
        (request_of(b"Content-Length: 3, 3", body=b"abc"), 400),
        (request_of(b"Content-Length: +3", body=b"abc"), 400),
        (request_of(b"Content-Length: 0x3", body=b"abc"), 400),
        (request_of(b"Content-Length: -1"), 400),
        (request_of(b"Content-Length:"), 400),
        (request_of(b"Content-Length: 99999999999999999999999"), 400),
        (request_of(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
        (request_of(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), 400),
        (request_of(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
        (request_of(b"Transfer-Encoding: identity"), 400),
        (request_of(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400),
        (request_of(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
        (b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x/health?\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: user@x\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X Y: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X_Api_Key: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Content_Length: 5\r\n\r\n", 400),
        (b"GET /#fragment HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET nothing HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET ftp://a/b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"NONSENSE / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (get("/" + "u" * 17_000), 414),
        (b"GET /" + b"u" * 100_000, 414),
        (get("/", *(f"X-{number}: y" for number in range(128))), 431),
        (get("/", *(f"X-{number}: y" for number in range(20_000))), 431),
        (get("/", "X: " + "y" * 70_000), 431),
        (get("/", "X: " + "y" * 2_000_000), 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 700_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"y" * 700_000, 431),
    ],
    ids=range(52),
)
async def test_refused_with_an_error_and_closed(serve, data, status):
    async def never(exchange):
        raise AssertionError("reached the handler")

    site = await serve(never)
    client = site.client()
    try:
        await client.send(data)
    except ConnectionError:
        pass  # the rest was not wanted
    answer = await client.answer()
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    error = decode(answer.body)["error"]
    assert set(error) == {"message", "type", "code", "status"}
    assert (error["type"], error["status"]) == ("invalid_request_error", status)
    assert await client.ended()
    assert not site.crashes
    (record,) = site.records
    assert record.status == status


async def test_limits_are_inclusive(serve):
    site = await serve(echo)
    client = site.client()
    assert (await client.ask(get("/" + "u" * 16_383))).status == 200
    assert (await client.ask(get("/", *(f"X-{number}: y" for number in range(127))))).status == 200
    assert (await client.ask(get("/", "X: " + "y" * 65_000))).status == 200


async def test_large_head_in_small_pieces(serve):
    site = await serve(echo)
    client = site.client()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    with pytest.raises(OSError):
        for _ in range(400):
            await client.send(b"y" * 1000)
            if client.sock.recv(0) == b"" and site.records:
                break
        raise OSError
    assert (await client.answer()).status == 431


async def test_head_refusal_sends_no_body(serve):
    site = await serve(echo)
    client = site.client()
    await client.send(b"HEAD / HTTP/1.1\r\n\r\n")
    assert (await client.answer(head_only=True)).status == 400
    assert await client.ended()


async def test_refusal_waits_for_its_turn(serve):
    site = await serve(echo)
    client = site.client()
    await client.send(get("/1") + get("/2") + b"BROKEN\r\n\r\n")
    assert [(await client.answer()).status for _ in range(3)] == [200, 200, 400]
    assert await client.ended()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\nabc\r\n", b"3\nabc\n0\n\n", b"3\r\nabcX\r\n", b"fffffffffffffffff\r\nabc", b"-1\r\n"],
)
async def test_broken_chunks_are_a_400_of_the_body(serve, chunks):
    site = await serve(echo)
    client = site.client()
    await client.send(get("/", "Transfer-Encoding: chunked", method="POST") + chunks)
    assert (await client.answer()).status == 400
    assert await client.ended()


@pytest.mark.parametrize("flood", [b"1;" + b"x" * 60_000 + b"\r\ny\r\n", b"0\r\nTrailer: " + b"t" * 300_000])
async def test_chunk_framing_is_bounded(serve, flood):
    site = await serve(echo)
    client = site.client()
    await client.send(get("/", "Transfer-Encoding: chunked", method="POST"))
    with pytest.raises(OSError):
        for _ in range(20):
            await client.send(flood)
            if site.records:
                break
        raise OSError
    assert (await client.answer()).status == 400
    (record,) = site.records
    assert record.bytes_in < 20


async def test_error_shape_is_injected(serve):
    seen = []

    def render(fault, path):
        seen.append((fault.kind, path))
        return 418, [("content-type", "text/x")], b"mine"

    site = await serve(echo, render_error=render)
    answer = await site.client().ask(b"GET /p?key=1 HTTP/1.1\r\n\r\n")
    assert (answer.status, answer.body) == (418, b"mine")
    assert seen == [(FaultKind.INVALID_REQUEST, "/p")]


async def test_failing_error_renderer_still_gives_an_answer(serve):
    def render(fault, path):
        raise KeyError("oops")

    site = await serve(echo, render_error=render)
    answer = await site.client().ask(b"GET / HTTP/1.1\r\n\r\n")
    assert (answer.status, decode(answer.body)["error"]["type"]) == (500, "internal_error")
    assert isinstance(site.crashes[0], KeyError)


async def test_fault_of_a_handler_is_rendered(serve):
    async def refuse(exchange):
        raise Fault(FaultKind.RATE_LIMIT, "Slow down.", code="too_many", retry_after=1.2, headers=(("x-limit", "7"),))

    site = await serve(refuse)
    client = site.client()
    for _ in range(2):
        answer = await client.ask(get())
        assert answer.status == 429
        assert (answer.headers["retry-after"], answer.headers["x-limit"]) == ("2", "7")
        assert decode(answer.body) == {
            "error": {"message": "Slow down.", "type": "rate_limit_exceeded", "code": "too_many", "status": 429}
        }
    assert not site.crashes


async def test_bug_in_a_handler_is_a_500_without_details(serve):
    async def broken(exchange):
        raise ZeroDivisionError("secret detail")

    site = await serve(broken)
    client = site.client()
    answer = await client.ask(get())
    assert (answer.status, decode(answer.body)["error"]["type"]) == (500, "internal_error")
    assert b"secret" not in answer.body
    assert site.crashes[0].__traceback__ is not None
    assert (await client.ask(get())).status == 500


async def test_bug_after_the_start_cuts_the_answer(serve):
    async def broken(exchange):
        exchange.start(200, [])
        exchange.write(b"data")
        raise ZeroDivisionError

    site = await serve(broken)
    client = site.client()
    await client.send(get())
    with pytest.raises((EOFError, ConnectionError)):
        await client.answer()
    assert isinstance(site.crashes[0], ZeroDivisionError)
    assert (site.records[0].status, site.records[0].complete) == (200, False)


async def test_aborted_answers_can_be_told_from_whole_ones(serve):
    async def cut(exchange):
        exchange.start(200, [])
        exchange.write(b"data")
        exchange.abort()

    site = await serve(cut)
    client = site.client()
    await client.send(get())
    with pytest.raises((EOFError, ConnectionError)):
        await client.answer()
    # Without chunks only a reset can say so.
    client = site.client()
    await client.send(get(version="1.0"))
    with pytest.raises(ConnectionResetError):
        await client.answer()


@pytest.mark.parametrize("started", [False, True])
async def test_handler_that_does_not_answer(serve, started):
    async def silent(exchange):
        if started:
            exchange.start(200, [])

    site = await serve(silent)
    client = site.client()
    await client.send(get())
    if started:
        with pytest.raises((EOFError, ConnectionError)):
            await client.answer()
    else:
        assert (await client.answer()).status == 500
    assert len(site.crashes) == 1


@pytest.mark.parametrize(
    "header", [("x", "a\r\nb: c"), ("x", "a\nb"), ("x", "a\0b"), ("x\r\ny", "a"), ("x y", "a"), ("", "a")]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_headers_that_would_break_the_framing_are_refused(serve, header, streamed):
    async def split(exchange):
        if streamed:
            exchange.start(200, [header])
        else:
            exchange.respond(200, [header], b"")

    site = await serve(split)
    answer = await site.client().ask(get())
    assert answer.status == 500
    assert isinstance(site.crashes[0], ValueError)


async def test_framing_headers_of_a_handler_are_replaced(serve):
    async def contradict(exchange):
        headers = [("Content-Length", "99"), ("transfer-encoding", "chunked"), ("connection", "close"), ("date", "x")]
        exchange.respond(200, [*headers, ("x-request-id", "mine"), ("x-kept", "1")], b"four")

    site = await serve(contradict)
    client = site.client()
    for _ in range(2):
        answer = await client.ask(get("/", "x-request-id: theirs"))
        assert answer.body == b"four"
        assert answer.headers["x-kept"] == "1"
        assert answer.headers["x-request-id"] == "theirs"
        assert answer.headers["date"] != "x"


async def test_statuses_without_a_body(serve):
    async def empty(exchange):
        exchange.respond(int(exchange.path[1:]), [], b"ignored")

    site = await serve(empty)
    client = site.client()
    for status in (204, 304, 200, 599):
        answer = await client.ask(get(f"/{status}"))
        assert answer.status == status
        assert ("content-length" in answer.headers) == (status not in (204, 304))
    assert (await client.ask(get("/100"))).status == 500


async def test_connections_beyond_the_cap_get_a_503(serve):
    site = await serve(echo, Limits(connections=3))
    kept = [site.client() for _ in range(3)]
    for client in kept:
        assert (await client.ask(get())).status == 200
        # None of them is idle.
        await client.send(get()[:10])
    await asyncio.sleep(0.05)
    extra = site.client()
    answer = await extra.answer()
    assert (answer.status, answer.headers["connection"], answer.headers["retry-after"]) == (503, "close", "1")
    assert decode(answer.body)["error"]["type"] == "service_unavailable"
    assert await extra.ended()
    extra.close()
    kept[0].close()
    for client in kept[1:]:
        assert (await client.ask(get()[10:])).status == 200


async def test_an_idle_connection_gives_way_to_a_new_one(serve):
    site = await serve(echo, Limits(connections=3))
    kept = [site.client() for _ in range(3)]
    for client in kept:
        assert (await client.ask(get())).status == 200
        # The loop's clock counts milliseconds.
        await asyncio.sleep(0.005)
    await kept[0].send(get()[:10])
    await asyncio.sleep(0.05)
    assert (await site.client().ask(get())).status == 200
    # The one that had been idle the longest has gone, not the one that is asking.
    assert await kept[1].ended()
    assert (await kept[0].ask(get()[10:])).status == 200
    assert (await kept[2].ask(get())).status == 200
    assert site.server.connection_count == 3


async def test_of_many_refused_connections_the_oldest_goes(serve):
    site = await serve(echo, Limits(connections=1, refused_connections=2))
    kept = site.client()
    assert (await kept.ask(get())).status == 200
    await kept.send(get()[:10])
    await asyncio.sleep(0.05)
    refused = [site.client() for _ in range(6)]
    for client in refused:
        # Each is told, and those that don't close are cut in their turn.
        assert (await client.answer()).status == 503
        assert site.server.connection_count <= 1 + 2 + 1
    assert (await kept.ask(get()[10:])).status == 200
    assert len(site.server._refused) == 2
    for client in refused:
        client.close()
    for _ in range(1000):
        if not site.server._refused:
            break
        await asyncio.sleep(0.001)
    assert not site.server._refused


def test_plain_errors_have_a_type_for_every_kind():
    for kind in FaultKind:
        status, headers, body = render_plain_error(Fault(kind, "m", retry_after=-3), "/")
        error = decode(body)["error"]
        assert (error["status"], error["code"]) == (status, kind.value)
        assert ("retry-after", "0") in headers
    assert encode(decode(body)) == body


async def test_answer_is_sent_before_the_body_is_judged(serve):
    """A large body that nobody may send is refused by its announcement."""
    site = await serve(echo, Limits(body_bytes=1000))
    client = site.client()
    await client.send(get("/", "Content-Length: 1001", "Expect: 100-continue", method="POST"))
    assert (await client.answer()).status == 413
    assert (await site.client().ask(post("/", b"x" * 1000))).status == 200
