"""The endpoint about what was used: sums and percentiles of a period."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from codenex.control.administration import Refusal
from codenex.control.database.statistics import Statistics
from codenex.control.part import ControlPart
from codenex.control.spreadsheet import csv_text
from codenex.control.state import Part

By = Literal["provider", "account", "model", "key", "protocol", "status", "error", "hour", "day"]
_Text = Annotated[str | None, Query(max_length=256)]
_Moment = Annotated[float | None, Query(ge=0, le=1e12)]
_MONTH = 30 * 86_400.0


class Percentiles(BaseModel):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class UsageSum(BaseModel):
    """Requests of one name, or of all; ``cost`` in dollars, ``lastUsed`` in seconds since 1970."""

    name: str | int | None = None
    requests: int
    errors: int
    successRate: float  # noqa: N815
    cost: float | None
    inputTokens: int  # noqa: N815
    outputTokens: int  # noqa: N815
    cachedTokens: int  # noqa: N815
    reasoningTokens: int  # noqa: N815
    lastUsed: float | None  # noqa: N815
    latencyMs: Percentiles | None  # noqa: N815
    firstOutputMs: Percentiles | None  # noqa: N815


class UsageStatistics(BaseModel):
    """Sums of a period. Moments are in seconds since 1970."""

    by: By
    since: float
    until: float
    rows: list[UsageSum]
    total: UsageSum | None


def usage_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.get(
        "/usage-statistics",
        response_model=UsageStatistics,
        response_model_exclude_unset=True,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def statistics(
        part: Part,
        by: By = "model",
        since: _Moment = None,
        until: _Moment = None,
        provider: _Text = None,
        account: _Text = None,
        model: _Text = None,
        key: _Text = None,
        protocol: _Text = None,
        format: Literal["json", "csv"] = "json",
    ) -> dict[str, Any] | Response:
        """Requests, errors, tokens, cost and times of a period (by default the last 30 days), told apart by one thing.
        Moments are seconds since 1970; costs are US dollars, ``null`` where no price is known."""
        end = time.time() if until is None else until
        begin = end - _MONTH if since is None else since
        filters = _filters(provider=provider, account=account, model=model, key=key, protocol=protocol)
        found = statistics_of(part)
        rows = await found.sums(by, begin, end, filters)
        if format == "csv":
            return Response(_csv(rows), media_type="text/csv")
        total = await found.sums(None, begin, end, filters)
        return {"by": by, "since": begin, "until": end, "rows": rows, "total": total[0] if total else None}

    return router


def statistics_of(part: ControlPart) -> Statistics:
    """Return the reader of the kept requests. Raises :class:`Refusal` (503) where there is no database."""
    if part.statistics is None:
        raise Refusal(503, "there is no database")
    return part.statistics


def _filters(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _csv(rows: list[dict[str, Any]]) -> str:
    flat = [_flat(row) for row in rows]
    return csv_text(list(flat[0]) if flat else ["name"], flat)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("latencyMs", "firstOutputMs"):
            for share in ("p50", "p95", "p99"):
                flat[f"{name}.{share}"] = None if value is None else value[share]
        else:
            flat[name] = value
    return flat
