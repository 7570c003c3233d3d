"""What accounts have left of their quotas, as they last told: kept over restarts, one row for each limit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codenex.control.database.reports import fitting, insert
from codenex.control.database.tables import values

_PREFIX = "quota:"


class Quota(msgspec.Struct, frozen=True):
    """One limit of one account. ``at`` is when it was told, ``resets_at`` when it begins anew, in seconds since 1970;
    ``used`` is in percent. ``raw`` is what the upstream said."""

    account: str
    provider: str
    limit: str
    at: float
    used: float | None = None
    resets_at: float | None = None
    #: nothing is left
    rejected: bool = False
    raw: dict[str, Any] = {}


class Quotas:
    """The kept limits."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def note(self, quota: Quota) -> None:
        """Keep what an account told. Raises SQLAlchemy's errors."""
        async with self._engine.begin() as connection:
            await _write(connection, [quota])

    async def replace(self, account: str, quotas: list[Quota]) -> None:
        """Keep these as all that an account has, so that limits which are gone are forgotten. Raises SQLAlchemy's
        errors."""
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(values).where(values.c.name.startswith(_beginning(account), autoescape=True))
            )
            await _write(connection, quotas)

    async def all(self) -> list[Quota]:
        """Return every kept limit, in order of account and limit."""
        query = select(values.c.value).where(values.c.name.startswith(_PREFIX)).order_by(values.c.name)
        async with self._engine.connect() as connection:
            return [msgspec.convert(value, Quota) for value in await connection.scalars(query)]


def _beginning(account: str) -> str:
    return f"{_PREFIX}{account[:60]}:"


async def _write(connection: AsyncConnection, quotas: list[Quota]) -> None:
    rows = {
        fitting(f"{_beginning(quota.account)}{quota.limit[:60]}", 128): msgspec.to_builtins(quota) for quota in quotas
    }
    if not rows:
        return
    statement = insert(connection, values)
    update = {"value": statement.excluded["value"]}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=update),
        [{"name": name, "value": value} for name, value in rows.items()],
    )


def quota_from(data: dict[str, Any], at: float) -> Quota | None:
    """Read what a worker tells of an account: the Claude Code CLI's words for the limits of a subscription."""
    info, account, provider = data.get("limits"), data.get("uuid"), data.get("provider")
    if not isinstance(info, dict) or not isinstance(account, str) or not isinstance(provider, str):
        return None
    used, resets = info.get("utilization"), info.get("resetsAt")
    rejected = info.get("status") == "rejected"
    percent = float(used) * 100 if isinstance(used, int | float) else 100.0 if rejected else None
    return Quota(
        account,
        provider,
        str(info.get("rateLimitType") or "limit"),
        at,
        percent,
        float(resets) if isinstance(resets, int | float) else None,
        rejected,
        info,
    )
