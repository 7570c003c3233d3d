"""The management API as a service: it comes up, it ends, and it says when it can't do either."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codenex.control.administration import Administration
from codenex.control.service import ControlService
from codenex.providers.transport import Origin, Transport, UpstreamRequest
from codenex.store.settings import Settings


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder with a short name, as a Unix socket needs it."""
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        yield Path(folder)


async def status(path: Path) -> int:
    async with Transport() as transport:
        request = UpstreamRequest("GET", Origin("http", "control", 80, str(path)), "/api/setup", [])
        async with await transport.send(request) as response:
            return response.status


async def test_it_serves_from_start_to_stop(private: Path) -> None:
    path = private / "control.sock"
    service = ControlService(Administration(Settings()), path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    assert not service.running

    await service.start()
    assert service.running
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    assert await status(path) == 200
    assert {number: signal.getsignal(number) for number in handlers} == handlers, "signals are not its business"

    await service.stop()
    assert not service.running
    await service.stop()


async def test_it_is_started_again_at_the_same_place(private: Path) -> None:
    for _ in range(2):
        service = ControlService(Administration(Settings()), private / "control.sock")
        await service.start()
        assert await status(private / "control.sock") == 200
        await service.stop()


async def test_one_that_was_never_started_can_be_stopped(private: Path) -> None:
    await ControlService(Administration(Settings()), private / "control.sock").stop()


@pytest.mark.parametrize("name", ["missing/control.sock", "x" * 200])
async def test_a_start_that_fails_is_an_error_and_not_the_end_of_the_process(private: Path, name: str) -> None:
    service = ControlService(Administration(Settings()), private / name)
    with pytest.raises(RuntimeError, match="did not start") as caught:
        await service.start()
    assert isinstance(caught.value.__cause__, OSError)
    assert not service.running
    await service.stop()
