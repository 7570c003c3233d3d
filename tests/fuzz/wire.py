"""A transport without a socket: what a protocol writes is kept, and what it is told comes from the test."""

from __future__ import annotations

import asyncio
from typing import Any


class Wire(asyncio.Transport):
    """Behaves as a loop's transport does towards its protocol: the end is told in a later turn, and once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.loop, self.protocol = loop, protocol
        self.written = bytearray()
        #: what the protocol doesn't want to read yet
        self.held: list[bytes] = []
        self.reading = True
        #: ended by the protocol, and so that what was written may be lost
        self.closing = self.aborted = False
        self.lost = False
        protocol.connection_made(self)

    # --- for the test -------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Bring bytes. Where the protocol has stopped to read, or others still wait from then, they wait in line."""
        if self.closing or not data:
            return
        if self.held or not self.reading:
            self.held.append(data)
        else:
            self._bring(data)

    def _bring(self, data: bytes) -> None:
        if not isinstance(self.protocol, asyncio.BufferedProtocol):
            self.protocol.data_received(data)
            return
        while data and not self.closing:
            if not self.reading:
                self.held.insert(0, data)
                return
            buffer = self.protocol.get_buffer(-1)
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            data = data[size:]
            self.protocol.buffer_updated(size)

    def _bring_held(self) -> None:
        while self.held and self.reading and not self.closing:
            self._bring(self.held.pop(0))

    def end(self) -> None:
        """The other side has sent all that it has to say."""
        if not self.closing and not self.protocol.eof_received():
            self.close()

    def lose(self, error: Exception | None = None) -> None:
        """The connection is gone."""
        self.closing = True
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(error)

    # --- for the protocol ---------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        assert isinstance(data, bytes)
        if not self.closing:
            self.written += data

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        assert not self.lost

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is None or high > 0

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        if self.held:
            self.loop.call_soon(self._bring_held)

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.loop.call_soon(self.lose)

    def abort(self) -> None:
        self.aborted = True
        self.close()
