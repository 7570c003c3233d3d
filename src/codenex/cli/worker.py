"""A data worker: serves the client APIs on the master's listeners, and knows none of the control part's
libraries."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from codenex.cli.data_plane import data_plane
from codenex.cli.link import ORPHAN_PATIENCE, MasterLink
from codenex.cli.loops import run_loop
from codenex.cli.sockets import CONTROL_SOCKET, INGEST_SOCKET
from codenex.gateway.generations import SharedGenerations
from codenex.store.settings import Settings
from codenex.telemetry.messages import install


def run(descriptor: int) -> None:
    """Serve until the master at the other end of ``descriptor`` says otherwise, or is gone."""
    link = MasterLink(descriptor)
    link.wait_for_hello()
    install(link.generation.settings.log_format)
    run_loop(_serve(link))


async def _serve(link: MasterLink) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    patience = link.generation.settings.drain_seconds

    def orphaned() -> None:
        nonlocal patience
        patience = ORPHAN_PATIENCE
        stopped.set()

    def fetch() -> tuple[Settings, int]:
        link.poll()
        return link.generation.settings, link.revision

    async def control() -> str:
        return str(Path(link.folder) / CONTROL_SOCKET)

    async def ingest() -> str:
        return str(Path(link.folder) / INGEST_SOCKET)

    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    generations = SharedGenerations(lambda: link.shared.revision, fetch)
    async with data_plane(generations, link.shared, link.listeners, control, ingest) as plane:

        def report() -> dict[str, Any]:
            return {
                "requests": plane.server.request_count,
                "connections": plane.server.connection_count,
                "dropped": plane.outbox.dropped,
            }

        link.start(orphaned, report)
        link.ready()
        await stopped.wait()
        await plane.server.drain(patience)
