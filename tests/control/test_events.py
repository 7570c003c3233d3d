"""The event stream: one order, each event once, and nobody holds up anybody."""

import asyncio

import pytest

from codenex.control.events import KEPT, Events


async def taken(stream, count):
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]


async def listening(events, *after):
    """A subscription that has begun."""
    stream = events.subscribe(*after)
    first = asyncio.ensure_future(anext(stream))
    for _ in range(3):
        await asyncio.sleep(0)
    return stream, first


async def test_every_subscriber_gets_everything_in_one_order():
    events = Events()
    streams = [await listening(events) for _ in range(3)]
    for number in range(10):
        events.publish("log", {"number": number})
    seen = [[await first, *await taken(stream, 9)] for stream, first in streams]
    assert seen[0] == seen[1] == seen[2]
    assert [event.data["number"] for event in seen[0]] == list(range(10))
    assert [event.number for event in seen[0]] == sorted(event.number for event in seen[0])
    for stream, _ in streams:
        await stream.aclose()
    assert events.subscribers == 0


async def test_who_comes_back_gets_what_was_missed():
    events = Events()
    for number in range(5):
        events.publish("log", {"number": number})
    second = [event async for event in _first(events.subscribe(0), 5)][1]
    rest = [event async for event in _first(events.subscribe(second.number), 3)]
    assert [event.data["number"] for event in rest] == [2, 3, 4]


async def _first(stream, count):
    for _ in range(count):
        yield await asyncio.wait_for(anext(stream), 5)
    await stream.aclose()


async def test_only_so_many_are_kept():
    events = Events()
    for number in range(KEPT + 10):
        events.publish("log", {"number": number})
    (oldest,) = [event async for event in _first(events.subscribe(0), 1)]
    assert oldest.data["number"] == 10


async def test_a_subscriber_that_falls_behind_is_let_go_and_the_others_are_not():
    events = Events()
    slow, first = await listening(events)
    for number in range(1003):
        events.publish("log", {"number": number})
    assert events.subscribers == 0
    seen = [(await first).data["number"], *[event.data["number"] async for event in slow]]
    assert seen == list(range(len(seen))), "without a gap"
    assert len(seen) >= 1000


async def test_silence_is_told_and_an_end_ends():
    events = Events()
    stream = events.subscribe(patience=0.01)
    assert await asyncio.wait_for(anext(stream), 5) is None
    events.close()
    with pytest.raises(StopAsyncIteration):
        while True:
            await asyncio.wait_for(anext(stream), 5)
