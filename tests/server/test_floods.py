"""Many clients that want nothing good: half-open connections, malformed requests, bodies beyond the room there is."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from tests.server.handlers import echo, stream_three
from tests.server.site import Site, get, post
from tests.support.clock import VirtualClock

from codenex.providers.transport import BodyBudget
from codenex.server import Limits
from codenex.server import half_open as half_open_module
from codenex.server.exchange import EdgeExchange
from codenex.server.sampling import Sample
from codenex.telemetry.access_log import lines_of


async def settled(site: Site, count: int) -> None:
    """Wait until the server knows of so many half-open connections."""
    for _ in range(2000):
        if site.server.half_open.count("127.0.0.1") == count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(site.server.half_open.count("127.0.0.1"))


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_open_module, "GRACE", 0.0)


async def test_the_oldest_half_open_connection_of_an_address_gives_way(serve, no_grace):
    site = await serve(echo, Limits(half_open_per_address=3))
    clients = []
    for number in range(5):
        client = site.client()
        await client.send(b"GET / HT")
        clients.append(client)
        await settled(site, min(number + 1, 3))
    assert [await client.ended() for client in clients[:2]] == [True, True]
    for client in clients[2:]:
        await client.send(b"TP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 200
    assert site.server.half_open.count("127.0.0.1") == 0


async def test_connections_that_have_asked_are_not_half_open(serve, no_grace):
    site = await serve(echo, Limits(half_open_per_address=2))
    clients = []
    for _ in range(10):
        clients.append(site.client())
        assert (await clients[-1].ask(get())).status == 200
    for client in clients:
        assert (await client.ask(get())).status == 200


async def test_a_later_head_counts_as_well(serve, no_grace):
    site = await serve(echo, Limits(half_open_per_address=1))
    first = site.client()
    assert (await first.ask(get())).status == 200
    await first.send(b"GET / HT")
    await settled(site, 1)
    second = site.client()
    await second.send(b"GET / HT")
    assert await first.ended()


async def test_many_that_come_at_once_have_a_moment_to_speak(serve):
    site = await serve(echo, Limits(half_open_per_address=2))
    clients = [site.client() for _ in range(20)]
    assert [(await client.ask(get())).status for client in clients] == [200] * 20


async def test_clients_of_a_reverse_proxy_do_not_count(serve, no_grace):
    site = await serve(echo, Limits(half_open_per_address=1), trusted_proxies=["127.0.0.1"])
    clients = [site.client() for _ in range(5)]
    for client in clients:
        await client.send(b"GET / HT")
        await site.client().ask(get("/", "Connection: close"))
    for client in clients:
        await client.send(b"TP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.answer()).status == 200


async def test_malformed_requests_are_counted_and_sampled(serve):
    site = await serve(echo)
    for _ in range(300):
        client = site.client()
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")).status == 400
        client.close()
    assert site.server.refusals.counted == 300
    refused = [record for record in site.records if record.status == 400]
    assert len(refused) < 20
    assert sum(len(lines_of([(0, record)])) for record in refused) < 20 * 300
    # Requests that are served are all written.
    assert (await site.client().ask(get())).status == 200
    assert site.records[-1].status == 200


def test_the_sample(clock: VirtualClock):
    sample = Sample(clock, each=2, total=3, window_seconds=10)
    assert [sample.take("a") for _ in range(4)] == [0, 0, None, None]
    assert [sample.take("b") for _ in range(2)] == [2, None]
    clock.advance(10)
    assert [sample.take("a") for _ in range(2)] == [1, 0]
    assert sample.counted == 8


async def test_bodies_beyond_the_budget_are_a_503(serve):
    budget = BodyBudget(100_000)
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold(exchange: EdgeExchange) -> None:
        await exchange.body()
        entered.set()
        await go_on.wait()
        exchange.respond(200, [], b"done")

    site = await serve(hold, budget=budget)
    holding = site.client()
    await holding.send(post("/", b"x" * 80_000))
    await entered.wait()
    assert budget.used == 80_000
    refused = await site.client().ask(post("/", b"x" * 80_000))
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert budget.used == 80_000
    go_on.set()
    assert (await holding.answer()).status == 200
    assert budget.used == 0
    assert (await site.client().ask(post("/", b"x" * 80_000))).status == 200


@pytest.mark.parametrize("when", ["body", "handler", "unread"])
async def test_what_a_client_that_leaves_was_charged_is_given_back(serve, when):
    budget = BodyBudget(10**9)
    entered = asyncio.Event()

    async def hold(exchange: EdgeExchange) -> None:
        if when != "unread":
            await exchange.body()
        entered.set()
        await asyncio.Event().wait()

    site = await serve(hold, budget=budget)
    client = site.client()
    request = post("/", b"x" * 50_000)
    await client.send(request[:-1] if when == "body" else request)
    if when == "body":
        for _ in range(1000):
            if budget.used == 49_999:
                break
            await asyncio.sleep(0.001)
    else:
        await entered.wait()
    assert budget.used > 0
    client.close()
    for _ in range(1000):
        if budget.used == 0:
            break
        await asyncio.sleep(0.001)
    assert budget.used == 0


@pytest.mark.parametrize("ending", ["abort", "close"])
async def test_what_waits_behind_an_answer_that_ends_the_connection_is_given_back(serve, ending):
    budget = BodyBudget(10**9)

    async def handler(exchange: EdgeExchange) -> None:
        exchange.start(200, [])
        exchange.write(b"begun")
        # Let the second request come.
        for _ in range(1000):
            if budget.used:
                break
            await asyncio.sleep(0.001)
        if ending == "abort":
            exchange.abort()
        else:
            exchange.finish()

    site = await serve(handler, budget=budget)
    client = site.client()
    # A stream to HTTP/1.0 ends with the connection.
    version = "1.0" if ending == "close" else "1.1"
    await client.send(get("/", "Connection: keep-alive", version=version) + post("/", b"x" * 50_000))
    await client.until(b"begun")
    with contextlib.suppress(ConnectionError):
        while await client.receive():
            pass
    for _ in range(1000):
        if site.server.connection_count == 0:
            break
        client.close()
        await asyncio.sleep(0.001)
    assert budget.used == 0
    assert [record.path for record in site.records] == ["/"]


async def test_a_body_can_be_let_go_before_the_answer_ends(serve):
    budget = BodyBudget(10**9)
    seen = []

    async def handler(exchange: EdgeExchange) -> None:
        await exchange.body()
        seen.append(budget.used)
        exchange.forget_body()
        seen.append(budget.used)
        await stream_three(exchange)

    site = await serve(handler, budget=budget)
    assert (await site.client().ask(post("/", b"x" * 50_000))).status == 200
    assert seen == [50_000, 0]
    assert budget.used == 0


async def test_compressed_bodies_are_charged_as_they_become(serve):
    import gzip

    budget = BodyBudget(60_000)
    seen = []

    async def handler(exchange: EdgeExchange) -> None:
        await exchange.body()
        seen.append(budget.used)
        exchange.respond(200, [], b"")

    site = await serve(handler, budget=budget)
    for size, status in ((50_000, 200), (70_000, 503), (50_000, 200)):
        packed = gzip.compress(b"x" * size)
        answer = await site.client().ask(post("/", packed, "Content-Encoding: gzip"))
        assert answer.status == status
    assert seen == [50_000, 50_000]
    assert budget.used == 0


async def test_what_a_slow_client_leaves_of_a_large_answer_is_counted(serve):
    budget = BodyBudget(20_000_000)

    async def large(exchange: EdgeExchange) -> None:
        await exchange.body()
        exchange.respond(200, [], b"x" * 30_000_000)

    site = await serve(large, budget=budget)
    slow = site.client(receive_buffer=4096)
    await slow.send(post("/", b"x"))
    await slow.until(b"\r\n\r\n")
    assert budget.used > 20_000_000
    # Meanwhile there is no room for others' bodies.
    assert (await site.client().ask(post("/", b"x"))).status == 503
    slow.rest = b""
    while budget.used:
        assert await slow.receive(1_000_000)
    gone = site.client(receive_buffer=4096)
    await gone.send(get("/"))
    await gone.until(b"\r\n\r\n")
    assert budget.used > 20_000_000
    gone.reset()
    for _ in range(1000):
        if budget.used == 0:
            break
        await asyncio.sleep(0.001)
    assert budget.used == 0
