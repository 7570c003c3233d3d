"""Standalone mode: the data plane, and the control part loaded when it is first needed, in one process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from codenex import __version__
from codenex.cli.addresses import shown
from codenex.core import json
from codenex.core.errors import Fault
from codenex.gateway.exchange import Headers
from codenex.gateway.gateway import Gateway, render_error
from codenex.providers.transport import Transport
from codenex.server import Limits, Server, listen_tcp
from codenex.server.relay import ControlRelay
from codenex.store.settings import Settings
from codenex.telemetry.access_log import AccessLog

if TYPE_CHECKING:
    from codenex.control.service import ControlService

#: Seconds that requests in progress get when the server is told to stop.
DRAIN_SECONDS = 30.0


def run(settings_descriptor: int) -> None:
    """Serve until told to stop. The settings are read from an open file descriptor."""
    with os.fdopen(settings_descriptor, "rb") as file:
        settings = json.decode_as(Settings, file.read())
    try:
        listener = listen_tcp(settings.host, settings.port)
    except (OSError, UnicodeError) as error:
        _give_up(f"can't listen on {shown(settings.host, settings.port)}: {getattr(error, 'strerror', None) or error}")
    try:
        folder = tempfile.TemporaryDirectory(prefix="codenex-")
    except OSError as error:
        _give_up(f"can't make a temporary folder: {error}")
    with folder as path:
        _run_loop(serve(settings, listener, Path(path)))


def _give_up(reason: str) -> NoReturn:
    print(f"codenex: {reason}", file=sys.stderr)
    sys.exit(1)


def _run_loop(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def serve(settings: Settings, listener: socket.socket, folder: Path) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT; a second one ends at once. ``folder`` is private and
    empty."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = AccessLog()
    lazy = _LazyControl(settings, folder / "control.sock")
    async with Transport() as transport:
        relay = ControlRelay(transport, lazy.address)
        gateway = Gateway(settings, transport, relay.handle)
        server = Server(
            gateway.handle,
            Limits(body_bytes=settings.max_body_bytes),
            render_error=_render_error,
            on_record=log.record,
        )
        port = listener.getsockname()[1]
        await server.start([listener])
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        print(f"codenex {__version__} listens on http://{shown(settings.host, port)}", file=sys.stderr, flush=True)
        await stop.wait()
        stop.clear()
        draining = asyncio.ensure_future(server.drain(DRAIN_SECONDS))
        second = asyncio.ensure_future(stop.wait())
        await asyncio.wait({draining, second}, return_when=asyncio.FIRST_COMPLETED)
        if not draining.done():
            draining.cancel()
            await server.drain(0)
        second.cancel()
        await lazy.stop()
    log.close()


class _LazyControl:
    """Starts the control part on first use, in this process, behind a Unix socket as in the other modes. One that
    has ended is started again."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings = settings
        self._path = path
        self._service: ControlService | None = None
        self._lock = asyncio.Lock()

    async def address(self) -> str:
        """Return the socket's path, once something listens there. Raises whatever keeps the control part from
        starting."""
        async with self._lock:
            if self._service is None or not self._service.running:
                from codenex.control.administration import Administration
                from codenex.control.service import ControlService

                service = ControlService(Administration(self._settings), self._path)
                await service.start()
                self._service = service
        return str(self._path)

    async def stop(self) -> None:
        """Stop the control part where it was started."""
        if self._service is not None:
            await self._service.stop()


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)
