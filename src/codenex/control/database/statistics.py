"""Questions about all kept requests of a period: sums and percentiles, by one of several things or over time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from codenex.control.database.reports import LENGTHS, fitting
from codenex.control.database.tables import requests

_HOUR, _DAY = 3600, 86_400


class begin_of(GenericFunction[int]):  # noqa: N801 - named as in SQL
    """The beginning of the period that a moment is in: the period's length, and the moment, in seconds."""

    type = Integer()
    inherit_cache = True


@compiles(begin_of)
def _begin_of(element: begin_of, compiler: Any, **options: Any) -> str:
    length, moment = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST(FLOOR({moment} / {length}) AS INTEGER) * {length})"


@compiles(begin_of, "sqlite")
def _begin_of_in_sqlite(element: begin_of, compiler: Any, **options: Any) -> str:
    # Not every SQLite has FLOOR; its CAST cuts off what others round.
    length, moment = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({moment} / {length} AS INTEGER) * {length})"


#: What requests can be told apart by: times are the beginnings of UTC hours and days, in seconds since 1970.
GROUPS: dict[str, ColumnElement[Any]] = {
    "provider": requests.c.provider,
    "account": requests.c.account,
    "model": requests.c.model,
    "key": requests.c.key,
    "protocol": requests.c.protocol,
    "status": requests.c.status,
    "error": requests.c.error,
    "hour": begin_of(literal_column(str(_HOUR)), requests.c.at),
    "day": begin_of(literal_column(str(_DAY)), requests.c.at),
}
#: Names under which requests can be looked for.
FILTERS = ("provider", "account", "model", "key", "protocol", "status")

_TOKENS = (
    "input_uncached",
    "input_cache_read",
    "input_cache_write",
    "input_tool",
    "output_text",
    "output_reasoning",
)
#: Times that are looked at for percentiles at most, the latest ones of a period.
_SAMPLE = 100_000


class Statistics:
    """Reads the table of requests."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def sums(self, by: str | None, since: float, until: float, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """Return one row for each value of ``by`` (a key of :data:`GROUPS`), or one for all: requests, errors, tokens
        by bucket, cost in dollars, and percentiles of the times in milliseconds."""
        return await self._sums(None if by is None else GROUPS[by], since, until, filters)

    async def series(self, step: int, since: float, until: float, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """Return one such row for each ``step`` seconds in which there were requests, oldest first; its name is the
        beginning."""
        rows = await self._sums(begin_of(literal_column(str(int(step))), requests.c.at), since, until, filters)
        return sorted(rows, key=lambda row: row["name"])

    async def _sums(
        self, by: ColumnElement[Any] | None, since: float, until: float, filters: dict[str, Any]
    ) -> list[dict[str, Any]]:
        group = [] if by is None else [by.label("name")]
        condition = _condition(since, until, filters)
        sums = [func.sum(requests.c[name]).label(name) for name in _TOKENS]
        query = select(
            *group,
            func.count().label("requests"),
            func.sum(case((requests.c.status >= 400, 1), else_=0)).label("errors"),
            func.sum(requests.c.cost).label("cost"),
            func.max(requests.c.at).label("last"),
            *sums,
        ).where(condition)
        if group:
            query = query.group_by(group[0]).order_by(func.count().desc(), group[0])
        times = select(*group, requests.c.duration_ms, requests.c.first_output_ms).where(condition)
        async with self._engine.connect() as connection:
            found = (await connection.execute(query)).mappings().all()
            sample = (await connection.execute(times.order_by(requests.c.at.desc()).limit(_SAMPLE))).all()
        durations: dict[Any, list[float]] = defaultdict(list)
        firsts: dict[Any, list[float]] = defaultdict(list)
        for row in sample:
            name = row[0] if by is not None else None
            durations[name].append(row[-2])
            if row[-1] is not None:
                firsts[name].append(row[-1])
        return [
            _sum(dict(row), durations[row.get("name")], firsts[row.get("name")]) for row in found if row["requests"]
        ]

    async def spent(self, key: str, since: float) -> float:
        """Return what a client key's requests have cost since a moment, in dollars."""
        query = select(func.coalesce(func.sum(requests.c.cost), 0.0)).where(
            requests.c.key == key, requests.c.at >= since
        )
        async with self._engine.connect() as connection:
            return float(await connection.scalar(query) or 0.0)


def _condition(since: float, until: float, filters: dict[str, Any]) -> ColumnElement[bool]:
    equal = [requests.c[name] == fitting(value, LENGTHS.get(name)) for name, value in filters.items()]
    return and_(requests.c.at >= since, requests.c.at < until, *equal)


def _sum(row: dict[str, Any], durations: list[float], firsts: list[float]) -> dict[str, Any]:
    served, errors = row["requests"], int(row["errors"] or 0)
    # PostgreSQL's sums are decimals.
    tokens = {name: int(row[name] or 0) for name in _TOKENS}
    return {
        **({"name": row["name"]} if "name" in row else {}),
        "requests": served,
        "errors": errors,
        "successRate": round(1 - errors / served, 4),
        "cost": round(row["cost"], 6) if row["cost"] is not None else None,
        "inputTokens": sum(count for name, count in tokens.items() if name.startswith("input")),
        "outputTokens": sum(count for name, count in tokens.items() if name.startswith("output")),
        "cachedTokens": tokens["input_cache_read"],
        "reasoningTokens": tokens["output_reasoning"],
        "lastUsed": row["last"],
        "latencyMs": percentiles(durations),
        "firstOutputMs": percentiles(firsts),
    }


def percentiles(values: list[float]) -> dict[str, float] | None:
    """Return the 50th, 95th and 99th percentile (nearest rank); ``None`` without values."""
    if not values:
        return None
    ordered = sorted(values)
    ranks = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[max(0, -int(-len(ordered) * share // 1) - 1)], 2) for name, share in ranks.items()}
