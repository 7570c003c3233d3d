"""The transport without a socket keeps the order of what it brings, as every transport does."""

from __future__ import annotations

import asyncio

from tests.fuzz.wire import Wire


class Hesitant(asyncio.Protocol):
    """Stops to read after each piece, until the test lets it go on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, Wire)
        self.wire = transport
        self.read: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.read.append(data)
        self.wire.pause_reading()


async def test_what_waits_stays_in_front_of_what_comes_later() -> None:
    protocol = Hesitant()
    wire = Wire(asyncio.get_running_loop(), protocol)
    for piece in (b"1", b"2", b"3"):
        wire.feed(piece)
    for piece in (b"4", b"5", b"6", b""):
        wire.resume_reading()
        # Before the loop has had its turn.
        wire.feed(piece)
        await asyncio.sleep(0)
    assert protocol.read == [b"1", b"2", b"3", b"4", b"5"]
    assert wire.held == [b"6"]
