"""The control part in the running event loop: management API on uvicorn, behind a Unix socket; database; reports."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from codenex.control.administration import Administration
from codenex.control.application import build_application
from codenex.control.database.address import address_in
from codenex.control.database.engine import open_database
from codenex.control.database.quotas import Quotas
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog
from codenex.control.database.sessions import SessionTable
from codenex.control.database.statistics import Statistics
from codenex.control.files import FILES, POOLS
from codenex.control.google_accounts import is_credential
from codenex.control.google_renewing import Renewing
from codenex.control.health_api import check_account
from codenex.control.health_schedule import HealthSchedule
from codenex.control.ingest import Ingest
from codenex.control.part import ControlPart
from codenex.control.pool_revision import pools_revision
from codenex.control.pool_state import PoolState
from codenex.control.spending import Spending
from codenex.control.supervision import Supervision
from codenex.control.sweeping import Sweeper
from codenex.control.watching import Watch, WatchedFile, WatchedFolder
from codenex.providers.google.service import SERVICES
from codenex.store.documents import Document
from codenex.store.settings import Account, Settings
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.measures import Measures
from codenex.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from codenex.control.otel import Exporter

_logger = logging.getLogger(__name__)

#: Seconds between two looks at whether sessions have to be kept.
_SESSION_INTERVAL = 5.0
#: Seconds that the last traces get to be sent.
_EXPORTER_PATIENCE = 2.0


class ControlService:
    """The control part of one gateway. Its sockets lie in a folder that only this user may enter: the management API at
    ``path``, the workers' reports at ``ingest`` (none: nothing is kept)."""

    def __init__(
        self,
        administration: Administration,
        path: Path,
        *,
        ingest: Path | None = None,
        supervision: Supervision | None = None,
        problems: list[str] | None = None,
        shared: SharedMemory | None = None,
        flags: Mapping[str, str] | None = None,
    ) -> None:
        shared = shared or SharedMemory(None, 0)
        self._spending = Spending(administration.settings, shared)
        self.part = ControlPart(
            administration.settings,
            problems or [],
            supervision or Supervision(),
            self._spending,
            shared=shared,
            flags=flags,
        )
        self._administration = administration
        self._ingest_path = ingest
        self._ingest: Ingest | None = None
        self._engine: AsyncEngine | None = None
        self._pools: PoolState | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._measures = Measures(shared.measures())
        self._pulse: Pulse | None = None
        self._exporter: Exporter | None = None
        config = uvicorn.Config(
            build_application(administration, self.part),
            uds=str(path),
            # Its messages go where all others go.
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            # Streams of events have no end of their own.
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._task is not None and not self._task.done()

    def configure(self, settings: Settings, problems: list[str]) -> None:
        """Take over a new generation of settings."""
        self._administration.settings = self.part.settings = settings
        self.part.problems = problems
        self._spending.configure(settings)

    async def start(self) -> None:
        """Start serving. Raises ``RuntimeError`` where the server, or
        :class:`~codenex.control.database.engine.DatabaseUnavailable` where the database does not come up."""
        if self._ingest_path is not None:
            await self._open_database(self._ingest_path)
        self._pulse = Pulse(self._measures, {})
        self._task = asyncio.create_task(self._server.serve(), name="management API")
        while not self._server.started:
            if self._task.done():
                raise RuntimeError("the management API did not start") from self._task.exception()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop serving and wait for the end."""
        self.part.events.close()
        if self._pulse is not None:
            self._pulse.stop()
        self._server.end()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._pools is not None:
            await self._pools.save(all_counts=True)
        if self._ingest is not None:
            await self._ingest.stop()
        if self._task is not None:
            await asyncio.wait({self._task})
        for login in self.part.google_logins.values():
            login.give_up("the server was stopped")
        await self.part.outward.close()
        if self._exporter is not None:
            # A thread that nothing waits for longer, not even the interpreter's end.
            closing = threading.Thread(target=self._exporter.close, name="otel-end", daemon=True)
            closing.start()
            await asyncio.to_thread(closing.join, _EXPORTER_PATIENCE)
        if self._engine is not None:
            await self._administration.keep_sessions()
            await self._engine.dispose()

    async def _open_database(self, ingest: Path) -> None:
        settings = self.part.settings
        if settings.otlp_endpoint is not None:
            self._exporter = await asyncio.to_thread(_exporter, settings.otlp_endpoint)
        self._engine = await open_database(address_in(settings.data_dir, settings.database_url))
        await self._restore_sessions(SessionTable(self._engine))
        self.part.statistics = statistics = Statistics(self._engine)
        self.part.request_log = RequestLog(self._engine)
        self.part.quotas = quotas = Quotas(self._engine)
        for key, begin in self._spending.periods():
            self._spending.restore(key, await statistics.spent(key.id, begin))
        self._ingest = Ingest(
            ingest, Reports(self._engine), self.part.events, self._spending, quotas, self._measures, self._exporter
        )
        await self._ingest.start()
        configs = Path(settings.config_dir)
        places = {name: configs / name for name in FILES} | {POOLS: Path(settings.pools_file)}
        files = [
            WatchedFile(
                Document(path, revise=pools_revision, sealable=True) if name == POOLS else Document(path, sealable=True)
            )
            for name, path in places.items()
        ]
        folders = [WatchedFolder(configs / service.folder, self._is_credential) for service in SERVICES.values()]
        watch = Watch([*files, *folders], self._files_changed)
        self._pools = PoolState(self.part)
        await asyncio.to_thread(self._pools.restore)
        self._tasks = [
            asyncio.create_task(self._pools.run(), name="state of accounts"),
            asyncio.create_task(HealthSchedule(self.part, self._check).run(), name="health checks"),
            asyncio.create_task(Renewing(self.part).run(), name="renewal of tokens"),
            asyncio.create_task(self._keep_sessions_for_ever(), name="sessions"),
            asyncio.create_task(watch.run(), name="file watch"),
            asyncio.create_task(Sweeper(lambda: self.part.settings).run(), name="sweep"),
        ]

    async def _check(self, account: Account) -> None:
        await check_account(self.part, account, wanted=False)

    def _is_credential(self, path: Path) -> bool:
        return is_credential(path, self.part.settings.credentials_key_file)

    async def _files_changed(self) -> None:
        try:
            reloaded = await self.part.supervision.reload()
        except (NotImplementedError, TimeoutError):
            return
        self.part.events.publish("config_update", {"action": "reload", "problems": reloaded.problems})

    async def _restore_sessions(self, table: SessionTable) -> None:
        sessions = self._administration.sessions
        sessions.restore(await table.load(), time.time())
        turn = asyncio.Lock()

        async def keep() -> None:
            async with turn:
                if sessions.changed:
                    sessions.changed = False
                    try:
                        await table.save(sessions.snapshot(time.time()))
                    except SQLAlchemyError as error:
                        sessions.changed = True
                        _logger.error("sessions can't be kept: %s", error)

        self._administration.keep_sessions = keep

    async def _keep_sessions_for_ever(self) -> None:
        """Keep the times of last use too, now and then."""
        while True:
            await asyncio.sleep(_SESSION_INTERVAL)
            await self._administration.keep_sessions()


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: they belong to whoever runs this service. It ends when it is told to, instead
    of looking ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self._told.wait()

    def capture_signals(self):  # type: ignore[no-untyped-def]
        from contextlib import nullcontext

        return nullcontext()


def _exporter(endpoint: str) -> Exporter:
    # An extra that takes a third of a second to load.
    from codenex.control.otel import Exporter

    return Exporter(endpoint)
