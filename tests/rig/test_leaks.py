"""The leak check sees what is left behind, and waits for what is just going."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from tests.support.leaks import LeakCheck
from tests.support.replies import hang
from tests.support.vendor import ScriptedVendor


async def test_a_task_is_found_until_it_ends() -> None:
    check = LeakCheck()
    stop = asyncio.Event()
    task = asyncio.create_task(stop.wait(), name="forgotten")
    (found,) = await check.settled(grace=0.05)
    assert found.startswith("task forgotten")
    stop.set()
    assert await check.settled() == []
    assert task.done()


async def test_a_socket_is_found_until_it_is_closed() -> None:
    check = LeakCheck()
    left, right = socket.socketpair()
    assert len([line for line in check.found() if line.startswith("descriptor")]) == 2
    left.close()
    right.close()
    assert check.found() == []


async def test_a_second_descriptor_of_the_same_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w"):
        check = LeakCheck()
        with path.open():
            assert check.found() == [line for line in check.found() if line.endswith(str(path))] != []
        assert check.found() == []


async def test_an_exchanged_socket_is_no_leak() -> None:
    first = socket.socket()
    check = LeakCheck()
    second = socket.socket()
    first.close()
    assert check.found() == []
    second.close()


async def test_a_counter_has_to_come_back() -> None:
    check, slots = LeakCheck(), [3]
    check.watch("slots", lambda: slots[0])
    assert check.found() == []
    slots[0] = 4
    assert check.found() == ["counter slots: 3 before, 4 now"]
    asyncio.get_running_loop().call_later(0.02, slots.__setitem__, 0, 3)
    assert await check.settled() == []


async def test_the_rig_itself_leaves_nothing(leak_check: LeakCheck) -> None:
    from tests.support.client import RawClient
    from tests.support.faults import FaultProxy

    for _ in range(5):
        async with ScriptedVendor("openai_chat") as vendor, FaultProxy("127.0.0.1", vendor.port) as proxy:
            vendor.on("GET", "/hang", hang())
            async with await RawClient.connect(proxy.port) as client:
                await client.request("GET", "/hang")
                await vendor.wait_for_requests(1)
    assert await leak_check.settled() == []


@pytest.mark.usefixtures("leak_check")
async def test_the_fixture_closes_over_the_vendor_factory(vendor) -> None:  # type: ignore[no-untyped-def]
    served = await vendor("anthropic")
    assert served.open_connections == 0
