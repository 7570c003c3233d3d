"""Standalone mode: the data plane, and the control part loaded when it is first needed, in one process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from codenex import __version__
from codenex.cli.data_plane import data_plane
from codenex.cli.link import Generation, decoded_generation, read_generation
from codenex.cli.loops import run_loop
from codenex.cli.sockets import CONTROL_SOCKET, INGEST_SOCKET
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory
from codenex.supervisor.listeners import listen, listen_unix, shown
from codenex.supervisor.notification import Notification
from codenex.telemetry.messages import install

if TYPE_CHECKING:
    from codenex.control.service import ControlService

#: Seconds that a question to the management API waits at most for what is not kept yet.
SETTLE_SECONDS = 0.5
#: Seconds that requests in progress get when the server is told to stop.
DRAIN_SECONDS = 30.0


def run(descriptor: int) -> None:
    """Serve until told to stop. The first generation is read from an open file descriptor."""
    generation = read_generation(descriptor)
    settings = generation.settings
    install(settings.log_format)
    try:
        listeners = [listen(settings.host, settings.port)]
        if settings.unix_socket is not None:
            listeners.append(listen_unix(settings.unix_socket))
    except (OSError, UnicodeError) as error:
        _give_up(f"can't listen on {shown(settings.host, settings.port)}: {getattr(error, 'strerror', None) or error}")
    try:
        folder = tempfile.TemporaryDirectory(prefix="codenex-")
    except OSError as error:
        _give_up(f"can't make a temporary folder: {error}")
    with folder as path:
        run_loop(_serve(generation, listeners, Path(path)))


def _give_up(reason: str) -> NoReturn:
    print(f"codenex: {reason}", file=sys.stderr)
    sys.exit(1)


async def _serve(generation: Generation, listeners: list[socket.socket], folder: Path) -> None:
    """Serve on listening sockets until SIGTERM or SIGINT; a second one ends at once. ``folder`` is private and
    empty."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    notification = Notification()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    generations = OwnGenerations(generation)
    shared = SharedMemory(None, 1)
    lazy = _LazyControl(generations, folder, shared.beside(0))
    async with data_plane(generations, shared, listeners, lazy.control, lazy.ingest, alone=True) as plane:
        lazy.settle = plane.outbox.settle
        address = shown(*listeners[0].getsockname()[:2])
        scheme = "http" if generation.settings.tls_certificate is None else "https"
        lazy.report = lambda: {
            "requests": plane.server.request_count,
            "connections": plane.server.connection_count,
            "dropped": plane.outbox.dropped,
        }
        print(f"codenex {__version__} listens on {scheme}://{address}", file=sys.stderr, flush=True)
        notification.ready()
        _give_signs_of_life(loop, notification)
        await stop.wait()
        stop.clear()
        notification.stopping()
        draining = asyncio.ensure_future(plane.server.drain(DRAIN_SECONDS))
        second = asyncio.ensure_future(stop.wait())
        await asyncio.wait({draining, second}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        second.cancel()
    await lazy.stop()


def _give_signs_of_life(loop: asyncio.AbstractEventLoop, notification: Notification) -> None:
    due = notification.beat(loop.time())
    if due != float("inf"):
        loop.call_at(due, _give_signs_of_life, loop, notification)


class OwnGenerations:
    """The generations of a process without a master: it evaluates its settings itself, in a child."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.number = 1
        self._known = 1

    @property
    def current(self) -> Settings:
        """The settings in use."""
        return self.generation.settings

    def renewed(self) -> bool:
        """Whether they are others than at the last call."""
        if self.number == self._known:
            return False
        self._known = self.number
        return True

    async def reload(self) -> list[str]:
        """Evaluate again; return what is wrong, in which case the last good settings stay in use."""
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "codenex", "evaluate", str(writing), "-"),
                *self.generation.process["arguments"],
                pass_fds=[writing],
                stdin=asyncio.subprocess.DEVNULL,
            )
        finally:
            os.close(writing)
        with os.fdopen(reading, "rb") as file:
            data = await asyncio.to_thread(file.read)
        if await process.wait() != 0:
            return ["the settings can't be used; the log says why"]
        self.generation = decoded_generation(data)
        self.number += 1
        return self.generation.problems


class _LazyControl:
    """Starts the control part on first use, in this process, behind Unix sockets as in the other modes. One that
    has ended is started again."""

    def __init__(self, generations: OwnGenerations, folder: Path, shared: SharedMemory) -> None:
        self._generations = generations
        self._shared = shared
        self._folder = folder
        self._service: ControlService | None = None
        #: tells how busy the data plane is
        self.report: Callable[[], dict[str, Any]] = dict
        #: waits for so many seconds until what the data plane has to report is kept
        self.settle: Callable[[float], Awaitable[None]] = lambda _: asyncio.sleep(0)
        self._lock = asyncio.Lock()

    async def control(self) -> str:
        """Return the path of the management API's socket, once something listens there. Raises whatever keeps the
        control part from starting. Who asks something is told of the requests before."""
        await self._start()
        await self.settle(SETTLE_SECONDS)
        return str(self._folder / CONTROL_SOCKET)

    async def ingest(self) -> str:
        """Return the path of the socket for reports, once something listens there."""
        await self._start()
        return str(self._folder / INGEST_SOCKET)

    async def _start(self) -> None:
        async with self._lock:
            if self._service is None or not self._service.running:
                self._service = await self._new_service()

    async def _new_service(self) -> ControlService:
        # Loading takes half a second, in which requests go on.
        service = await asyncio.to_thread(_built, self._generations, self._folder, self._shared, lambda: self.report())
        await service.start()
        return service

    async def stop(self) -> None:
        """Stop the control part where it was started."""
        if self._service is not None:
            await self._service.stop()


def _built(
    generations: OwnGenerations, folder: Path, shared: SharedMemory, report: Callable[[], dict[str, Any]]
) -> ControlService:
    from codenex.control.administration import Administration
    from codenex.control.processes import own_process
    from codenex.control.service import ControlService
    from codenex.control.supervision import Reloaded, Supervision

    class OwnSupervision(Supervision):
        """What the API may ask of this process."""

        def current(self) -> dict[str, Any]:
            """Return how busy it is."""
            return own_process(report())

        async def reload(self) -> Reloaded:
            """Evaluate the settings again."""
            problems = await generations.reload()
            service.configure(generations.current, problems)
            return Reloaded(generations.number, problems)

    service = ControlService(
        Administration(generations.current),
        folder / CONTROL_SOCKET,
        ingest=folder / INGEST_SOCKET,
        supervision=OwnSupervision(),
        problems=generations.generation.problems,
        shared=shared,
        flags=generations.generation.process["flags"],
    )
    return service
