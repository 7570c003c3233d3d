"""Endpoints about single requests: the latest ones, filtered and page by page, and what happened in one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from codenex.control.administration import Refusal
from codenex.control.database.request_log import CURSOR, RequestLog, Wanted, cursor_from, cursor_of
from codenex.control.part import ControlPart
from codenex.control.spreadsheet import csv_text
from codenex.control.state import Part

#: Lines of an export at most.
EXPORTED = 100_000
_Text = Annotated[str | None, Query(max_length=256)]
_Moment = Annotated[float | None, Query(ge=0, le=1e12)]
#: A status, or all that begin with a digit; ``error`` is whatever is no success.
Status = Annotated[str | None, Query(pattern="^([1-9][0-9]{2}|[1-9]xx|error|success)$")]
_GROUPS = {"error": (400, 1000), "success": (100, 400)}


class RequestShown(BaseModel):
    """One request. ``at`` is when it ended, in seconds since 1970, times are in milliseconds, ``cost`` in dollars;
    ``attempts`` is how many calls of accounts it took, ``losses`` what its translation lost. Tokens that nobody counted
    and prices that nobody knows are ``null``."""

    request_id: str
    at: float
    status: int
    duration_ms: float
    complete: bool
    first_output_ms: float | None
    key: str | None
    protocol: str | None
    path: str | None
    provider: str | None
    account: str | None
    model: str | None
    finish: str | None
    error: str | None
    attempts: int
    losses: int
    bytes_in: int
    bytes_out: int
    input_uncached: int | None
    input_cache_read: int | None
    input_cache_write: int | None
    input_tool: int | None
    output_text: int | None
    output_reasoning: int | None
    cost: float | None


class LatestRequests(BaseModel):
    """The latest requests; ``next`` is the ``before`` of the next page."""

    requests: list[RequestShown]
    next: str | None


class Step(BaseModel):
    """Something that happened in a request, ``ms`` milliseconds after it was received. An ``attempt`` is the call of an
    account, which ended at ``endMs``: ``error`` is the kind of its fault, ``status`` what the upstream answered then.
    ``done`` has what the client got."""

    event: Literal["received", "attempt", "first_output", "done"]
    ms: float
    endMs: float | None = None  # noqa: N815 - as in all answers
    provider: str | None = None
    account: str | None = None
    model: str | None = None
    error: str | None = None
    status: int | None = None


class LossShown(BaseModel):
    """One thing that did not survive the translation; ``path`` names it in the terms of its source protocol."""

    path: str
    action: str
    reason: str


class RequestTold(BaseModel):
    """One request, what happened in it in order of time, and what its translation lost."""

    request: RequestShown
    timeline: list[Step]
    lost: list[LossShown]


def requests_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/requests")

    @router.get(
        "",
        response_model=LatestRequests,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def latest(
        part: Part,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[str | None, Query(pattern=CURSOR, description="A moment, or ``next``.")] = None,
        since: _Moment = None,
        until: _Moment = None,
        provider: _Text = None,
        account: _Text = None,
        model: _Text = None,
        key: _Text = None,
        protocol: _Text = None,
        error: _Text = None,
        status: Status = None,
        search: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
        format: Literal["json", "csv"] = "json",
    ) -> LatestRequests | StreamingResponse:
        """The latest requests that reached a provider or should have, newest first. ``before`` goes on from an earlier
        answer. ``search`` looks for a text in ids, names, errors and paths of the latest 100,000. As CSV it is all of
        them, at most 100,000."""
        equal = {"provider": provider, "account": account, "model": model, "key": key}
        equal |= {"protocol": protocol, "error": error}
        wanted = Wanted(
            since or 0.0,
            1e12 if until is None else until,
            {name: value for name, value in equal.items() if value is not None},
            _statuses(status),
            search,
        )
        log = _log(part)
        if format == "csv":
            headers = {"content-disposition": 'attachment; filename="requests.csv"', "cache-control": "no-store"}
            return StreamingResponse(_csv(log, wanted), media_type="text/csv", headers=headers)
        rows = await log.latest(limit, wanted, None if before is None else cursor_from(before))
        following = str(cursor_of(rows[-1])) if len(rows) == limit else None
        return LatestRequests(requests=[shown(row) for row in rows], next=following)

    @router.get("/{request_id}")
    async def one(request_id: Annotated[str, Path(max_length=128)], part: Part) -> RequestTold:
        """What happened in one request: when it was received, which accounts were called and how that ended, its first
        output, its end."""
        row = await _log(part).one(request_id)
        if row is None:
            raise Refusal(404, f"there is no request {request_id}")
        lost = [LossShown(**loss) for loss in row["lost"] or ()]
        return RequestTold(request=shown(row), timeline=_timeline(row), lost=lost)

    return router


def shown(row: dict[str, Any]) -> RequestShown:
    """Return a kept request as the API tells it."""
    attempts = row["attempts"]
    return RequestShown.model_validate({**row, "attempts": len(attempts) if attempts else int(_was_called(row))})


def _timeline(row: dict[str, Any]) -> list[Step]:
    steps = [Step(event="received", ms=0.0)]
    for attempt in row["attempts"] or ():
        began, ended = attempt.pop("began_ms"), attempt.pop("ended_ms")
        steps.append(Step(event="attempt", ms=began, endMs=ended, **attempt))
    if not row["attempts"] and _was_called(row):
        named = {name: row[name] for name in ("provider", "account", "model", "error")}
        steps.append(Step(event="attempt", ms=0.0, endMs=row["duration_ms"], **named))
    if row["first_output_ms"] is not None:
        steps.append(Step(event="first_output", ms=row["first_output_ms"]))
    # What happened at the same moment stays in this order.
    steps.sort(key=lambda step: step.ms)
    return [*steps, Step(event="done", ms=row["duration_ms"], status=row["status"], error=row["error"])]


def _was_called(row: dict[str, Any]) -> bool:
    return row["account"] is not None or (row["provider"] == "demo" and row["status"] < 400)


def _statuses(status: str | None) -> tuple[int, int] | None:
    if status is None:
        return None
    if status.endswith("xx"):
        begin = int(status[0]) * 100
        return begin, begin + 100
    return _GROUPS.get(status) or (int(status), int(status) + 1)


def _log(part: ControlPart) -> RequestLog:
    if part.request_log is None:
        raise Refusal(503, "there is no database")
    return part.request_log


async def _csv(log: RequestLog, wanted: Wanted) -> AsyncIterator[str]:
    columns = list(RequestShown.model_fields)
    yield csv_text(columns, [])
    async for rows in log.pages(wanted, EXPORTED):
        yield csv_text(columns, [shown(row).model_dump() for row in rows], header=False)
