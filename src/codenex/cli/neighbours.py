"""Programs on the same core that write to this process, such as a server of models on a small machine.

Where such a server writes an answer event by event, each event wakes this process, and the kernel lets it interrupt the
server: a hundred events are a hundred changes between the two, each for one event. While answers come so fast, this
process is scheduled as a batch process: whoever runs goes on for some milliseconds, and all that has come meanwhile is
taken in one read. At other times, when events come one by one, it is woken for each at once, whoever else wants the
core. Source: sched(7), read 2026-11.
"""

from __future__ import annotations

import asyncio
import os

#: Reads that bring many events, within so many seconds, from which on neighbours may finish.
MANY = 16
WHILE = 1.0


class Neighbours:
    """Counts reads that bring many events, and schedules the running thread accordingly, where the system knows how,
    allows it, and operators haven't chosen a policy themselves. Threads and programs that are started
    meanwhile stay so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._possible = hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER
        self._since = 0.0
        self._count = 0
        #: whether they may finish
        self.patient = False

    def crowded(self) -> None:
        """Count a read that has brought many events."""
        self._count += 1
        if self.patient or not self._possible:
            return
        now = self._loop.time()
        if now - self._since > WHILE:
            self._since, self._count = now, 1
        if self._count < MANY:
            return
        self._schedule(patient=True)
        self._count = 0
        self._loop.call_later(WHILE, self._look)

    def _look(self) -> None:
        if self._count < MANY:
            self._schedule(patient=False)
        else:
            self._loop.call_later(WHILE, self._look)
        self._count = 0

    def _schedule(self, *, patient: bool) -> None:
        policy = os.SCHED_BATCH if patient else os.SCHED_OTHER
        try:
            os.sched_setscheduler(0, policy, os.sched_param(0))
        except OSError:
            self._possible = False
            return
        self.patient = patient
