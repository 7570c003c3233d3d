"""What a service manager is told, by the socket that the tests listen on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from tests.processes.site import Site

from codenex.supervisor.notification import Notification


class Manager:
    """The other end of ``NOTIFY_SOCKET``."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.setblocking(False)
        self.told: list[dict[str, str]] = []

    def read(self) -> list[dict[str, str]]:
        while True:
            try:
                data = self.socket.recv(4096)
            except BlockingIOError:
                return self.told
            self.told.append(dict(line.split("=", 1) for line in data.decode().split("\n")))

    async def hears(self, name: str, times: int = 1) -> None:
        for _ in range(1500):
            if sum(name in one for one in self.read()) >= times:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name} was not told, but {self.told}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("standalone", [False, True])
async def test_start_replacement_and_end_are_told(tmp_path: Path, standalone: bool) -> None:
    manager = Manager(str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    async with Site(tmp_path, workers=1, standalone=standalone, environment=environment) as site:
        await manager.hears("READY")
        await manager.hears("WATCHDOG", 3)
        if not standalone:
            site.signal(signal.SIGHUP)
            await manager.hears("RELOADING")
            await manager.hears("READY", 2)
        site.signal(signal.SIGTERM)
        await manager.hears("STOPPING")
    manager.socket.close()
    states = [name for one in manager.told for name in one if name in ("READY", "RELOADING", "STOPPING")]
    assert states == (["READY", "STOPPING"] if standalone else ["READY", "RELOADING", "READY", "STOPPING"])


def test_nobody_speaks_where_nobody_listens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "absent")}, {"NOTIFY_SOCKET": "@codenex-absent"}):
        line = Notification(environment)
        line.ready()
        line.stopping()
        assert line.beat(0.0) == float("inf")
        assert not environment
        line.close()


def test_the_abstract_namespace_and_another_process_s_watchdog(tmp_path: Path) -> None:
    name = f"@codenex-test-{os.getpid()}"
    manager = Manager(name)
    given = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}
    line = Notification(environment := dict(given))
    line.reloading()
    line.settled()
    line.settled()
    assert line.beat(0.0) == float("inf")
    assert [next(iter(one)) for one in manager.read()] == ["RELOADING", "READY"]
    assert int(manager.told[0]["MONOTONIC_USEC"]) > 0
    line.hand_on()
    assert environment == given
    manager.socket.close()
