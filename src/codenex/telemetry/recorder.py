"""What a process does with the record of each request: measures, a line of the log, a row for the control process.

A request leaves its record only. Work on it comes at once where few come, else for several together: no record waits
longer than a twentieth of a second, and few are worked off in one go, so that no request waits for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from codenex.telemetry.access_log import AccessLog, Record, Timed
from codenex.telemetry.measures import Measures
from codenex.telemetry.outbox import Outbox

#: Seconds that a record waits at most, and how many wait.
PATIENCE: Final = 0.05
TOGETHER: Final = 32


class Recorder:
    """Takes records in the running event loop, until it is closed."""

    def __init__(self, measures: Measures, log: AccessLog, outbox: Outbox) -> None:
        self._measures = measures
        self._log = log
        self._outbox = outbox
        self._waiting: list[Timed] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def record(self, record: Record) -> None:
        """Take the record of a request that has ended now. Never blocks and never fails."""
        waiting = self._waiting
        waiting.append((time.time(), record))
        if self._timer is None:
            self.flush()
            self._timer = self._loop.call_later(PATIENCE, self._tick)
        elif len(waiting) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Work off what waits."""
        if self._waiting:
            records, self._waiting = self._waiting, []
            self._measures.record(*[record for _, record in records])
            self._log.record(records)
            self._outbox.record(records)

    def _tick(self) -> None:
        if self._waiting:
            self.flush()
            self._timer = self._loop.call_later(PATIENCE, self._tick)
        else:
            self._timer = None

    def close(self) -> None:
        """Work off what waits; what comes later is worked off at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()
