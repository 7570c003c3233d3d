"""Programs that are started ahead: the start takes most of the time until an answer begins, and clients tend to ask for
the same again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress

import msgspec

from codenex.providers.claude_code.process import Process

#: Seconds that a program waits for a request.
PATIENCE = 120.0


class Start(msgspec.Struct, frozen=True):
    """How a program is started. Two of them are alike when all of it is."""

    path: str
    flags: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    folder: str

    @classmethod
    def of(cls, path: str, flags: tuple[str, ...], environment: Mapping[str, str], folder: str) -> Start:
        """Return the start with an environment."""
        return cls(path, flags, tuple(sorted(environment.items())), folder)

    async def run(self) -> Process:
        """Start the program. Raises ``OSError``."""
        return await Process.start(self.path, self.flags, dict(self.environment), self.folder)


class Spares:
    """Programs without a request; the ones that were asked for longest ago make room for others."""

    def __init__(self) -> None:
        self._ready: list[tuple[Start, Process, asyncio.TimerHandle]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def take(self, start: Start) -> Process | None:
        """Return a program that was started so, if one is still there."""
        for spare in self._ready:
            known, process, timer = spare
            if known == start:
                self._ready.remove(spare)
                timer.cancel()
                if process.status is None:
                    return process
                self._do(process.reap())
                return self.take(start)
        return None

    def prepare(self, start: Start, limit: int) -> None:
        """Start one ahead, where there is room for it among ``limit``."""
        if limit > 0 and not self._closed and all(known != start for known, _, _ in self._ready):
            self._do(self._start(start, limit))

    async def close(self) -> None:
        """End all of them."""
        self._closed = True
        while self._ready:
            self._end(self._ready[0])
        while self._tasks:
            await asyncio.wait(self._tasks)
            while self._ready:
                self._end(self._ready[0])

    async def _start(self, start: Start, limit: int) -> None:
        with suppress(OSError):
            process = await start.run()
            timer = asyncio.get_running_loop().call_later(PATIENCE, self._expire, process)
            self._ready.append((start, process, timer))
            while len(self._ready) > limit:
                self._end(self._ready[0])

    def _expire(self, process: Process) -> None:
        for spare in self._ready:
            if spare[1] is process:
                self._end(spare)
                return

    def _end(self, spare: tuple[Start, Process, asyncio.TimerHandle]) -> None:
        self._ready.remove(spare)
        _, process, timer = spare
        timer.cancel()
        self._do(process.reap())

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
