"""What the workers report: each row is kept once, however often it is sent."""

from __future__ import annotations

import asyncio
import sqlite3
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import JSON, Integer, String, Table, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codenex.control.database.sqlite_rows import SqliteRows
from codenex.control.database.tables import requests, senders
from codenex.core import json
from codenex.telemetry.rows import Batch, UsageRow

#: Characters that the columns of texts take.
LENGTHS = {column.name: column.type.length for column in requests.columns if isinstance(column.type, String)}
_LARGEST = 2**63 - 1
#: Columns that a row fills itself, in the order of its values, and all of them in the order of an insert.
_FIELDS = tuple(column.name for column in requests.columns if column.name not in ("sender", "cost"))
_COLUMNS = ("sender", *_FIELDS, "cost")
_fields_of = attrgetter(*_FIELDS)
#: Where texts stand, with their lengths, and numbers, which have none; and documents.
_CHECKED = tuple(
    (place, LENGTHS.get(name))
    for place, name in enumerate(_FIELDS)
    if name in LENGTHS or isinstance(requests.c[name].type, Integer)
)
_DOCUMENTS = tuple(place for place, name in enumerate(_FIELDS) if isinstance(requests.c[name].type, JSON))

_REPORT = tuple(column.name for column in senders.columns)
_REPORT_IN_SQLITE = (
    f"INSERT INTO senders ({', '.join(_REPORT)}) VALUES (?, ?, ?, ?) ON CONFLICT (sender) DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{name} = excluded.{name}" for name in _REPORT[1:])
)


class Reports:
    """Keeps usage rows."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sqlite: SqliteRows | None = None
        if engine.dialect.name == "sqlite" and engine.url.database and not engine.url.query:
            self._sqlite = sqlite_rows = SqliteRows(engine.url.database, requests.name, _COLUMNS)
            event.listen(engine.sync_engine, "engine_disposed", lambda _: sqlite_rows.close())

    async def keep(self, batch: Batch, at: float, costs: list[float | None] | None = None) -> int:
        """Keep a batch, with the costs of its rows in dollars, in one transaction; return the highest number in it.

        Raises SQLAlchemy's errors; nothing of the batch is kept then.
        """
        through = max([row.number for row in batch.rows] + [event.number for event in batch.events], default=0)
        columns = [*_columns(batch.rows), costs or [None] * len(batch.rows)] if batch.rows else []
        report = (batch.sender, through, batch.dropped, at)
        if self._sqlite is None:
            await self._keep(batch.sender, columns, report)
            return through
        for place in _DOCUMENTS if columns else ():
            columns[place] = [value if value is None else json.encode_text(value) for value in columns[place]]
        values = [*chain.from_iterable(zip(*columns, strict=True))]
        try:
            await asyncio.get_running_loop().run_in_executor(
                None, self._sqlite.keep, batch.sender, values, _REPORT_IN_SQLITE, report
            )
        except sqlite3.Error as error:
            raise SQLAlchemyError(str(error)) from error
        return through

    def rest(self) -> None:
        """Hold nothing open until the next batch: where descriptors are scarce, requests need them."""
        if self._sqlite is not None:
            asyncio.get_running_loop().run_in_executor(None, self._sqlite.close)

    async def _keep(self, sender: str, columns: list[Any], report: tuple[Any, ...]) -> None:
        async with self._engine.begin() as connection:
            if columns:
                rows = [dict(zip(_COLUMNS, (sender, *row), strict=True)) for row in zip(*columns, strict=True)]
                await connection.execute(insert(connection, requests).on_conflict_do_nothing(), rows)
            statement = insert(connection, senders)
            update = {name: statement.excluded[name] for name in _REPORT[1:]}
            statement = statement.on_conflict_do_update(index_elements=["sender"], set_=update)
            await connection.execute(statement, [dict(zip(_REPORT, report, strict=True))])

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


def _columns(rows: list[UsageRow]) -> list[Any]:
    """Return the rows' values, column by column in the order of :data:`_FIELDS`, as every database takes them: clients
    choose names of models, upstreams count tokens, and a row that can't be kept would keep all others out that were
    sent with it."""
    columns: list[Any] = [*zip(*map(_fields_of, rows), strict=True)]
    for place, length in _CHECKED:
        unfit = {value: fitting(value, length) for value in {*columns[place]} if not _fits(value, length)}
        if unfit:
            columns[place] = [unfit.get(value, value) for value in columns[place]]
    for place in _DOCUMENTS:
        if any(columns[place]):
            columns[place] = [fitting(value, None) for value in columns[place]]
    return columns


def _fits(value: Any, length: int | None) -> bool:
    if type(value) is str:
        return (length is None or len(value) <= length) and value.isascii() and "\0" not in value
    return type(value) is not int or -_LARGEST <= value <= _LARGEST


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
