"""Virtual time passes when told, wakes in order, and jumps like a real wall clock."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.clock import EPOCH, VirtualClock


def test_time_passes_only_when_told() -> None:
    clock = VirtualClock()
    assert (clock(), clock.now(), clock.wall()) == (1000.0, 1000.0, EPOCH)
    clock.advance(2.5)
    assert (clock(), clock.wall()) == (1002.5, EPOCH + 2.5)
    clock.jump_wall(-3600)
    assert (clock(), clock.wall()) == (1002.5, EPOCH + 2.5 - 3600)
    with pytest.raises(ValueError, match="doesn't go back"):
        clock.advance(-1)


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = VirtualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("a", 3, 4))
        group.create_task(sleeper("b", 1, 1, 1))
        await asyncio.sleep(0)
        assert clock.sleeping == 2
        clock.advance(0.5)
        await asyncio.sleep(0)
        assert woken == []
        await clock.run_for(6.5)
    assert woken == [("b", 1001.0), ("b", 1002.0), ("a", 1003.0), ("b", 1003.0), ("a", 1007.0)]
    assert (clock.now(), clock.sleeping) == (1007.0, 0)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    assert clock.sleeping == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleeping == 0
    clock.advance(10)
    await clock.sleep(0)
    assert clock.now() == 1010.0
