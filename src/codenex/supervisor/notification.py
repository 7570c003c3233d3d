"""What the service manager is told, where one listens: ready, reloading, stopping, alive.

The protocol of ``sd_notify(3)`` (systemd 252, read 2026-11): datagrams of assignments to the socket that
``NOTIFY_SOCKET`` names. Nothing of it ever fails: without a listener nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping, MutableMapping

_NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Notification:
    """The line to the service manager. The environment's part of it is taken out, so that no child speaks for the
    master."""

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._environment = environment
        self._taken = {name: environment.pop(name) for name in _NAMES if name in environment}
        address = self._taken.get("NOTIFY_SOCKET", "")
        #: a name in the abstract namespace begins with @
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)
        #: seconds between two signs of life, half of what the service manager waits
        self._interval = _watchdog_seconds(self._taken) / 2
        self._next_beat = 0.0
        self._reloading = False

    def ready(self) -> None:
        """Say that requests are served."""
        self._reloading = False
        self._say("READY=1", "STATUS=serving")

    def reloading(self) -> None:
        """Say that every process is being replaced; :meth:`settled` ends it."""
        self._reloading = True
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=replacing every process")

    def settled(self) -> None:
        """Say that a replacement is over, if one was under way."""
        if self._reloading:
            self.ready()

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._say("STOPPING=1", "STATUS=finishing the requests that are in progress")

    def beat(self, now: float) -> float:
        """Give a sign of life where one is due (``now`` is monotonic seconds); return when the next one is."""
        if not self._interval:
            return float("inf")
        if now >= self._next_beat:
            self._next_beat = now + self._interval
            self._say("WATCHDOG=1")
        return self._next_beat

    def hand_on(self) -> None:
        """Put the environment's part back, for the program that takes this process over."""
        self._environment.update(self._taken)
        self.close()

    def close(self) -> None:
        """Say nothing any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, *assignments: str) -> None:
        if self._socket is not None:
            # A service manager that doesn't listen is no reason to stop serving.
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(assignments).encode(), self._address)


def _watchdog_seconds(taken: Mapping[str, str]) -> float:
    told, whose = taken.get("WATCHDOG_USEC", ""), taken.get("WATCHDOG_PID", "")
    if whose not in ("", str(os.getpid())) or not told.isdecimal():
        return 0.0
    return int(told) / 1_000_000
