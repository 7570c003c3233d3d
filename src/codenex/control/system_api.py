"""Endpoints about the processes: mode, resources, restart, reload, and the stream of events."""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, StreamingResponse

from codenex import __version__
from codenex.control.events import Published
from codenex.control.part import ControlPart
from codenex.control.state import Part
from codenex.control.system import memory_of
from codenex.core import json

#: Seconds without an event after which a comment shows that the stream lives.
_KEEP_ALIVE = 15.0


def system_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.get("/service-mode")
    async def service_mode(part: Part) -> dict[str, Any]:
        """How this server runs."""
        return {
            "mode": part.supervision.mode,
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "uptime": round(part.uptime, 1),
            "canAutoRestart": part.supervision.mode == "worker",
            "platform": platform.system().lower(),
        }

    @router.get("/system")
    async def system(part: Part) -> dict[str, Any]:
        """Version, memory, processor use and every process of this server."""
        report = part.supervision.report
        sizes = memory_of(part.processes())
        return {
            "appVersion": __version__,
            "pythonVersion": platform.python_version(),
            "serverTime": datetime.now(UTC).isoformat(),
            "memoryUsage": f"{sum(size['bytes'] for size in sizes) / 1048576:.0f} MB",
            "cpuUsage": f"{part.load.percent(part.processes())}%",
            "uptime": round(part.uptime, 1),
            "mode": part.supervision.mode,
            "processes": report.get("processes", []),
            "settled": report.get("settled", True),
            "memory": sizes,
            "problems": part.problems,
        }

    @router.post("/restart-service", responses={400: {}})
    async def restart_service(part: Part) -> Any:
        """Replace every process; requests in progress end in peace."""
        if part.supervision.mode != "worker":
            hint = "a standalone server is restarted by whoever started it"
            return JSONResponse(
                {"success": False, "message": "there is no master process", "mode": "standalone", "hint": hint}, 400
            )
        part.events.publish("service_restart", {"action": "restart_requested", "message": "a restart was asked for"})
        await part.supervision.restart()
        details = {"workerPid": os.getpid(), "restartMethod": "master_controlled"}
        return {"success": True, "message": "every process is being replaced", "mode": "worker", "details": details}

    @router.post("/reload-config")
    async def reload_config(part: Part) -> dict[str, Any]:
        """Read the configuration's files again; where one can't be used, the last good one stays in use."""
        reloaded = await part.supervision.reload()
        part.events.publish("config_update", {"action": "reload", "problems": reloaded.problems})
        details = {"configReloaded": not reloaded.problems, "revision": reloaded.revision}
        message = "; ".join(reloaded.problems) or "the configuration was read again"
        return {"success": not reloaded.problems, "message": message, "details": details}

    @router.get("/events", response_class=StreamingResponse)
    async def events(part: Part, last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """Everything that happens, as server-sent events; with ``Last-Event-ID`` what came after it as well."""
        after = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(_stream(part, after), media_type="text/event-stream", headers=headers)

    return router


async def _stream(part: ControlPart, after: int | None) -> AsyncIterator[bytes]:
    yield b"\n"
    async for event in part.events.subscribe(after, _KEEP_ALIVE):
        yield b":\n\n" if event is None else _frame(event)


def _frame(event: Published) -> bytes:
    data = json.encode_text({**event.data, "timestamp": datetime.fromtimestamp(event.at, UTC).isoformat()})
    return f"id: {event.number}\nevent: {event.name}\ndata: {data}\n\n".encode()
