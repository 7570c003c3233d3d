"""The processes of this gateway as administrators see them: what the master tells, and what ``/proc`` does."""

from __future__ import annotations

import os
from typing import Any

from pydantic import BaseModel

from codenex import __version__
from codenex.control.part import ControlPart
from codenex.control.system import processor_seconds, resident_bytes, seconds_since_start


class ProcessShown(BaseModel):
    """One process. ``age`` and ``cpuSeconds`` are in seconds; ``requests`` and ``connections`` are those of now,
    ``dropped`` reports that its queue could not take; ``report`` is all that it tells of itself."""

    role: str
    pid: int
    slot: int | None = None
    state: str
    age: float
    version: str | None = None
    memoryBytes: int | None = None  # noqa: N815 - as in all answers
    cpuSeconds: float | None = None  # noqa: N815
    requests: int | None = None
    connections: int | None = None
    dropped: int | None = None
    report: dict[str, Any] = {}


class Active(BaseModel):
    """What goes on at this moment, in all processes together."""

    workers: int
    requests: int
    connections: int


def processes_of(part: ControlPart) -> list[ProcessShown]:
    """Return every process: the master, then those that it has started; or the only one."""
    report = part.supervision.current()
    master = report.get("master")
    shown = [] if master is None else [_shown({"role": "master", "pid": master, "state": "serving"})]
    return shown + [_shown(process) for process in report.get("processes", ())]


def active_in(processes: list[ProcessShown]) -> Active:
    """Return the sums of what the data plane's processes do."""
    serving = [process for process in processes if process.requests is not None]
    return Active(
        workers=len(serving),
        requests=sum(process.requests or 0 for process in serving),
        connections=sum(process.connections or 0 for process in serving),
    )


def own_process(report: dict[str, Any]) -> dict[str, Any]:
    """Return what a process without a master says of itself, as a master would."""
    return {"processes": [{"role": "standalone", "pid": os.getpid(), "state": "serving", "report": report}]}


def _shown(process: dict[str, Any]) -> ProcessShown:
    pid, report = process["pid"], process.get("report") or {}
    age = process.get("age")
    return ProcessShown(
        role=process["role"],
        pid=pid,
        slot=process.get("slot"),
        state=process["state"],
        age=round(seconds_since_start(pid) or 0.0, 1) if age is None else age,
        # All of them run the code that was there when they started.
        version=report.get("version", __version__ if pid == os.getpid() else None),
        memoryBytes=resident_bytes(pid),
        cpuSeconds=processor_seconds(pid),
        requests=report.get("requests"),
        connections=report.get("connections"),
        dropped=report.get("dropped"),
        report=report,
    )
