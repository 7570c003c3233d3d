"""The control process: management API, database, state files. The data plane goes on without it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from codenex.cli.link import Generation, MasterLink
from codenex.cli.sockets import CONTROL_SOCKET, INGEST_SOCKET
from codenex.control.administration import Administration
from codenex.control.database.engine import DatabaseUnavailable
from codenex.control.service import ControlService
from codenex.control.supervision import Reloaded, Supervision
from codenex.store.documents import sweep
from codenex.telemetry.messages import install


class MasterSupervision(Supervision):
    """What the API may ask of the master."""

    mode = "worker"

    def __init__(self, link: MasterLink) -> None:
        super().__init__()
        self._link = link
        link.on_status(self._reported)

    async def reload(self) -> Reloaded:
        """Have the settings evaluated again."""
        answer = await self._link.ask("reload")
        return Reloaded(answer["revision"], answer["problems"])

    async def restart(self) -> None:
        """Have every process replaced."""
        await self._link.ask("restart")

    def _reported(self, report: dict[str, Any]) -> None:
        self.report = report


def run(descriptor: int) -> None:
    """Serve the management API until the master at the other end of ``descriptor`` says otherwise, or is gone."""
    link = MasterLink(descriptor)
    link.wait_for_hello()
    install(link.generation.settings.log_format)
    asyncio.run(_serve(link))


async def _serve(link: MasterLink) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    folder = Path(link.folder)
    generation = link.generation
    for own in (generation.settings.config_dir, generation.settings.data_dir):
        sweep(Path(own))
    service = ControlService(
        Administration(generation.settings),
        folder / CONTROL_SOCKET,
        ingest=folder / INGEST_SOCKET,
        supervision=MasterSupervision(link),
        problems=generation.problems,
        shared=link.shared,
        flags=generation.process["flags"],
    )

    def renewed(generation: Generation) -> None:
        service.configure(generation.settings, generation.problems)

    link.on_generation(renewed)
    try:
        await service.start()
    except DatabaseUnavailable as error:
        # Tried again by the master, slower and slower; requests go on meanwhile.
        sys.exit(f"codenex: {error}")
    link.start(stopped.set, lambda: {"events": service.part.events.subscribers})
    link.ready()
    await stopped.wait()
    await service.stop()
