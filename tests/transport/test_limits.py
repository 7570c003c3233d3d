"""What the pool holds at most: connections and bytes."""

from __future__ import annotations

import asyncio

import pytest
from tests.transport.scripted import CHUNKED_HEAD, Line, always, answer, chunk, until

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import BodyBudget, Transport


async def silent(line: Line) -> None:
    await line.request()
    await line.left()


async def test_connections_of_an_origin_are_bounded(upstream):
    server = upstream(silent)
    async with Transport(connections_per_origin=2) as transport:
        asking = [asyncio.ensure_future(transport.send(server.ask())) for _ in range(2)]
        await until(lambda: len(server.lines) == 2)
        with pytest.raises(Fault) as caught:
            await transport.send(server.ask())
        assert (caught.value.kind, caught.value.code) == (FaultKind.OVERLOADED, "upstream_connections")
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        # Those that were given up make room again.
        again = asyncio.ensure_future(transport.send(server.ask()))
        await until(lambda: len(server.lines) == 3)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


async def test_an_idle_connection_makes_room_for_another_origin(upstream):
    first, second = upstream(always(answer(b"1"))), upstream(always(answer(b"2")))
    async with Transport(connections=1) as transport:
        for server, body in ((first, b"1"), (second, b"2"), (first, b"1")):
            assert await (await transport.send(server.ask())).read() == body
            assert sum(count.open for count in transport.counts().values()) == 1


async def test_failed_connections_are_not_counted(upstream):
    server = upstream(always(answer(b"1")))
    await server.stop()
    async with Transport(connections_per_origin=1, connections=1) as transport:
        for _ in range(5):
            with pytest.raises(Fault) as caught:
                await transport.send(server.ask())
            assert caught.value.code == "connection_refused"


@pytest.mark.parametrize("chunked", [True, False])
async def test_whole_answers_are_charged_and_given_back(upstream, chunked):
    body = b"x" * 30_000
    data = CHUNKED_HEAD + chunk(body) + b"0\r\n\r\n" if chunked else answer(body)
    server = upstream(always(data))
    budget = BodyBudget(50_000)
    async with Transport(budget=budget) as transport:
        held = await transport.send(server.ask())
        await held.read()
        assert budget.used == 30_000
        other = await transport.send(server.ask())
        with pytest.raises(Fault) as caught:
            await other.read()
        assert (caught.value.status, caught.value.code) == (503, "body_budget")
        other.close()
        held.close()
        assert budget.used == 0
        async with await transport.send(server.ask()) as response:
            assert await response.read() == body
        assert (budget.used, budget.refused) == (0, 1)


async def test_piped_answers_are_never_charged(upstream):
    server = upstream(always(answer(b"x" * 300_000)))
    budget = BodyBudget(10)
    async with Transport(budget=budget) as transport:
        pieces: list[bytes] = []
        async with await transport.send(server.ask()) as response:
            await response.pipe(pieces.append)
        assert b"".join(pieces) == b"x" * 300_000
        assert budget.refused == 0
