"""A coroutine without a task: it goes on within the call that brings what it waits for, or in a task from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from codenex.providers.transport.light_task import LightTask, driven, in_task

Work = Callable[["Light"], Coroutine[Any, Any, None]]


class Light(LightTask):
    """Keeps what has happened."""

    def __init__(self, work: Work, *, light: bool = True) -> None:
        super().__init__()
        self.told: list[object] = []
        self.begin(work(self), light=light)

    def over(self, error: BaseException | None) -> None:
        self.told.append(("over", type(error)))

    @property
    def by_hand(self) -> bool:
        return driven.light_task is self


OVER = ("over", type(None))
CANCELLED = ("over", asyncio.CancelledError)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_goes_on_within_the_call_that_brings_what_it_waits_for() -> None:
    async def work(light: Light) -> None:
        for number in range(3):
            light.told.append((number, light.by_hand))
            await light

    light = Light(work)
    assert light.told == [(0, True)]
    light.wake()
    light.step()
    assert light.told == [(0, True), (1, True), (2, True)]
    light.step()
    assert light.told[3:] == [OVER]
    assert light.task is None
    light.wake()
    light.cancel()
    assert light.told[3:] == [OVER]


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize(
    "wait", [lambda: asyncio.sleep(0), lambda: asyncio.sleep(0.001), in_task], ids=["turn", "time", "task"]
)
async def test_from_another_wait_on_it_is_a_task(wait: Callable[[], Any], light: bool) -> None:
    async def work(one: Light) -> None:
        await wait()
        one.told.append(asyncio.current_task() is one.task)
        async with asyncio.timeout(5):
            await asyncio.sleep(0)
        await in_task()
        one.told.append(driven.light_task)

    one = Light(work, light=light)
    assert one.task is not None
    await one.task
    assert one.told == [True, None, OVER]


async def test_two_of_them_may_be_under_way_within_each_other() -> None:
    async def inner(one: Light) -> None:
        one.told.append(one.by_hand)
        await one

    async def outer(one: Light) -> None:
        second = Light(inner)
        one.told += [one.by_hand, *second.told]
        await one
        second.step()
        one.told += [one.by_hand, *second.told]

    one = Light(outer)
    assert driven.light_task is None
    one.step()
    assert one.told == [True, True, True, True, OVER, OVER]


async def _waiting(one: Light) -> None:
    await one


async def _asleep(one: Light) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("work", [_waiting, _asleep])
@pytest.mark.parametrize("light", [True, False])
async def test_cancelling_reaches_the_coroutine_wherever_it_is(work: Work, turns: int, light: bool) -> None:
    async def watched(one: Light) -> None:
        try:
            await work(one) if light else await _asleep(one)
        except asyncio.CancelledError:
            one.told.append("told")
            raise

    one = Light(watched, light=light)
    if turns:
        await _turns()
    one.cancel()
    await _turns()
    # One that has never begun has nothing to be told.
    assert one.told == ([CANCELLED] if not light and not turns else ["told", CANCELLED])


async def test_one_that_cancels_itself_is_cancelled_at_its_next_wait() -> None:
    async def work(one: Light) -> None:
        one.cancel()
        one.told.append("goes on")
        await one

    one = Light(work)
    await _turns()
    assert one.told == ["goes on", CANCELLED]


async def test_what_cancelling_leaves_to_do_is_done_in_a_task() -> None:
    async def work(one: Light) -> None:
        try:
            await one
        finally:
            await asyncio.sleep(0.001)
            one.told.append("tidy")

    one = Light(work)
    one.cancel()
    assert one.task is not None
    with pytest.raises(asyncio.CancelledError):
        await one.task
    assert one.told == ["tidy", CANCELLED]


@pytest.mark.parametrize("wait", [None, in_task, lambda: asyncio.sleep(0)])
async def test_an_exception_is_handed_over(wait: Callable[[], Any] | None) -> None:
    async def work(one: Light) -> None:
        if wait is not None:
            await wait()
        raise LookupError

    one = Light(work)
    await _turns()
    assert one.told == [("over", LookupError)]
