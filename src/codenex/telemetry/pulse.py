"""The pulse of a process: several times a second it measures how late the event loop is, and tells what is the case at
the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from codenex.telemetry.measures import Fixed, Measures

INTERVAL = 0.25


class Pulse:
    """Beats in the running event loop until it is stopped. ``sources`` are asked for their values with each beat."""

    def __init__(self, measures: Measures, sources: Mapping[Fixed, Callable[[], int]]) -> None:
        self._measures = measures
        self._sources = tuple(sources.items())
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle
        self._wait()

    def _wait(self) -> None:
        self._due = self._loop.time() + INTERVAL
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        self._measures.lagged(max(0, round((self._loop.time() - self._due) * 1e6)))
        self._tell()
        self._wait()

    def _tell(self) -> None:
        for word, value in self._sources:
            self._measures.show(word, value())

    def stop(self) -> None:
        """Stop, with a last word on the counters."""
        self._timer.cancel()
        self._tell()
