"""What the workers report: each row is kept once, however often it is sent."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import JSON, Integer, String, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codenex.control.database.tables import requests, senders
from codenex.core import json
from codenex.telemetry.rows import Batch, UsageRow

#: Characters that the columns of texts take.
LENGTHS = {column.name: column.type.length for column in requests.columns if isinstance(column.type, String)}
_LARGEST = 2**63 - 1
#: Columns that a row fills itself, in the order of its values, and all of them.
_FIELDS = tuple(column.name for column in requests.columns if column.name not in ("sender", "cost"))
_COLUMNS = ("sender", "cost", *_FIELDS)
_fields_of = attrgetter(*_FIELDS)
_NAMES, _MARKS = ", ".join(f'"{name}"' for name in _COLUMNS), ", ".join("?" for _ in _COLUMNS)
_IN_SQLITE = f'INSERT INTO "{requests.name}" ({_NAMES}) VALUES ({_MARKS}) ON CONFLICT DO NOTHING'  # noqa: S608
#: Where texts stand, with their lengths, numbers, and documents.
_TEXTS = tuple((place, LENGTHS[name] or 0) for place, name in enumerate(_FIELDS) if name in LENGTHS)
_NUMBERS = tuple(place for place, name in enumerate(_FIELDS) if isinstance(requests.c[name].type, Integer))
_DOCUMENTS = tuple(place for place, name in enumerate(_FIELDS) if isinstance(requests.c[name].type, JSON))


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
                rows = [
                    (batch.sender, cost, *_values(row))
                    for row, cost in zip(batch.rows, costs or [None] * len(batch.rows), strict=True)
                ]
                if connection.dialect.name == "sqlite":
                    # What SQLAlchemy does for each value of each row takes longer than SQLite itself.
                    await connection.exec_driver_sql(_IN_SQLITE, [*map(_with_json, rows)])
                else:
                    named = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
                    await connection.execute(insert(connection, requests).on_conflict_do_nothing(), named)
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


def _values(row: UsageRow) -> list[Any]:
    """Return a row's values in the order of :data:`_FIELDS` as every database takes them: clients choose names of
    models, upstreams count tokens, and a row that can't be kept would keep all others out that were sent with it."""
    values = [*_fields_of(row)]
    for place, length in _TEXTS:
        value = values[place]
        if type(value) is str and not (len(value) <= length and value.isascii() and "\0" not in value):
            values[place] = fitting(value, length)
    for place in _NUMBERS:
        value = values[place]
        if type(value) is int and not -_LARGEST <= value <= _LARGEST:
            values[place] = fitting(value, None)
    for place in _DOCUMENTS:
        if values[place] is not None:
            values[place] = fitting(values[place], None)
    return values


def _with_json(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a row as SQLite's driver takes them."""
    first, second = _DOCUMENTS
    first, second = first - len(_FIELDS), second - len(_FIELDS)
    if row[first] is None and row[second] is None:
        return row
    values = [*row]
    for place in (first, second):
        if values[place] is not None:
            values[place] = json.encode_text(values[place])
    return tuple(values)


def fitting(value: Any, length: int | None) -> Any:
    """Return a value as a column of some length takes it."""
    match value:
        case str():
            # PostgreSQL's texts have no NUL.
            return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:length]
        case int() if not isinstance(value, bool):
            return max(-_LARGEST, min(_LARGEST, value))
        case list():
            return [fitting(element, None) for element in value]
        case dict():
            return {fitting(name, None): fitting(element, None) for name, element in value.items()}
        case msgspec.Struct():
            return fitting(msgspec.to_builtins(value), None)
        case _:
            return value


def insert(connection: AsyncConnection, table: Table) -> Any:
    """Return an insert that knows ``on conflict``, which each dialect has a statement of its own for."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
