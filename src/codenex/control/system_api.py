"""Endpoints about the processes: mode, resources, restart, reload, the log, and the stream of events."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from codenex import __version__
from codenex.control.administration import Refusal
from codenex.control.database.request_log import RequestLog, Wanted
from codenex.control.events import Published
from codenex.control.files import CONFIG
from codenex.control.part import ControlPart
from codenex.control.processes import ProcessShown, processes_of
from codenex.control.state import Part
from codenex.control.system import memory_of, versions
from codenex.core import json

#: Seconds without an event after which a comment shows that the stream lives.
_KEEP_ALIVE = 15.0
#: Lines of the downloaded log at most.
LOG_LINES = 50_000


class Alive(BaseModel):
    """That the management API answers; ``timestamp`` in milliseconds since 1970."""

    status: str = "ok"
    timestamp: int


class ServiceMode(BaseModel):
    """How this server runs. There is no control port and no Node."""

    mode: str
    pid: int
    ppid: int
    uptime: float
    canAutoRestart: bool  # noqa: N815
    platform: str
    masterPort: None = None  # noqa: N815
    nodeVersion: None = None  # noqa: N815


class Memory(BaseModel):
    """What one process holds."""

    pid: int
    bytes: int


class System(BaseModel):
    """Version, resources and processes. ``problems`` is what is wrong with the configuration's files, ``settled``
    whether no process is being replaced; ``versions`` are those of what this server is made of, ``database`` is the
    kind of its database."""

    appVersion: str  # noqa: N815
    pythonVersion: str  # noqa: N815
    serverTime: str  # noqa: N815
    memoryUsage: str  # noqa: N815
    cpuUsage: str  # noqa: N815
    uptime: float
    mode: str
    processes: list[ProcessShown]
    settled: bool
    memory: list[Memory]
    problems: list[str]
    versions: dict[str, str]
    database: str | None


class RestartDetails(BaseModel):
    """Who restarts."""

    workerPid: int  # noqa: N815
    restartMethod: str  # noqa: N815


class Restarted(BaseModel):
    """Every process is being replaced."""

    success: bool = True
    message: str
    mode: str
    details: RestartDetails


class NoRestart(BaseModel):
    """Nobody can restart this server from here."""

    success: bool = False
    message: str
    mode: str
    hint: str


class ReloadDetails(BaseModel):
    """Which files were read, and the number of the settings in use."""

    configReloaded: bool  # noqa: N815
    configPath: str  # noqa: N815
    providerPoolsPath: str  # noqa: N815
    revision: int


class ReloadAnswer(BaseModel):
    """Whether the files could be used; ``message`` says what is wrong with them."""

    success: bool
    message: str
    details: ReloadDetails


def system_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.get("/health")
    async def health() -> Alive:
        """Whether the management API answers."""
        return Alive(timestamp=int(time.time() * 1000))

    @router.get("/service-mode")
    async def service_mode(part: Part) -> ServiceMode:
        """How this server runs."""
        return ServiceMode(
            mode=part.supervision.mode,
            pid=os.getpid(),
            ppid=os.getppid(),
            uptime=round(part.uptime, 1),
            canAutoRestart=part.supervision.mode == "worker",
            platform=platform.system().lower(),
        )

    @router.get("/system")
    async def system(part: Part) -> System:
        """Version, memory, processor use and every process of this server."""
        report = part.supervision.current()
        sizes = memory_of(part.processes())
        return System(
            appVersion=__version__,
            pythonVersion=platform.python_version(),
            serverTime=datetime.now(UTC).isoformat(),
            memoryUsage=f"{sum(size['bytes'] for size in sizes) / 1048576:.0f} MB",
            cpuUsage=f"{part.load.percent(part.processes())}%",
            uptime=round(part.uptime, 1),
            mode=part.supervision.mode,
            processes=processes_of(part),
            settled=report.get("settled", True),
            memory=[Memory(**size) for size in sizes],
            problems=part.problems,
            versions=versions(),
            database=_database(part),
        )

    @router.get(
        "/system/download-log",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "description": "Lines."}},
    )
    async def download_log(part: Part) -> StreamingResponse:
        """The kept requests, a JSON object on each line, newest first: who asked for what, where it went, what became
        of it. Nothing of their content is in it."""
        if part.request_log is None:
            raise Refusal(503, "there is no database")
        moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        headers = {
            "content-disposition": f'attachment; filename="codenex-{moment}.ndjson"',
            "cache-control": "no-store",
        }
        return StreamingResponse(_log(part.request_log), media_type="application/x-ndjson", headers=headers)

    @router.post("/restart-service", responses={400: {"model": NoRestart}})
    async def restart_service(part: Part) -> Restarted:
        """Replace every process; requests in progress end in peace."""
        if part.supervision.mode != "worker":
            hint = "a standalone server is restarted by whoever started it"
            answer = NoRestart(message="there is no master process", mode="standalone", hint=hint)
            return JSONResponse(answer.model_dump(), 400)  # type: ignore[return-value]
        part.events.publish("service_restart", {"action": "restart_requested", "message": "a restart was asked for"})
        await part.supervision.restart()
        details = RestartDetails(workerPid=os.getpid(), restartMethod="master_controlled")
        return Restarted(message="every process is being replaced", mode="worker", details=details)

    @router.post("/reload-config")
    async def reload_config(part: Part) -> ReloadAnswer:
        """Read the configuration's files again; where one can't be used, the last good one stays in use."""
        reloaded = await part.supervision.reload()
        part.events.publish("config_update", {"action": "reload", "problems": reloaded.problems})
        details = ReloadDetails(
            configReloaded=not reloaded.problems,
            configPath=str(Path(part.settings.config_dir) / CONFIG),
            providerPoolsPath=part.settings.pools_file,
            revision=reloaded.revision,
        )
        message = "; ".join(reloaded.problems) or "the configuration was read again"
        return ReloadAnswer(success=not reloaded.problems, message=message, details=details)

    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events."}},
    )
    async def events(
        part: Part, last_event_id: Annotated[str | None, Header(max_length=40)] = None
    ) -> StreamingResponse:
        """Everything that happens, as server-sent events; with ``Last-Event-ID`` what came after it as well."""
        after = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(_stream(part, after), media_type="text/event-stream", headers=headers)

    return router


def _database(part: ControlPart) -> str | None:
    if part.statistics is None:
        return None
    return "sqlite" if part.settings.database_url is None else part.settings.database_url.partition("+")[0]


async def _log(log: RequestLog) -> AsyncIterator[bytes]:
    async for rows in log.pages(Wanted(until=time.time()), LOG_LINES):
        yield b"".join(json.encode(row) + b"\n" for row in rows)


async def _stream(part: ControlPart, after: int | None) -> AsyncIterator[bytes]:
    yield b"\n"
    async for event in part.events.subscribe(after, _KEEP_ALIVE):
        yield b":\n\n" if event is None else _frame(event)


def _frame(event: Published) -> bytes:
    data = json.encode_text({**event.data, "timestamp": datetime.fromtimestamp(event.at, UTC).isoformat()})
    return f"id: {event.number}\nevent: {event.name}\ndata: {data}\n\n".encode()
