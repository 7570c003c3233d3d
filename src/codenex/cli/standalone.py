"""Standalone mode: the data plane, and the control part loaded when it is first needed, in one process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from codenex import __version__
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
        _run_loop(settings)
    except OSError as error:
        print(f"codenex: can't listen on {settings.host}:{settings.port}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


def _run_loop(settings: Settings) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(settings))
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = AccessLog()
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        lazy = _LazyControl(settings, Path(folder) / "control.sock")
        async with Transport() as transport:
            relay = ControlRelay(transport, lazy.address)
            gateway = Gateway(settings, transport, relay.handle)
            server = Server(
                gateway.handle,
                Limits(body_bytes=settings.max_body_bytes),
                render_error=_render_error,
                on_record=log.record,
            )
            listener = listen_tcp(settings.host, settings.port)
            port = listener.getsockname()[1]
            await server.start([listener])
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000)
            print(
                f"codenex {__version__} listens on http://{_shown(settings.host)}:{port}", file=sys.stderr, flush=True
            )
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
    """Starts the control part on first use, in this process, behind a Unix socket as in the other modes."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings = settings
        self._path = path
        self._service: ControlService | None = None
        self._lock = asyncio.Lock()

    async def address(self) -> str:
        """Return the socket's path, once something listens there."""
        async with self._lock:
            if self._service is None:
                from codenex.control.service import ControlService

                service = ControlService(self._settings, self._path)
                await service.start()
                self._service = service
        return str(self._path)

    async def stop(self) -> None:
        """Stop the control part where it was started."""
        if self._service is not None:
            await self._service.stop()


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
