"""The kept requests one by one: the latest of them, page by page, and a single one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Integer, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from codenex.control.database.reports import LENGTHS, fitting
from codenex.control.database.tables import requests

#: Columns that a text is looked for in.
SEARCHED = ("request_id", "model", "account", "provider", "key", "error", "path")
#: Requests that a text is looked for in, the latest ones: no question may read the whole table again and again.
SEARCH_DEPTH = 100_000
#: Requests that are read at once for an export.
_PAGE = 1000
#: How a cursor is written, as JSON schemas say it.
CURSOR = r"^[0-9]{1,12}(\.[0-9]{1,9})?(~[0-9A-Za-z]{1,32}~[0-9]{1,18})?$"


class place_of(GenericFunction[int]):  # noqa: N801 - named as in SQL
    """Where a text begins in another one, counted from 1; 0 where it isn't in it. Nothing in it is a wildcard."""

    type = Integer()
    inherit_cache = True


@compiles(place_of)
def _place_of(element: place_of, compiler: Any, **options: Any) -> str:
    text, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"strpos({text}, {part})"


@compiles(place_of, "sqlite")
def _place_of_in_sqlite(element: place_of, compiler: Any, **options: Any) -> str:
    text, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"instr({text}, {part})"


class Cursor(msgspec.Struct, frozen=True):
    """A place in the order of requests, newest first. A moment alone (seconds since 1970) is before all of it."""

    at: float
    sender: str | None = None
    number: int = 0

    def __str__(self) -> str:
        return f"{self.at:.9f}" if self.sender is None else f"{self.at:.9f}~{self.sender}~{self.number}"


def cursor_from(text: str) -> Cursor:
    """Read a cursor. Raises ``ValueError``."""
    at, _, place = text.partition("~")
    sender, _, number = place.partition("~")
    return Cursor(float(at), sender, int(number)) if place else Cursor(float(at))


def cursor_of(row: dict[str, Any]) -> Cursor:
    """Return the place of a request."""
    return Cursor(row["at"], row["sender"], row["number"])


class Wanted(msgspec.Struct, frozen=True):
    """Which requests are looked for: of a period in seconds since 1970, with these values of columns, a status from
    ``statuses[0]`` to below ``statuses[1]``, and a text in one of the columns of names."""

    since: float = 0.0
    until: float = 1e12
    equal: dict[str, Any] = {}
    statuses: tuple[int, int] | None = None
    search: str | None = None


class RequestLog:
    """Reads the table of requests. Methods raise SQLAlchemy's errors."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def latest(
        self, limit: int, wanted: Wanted | None = None, after: Cursor | None = None
    ) -> list[dict[str, Any]]:
        """Return the latest requests, newest first; ``after`` goes on behind the last one of an earlier page."""
        query = _query(wanted or Wanted(), after).limit(limit)
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def one(self, request_id: str) -> dict[str, Any] | None:
        """Return the request of an id; the latest one where a client has given several the same."""
        found = await self.latest(1, Wanted(equal={"request_id": request_id}))
        return found[0] if found else None

    async def pages(self, wanted: Wanted, most: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield requests newest first, some at once and at most so many in all."""
        after: Cursor | None = None
        while most > 0:
            rows = await self.latest(min(_PAGE, most), wanted, after)
            if rows:
                yield rows
            if len(rows) < min(_PAGE, most):
                return
            most -= len(rows)
            after = cursor_of(rows[-1])


def _query(wanted: Wanted, after: Cursor | None) -> Select[Any]:
    condition = _condition(wanted, after)
    if wanted.search is None:
        return _ordered(select(requests).where(condition), requests.c)
    latest = _ordered(select(requests).where(condition), requests.c).limit(SEARCH_DEPTH).subquery()
    part = fitting(wanted.search.lower(), 256)
    found = or_(*(place_of(func.lower(latest.c[name]), part) > 0 for name in SEARCHED))
    return _ordered(select(latest).where(found), latest.c)


def _ordered(query: Select[Any], columns: Any) -> Select[Any]:
    # Requests of the same moment have an order too, so that none is on two pages or on none.
    return query.order_by(columns.at.desc(), columns.sender, columns.number)


def _condition(wanted: Wanted, after: Cursor | None) -> ColumnElement[bool]:
    columns = requests.c
    terms = [columns.at >= wanted.since, columns.at < wanted.until]
    terms += [columns[name] == fitting(value, LENGTHS.get(name)) for name, value in wanted.equal.items()]
    if wanted.statuses is not None:
        terms += [columns.status >= wanted.statuses[0], columns.status < wanted.statuses[1]]
    if after is not None and after.sender is None:
        terms.append(columns.at < after.at)
    elif after is not None:
        later = and_(columns.sender == after.sender, columns.number > after.number)
        same = and_(columns.at == after.at, or_(columns.sender > after.sender, later))
        terms.append(or_(columns.at < after.at, same))
    return and_(*terms)
