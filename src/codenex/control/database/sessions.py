"""Keeps admin sessions over a restart of the control process: digests and times, never tokens."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from codenex.control.database.tables import sessions

#: A session's begin and last use, in seconds since 1970.
Times = tuple[float, float]


class SessionTable:
    """The table of sessions. There are few, so that all of them are written at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self) -> dict[str, Times]:
        """Return the kept sessions by the digest of their token."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(sessions).order_by(sessions.c.began))
            return {row.digest: (row.began, row.used) for row in rows}

    async def save(self, open_sessions: Mapping[str, Times]) -> None:
        """Replace what is kept."""
        rows = [{"digest": digest, "began": began, "used": used} for digest, (began, used) in open_sessions.items()]
        async with self._engine.begin() as connection:
            await connection.execute(delete(sessions))
            if rows:
                await connection.execute(insert(sessions), rows)
