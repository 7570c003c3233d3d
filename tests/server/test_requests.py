"""Requests that are fine: framing, keeping, order."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest
from tests.server.handlers import echo, ignore_body, stream_three
from tests.server.site import get, post

from codenex.core.json import decode
from codenex.server import Limits, Server
from codenex.supervisor.listeners import listen, listen_unix

CHUNKED = (
    get("/c", "Transfer-Encoding: chunked", method="POST") + b"3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nTrail: er\r\n\r\n"
)


@pytest.mark.parametrize(
    ("request_bytes", "method", "body"),
    [
        (get("/a?b=c%20d"), "GET", ""),
        (post("/c", b"abcdefg"), "POST", "abcdefg"),
        (post("/c", b""), "POST", ""),
        (CHUNKED, "POST", "abcdefg"),
        (get("/c", "Transfer-Encoding: chunked", method="PUT") + b"0\r\n\r\n", "PUT", ""),
        (get("/o", method="OPTIONS"), "OPTIONS", ""),
        (get("/d", method="DELETE"), "DELETE", ""),
    ],
)
@pytest.mark.parametrize("bytewise", [False, True])
async def test_each_framing_is_read_and_the_connection_kept(serve, request_bytes, method, body, bytewise):
    site = await serve(echo)
    client = site.client()
    for _ in range(2):
        await (client.send_bytewise if bytewise else client.send)(request_bytes)
        answer = await client.answer()
        assert answer.status == 200
        assert decode(answer.body)["method"] == method
        assert decode(answer.body)["body"] == body
        assert "connection" not in answer.headers
    assert site.server.connection_count == 1


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a/b?c=d?e", "/a/b", "c=d?e"),
        ("/%2e%2E//x;y", "/%2e%2E//x;y", ""),
        ("http://other.example:99/p?q=1", "/p", "q=1"),
        ("HTTPS://other.example", "/", ""),
        ("http://other.example?q", "/", "q"),
        ("//double", "//double", ""),
    ],
)
async def test_target_is_split_as_received(serve, target, path, query):
    site = await serve(echo)
    answer = decode((await site.client().ask(get(target))).body)
    assert (answer["path"], answer["query"]) == (path, query)


async def test_asterisk_is_for_options(serve):
    site = await serve(echo)
    assert decode((await site.client().ask(get("*", method="OPTIONS"))).body)["path"] == "*"
    assert (await site.client().ask(get("*"))).status == 400


async def test_head_gets_the_head_alone(serve):
    site = await serve(echo)
    client = site.client()
    whole = await client.ask(get("/x"))
    head = await client.ask(get("/x", method="HEAD"), head_only=True)
    assert int(head.headers["content-length"]) == len(whole.body) + 1
    # Nothing of a body is in the way of the next answer.
    assert (await client.ask(get("/x"))).status == 200


async def test_head_of_a_stream_has_no_chunks(serve):
    site = await serve(stream_three)
    client = site.client()
    assert (await client.ask(get(method="HEAD"), head_only=True)).status == 200
    assert (await client.ask(get())).body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


async def test_stream_writes_are_single_chunks(serve):
    site = await serve(stream_three)
    client = site.client()
    await client.send(get("/", "Connection: close"))
    await client.until(b"\r\n\r\n")
    data = client.rest
    client.rest = b""
    while piece := await client.receive():
        data += piece
    assert data == b"9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


async def test_http_1_0_closes_unless_asked(serve):
    site = await serve(echo)
    client = site.client()
    answer = await client.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert await client.ended()
    client = site.client()
    for _ in range(2):
        answer = await client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer.headers["connection"] == "keep-alive"


async def test_http_1_0_stream_ends_with_the_connection(serve):
    site = await serve(stream_three)
    answer = await site.client().ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


async def test_pipelined_requests_are_answered_in_order(serve):
    async def backwards(exchange):
        number = int(exchange.path[1:])
        await asyncio.sleep(0.02 if number == 0 else 0)
        exchange.respond(200, [], exchange.path.encode() + await exchange.body())

    site = await serve(backwards)
    client = site.client()
    await client.send(b"".join(post(f"/{number}", b"!" * number) for number in range(40)))
    for number in range(40):
        assert (await client.answer()).body == b"/%d" % number + b"!" * number
    assert [record.path for record in site.records] == [f"/{number}" for number in range(40)]


async def test_pipelining_beyond_the_limit_stops_reading(serve):
    release = asyncio.Event()

    async def waiting(exchange):
        await release.wait()
        exchange.respond(200, [], b"x")

    site = await serve(waiting, Limits(pipelined=4))
    client = site.client()
    for _ in range(400):
        await client.send(get("/" + "p" * 500))
        await asyncio.sleep(0)
    (connection,) = site.server._connections
    assert len(connection._queue) < 400
    release.set()
    for _ in range(400):
        assert (await client.answer()).status == 200


async def test_client_that_says_close_is_closed(serve):
    site = await serve(echo)
    client = site.client()
    answer = await client.ask(get("/", "Connection: close") + get("/never"))
    assert answer.headers["connection"] == "close"
    assert await client.ended()
    assert [record.path for record in site.records] == ["/"]


async def test_expect_continue_is_sent_when_the_body_is_wanted(serve):
    site = await serve(echo)
    client = site.client()
    await client.send(get("/e", "Content-Length: 3", "Expect: 100-Continue", method="POST"))
    assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(b"abc")
    assert decode((await client.answer()).body)["body"] == "abc"
    # A body that is there already needs no invitation.
    answer = await client.ask(post("/e", b"abc", "Expect: 100-continue"))
    assert answer.status == 200


async def test_expect_continue_is_spared_by_an_early_answer(serve):
    site = await serve(ignore_body)
    client = site.client()
    answer = await client.ask(get("/e", "Content-Length: 3", "Expect: 100-continue", method="POST"))
    assert answer.status == 401
    # Whether the body follows can't be known, so the connection can't be kept.
    assert answer.headers["connection"] == "close"
    assert await client.ended()


async def test_small_unread_body_is_dropped_and_the_connection_kept(serve):
    site = await serve(ignore_body)
    client = site.client()
    await client.send(get("/", "Content-Length: 1000", method="POST"))
    assert (await client.answer()).status == 401
    await client.send(b"x" * 1000)
    assert (await client.ask(get())).status == 401
    assert (await client.ask(post("/", b"y" * 1000))).status == 401
    assert site.server.connection_count == 1


async def test_large_unread_body_closes_after_the_answer_has_arrived(serve):
    site = await serve(ignore_body)
    client = site.client()
    sending = asyncio.create_task(client.send(post("/", b"x" * 8_000_000)))
    answer = await client.answer()
    assert answer.status == 401
    assert answer.headers["connection"] == "close"
    assert await client.ended()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_unread_body_is_not_collected(serve):
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(exchange):
        entered.set()
        await release.wait()
        exchange.respond(200, [], str(len(await exchange.body())).encode())

    site = await serve(slow)
    client = site.client()
    sending = asyncio.create_task(client.send(post("/", b"x" * 20_000_000)))
    await entered.wait()
    await asyncio.sleep(0.1)
    (connection,) = site.server._connections
    assert connection.current.bytes_in < 1_000_000
    release.set()
    assert (await client.answer()).body == b"20000000"
    await sending


@pytest.mark.pitfall("RSP-11", "CLI-28")
@pytest.mark.parametrize("body", [b"", b"hello"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_upgrades_are_not_taken_and_do_not_hang(serve, body, chunked):
    site = await serve(echo)
    client = site.client()
    headers = ["Connection: Upgrade", "Upgrade: websocket"]
    if chunked:
        framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        await client.send(get("/ws", *headers, "Transfer-Encoding: chunked", method="POST") + framed + b"0\r\n\r\n")
    elif body:
        await client.send(post("/ws", body, *headers))
    else:
        await client.send(get("/ws", *headers))
    answer = await client.answer()
    assert answer.status == 200
    assert decode(answer.body)["body"] == body.decode()


async def test_upgrade_body_is_no_second_request(serve):
    site = await serve(echo)
    client = site.client()
    await client.send(post("/a", get("/smuggled"), "Connection: Upgrade", "Upgrade: h2c"))
    assert (await client.answer()).status == 200
    assert await client.ended()
    assert [record.path for record in site.records] == ["/a"]


@pytest.mark.parametrize("given", ["abc-DEF_1.2", "a" * 128])
async def test_sane_request_id_is_taken_over(serve, given):
    site = await serve(echo)
    assert (await site.client().ask(get("/", f"X-Request-Id: {given}"))).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "ä", "<script>"])
async def test_other_request_ids_are_replaced(serve, given):
    site = await serve(echo)
    client = site.client()
    ids = {(await client.ask(get("/", f"X-Request-Id: {given}"))).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert given not in ids


async def test_answers_have_a_date_and_no_server(serve):
    site = await serve(echo)
    headers = (await site.client().ask(get())).headers
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
    assert "server" not in headers


async def test_access_record(serve):
    site = await serve(echo)
    await site.client().ask(post("/p?key=secret", b"12345", "X-Request-Id: r-1"))
    (record,) = site.records
    assert (record.method, record.path, record.status, record.bytes_in) == ("POST", "/p", 200, 5)
    assert (record.request_id, record.peer, record.complete) == ("r-1", "127.0.0.1", True)
    assert record.notes.more == {"length": 5}
    assert record.bytes_out > 100
    assert 0 < record.duration_us < 5_000_000


async def test_unix_socket(tmp_path: Path):
    path = str(tmp_path / "edge.sock")
    for _ in range(2):  # the second replaces the stale file of the first
        listener = listen_unix(path)
        assert (tmp_path / "edge.sock").stat().st_mode & 0o777 == 0o600
        async with Server(echo) as server:
            await server.start([listener])
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(get("/", "Connection: close"))
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
            writer.close()


def test_unix_listener_replaces_no_other_file(tmp_path: Path):
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OSError, match="in use"):
        listen_unix(str(path))
    assert path.read_text() == "data"


async def test_accepted_sockets_have_no_delay(serve):
    """asyncio leaves Nagle's algorithm on where the listener does not name its protocol."""
    seen = []

    async def look(exchange):
        sock = exchange.connection.transport.get_extra_info("socket")
        seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        exchange.respond(200, [], b"")

    site = await serve(look)
    await site.client().ask(get())
    assert seen[0] != 0
    listener = listen("127.0.0.1", 0)
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()
