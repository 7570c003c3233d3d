"""A listener that nobody has a reason to call."""

from __future__ import annotations

import asyncio
from typing import Self


class Trap:
    """``async with Trap() as trap``: whoever connects to ``trap.port`` is counted; what is sent is kept."""

    def __init__(self) -> None:
        self.connections = 0
        self.got = bytearray()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._caught, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _caught(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.got += await reader.read(65536)
        writer.close()
