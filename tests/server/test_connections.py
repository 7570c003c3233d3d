"""Clients that leave, stall or come slowly, and the server's own end."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.server.handlers import Waiting, echo, ignore_body
from tests.server.site import Client, get, post

from codenex.server import Limits

LEAVING = {"fin": Client.close, "rst": Client.reset, "half-close": Client.half_close}


@pytest.mark.parametrize("how", ["unary", "stream", "body"])
@pytest.mark.parametrize("leave", LEAVING)
async def test_leaving_cancels_the_handler_at_once(serve, how, leave):
    slowest = 0.0
    for _ in range(20):
        handler = Waiting(how)
        site = await serve(handler)
        client = site.client()
        await client.send(get("/", "Content-Length: 10", method="POST") + b"12345" if how == "body" else get())
        await handler.entered.wait()
        if how == "stream":
            await client.until(b"data: 1\n\n")
        await asyncio.sleep(0)
        begun = time.perf_counter()
        LEAVING[leave](client)
        await asyncio.wait_for(handler.cancelled.wait(), 1)
        slowest = max(slowest, time.perf_counter() - begun)
        (record,) = site.records
        assert record.status == (200 if how == "stream" else 499)
        assert not record.complete
        assert not site.crashes
        await asyncio.sleep(0.005)
        assert site.server.connection_count == 0
        assert site.server.request_count == 0
    assert slowest < 0.05


async def test_leaving_with_requests_waiting(serve):
    handler = Waiting("unary")
    site = await serve(handler)
    client = site.client()
    await client.send(get("/1") + get("/2"))
    await handler.entered.wait()
    client.reset()
    await asyncio.wait_for(handler.cancelled.wait(), 1)
    assert [record.path for record in site.records] == ["/1"]


async def test_writing_to_a_client_that_left_does_nothing(serve):
    done = asyncio.Event()

    async def stubborn(exchange):
        exchange.start(200, [])
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            exchange.write(b"x")
            await exchange.drain()
            exchange.finish()
            exchange.abort()
            exchange.respond(200, [], b"")
            done.set()
            raise

    site = await serve(stubborn)
    client = site.client()
    await client.send(get())
    await client.until(b"\r\n\r\n")
    client.reset()
    await asyncio.wait_for(done.wait(), 1)
    assert not site.crashes


async def test_work_after_the_answer_is_not_cancelled(serve):
    settled = asyncio.Event()

    async def settle(exchange):
        exchange.respond(200, [], b"x")
        await asyncio.sleep(0.05)
        exchange.notes.more["settled"] = True
        settled.set()

    site = await serve(settle)
    client = site.client()
    assert (await client.ask(get())).status == 200
    client.reset()
    await asyncio.wait_for(settled.wait(), 1)
    await asyncio.sleep(0)
    assert site.records[0].notes.more == {"settled": True}
    assert site.records[0].status == 200
    assert site.records[0].duration_us < 50_000


async def test_silent_connection_is_closed(serve):
    site = await serve(echo, Limits(head_seconds=0.1))
    client = site.client()
    assert await client.ended(timeout=1)
    assert not site.records


@pytest.mark.parametrize("served_before", [False, True])
async def test_slow_head_is_a_408(serve, served_before):
    site = await serve(echo, Limits(head_seconds=0.2))
    client = site.client()
    if served_before:
        await client.ask(get())
    sending = asyncio.create_task(drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 1000))
    assert (await client.answer(timeout=2)).status == 408
    assert await client.ended()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def drip(client: Client, data: bytes) -> None:
    for offset in range(len(data)):
        await client.send(data[offset : offset + 1])
        await asyncio.sleep(0.02)


async def test_slow_body_is_a_408(serve):
    site = await serve(echo, Limits(body_window_seconds=0.15, body_window_bytes=100))
    client = site.client()
    await client.send(get("/", "Content-Length: 1000", method="POST"))
    sending = asyncio.create_task(drip(client, b"x" * 1000))
    assert (await client.answer(timeout=2)).status == 408
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_steady_body_outlives_the_window(serve):
    # The window is far longer than a pause, so that a busy machine doesn't close it, and the whole is longer still.
    site = await serve(echo, Limits(body_window_seconds=0.4, body_window_bytes=100))
    client = site.client()
    await client.send(get("/", "Content-Length: 4000", method="POST"))
    for _ in range(20):
        await client.send(b"x" * 200)
        await asyncio.sleep(0.04)
    assert (await client.answer()).status == 200


async def test_slow_remainder_of_an_unread_body(serve):
    site = await serve(ignore_body, Limits(body_window_seconds=0.1))
    client = site.client()
    answer = await client.ask(get("/", "Content-Length: 1000", method="POST"))
    assert answer.status == 401
    assert await client.ended(timeout=1)


async def test_idle_connection_is_closed_silently(serve):
    site = await serve(recognise, Limits(idle_seconds=0.15))
    client = site.client()
    for _ in range(4):
        assert (await client.ask(get())).status == 200
        await asyncio.sleep(0.05)
    assert await client.ended(timeout=1)
    assert len(site.records) == 4


async def recognise(exchange):
    """Serve as the gateway does: whoever asks for something but the open paths has a key."""
    if exchange.path != "/open":
        exchange.notes.key = "its id"
    exchange.respond(200, [], b"here")


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
async def test_connections_of_strangers_are_not_kept_for_long(serve, proxies):
    site = await serve(recognise, Limits(stranger_idle_seconds=0.1), trusted_proxies=proxies)
    stranger, guest = site.client(), site.client()
    for client in (stranger, guest):
        assert (await client.ask(get("/open"))).status == 200
    for path in ("/", "/open"):
        assert (await guest.ask(get(path))).status == 200
    if proxies:
        await asyncio.sleep(0.4)
        assert (await stranger.ask(get("/open"))).status == 200
    else:
        assert await stranger.ended(timeout=2)
        await asyncio.sleep(0.2)
    assert (await guest.ask(get("/open"))).status == 200


async def test_handlers_time_counts_for_no_deadline(serve):
    async def slow(exchange):
        await asyncio.sleep(0.3)
        exchange.respond(200, [], b"x")

    limits = Limits(head_seconds=0.1, body_window_seconds=0.1, idle_seconds=0.1, stall_seconds=0.1)
    site = await serve(slow, limits)
    assert (await site.client().ask(get())).status == 200


async def test_slow_reader_pauses_the_source(serve):
    flow = []

    async def pour(exchange):
        exchange.on_flow(lambda: flow.append("pause"), lambda: flow.append("resume"))
        exchange.start(200, [])
        for _ in range(400):
            exchange.write(b"x" * 10_000)
            size = exchange.connection.transport.get_write_buffer_size()
            assert size < 200_000
            await exchange.drain()
        exchange.finish()

    site = await serve(pour)
    client = site.client(receive_buffer=4096)
    await client.send(get())
    await asyncio.sleep(0.1)
    assert flow == ["pause"]
    assert len((await client.answer(timeout=20)).body) == 4_000_000
    assert flow[:4] == ["pause", "resume", "pause", "resume"]
    assert not site.crashes


async def test_flow_registered_late_is_paused_at_once(serve):
    flow = []

    async def pour(exchange):
        exchange.start(200, [])
        exchange.write(b"x" * 30_000_000)
        exchange.on_flow(lambda: flow.append("pause"), lambda: flow.append("resume"))
        await exchange.drain()
        exchange.finish()

    site = await serve(pour)
    client = site.client()
    await client.send(get())
    assert len((await client.answer()).body) == 30_000_000
    assert flow == ["pause", "resume"]


@pytest.mark.parametrize("how", ["stream", "unary"])
async def test_stalled_reader_is_cut(serve, how):
    cancelled = asyncio.Event()

    async def pour(exchange):
        if how == "unary":
            exchange.respond(200, [("connection", "close")], b"x" * 30_000_000)
            return
        exchange.start(200, [])
        try:
            while True:
                exchange.write(b"x" * 100_000)
                await exchange.drain()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    site = await serve(pour, Limits(stall_seconds=0.2))
    client = site.client(receive_buffer=4096)
    await client.send(get("/", "Connection: close"))
    if how == "stream":
        await asyncio.wait_for(cancelled.wait(), 3)
    else:
        await client.until(b"\r\n\r\n")
    assert site.server.connection_count == 1 or how == "stream"
    for _ in range(100):
        if site.server.connection_count == 0:
            break
        await asyncio.sleep(0.02)
    assert site.server.connection_count == 0


async def test_slow_but_live_reader_is_not_cut(serve):
    async def pour(exchange):
        exchange.start(200, [])
        for _ in range(100):
            exchange.write(b"x" * 50_000)
            await exchange.drain()
        exchange.finish()

    site = await serve(pour, Limits(stall_seconds=0.3))
    client = site.client(receive_buffer=4096)
    await client.send(get())
    got = 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < 1.2:
        got += len(await client.receive(20_000))
        await asyncio.sleep(0.02)
    assert got > 100_000
    assert site.server.connection_count == 1


async def test_drain_lets_answers_end_and_closes_the_idle(serve):
    release = asyncio.Event()

    async def wait(exchange):
        if exchange.path == "/stream":
            exchange.start(200, [])
            exchange.write(b"one,")
        if exchange.path != "/quick":
            await release.wait()
        if exchange.path == "/stream":
            exchange.write(b"two")
            exchange.finish()
        else:
            exchange.respond(200, [], b"unary")

    site = await serve(wait)
    idle, unary, stream, partial = (site.client() for _ in range(4))
    await idle.ask(get("/quick"))
    await unary.send(get("/unary"))
    await stream.send(get("/stream"))
    await partial.send(b"GET /quick HTTP/1.1\r\n")
    await stream.until(b"one,")
    draining = asyncio.create_task(site.server.drain(5))
    assert await idle.ended(timeout=1)
    with pytest.raises(ConnectionError):
        Client(site.port)
    assert not draining.done()
    await partial.send(b"Host: a\r\n\r\n")
    assert (await partial.answer()).headers["connection"] == "close"
    release.set()
    answer = await unary.answer()
    assert (answer.body, answer.headers["connection"]) == (b"unary", "close")
    assert await stream.until(b"0\r\n\r\n") == b"\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert await stream.ended()
    assert await draining == 0


async def test_drain_cuts_at_its_deadline(serve):
    handler = Waiting("stream")
    site = await serve(handler)
    client = site.client()
    await client.send(get())
    await handler.entered.wait()
    begun = time.perf_counter()
    assert await site.server.drain(0.1) == 1
    assert 0.09 < time.perf_counter() - begun < 1
    assert handler.cancelled.is_set()


async def test_nothing_is_left_after_many_requests(serve):
    site = await serve(echo)

    async def visit(number: int) -> None:
        client = Client(site.port)
        try:
            for _ in range(5):
                assert (await client.ask(post("/", b"x" * number))).status == 200
            if number % 3 == 0:
                await client.send(get("/", "Content-Length: 5", method="POST"))
            elif number % 3 == 1:
                await client.send(b"GET / HT")
        finally:
            client.close()

    for number in range(0, 200, 20):
        await asyncio.gather(*(visit(number + offset) for offset in range(20)))
    for _ in range(50):
        if site.server.connection_count == 0:
            break
        await asyncio.sleep(0.01)
    assert site.server.connection_count == 0
    assert site.server.request_count == 0
    assert not site.crashes


async def opened(site, count):
    for _ in range(1000):
        if site.server.connection_count == count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{site.server.connection_count} connections instead of {count}")


async def answer_at_once(exchange):
    exchange.respond(200, [], b"here")


async def test_a_connection_whose_first_request_is_on_its_way_is_still_answered_when_the_server_drains(serve):
    site = await serve(answer_at_once)
    fresh, used = site.client(), site.client()
    await used.ask(get())
    await opened(site, 2)
    draining = asyncio.create_task(site.server.drain(5))
    assert await used.ended()
    answer = await fresh.ask(get())
    assert (answer.body, answer.headers["connection"]) == (b"here", "close")
    assert await draining == 0


async def test_a_connection_without_any_request_does_not_hold_up_the_end(serve, monkeypatch):
    monkeypatch.setattr("codenex.server.edge.FRESH_SECONDS", 0.05)
    site = await serve(answer_at_once)
    silent = site.client()
    await opened(site, 1)
    assert await asyncio.wait_for(site.server.drain(30), 5) == 0
    assert await silent.ended()
