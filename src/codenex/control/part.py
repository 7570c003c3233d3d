"""What the management API of one process works on, besides who may use it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

from codenex.control.database.quotas import Quotas
from codenex.control.database.request_log import RequestLog
from codenex.control.database.statistics import Statistics
from codenex.control.events import Events
from codenex.control.google_login import Login
from codenex.control.google_quotas import GoogleQuotas
from codenex.control.outward import Outward
from codenex.control.spending import Spending
from codenex.control.supervision import Supervision
from codenex.control.system import Load
from codenex.control.trash import Trash
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory


class ControlPart:
    """Settings in use and what is wrong with the files, the processes, and what happens."""

    def __init__(
        self,
        settings: Settings,
        problems: list[str],
        supervision: Supervision,
        spending: Spending | None = None,
        *,
        shared: SharedMemory | None = None,
        flags: Mapping[str, str] | None = None,
    ) -> None:
        self.shared = shared if shared is not None else SharedMemory(None, 0)
        self.spending = spending if spending is not None else Spending(settings, self.shared)
        #: What of the configuration was said on the command line.
        self.flags: Mapping[str, str] = flags or {}
        #: Read the kept requests, all together and one by one, where there is a database.
        self.statistics: Statistics | None = None
        self.request_log: RequestLog | None = None
        #: What accounts have left, where there is a database.
        self.quotas: Quotas | None = None
        self.settings = settings
        self.problems = problems
        self.supervision = supervision
        self.outward = Outward(lambda: self.settings)
        self.google_quotas = GoogleQuotas(self.outward.transport, lambda: self.quotas)
        #: What checks of accounts have found last, as the file of pools has it, by uuid.
        self.checks: dict[str, dict[str, Any]] = {}
        #: logins that are under way, by provider type
        self.google_logins: dict[str, Login] = {}
        #: The prompt log is read through by one at a time: it may be large.
        self.prompt_log_turn = asyncio.Semaphore(1)
        #: What was deleted a moment ago.
        self.trash = Trash()
        self.events = Events()
        self.load = Load()
        self.began = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since this process began."""
        return time.monotonic() - self.began

    def processes(self) -> list[int]:
        """Return the ids of all processes of this gateway."""
        report = self.supervision.current()
        ids = [process["pid"] for process in report.get("processes", ())]
        master = report.get("master")
        return [*([master] if master else []), *ids] or [os.getpid()]
