"""What this machine and these processes use: from ``/proc``, for people who look after the server."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from codenex import __version__

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process in bytes; ``None`` where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return None


def processor_seconds(pid: int) -> float | None:
    """Return the processor time that a process has used, in seconds; ``None`` where it is gone."""
    try:
        # The name in the second field may hold spaces and brackets; the rest follows the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except (OSError, ValueError, IndexError):
        return None


def seconds_since_start(pid: int) -> float | None:
    """Return how long a process has been running, in seconds; ``None`` where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return float(Path("/proc/uptime").read_text().split()[0]) - int(fields[19]) / _TICKS
    except (OSError, ValueError, IndexError):
        return None


class Load:
    """Processor use of a group of processes between two looks."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._used: dict[int, float] = {}

    def percent(self, pids: list[int]) -> float:
        """Return the use since the last look, in percent of one processor."""
        now = time.monotonic()
        used = {pid: seconds for pid in pids if (seconds := processor_seconds(pid)) is not None}
        spent = sum(seconds - self._used.get(pid, seconds) for pid, seconds in used.items())
        elapsed, self._at, self._used = now - self._at, now, used
        return 0.0 if elapsed <= 0 else round(100 * spent / elapsed, 1)


def versions() -> dict[str, str]:
    """Return the versions of what a server is made of, by name."""
    packages = ("uvloop", "httptools", "msgspec", "fastapi", "uvicorn", "sqlalchemy", "psycopg")
    found = {"codenex": __version__, "python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    found |= {"sqlite": sqlite3.sqlite_version, "kernel": platform.release()}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def memory_of(pids: list[int]) -> list[dict[str, Any]]:
    """Return the resident memory of each process that still runs."""
    return [{"pid": pid, "bytes": size} for pid in pids if (size := resident_bytes(pid)) is not None]
