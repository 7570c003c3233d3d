"""The listening sockets, opened once and handed to every worker, so that no connection waits in a dead one's queue."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

#: Bytes that the kernel takes for a client beyond those on their way to it. It would take megabytes of a stream that
#: the client reads slowly: events that the upstream has been asked to write, and that may never be read.
UNSENT_BYTES = 64 * 1024


def listen(host: str, port: int, *, backlog: int = 2048) -> socket.socket:
    """Open a listening TCP socket; port 0 takes a free one.

    The protocol is named, because asyncio switches Nagle's algorithm off only on sockets that name it.
    Raises :class:`OSError`.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host in ("", "::") else 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # Connections have it from their listener.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def listen_unix(path: str, *, mode: int = 0o600, backlog: int = 2048) -> socket.socket:
    """Open a listening Unix socket at ``path``, replacing a stale socket there but no other file.

    Raises :class:`OSError`.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The mode is set before anyone can connect: a bound socket refuses until it listens.
        listener.bind(path)
        os.chmod(path, mode)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def shown(host: str, port: int) -> str:
    """Return host and port in one text, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
