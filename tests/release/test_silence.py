"""Neither an import nor a start calls anybody or asks for a name: watched from below, for uvloop needs no Python."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.client import RawClient
from tests.support.process import ServerProcess, small_environment

ROOT = Path(__file__).parents[2]
IMPORT_ALL = """
import importlib, pkgutil, sys, codenex
for module in pkgutil.walk_packages(codenex.__path__, "codenex."):
    importlib.import_module(module.name)
assert len([name for name in sys.modules if name.startswith("codenex.")]) > 300
"""
TALKATIVE = """
import asyncio, socket, uvloop
def tried(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        pass
tried(socket.create_connection, ("127.0.0.1", 9))
tried(socket.getaddrinfo, "localhost", 80)
tried(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b"", ("127.0.0.2", 9))
socket.socket().bind(("0.0.0.0", 0))
async def by_uvloop():
    for host in ("127.0.0.3", "localhost"):
        try:
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, 9)
        except OSError:
            pass
uvloop.run(by_uvloop())
"""
ACCOUNTS = ("OPENAI_API_KEY", "CLAUDE_API_KEY", "GEMINI_API_KEY")


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a process that can reach nobody; what it tried is in the file ``SILENT_LOG``."""
    folder = tmp_path_factory.mktemp("silence")
    library = folder / "silent.so"
    source = ROOT / "tests" / "support" / "silent.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SILENT_LOG": str(folder / "tried")}


@pytest.fixture
def tried(silence: Mapping[str, str]) -> Path:
    path = Path(silence["SILENT_LOG"])
    path.unlink(missing_ok=True)
    return path


def python(code: str, folder: Path, environment: Mapping[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**small_environment(folder), **environment}, check=True
    )


def test_whoever_talks_is_heard(tmp_path: Path, silence: Mapping[str, str], tried: Path) -> None:
    python(TALKATIVE, tmp_path, silence)
    heard = set(tried.read_text().splitlines())
    assert {"connect 127.0.0.1", "sendto 127.0.0.2", "connect 127.0.0.3", "getaddrinfo localhost"} <= heard
    assert "bind 0.0.0.0" in heard


def test_no_import_calls_anybody(tmp_path: Path, silence: Mapping[str, str], tried: Path) -> None:
    python(IMPORT_ALL, tmp_path, silence)
    check_that_nothing_was_tried(tried)
    assert os.listdir(tmp_path) == []


def everyone(pid: int) -> list[int]:
    """A process, its children and theirs: the master, a worker and the control process at least."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in everyone(int(child)))]


def is_watched(pid: int) -> bool:
    return "silent.so" in Path(f"/proc/{pid}/maps").read_text()


async def answers(client: RawClient, path: str) -> bool:
    """Whether a path is a 200 in the end."""
    for _ in range(500):
        if (await client.ask("GET", path)).status == 200:
            return True
        await asyncio.sleep(0.05)
    return False


def check_that_nothing_was_tried(path: Path) -> None:
    assert not path.exists(), path.read_text()


@pytest.mark.parametrize("configured", [pytest.param(False, marks=pytest.mark.deep), True], ids=["demo", "accounts"])
async def test_no_start_calls_anybody(
    tmp_path: Path, silence: Mapping[str, str], tried: Path, configured: bool
) -> None:
    accounts = dict.fromkeys(ACCOUNTS, "-".join(("invented", "key", "of", "a", "test"))) if configured else {}
    async with ServerProcess(
        tmp_path,
        command=lambda port: [sys.executable, "-m", "codenex", "serve", "--workers", "1", "--port", str(port)],
        environment={**silence, **accounts},
    ) as server:
        await server.says("listens on")
        async with asyncio.timeout(30), await RawClient.connect(server.port) as client:
            # The control process has begun too: it gives the page, and the management API answers.
            for path in ("/ready", "/", "/api/setup"):
                assert await answers(client, path)
        processes = everyone(server.pid)
        assert len(processes) >= 3
        assert all(is_watched(pid) for pid in processes)
    check_that_nothing_was_tried(tried)
