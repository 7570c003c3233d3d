"""One child process as the master sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import Any, Literal

from codenex.supervisor.allocation import serving
from codenex.supervisor.channel import Channel

Role = Literal["worker", "control"]

_COMMANDS: dict[Role, str] = {"worker": "run-worker", "control": "run-control"}


class Child:
    """A started process and its line. Times are monotonic seconds; ``slot`` is its column in the shared memory."""

    def __init__(self, role: Role, slot: int, epoch: int, now: float) -> None:
        self.role = role
        self.slot = slot
        #: Which restart it belongs to; a child of an older one is to be replaced.
        self.epoch = epoch
        self.started = now
        self.ready_at: float | None = None
        self.beat = now
        #: When it is killed if it hasn't ended by itself; ``None`` while it is wanted.
        self.retire_by: float | None = None
        #: Why it could not go on, in its own words.
        self.reason = ""
        #: What it said of itself with its last heartbeat.
        self.report: dict[str, Any] = {}
        self.greeted = False
        self.channel, theirs = Channel.pair()
        with theirs:
            self.process = _started(role, theirs)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def status(self) -> int | None:
        """Return the exit status once the process has ended (negative: the signal that ended it)."""
        return self.process.poll()

    def retire(self, now: float, patience: float) -> None:
        """Ask it to end what it is doing, and then itself, within ``patience`` seconds."""
        if self.retire_by is None:
            self.retire_by = now + patience
            self.process.send_signal(signal.SIGTERM)
            # Stopped processes don't see a signal before they go on.
            self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()


def _started(role: Role, theirs: socket.socket) -> subprocess.Popen[bytes]:
    descriptor = theirs.fileno()
    command = [sys.executable, "-P", "-m", "codenex", _COMMANDS[role], str(descriptor)]
    environment = serving(os.environ) if role == "worker" else None
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, env=environment)
