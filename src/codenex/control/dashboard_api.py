"""What a dashboard needs: how requests went over time, what goes on at this moment, what went wrong last."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from codenex.control.account_health import health_by_account, with_logins
from codenex.control.database.request_log import Wanted
from codenex.control.part import ControlPart
from codenex.control.processes import Active, active_in, processes_of
from codenex.control.requests_api import RequestShown, shown
from codenex.control.state import Part
from codenex.control.usage_api import Percentiles, UsageSum, statistics_of

#: Seconds that a point of the series may stand for; the first one with at most so many points is taken.
STEPS = (60, 300, 900, 3600, 6 * 3600, 86_400)
POINTS = 100
#: Seconds whose requests are the rate of now.
_RATE = 300.0
_LARGEST = 10


class Point(BaseModel):
    """The requests of one step, which begins at ``at`` (seconds since 1970); ``cost`` in dollars."""

    at: int
    requests: int = 0
    errors: int = 0
    cost: float | None = None
    inputTokens: int = 0  # noqa: N815 - as in all answers
    outputTokens: int = 0  # noqa: N815
    latencyMs: Percentiles | None = None  # noqa: N815
    firstOutputMs: Percentiles | None = None  # noqa: N815


class AccountCounts(BaseModel):
    """How many accounts there are; ``resting`` ones are in use and not called at this moment."""

    total: int
    healthy: int
    resting: int
    disabled: int


class Dashboard(BaseModel):
    """A period up to now in steps of ``step`` seconds, its sums, and this moment. ``requestsPerMinute`` is that of the
    last five minutes; ``byProvider`` and ``byModel`` have the most used first; ``errors`` are the latest ones."""

    since: float
    until: float
    step: int
    series: list[Point]
    total: UsageSum | None
    byProvider: list[UsageSum]  # noqa: N815
    byModel: list[UsageSum]  # noqa: N815
    requestsPerMinute: float  # noqa: N815
    active: Active
    accounts: AccountCounts
    errors: list[RequestShown]
    problems: list[str]


def dashboard_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.get("/dashboard")
    async def dashboard(
        part: Part,
        hours: Annotated[float, Query(ge=0.25, le=31 * 24, description="The length of the period.")] = 24.0,
    ) -> Dashboard:
        """How requests went in the last hours, what goes on now, and what went wrong last."""
        statistics = statistics_of(part)
        now = time.time()
        step = step_of(hours * 3600)
        # Whole steps, so that the first point is no half one.
        since = math.floor((now - hours * 3600) / step) * step
        rows = {row["name"]: row for row in await statistics.series(step, since, now, {})}
        total = await statistics.sums(None, since, now, {})
        recent = await statistics.sums(None, now - _RATE, now, {})
        failed = Wanted(since=since, statuses=(400, 1000))
        errors = [] if part.request_log is None else await part.request_log.latest(_LARGEST, failed)
        return Dashboard(
            since=since,
            until=now,
            step=step,
            series=[_point(at, rows.get(at)) for at in range(since, math.floor(now) + 1, step)],
            total=UsageSum(**total[0]) if total else None,
            byProvider=[UsageSum(**row) for row in await statistics.sums("provider", since, now, {})],
            byModel=[UsageSum(**row) for row in (await statistics.sums("model", since, now, {}))[:_LARGEST]],
            requestsPerMinute=round((recent[0]["requests"] if recent else 0) / (_RATE / 60), 2),
            active=active_in(processes_of(part)),
            accounts=_accounts(part),
            errors=[shown(row) for row in errors],
            problems=part.problems,
        )

    return router


def step_of(seconds: float) -> int:
    """Return the length of a point's step in a period, in seconds."""
    return next((step for step in STEPS if seconds / step <= POINTS), STEPS[-1])


def _point(at: int, row: dict[str, Any] | None) -> Point:
    if row is None:
        return Point(at=at)
    return Point(**{name: row[name] for name in Point.model_fields if name in row}, at=at)


def _accounts(part: ControlPart) -> AccountCounts:
    settings = part.settings
    accounts = [account for group in settings.accounts.values() for account in group]
    health = with_logins(health_by_account(part.shared, settings), settings)
    disabled = sum(account.disabled for account in accounts)
    healthy = sum(health.get(account.uuid, {}).get("isHealthy", True) for account in accounts if not account.disabled)
    total = len(accounts)
    return AccountCounts(total=total, healthy=healthy, resting=total - disabled - healthy, disabled=disabled)
