"""What the workers report: each row is kept once, however often it is sent."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codenex.control.database.tables import requests, senders
from codenex.telemetry.rows import Batch


class Reports:
    """Keeps usage rows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, batch: Batch, at: float, costs: list[float | None] | None = None) -> int:
        """Keep a batch, with the costs of its rows in dollars, in one transaction; return the highest number in it.

        Raises SQLAlchemy's errors; nothing of the batch is kept then.
        """
        through = max([row.number for row in batch.rows] + [event.number for event in batch.events], default=0)
        async with self._engine.begin() as connection:
            if batch.rows:
                rows: list[dict[str, Any]] = [
                    {"sender": batch.sender, "cost": cost, **msgspec.structs.asdict(row)}
                    for row, cost in zip(batch.rows, costs or [None] * len(batch.rows), strict=True)
                ]
                await connection.execute(insert(connection, requests).on_conflict_do_nothing(), rows)
            report = {"sender": batch.sender, "through": through, "dropped": batch.dropped, "at": at}
            statement = insert(connection, senders)
            update = {name: statement.excluded[name] for name in ("through", "dropped", "at")}
            await connection.execute(statement.on_conflict_do_update(index_elements=["sender"], set_=update), [report])
        return through

    async def through(self, sender: str) -> int:
        """Return up to which number a sender's reports have been kept."""
        async with self._engine.connect() as connection:
            found = await connection.scalar(select(senders.c.through).where(senders.c.sender == sender))
        return int(found or 0)

    async def count(self) -> int:
        """Return the number of rows."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(select(func.count()).select_from(requests)) or 0)

    async def dropped(self) -> int:
        """Return how many rows and events workers had to drop."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(select(func.coalesce(func.sum(senders.c.dropped), 0))) or 0)


def insert(connection: AsyncConnection, table: Table) -> Any:
    """Return an insert that knows ``on conflict``, which each dialect has a statement of its own for."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
