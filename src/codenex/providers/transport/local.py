"""Connections to processes of this gateway, at Unix sockets."""

from __future__ import annotations

import asyncio


async def open_local(path: str, line_limit: int = 64 * 1024) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the Unix socket at ``path``. Raises ``OSError``."""
    return await asyncio.open_unix_connection(path, limit=line_limit)
