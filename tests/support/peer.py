"""One end of a TCP connection: exact bytes in and out, and the moment and manner of its closing on record.

The scripted upstream, the fault proxy and the raw client are all built on it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final, Literal, cast

HIGH_WATER: Final = 1 << 20
"""Bytes kept unread before the peer stops reading from the socket."""

Manner = Literal["fin", "reset", "error"]


@dataclass(frozen=True)
class Closing:
    """How and when (``time.monotonic``) the other side ended its half of the connection."""

    manner: Manner
    at: float


class Peer(asyncio.Protocol):
    """A connection that can be read from, written to, half-closed and reset.

    Reading goes on while nobody consumes (up to ``HIGH_WATER``), so that a closing is noticed when it happens.
    """

    def __init__(self) -> None:
        self.opened_at: float = 0.0
        self.closing: Closing | None = None
        self.made = asyncio.Event()
        """Set when the connection stands."""
        self.left = asyncio.Event()
        """Set when the other side has sent FIN or RST."""
        self.lost = asyncio.Event()
        """Set when the connection is gone in both directions."""
        self.received = 0
        self.sent = 0
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._ended_by_us = False

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; raises ``ConnectionError`` before the connection is made."""
        if self._transport is None:
            raise ConnectionError("not connected")
        return self._transport

    @property
    def alive(self) -> bool:
        """Connected (with TLS: after the handshake) and not yet closed."""
        return self._transport is not None and not self.lost.is_set()

    @property
    def buffered(self) -> bytes:
        """Bytes received and not yet read."""
        return bytes(self._buffer)

    @property
    def encrypted(self) -> bool:
        return self.transport.get_extra_info("sslcontext") is not None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.opened_at = time.monotonic()
        self.made.set()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        self._buffer += data
        self._changed.set()
        if len(self._buffer) > HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._close_seen("fin")
        # A TLS transport can't stay half open; a TCP one does, so that a half-closing client still gets its answer.
        return not self.encrypted

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ConnectionResetError | BrokenPipeError):
            self._close_seen("reset")
        elif exc is not None:
            self._close_seen("error")
        self.lost.set()
        self._writable.set()
        self._changed.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _close_seen(self, manner: Manner) -> None:
        # A reset after a FIN is worth knowing; an error caused by our own abort isn't.
        if not self._ended_by_us and (self.closing is None or manner == "reset"):
            self.closing = Closing(manner, time.monotonic())
            self.left.set()
        self._changed.set()

    # reading

    async def wait_for_data(self) -> bool:
        """Wait until bytes are there; False at the end of the stream, ``ConnectionResetError`` after a reset."""
        while not self._buffer:
            if self.closing is not None and self.closing.manner != "fin":
                raise ConnectionResetError("the other side reset the connection")
            if self.closing is not None or self.lost.is_set():
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    async def more(self, known: int) -> bool:
        """Wait until more than ``known`` bytes are unread; False when the stream ends first."""
        while len(self._buffer) <= known:
            if self.closing is not None or self.lost.is_set():
                if self.closing is not None and self.closing.manner != "fin":
                    raise ConnectionResetError("the other side reset the connection")
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    def take(self, size: int | None = None) -> bytes:
        """Remove and return up to ``size`` unread bytes (all of them by default), without waiting."""
        end = len(self._buffer) if size is None else size
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        if self._paused and len(self._buffer) <= HIGH_WATER // 2 and not self.lost.is_set():
            self._paused = False
            self.transport.resume_reading()
        return data

    async def read(self, size: int | None = None) -> bytes:
        """The next bytes, at most ``size``; ``b""`` at the end of the stream."""
        return self.take(size) if await self.wait_for_data() else b""

    def pause_reading(self) -> None:
        """Stop taking bytes from the socket: a reader that doesn't read."""
        self._paused = True
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self.transport.resume_reading()

    # writing and ending

    async def write(self, data: bytes) -> None:
        """Write and wait for room; raises ``ConnectionError`` when the connection is gone."""
        if self.lost.is_set() or self.transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self.transport.write(data)
        self.sent += len(data)
        await self._writable.wait()
        if self.lost.is_set():
            raise ConnectionResetError("the connection was closed while writing")

    def half_close(self) -> None:
        """Send FIN after what was written; reading goes on. TCP only."""
        if not self.lost.is_set() and not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        """Send what was written, then FIN."""
        self._ended_by_us = True
        self.transport.close()

    def abort(self) -> None:
        """Drop the connection at once, without waiting for unsent bytes."""
        self._ended_by_us = True
        self.transport.abort()

    def reset(self) -> None:
        """End with RST (``SO_LINGER`` 0); unsent bytes are lost."""
        self._ended_by_us = True
        connection = self.transport.get_extra_info("socket")
        if connection is not None and not self.lost.is_set():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
