"""Free ports, for servers that must be told theirs beforehand."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

#: Below what Linux gives to connections that go out: none of them can take a port between its choice and its use.
_RANGE = (10_000, 32_000)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago; prefer to bind port 0 where that is possible."""
    while True:
        port = _RANGE[0] + secrets.randbelow(_RANGE[1] - _RANGE[0])
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def listener(port: int) -> socket.socket:
    """Listen on loopback; 0 takes any port. What is accepted sends at once.

    On such a listener asyncio leaves Nagle's algorithm on, with which each second piece of an answer waits 40 ms for
    the acknowledgement of the first.
    """
    found = socket.create_server(("127.0.0.1", port))
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
