"""Takes the workers' reports at a Unix socket: rows into the database, events to whoever listens; then says so."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from codenex.control.database.quotas import Quotas, quota_from
from codenex.control.database.reports import Reports
from codenex.control.events import Events
from codenex.control.prices import cost_of
from codenex.control.spending import Spending
from codenex.core import json
from codenex.telemetry.measures import Measures
from codenex.telemetry.rows import Acknowledgement, Batch

if TYPE_CHECKING:
    from codenex.control.otel import Exporter

_LINE_LIMIT = 16 * 1024 * 1024
_logger = logging.getLogger(__name__)


class Ingest:
    """The receiving end. One batch is kept at a time, so that writers don't wait for each other in the database."""

    def __init__(
        self,
        path: Path,
        reports: Reports,
        events: Events,
        spending: Spending,
        quotas: Quotas,
        measures: Measures,
        exporter: Exporter | None = None,
    ) -> None:
        self._path = path
        self._reports = reports
        self._events = events
        self._spending = spending
        self._quotas = quotas
        self._measures = measures
        self._exporter = exporter
        self._turn = asyncio.Lock()
        self._seen: dict[str, int] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises ``OSError``."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=_LINE_LIMIT)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                through = await self._keep(json.decode_as(Batch, line))
                writer.write(json.encode(Acknowledgement(through)) + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass
        except SQLAlchemyError as error:
            # Not acknowledged, so that the worker sends it again later.
            _logger.error("usage can't be kept: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()
            if not self._writers:
                self._reports.rest()

    async def _keep(self, batch: Batch) -> int:
        async with self._turn:
            known = self._seen.get(batch.sender)
            if known is None:
                known = await self._reports.through(batch.sender)
            costs = [cost_of(row) for row in batch.rows]
            through = await self._reports.keep(batch, time.time(), costs)
            self._seen[batch.sender] = max(known, through)
        for row, cost in zip(batch.rows, costs, strict=True):
            if row.number > known:
                self._spending.add(row.key, row.at, cost)
                if cost:
                    self._measures.add_cost(row.protocol, row.provider, row.model, cost)
        if self._exporter is not None:
            new = [(row, cost) for row, cost in zip(batch.rows, costs, strict=True) if row.number > known]
            self._exporter.keep(new)
        for event in batch.events:
            if event.number > known:
                self._events.publish(event.name, event.data, event.at)
                if event.name == "account_quota" and (quota := quota_from(event.data, event.at)) is not None:
                    await self._quotas.note(quota)
        return through
