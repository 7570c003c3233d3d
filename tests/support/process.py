"""A server in a process of its own: started, waited for, listened to, and stopped by its process id."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from tests.support.client import RawClient
from tests.support.ports import accepts, free_port

STARTUP: Final = 20.0
"""Seconds in which a server must answer."""
ROOT: Final = Path(__file__).resolve().parents[2]


def serve_command(port: int) -> list[str]:
    """The command that serves the gateway on a port of loopback."""
    return [sys.executable, "-m", "codenex", "serve", "--host", "127.0.0.1", "--port", str(port)]


def small_environment(folder: Path) -> dict[str, str]:
    """The least that a process of ours needs, and what `make coverage` needs to look into it."""
    inherited = ("PATH", "LANG", "COVERAGE_PROCESS_CONFIG")
    found = {key: os.environ[key] for key in inherited if key in os.environ}
    return {**found, "HOME": str(folder), "PYTHONPATH": str(ROOT / "src")}


class ServerProcess:
    """``async with ServerProcess(tmp_path) as server:`` runs the gateway in that folder until the block ends.

    The process gets a minimal environment (plus ``environment``) and a session of its own, so that its children can
    be cleaned up with it. ``command`` makes the argument list from the port. ``health`` is the path that must answer
    200 before the block begins; None waits for the port alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: Callable[[int], Sequence[str]] = serve_command,
        environment: Mapping[str, str] | None = None,
        health: str | None = "/health",
        port: int | None = None,
        startup: float = STARTUP,
    ) -> None:
        self.folder = folder
        self._startup = startup
        self.port = free_port() if port is None else port
        self.output = bytearray()
        """Standard output and error together, as far as written."""
        self._command = command
        self._health = health
        self._environment = {**small_environment(folder), "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._written = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process; raises ``RuntimeError`` before the start."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")

    async def __aenter__(self) -> Self:
        await self.start()
        try:
            await self.ready(self._startup)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start without waiting."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command(self.port),
            cwd=self.folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.get_running_loop().create_task(self._collect())

    async def _collect(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(65536):
            self.output += data
            self._written.set()

    async def says(self, text: str, timeout: float = 10.0) -> None:
        """Wait until the text is in the output."""

        async def watch() -> None:
            while text not in self.text:
                self._written.clear()
                await self._written.wait()

        await asyncio.wait_for(watch(), timeout)

    async def ready(self, timeout: float = STARTUP) -> None:
        """Wait until the server answers; raises ``RuntimeError`` with its output when it ends or takes too long."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not await self._answers():
            if self.process.returncode is not None:
                await self._drained()
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.text}")
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"the server isn't ready after {timeout} s:\n{self.text}")
            await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        try:
            async with await RawClient.connect(self.port) as client:
                if self._health is None:
                    return True
                return (await client.ask("GET", self._health, timeout=2.0)).status == 200
        except (OSError, TimeoutError, ValueError):
            return False

    async def refuses(self, timeout: float = 10.0) -> None:
        """Wait until nobody listens on the port any more."""
        for _ in range(int(timeout / 0.01)):
            if not accepts(self.port):
                return
            await asyncio.sleep(0.01)
        raise TimeoutError(f"still listening after {timeout} s")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    async def exited(self, timeout: float = 10.0) -> int:
        """Wait for the end and give the exit code."""
        code = await self._ended(timeout)
        if code is None:
            raise TimeoutError(f"still running after {timeout} s")
        await self._drained()
        return code

    async def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after ``grace`` seconds; whatever is left of its session is killed. The exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        if await self._ended(grace) is None:
            self.process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self._drained()
        return await self.process.wait()

    async def _ended(self, timeout: float) -> int | None:
        """The exit code, as soon as there is one; asyncio's own ``wait`` also waits for children that hold the pipe."""
        for _ in range(int(timeout / 0.01)):
            if self.process.returncode is not None:
                break
            await asyncio.sleep(0.01)
        return self.process.returncode

    async def _drained(self) -> None:
        if self._reader is not None:
            await self._reader
