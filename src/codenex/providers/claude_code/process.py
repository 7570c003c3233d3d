"""One process of the CLI: started in a group of its own, fed and read without limits on lines, killed as a whole."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Self

_PIECE = 64 * 1024
#: The longest line, in bytes: an event that holds a whole document.
LINE_LIMIT = 128 * 1024 * 1024
_COMPLAINTS = 4096
#: Seconds that the pipes of a killed program may stay open.
_LEFTOVER = 1.0


class LineTooLong(Exception):
    """The program printed a line beyond all bounds."""


class Process:
    """A running program; ``start`` makes one. Every process has to be ended by :meth:`reap`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tail = bytearray()
        self._complaints = bytearray()
        self._listening = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, path: str, flags: tuple[str, ...], environment: dict[str, str], folder: str) -> Self:
        """Start the program. Raises ``OSError``."""
        process = await asyncio.create_subprocess_exec(
            path,
            *flags,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    async def write(self, data: bytes) -> None:
        """Write to the program; one that has ended takes no harm."""
        stdin = self._process.stdin
        if stdin is not None and data:
            with suppress(BrokenPipeError, ConnectionResetError):
                stdin.write(data)
                await stdin.drain()

    async def lines(self) -> list[bytes]:
        """Wait for output; return the whole lines of it, none of them at its end. Raises :class:`LineTooLong`."""
        stdout = self._process.stdout
        while stdout is not None and (piece := await stdout.read(_PIECE)):
            cut = piece.rfind(b"\n")
            if cut < 0:
                self._tail += piece
                if len(self._tail) > LINE_LIMIT:
                    raise LineTooLong
                continue
            whole = bytes(self._tail) + piece[:cut]
            self._tail[:] = piece[cut + 1 :]
            return whole.split(b"\n")
        return []

    @property
    def complaints(self) -> str:
        """The end of what the program wrote to its standard error."""
        return self._complaints.decode("utf-8", "replace").strip()

    @property
    def status(self) -> int | None:
        """The exit status, once there is one."""
        return self._process.returncode

    def kill(self) -> None:
        """End the program and all that it has started, at once."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def reap(self, patience: float = 0.0) -> None:
        """Let the program end by itself for ``patience`` seconds, kill it then, and wait until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if patience > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._drained(), patience)
        self.kill()
        # What is left in the pipes is read away, so that they are closed; somebody else may still hold the other end.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._drained(), _LEFTOVER)
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _drained(self) -> None:
        stdout = self._process.stdout
        while stdout is not None and await stdout.read(_PIECE):
            pass
        await asyncio.wait({self._listening})
        await self._process.wait()

    async def _listen(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (piece := await stderr.read(_PIECE)):
            self._complaints += piece
            del self._complaints[:-_COMPLAINTS]
