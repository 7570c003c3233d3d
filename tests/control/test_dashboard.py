"""What a dashboard is told: every step of a period, this moment, the latest errors."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.control.managed import ON_POSTGRESQL, Managed

from codenex.control.dashboard_api import POINTS, step_of
from codenex.control.database.engine import open_database
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog
from codenex.control.database.statistics import Statistics
from codenex.store.settings import Account
from codenex.telemetry.rows import Batch, UsageRow

PROVIDER = "openai-custom"


def row(number: int, ago: float, **fields: Any) -> UsageRow:
    values = {"status": 200, "duration_ms": 10.0 * number, "provider": PROVIDER, "model": "m"}
    return UsageRow(number=number, at=time.time() - ago, request_id=f"r-{number}", **{**values, **fields})


@pytest.fixture
async def used(managed: Managed, database: str) -> AsyncIterator[Managed]:
    engine = await open_database(database)
    rows = [
        row(1, 1, input_uncached=5, output_text=2, first_output_ms=3.0),
        row(2, 2, status=502, error="upstream", model="n"),
        row(3, 4000),
        row(4, 40 * 3600),
    ]
    await Reports(engine).keep(Batch("s", rows), 1.0, [0.5, None, 0.25, None])
    accounts = {PROVIDER: (Account("a", PROVIDER), Account("b", PROVIDER, disabled=True))}
    managed.part.settings = msgspec.structs.replace(managed.part.settings, accounts=accounts)
    managed.part.statistics, managed.part.request_log = Statistics(engine), RequestLog(engine)
    worker = {"role": "worker", "pid": 1, "slot": 0, "state": "serving", "age": 5.0}
    busy = {"requests": 3, "connections": 7, "dropped": 0, "version": "1"}
    managed.part.supervision.report = {"processes": [{**worker, "report": busy}], "master": 1, "settled": True}
    yield managed
    await engine.dispose()


async def test_a_day(used: Managed) -> None:
    told = await used.get("/api/dashboard")
    assert told["step"] == 900
    moments = [point["at"] for point in told["series"]]
    assert moments == list(range(moments[0], moments[-1] + 1, 900)), "no step is left out"
    assert told["since"] == moments[0] <= told["until"] - 86_400
    assert moments[-1] <= told["until"] < moments[-1] + 900
    assert sum(point["requests"] for point in told["series"]) == told["total"]["requests"] == 3
    assert sum(point["errors"] for point in told["series"]) == told["total"]["errors"] == 1
    assert told["total"]["cost"] == 0.75
    assert told["total"]["firstOutputMs"]["p50"] == 3.0
    assert told["requestsPerMinute"] == 0.4
    assert [(found["name"], found["requests"]) for found in told["byModel"]] == [("m", 2), ("n", 1)]
    assert told["active"] == {"workers": 1, "requests": 3, "connections": 7}
    assert told["accounts"] == {"total": 2, "healthy": 1, "resting": 0, "disabled": 1}
    assert [error["request_id"] for error in told["errors"]] == ["r-2"]


async def test_longer_and_shorter_periods(used: Managed) -> None:
    week = await used.get("/api/dashboard?hours=168")
    assert (week["step"], week["total"]["requests"]) == (21_600, 4)
    hour = await used.get("/api/dashboard?hours=1")
    assert (hour["step"], hour["total"]["requests"]) == (60, 2)
    assert (await used.refusal("GET", "/api/dashboard?hours=0"))[0] == 422


def test_no_period_has_more_points_than_a_chart_shows() -> None:
    for hours in (0.25, 1, 6, 24, 72, 168, 31 * 24):
        assert hours * 3600 / step_of(hours * 3600) <= POINTS + 1


async def test_processes_are_told_with_what_they_use(used: Managed) -> None:
    told = await used.get("/api/system")
    master, worker = told["processes"]
    assert (master["role"], worker["role"], worker["version"], worker["connections"]) == ("master", "worker", "1", 7)
    assert master["age"] > 0
    assert worker["memoryBytes"] > 0
    assert told["versions"]["codenex"] == told["appVersion"]
    assert told["database"] == ("postgresql" if ON_POSTGRESQL else "sqlite")
