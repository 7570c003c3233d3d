"""The line between master and child: one JSON object in each packet, with file descriptors beside it.

A packet socket keeps messages apart, and its end tells each side that the other one is gone, however it died.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

_LARGEST = 64 * 1024
_MOST_DESCRIPTORS = 16


class Channel:
    """One end of the line. Sending never waits: a side that takes nothing is hung, and is found by its heartbeat."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        #: The other side is gone.
        self.ended = False

    @classmethod
    def pair(cls) -> tuple[Channel, socket.socket]:
        """Make a line; return this side and the socket to hand to the other one."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    @classmethod
    def inherited(cls, descriptor: int) -> Channel:
        """Take the end that the parent handed on."""
        os.set_inheritable(descriptor, False)
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, for selectors and loops."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> bool:
        """Send a message; return whether it was taken."""
        data = json.dumps(message).encode()
        try:
            if descriptors:
                socket.send_fds(self._socket, [data], list(descriptors))
            else:
                self._socket.send(data)
        except OSError:
            return False
        return True

    def receive(self) -> list[tuple[dict[str, Any], list[int]]]:
        """Return the messages that have come, each with its descriptors; sets :attr:`ended` at the end."""
        found: list[tuple[dict[str, Any], list[int]]] = []
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, _LARGEST, _MOST_DESCRIPTORS)
            except BlockingIOError:
                return found
            except OSError:
                self.ended = True
                return found
            if not data:
                self.ended = True
                return found
            found.append((json.loads(data), list(descriptors)))

    def close(self) -> None:
        """Close this end."""
        self._socket.close()
