"""Which children should run, and what has to be done about those that do: starts, replacements, retirements.

One step compares what is wanted with what is there. A replacement serves before the one that it replaces stops
accepting; of the control process there is never more than one, since it is the only writer of its files.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from codenex.supervisor.child import Child, Role
from codenex.supervisor.patience import SETTLED_AFTER, Failures

#: Seconds without a heartbeat after which a child is taken for hung, and until a started one has to be ready.
HEARTBEAT_LIMIT = 7.0
START_LIMIT = 30.0
#: Seconds that the control process gets to end, and that a broken replacement is not tried again.
CONTROL_PATIENCE = 5.0
GIVE_UP_FOR = 60.0
#: Workers that are started at the same time.
STARTS_AT_ONCE = 2


class Roster:
    """The children of one master. ``start(role, slot, epoch)`` makes one, ``dismiss(child)`` takes the last words of
    one that has ended; ``occupy(slot, pid)`` is told of slots."""

    def __init__(
        self,
        slots: int,
        *,
        start: Callable[[Role, int, int], Child],
        dismiss: Callable[[Child], None],
        occupy: Callable[[int, int], None],
        say: Callable[[str], None],
        drain: float,
    ) -> None:
        self.workers = 0
        self.control_wanted = False
        self.epoch = 1
        self.drain = drain
        self.children: list[Child] = []
        #: The reason to give up altogether, once there is one.
        self.hopeless: str | None = None
        self._slots = slots
        self._start = start
        self._dismiss = dismiss
        self._occupy = occupy
        self._say = say
        self._failures: dict[Role, Failures] = {"worker": Failures(), "control": Failures()}
        self._stopping = False

    # --- queries --------------------------------------------------------------------------------------------------

    def serving(self, role: Role = "worker") -> list[Child]:
        """Return the children that are ready and wanted."""
        return [c for c in self.children if c.role == role and c.ready_at is not None and c.retire_by is None]

    def starting(self, role: Role = "worker") -> list[Child]:
        """Return the children that are not ready yet."""
        return [c for c in self.children if c.role == role and c.ready_at is None and c.retire_by is None]

    def settled(self) -> bool:
        """Whether every worker that is wanted serves, in the current epoch, and nobody starts."""
        current = [child for child in self.serving() if child.epoch == self.epoch]
        return len(current) == self.workers and not self.starting()

    # --- one step -------------------------------------------------------------------------------------------------

    def step(self, now: float) -> float:
        """Do what has to be done at ``now``; return when the next step is due at the latest."""
        self._reap(now)
        self._watch(now)
        if self._stopping:
            return now + 0.25
        self._retire_surplus(now)
        self._start_workers(now)
        self._start_control(now)
        return now + 0.5

    def became_ready(self, child: Child, now: float) -> None:
        """Note that a child serves; it takes the place of an older one."""
        child.ready_at = child.beat = now
        self._retire_surplus(now)

    def adopt(self, child: Child) -> None:
        """Take in a child that was started beforehand."""
        self._occupy(child.slot, child.pid)
        self.children.append(child)

    def renew(self) -> None:
        """Replace every child, one after the other."""
        self.epoch += 1
        self._failures = {"worker": Failures(), "control": Failures()}

    def stop(self, now: float, patience: float) -> None:
        """Retire every child."""
        self._stopping = True
        for child in self.children:
            child.retire(now, patience)

    def kill(self) -> None:
        """End every child at once."""
        self._stopping = True
        for child in self.children:
            child.kill()

    # --- parts of a step ------------------------------------------------------------------------------------------

    def _reap(self, now: float) -> None:
        for child in [child for child in self.children if child.status() is not None]:
            self.children.remove(child)
            self._dismiss(child)
            self._occupy(child.slot, 0)
            if child.retire_by is None:
                self._ended(child, now)

    def _ended(self, child: Child, now: float) -> None:
        """Judge a child that ended although it was wanted."""
        status = child.status() or 0
        why = child.reason or (f"ended by signal {-status}" if status < 0 else f"ended with status {status}")
        what = f"{child.role} {child.pid}"
        killed_later = status < 0 and child.ready_at is not None
        if killed_later or (child.ready_at is not None and now - child.ready_at > SETTLED_AFTER):
            self._say(f"{what} {why}; another one takes its place")
            return
        own = bool(child.reason) or status != -signal.SIGKILL
        failures = self._failures[child.role] = self._failures[child.role].another(now, own=own)
        self._say(f"{what} could not start: {why}" if child.ready_at is None else f"{what} {why} soon after its start")
        if child.role == "worker" and failures.hopeless(now):
            if self.serving():
                # Something serves, so that a broken renewal is no reason to stop it.
                self._say("the replacements keep failing: what serves now stays until the next restart is asked for")
                for served in self.serving():
                    served.epoch = self.epoch
            else:
                self.hopeless = f"no worker starts: {why}"

    def _watch(self, now: float) -> None:
        for child in self.children:
            if child.retire_by is not None:
                if now >= child.retire_by:
                    self._say(f"{child.role} {child.pid} did not end in time and is killed")
                    child.retire_by = now + 5.0
                    child.kill()
            elif child.ready_at is None:
                if now - child.started > START_LIMIT:
                    child.reason = child.reason or f"not ready after {START_LIMIT:.0f} seconds"
                    child.kill()
            elif now - child.beat > HEARTBEAT_LIMIT:
                self._say(f"{child.role} {child.pid} has been silent for {now - child.beat:.0f} seconds and is killed")
                child.beat = now
                child.kill()

    def _retire_surplus(self, now: float) -> None:
        """Retire the oldest where a younger one serves in its place."""
        if self._stopping:
            return
        serving = sorted(self.serving(), key=lambda child: (child.epoch, child.started))
        for child in serving[: max(0, len(serving) - self.workers)]:
            child.retire(now, self.drain)
        for child in self.serving("control"):
            if child.epoch < self.epoch and self.settled():
                child.retire(now, CONTROL_PATIENCE)

    def _start_workers(self, now: float) -> None:
        if self.hopeless is not None or now < self._failures["worker"].next_start():
            return
        if self._failures["worker"].hopeless(now):
            return
        current = sum(child.epoch == self.epoch for child in self.serving())
        wanted = self.workers - current - len(self.starting())
        for _ in range(min(wanted, STARTS_AT_ONCE - len(self.starting()))):
            slot = self._free_slot()
            if slot is None:
                return
            self._add("worker", slot)

    def _start_control(self, now: float) -> None:
        if not self.control_wanted or any(child.role == "control" for child in self.children):
            return
        if self.serving() and now >= self._failures["control"].next_start():
            self._add("control", 0)

    def _add(self, role: Role, slot: int) -> None:
        self.adopt(self._start(role, slot, self.epoch))

    def _free_slot(self) -> int | None:
        used = {child.slot for child in self.children}
        return next((slot for slot in range(1, self._slots) if slot not in used), None)
