"""How much of an answer the client has not taken yet."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios


def unacknowledged(transport: asyncio.Transport) -> int:
    """Return the bytes written but not acknowledged by the peer: in our buffer and in the kernel's.

    The kernel's part counts, since a full socket buffer takes nothing new for minutes from a slow but live reader.
    """
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if sock is None:
        return waiting
    try:
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):
        return waiting
    return waiting + int(struct.unpack("i", queued)[0])
