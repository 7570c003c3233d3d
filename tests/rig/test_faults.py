"""Each fault of the proxy does what it says, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.client import RawClient
from tests.support.faults import CLEAN, FaultProxy, Plan, Stop, Way
from tests.support.http import chunk
from tests.support.ports import accepts
from tests.support.replies import Script, Stream, Unary, Wait, Write
from tests.support.upstream import ScriptedUpstream

BODY = bytes(range(256)) * 4
ANSWER = b"".join(step.data for step in Unary(BODY).steps() if isinstance(step, Write))


@asynccontextmanager
async def proxied(plan: Plan | Callable[[int], Plan] = CLEAN) -> AsyncIterator[tuple[ScriptedUpstream, FaultProxy]]:
    async with ScriptedUpstream() as up, FaultProxy("127.0.0.1", up.port, plan) as proxy:
        yield up, proxy


async def test_without_a_fault_everything_passes() -> None:
    async with proxied() as (up, proxy):
        up.on("POST", "/", lambda request: Unary(request.body))
        async with await RawClient.connect(proxy.port) as client:
            for _ in range(3):
                assert (await client.ask("POST", "/", BODY)).body == BODY
            client.close()
            closing = await up.exchanges[0].left()
        assert closing.manner == "fin"
        assert len(proxy.links) == 1
        assert proxy.links[0].passed_down == 3 * len(ANSWER)


SEEN_BY_CLIENT: dict[Stop, str | None] = {
    "reset": "reset",
    "fin": "fin",
    "half_close": "fin",
    "stall": None,
    "swallow": None,
}
SEEN_BY_UPSTREAM: dict[Stop, str | None] = {
    "reset": "reset",
    "fin": "fin",
    "half_close": None,
    "stall": None,
    "swallow": None,
}


@pytest.mark.parametrize("at", [0, 1, 20, 300])
@pytest.mark.parametrize("stop", SEEN_BY_CLIENT)
async def test_the_answer_stops_at_the_byte(stop: Stop, at: int) -> None:
    async with (
        ScriptedUpstream() as up,
        FaultProxy("127.0.0.1", up.port, Plan(down=Way(stop_at=at, stop=stop))) as proxy,
    ):
        up.on("GET", "/", Unary(BODY))
        async with await RawClient.connect(proxy.port) as client:
            await client.request("GET", "/")
            await proxy.wait_for(lambda: bool(proxy.links) and proxy.links[0].stopped_at is not None)
            link = proxy.links[0]
            seen = SEEN_BY_CLIENT[stop]
            if seen is not None:
                assert (await client.closed()).manner == seen
            else:
                await asyncio.sleep(0.05)
                assert client.closing is None
            assert client.peer.buffered == ANSWER[:at]
            assert link.passed_down == at
            upstream_sees = SEEN_BY_UPSTREAM[stop]
            if upstream_sees is not None:
                assert (await up.exchanges[0].left()).manner == upstream_sees
            else:
                assert not up.exchanges[0].peer.left.is_set()


@pytest.mark.parametrize("at", [0, 1, 20, 300])
@pytest.mark.parametrize("stop", SEEN_BY_CLIENT)
async def test_the_request_stops_at_the_byte(stop: Stop, at: int) -> None:
    async with (
        proxied(Plan(up=Way(stop_at=at, stop=stop))) as (up, proxy),
        await RawClient.connect(proxy.port) as client,
    ):
        await client.request("POST", "/", BODY)
        await proxy.wait_for(lambda: bool(proxy.links) and proxy.links[0].stopped_at is not None)
        await asyncio.sleep(0.02)
        target = up.connections[0]
        assert target.received == at
        assert up.exchanges == []
        wanted = SEEN_BY_CLIENT[stop]
        assert (target.closing.manner if target.closing else None) == wanted
        # What the client sees of a half-closed upstream is the upstream's own doing: it hangs up on a torn request.
        if stop in ("reset", "fin"):
            assert (await client.closed()).manner == wanted
        elif stop != "half_close":
            assert client.closing is None


async def test_a_stalled_answer_still_lets_the_client_leave() -> None:
    async with proxied() as (up, proxy):
        proxy.plans.append(Plan(down=Way(stop_at=10, stop="stall")))
        up.on("GET", "/", Unary(BODY))
        async with await RawClient.connect(proxy.port) as client:
            await client.request("GET", "/")
            await proxy.wait_for(lambda: bool(proxy.links) and proxy.links[0].stopped_at is not None)
            before = time.monotonic()
            client.close()
            await up.connections[0].left.wait()
        closing = proxy.links[0].client_closing
        assert closing is not None
        assert (closing.manner, before <= closing.at <= time.monotonic()) == ("fin", True)


async def test_a_client_s_reset_reaches_the_upstream_as_a_reset() -> None:
    async with proxied() as (up, proxy):
        up.on("GET", "/", Script([Wait(asyncio.Event())]))
        async with await RawClient.connect(proxy.port) as client:
            await client.request("GET", "/")
            exchange = await up.wait_for_requests(1)
            client.reset()
            assert (await exchange.left()).manner == "reset"
        assert proxy.links[0].client_closing is not None
        assert proxy.links[0].client_closing.manner == "reset"


async def test_an_upstream_s_closing_reaches_the_client_and_is_recorded() -> None:
    async with proxied() as (up, proxy):
        up.on("GET", "/", Stream([b"data: x\n\n"], framing="close"))
        async with await RawClient.connect(proxy.port) as client:
            response = await client.ask("GET", "/")
        assert response.body == b"data: x\n\n"
        assert proxy.links[0].target_closing is not None
        assert proxy.links[0].target_closing.manner == "fin"


async def test_a_byte_is_corrupted_and_only_that_one() -> None:
    at = ANSWER.index(BODY) + 7
    async with proxied(Plan(down=Way(corrupt=(at,)))) as (up, proxy):
        up.on("GET", "/", Unary(BODY))
        async with await RawClient.connect(proxy.port) as client:
            received = (await client.ask("GET", "/")).body
        assert [place for place in range(len(BODY)) if received[place] != BODY[place]] == [7]
        assert received[7] == BODY[7] ^ 0xFF


async def test_slices_arrive_one_by_one() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Unary(BODY))
        plan = Plan(down=Way(slices=64, pause=0.001))
        async with FaultProxy("127.0.0.1", up.port, plan) as proxy, await RawClient.connect(proxy.port) as client:
            await client.request("GET", "/")
            sizes: list[int] = []
            while sum(sizes) < len(ANSWER):
                sizes.append(len(await client.peer.read()))
        assert max(sizes) <= 64 * 3
        assert len(sizes) >= len(ANSWER) // 64 // 2


async def test_latency_delays_each_way_once_however_many_pieces() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Stream([b"x" * 10] * 20, delay=0.002))
        plan = Plan(up=Way(latency=0.05), down=Way(latency=0.05))
        async with FaultProxy("127.0.0.1", up.port, plan) as proxy, await RawClient.connect(proxy.port) as client:
            began = time.monotonic()
            assert len((await client.ask("GET", "/")).body) == 200
            took = time.monotonic() - began
        assert 0.1 <= took < 0.5


async def test_bandwidth_is_kept() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Unary(b"x" * 20_000))
        plan = Plan(down=Way(bandwidth=100_000, slices=1000))
        async with FaultProxy("127.0.0.1", up.port, plan) as proxy, await RawClient.connect(proxy.port) as client:
            began = time.monotonic()
            await client.ask("GET", "/")
            assert 0.18 <= time.monotonic() - began < 1.0


async def test_connections_are_refused_in_two_ways() -> None:
    async with (
        ScriptedUpstream() as up,
        FaultProxy("127.0.0.1", up.port, lambda number: Plan(refuse=number == 0)) as proxy,
    ):
        up.on("GET", "/", Unary(b"{}"))
        async with await RawClient.connect(proxy.port) as client:
            assert (await client.closed()).manner == "reset"
        async with await RawClient.connect(proxy.port) as survivor:
            assert (await survivor.ask("GET", "/")).status == 200
            proxy.shut()
            assert not accepts(proxy.port)
            with pytest.raises(ConnectionRefusedError):
                await RawClient.connect(proxy.port)
            assert (await survivor.ask("GET", "/")).status == 200
        await proxy.open()
        async with await RawClient.connect(proxy.port) as client:
            assert (await client.ask("GET", "/")).status == 200
        assert up.requests[-1].connection == 1


async def test_a_dead_target_resets_the_client() -> None:
    async with ScriptedUpstream() as up:
        port = up.port
    async with FaultProxy("127.0.0.1", port) as proxy, await RawClient.connect(proxy.port) as client:
        assert (await client.closed()).manner == "reset"


async def test_a_stalled_reader_is_felt_by_the_sender() -> None:
    async with (
        ScriptedUpstream() as up,
        FaultProxy("127.0.0.1", up.port, Plan(down=Way(stop_at=9, stop="stall"))) as proxy,
    ):
        up.on("GET", "/", Stream([b"x" * 65536] * 2000, framing="close"))
        async with await RawClient.connect(proxy.port) as client:
            await client.request("GET", "/")
            exchange = await up.wait_for_requests(1)
            await asyncio.sleep(0.3)
            held = exchange.body_writes
            await asyncio.sleep(0.1)
            assert held == exchange.body_writes < 1000


@given(
    data=st.binary(min_size=1, max_size=200),
    arrivals=st.lists(st.integers(1, 40), max_size=20),
    slices=st.none() | st.integers(1, 30),
    cuts=st.lists(st.integers(0, 200), max_size=5),
    stop_at=st.none() | st.integers(0, 200),
    corrupt=st.none() | st.integers(0, 199),
)
def test_pieces_are_the_bytes_that_may_pass(
    data: bytes, arrivals: list[int], slices: int | None, cuts: list[int], stop_at: int | None, corrupt: int | None
) -> None:
    way = Way(slices=slices, cuts=tuple(cuts), stop_at=stop_at, corrupt=() if corrupt is None else (corrupt,))
    pieces: list[tuple[int, bytes]] = []
    offset = 0
    for size in [*arrivals, len(data)]:
        arrived = data[offset : offset + size]
        for piece in way.pieces(arrived, offset):
            pieces.append((offset, piece))
            offset += len(piece)
    passed = b"".join(piece for _, piece in pieces)
    wanted = bytearray(data[:stop_at])
    if corrupt is not None and corrupt < len(wanted):
        wanted[corrupt] ^= 0xFF
    assert passed == bytes(wanted)
    for start, piece in pieces:
        bounds = {*cuts, *(range(0, 400, slices) if slices else ())}
        assert not bounds & set(range(start + 1, start + len(piece)))


def test_an_empty_chunk_is_never_sent_as_the_last_one() -> None:
    assert chunk(b"") == b""
    assert chunk(b"abc") == b"3\r\nabc\r\n"
