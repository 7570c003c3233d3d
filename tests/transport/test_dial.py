"""Racing addresses: one that leads nowhere costs a head start, not a deadline."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tests.transport.scripted import until

from codenex.providers.transport.dial import alternating, dial

HEAD_START = 0.05


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """A listener whose queue is full: further connections to it are neither made nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener
        for sock in waiting:
            sock.close()


def at(sock: socket.socket) -> tuple[int, object]:
    return (socket.AF_INET, sock.getsockname())


def test_families_alternate_and_keep_their_order():
    four, six = socket.AF_INET, socket.AF_INET6
    addresses = [(six, "a"), (six, "b"), (six, "c"), (four, "d"), (four, "e")]
    assert alternating(addresses) == [(six, "a"), (four, "d"), (six, "b"), (four, "e"), (six, "c")]


async def test_the_first_that_connects_wins(listening, deaf):
    clock = asyncio.get_running_loop().time
    begun = clock()
    sock = await dial([at(deaf), at(deaf), at(listening)], HEAD_START)
    assert sock.getpeername() == listening.getsockname()
    # The loop's clock counts milliseconds.
    assert 2 * HEAD_START - 0.002 <= clock() - begun < 20 * HEAD_START
    sock.close()


async def test_a_failure_does_not_wait_for_the_head_start(listening):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = at(closed)
    clock = asyncio.get_running_loop().time
    begun = clock()
    sock = await dial([refusing, at(listening)], 5.0)
    assert clock() - begun < 2
    sock.close()


async def test_the_first_failure_is_told_when_all_fail():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = at(closed)
    with pytest.raises(ConnectionRefusedError):
        await dial([refusing, refusing], HEAD_START)
    with pytest.raises(OSError):
        await dial([], HEAD_START)


async def test_giving_up_leaves_nothing(deaf, leak_check):
    task = asyncio.ensure_future(dial([at(deaf)] * 3, 0.001))
    await until(lambda: len(asyncio.all_tasks()) >= 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_losers_are_closed(listening, leak_check):
    sock = await dial([at(listening)] * 8, 0)
    sock.close()
