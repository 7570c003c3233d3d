"""The kept requests one by one: found, told apart, read page by page, exported; and what happened in one of them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.control.managed import Managed

from codenex.control.database import request_log
from codenex.control.database.engine import open_database
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog, Wanted, cursor_from, cursor_of
from codenex.control.database.statistics import Statistics
from codenex.telemetry.rows import AttemptRow, Batch, LossRow, UsageRow

#: In seconds since 1970, as far from a whole number as clocks are.
NOW = 1_790_000_000.123456


def row(number: int, **fields: Any) -> UsageRow:
    values = {"at": NOW, "status": 200, "duration_ms": 900.0, "provider": "openai-custom", "account": "a", "model": "m"}
    return UsageRow(number=number, request_id=f"r-{number}", **{**values, **fields})


ATTEMPTS = [
    AttemptRow("openai-custom", "a", "m", 0.0, 350.5, "upstream_connect"),
    AttemptRow("openai-custom", "b", "m", 350.5, 400.0, "rate_limit", 429),
    AttemptRow("claude-custom", "c", "n", 401.0, 880.0),
]
ROWS = [
    row(1, at=NOW - 50, attempts=ATTEMPTS, account="c", provider="claude-custom", model="n", first_output_ms=700.0),
    row(2, status=429, error="rate_limit_exceeded", account=None, path="/v1/messages", key="k1", protocol="anthropic"),
    row(3, status=503, error="no_account", key="k2", protocol="openai_chat"),
    row(4, provider="demo", account=None, model="50%_of=it", lost=[LossRow("tools[0]\0", "dropped", "no such thing")]),
    row(5, losses=1, key="k1", complete=False),
    *(row(number) for number in range(6, 10)),
]


@pytest.fixture
async def log(database: str) -> AsyncIterator[RequestLog]:
    engine = await open_database(database)
    await Reports(engine).keep(Batch("s1", ROWS[:6]), 1.0)
    await Reports(engine).keep(Batch("s2", ROWS[6:]), 1.0)
    yield RequestLog(engine)
    await engine.dispose()


@pytest.fixture
def kept(managed: Managed, log: RequestLog) -> Managed:
    """A server that has served these requests."""
    managed.part.request_log, managed.part.statistics = log, Statistics(log._engine)
    return managed


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["number"] for row in rows]


@pytest.mark.parametrize("size", [1, 3, 4, 9, 20])
async def test_every_request_is_on_one_page(log: RequestLog, size: int) -> None:
    """Eight of them ended at the same moment."""
    found: list[int] = []
    after = None
    while rows := await log.latest(size, None, after):
        found += numbers(rows)
        after = cursor_from(str(cursor_of(rows[-1])))
    assert sorted(found) == list(range(1, 10))
    assert found[-1] == 1, "the oldest one is the last"


async def test_a_moment_is_a_place_too(log: RequestLog) -> None:
    assert numbers(await log.latest(9, None, cursor_from(str(NOW - 1)))) == [1]
    assert numbers(await log.latest(9, Wanted(until=NOW))) == [1]
    assert len(await log.latest(9, Wanted(since=NOW))) == 8


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(equal={"key": "k1"}), {2, 5}),
        (Wanted(equal={"key": "k1"}, statuses=(400, 500)), {2}),
        (Wanted(statuses=(400, 1000)), {2, 3}),
        (Wanted(equal={"error": "no_account"}), {3}),
        (Wanted(search="NO_ACC"), {3}),
        (Wanted(search="/v1/mess"), {2}),
        (Wanted(search="%"), {4}),
        (Wanted(search="0%_of"), {4}),
        (Wanted(search="r-3"), {3}),
        (Wanted(search="'; DROP TABLE requests; --"), set()),
        (Wanted(search="a\0b\ud800"), set()),
        (Wanted(equal={"model": "a\0b"}), set()),
        (Wanted(equal={"account": "x" * 10_000}), set()),
    ],
)
async def test_requests_are_found(log: RequestLog, wanted: Wanted, expected: set[int]) -> None:
    assert set(numbers(await log.latest(20, wanted))) == expected


async def test_a_search_reads_only_so_many(log: RequestLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "SEARCH_DEPTH", 8)
    assert await log.latest(9, Wanted(search="claude-custom")) == []
    assert numbers(await log.latest(9, Wanted(search="claude-custom", until=NOW))) == [1]


async def test_an_export_is_whole(log: RequestLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "_PAGE", 2)
    found = [number for rows in [rows async for rows in log.pages(Wanted(), 100)] for number in numbers(rows)]
    assert sorted(found) == list(range(1, 10))
    assert [len(rows) async for rows in log.pages(Wanted(), 5)] == [2, 2, 1]


# --- the API


async def ids(kept: Managed, query: str) -> list[str]:
    return [shown["request_id"] for shown in (await kept.get(f"/api/requests?{query}"))["requests"]]


async def test_pages_follow_each_other(kept: Managed) -> None:
    first = await kept.get("/api/requests?limit=5")
    second = await kept.get(f"/api/requests?limit=5&before={first['next']}")
    found = [shown["request_id"] for page in (first, second) for shown in page["requests"]]
    assert sorted(found) == sorted(f"r-{number}" for number in range(1, 10))
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=429", ["r-2"]),
        ("status=5xx", ["r-3"]),
        ("status=error&key=k1", ["r-2"]),
        ("status=success&key=k1", ["r-5"]),
        ("protocol=anthropic", ["r-2"]),
        ("provider=claude-custom", ["r-1"]),
        ("search=no_account", ["r-3"]),
        (f"until={NOW}", ["r-1"]),
        ("model=nobody", []),
    ],
)
async def test_filters(kept: Managed, query: str, expected: list[str]) -> None:
    assert await ids(kept, query) == expected


MEANINGLESS = ["before=x", "before=1~2", "status=ok", "status=0xx", "limit=0", "search=", "since=-1"]


async def test_filters_that_mean_nothing_are_refused(managed: Managed) -> None:
    for query in MEANINGLESS:
        status, _ = await managed.refusal("GET", f"/api/requests?{query}")
        assert status == 422, query


async def test_a_request_is_told_step_by_step(kept: Managed) -> None:
    told = await kept.get("/api/requests/r-1")
    assert (told["request"]["attempts"], told["request"]["model"]) == (3, "n")
    steps = [(step["event"], step["ms"], step["endMs"], step["account"], step["error"]) for step in told["timeline"]]
    assert steps == [
        ("received", 0.0, None, None, None),
        ("attempt", 0.0, 350.5, "a", "upstream_connect"),
        ("attempt", 350.5, 400.0, "b", "rate_limit"),
        ("attempt", 401.0, 880.0, "c", None),
        ("first_output", 700.0, None, None, None),
        ("done", 900.0, None, None, None),
    ]
    assert told["timeline"][2]["status"] == 429
    assert told["timeline"][-1]["status"] == 200


async def test_a_request_that_nobody_was_called_for_has_no_attempt(kept: Managed) -> None:
    told = await kept.get("/api/requests/r-2")
    assert told["request"]["attempts"] == 0
    assert [step["event"] for step in told["timeline"]] == ["received", "done"]
    assert told["timeline"][-1]["error"] == "rate_limit_exceeded"


async def test_losses_are_told(kept: Managed) -> None:
    told = await kept.get("/api/requests/r-4")
    assert told["lost"] == [{"path": "tools[0]\ufffd", "action": "dropped", "reason": "no such thing"}]
    assert [step["event"] for step in told["timeline"]] == ["received", "attempt", "done"]
    assert (await kept.refusal("GET", "/api/requests/nobody"))[0] == 404


async def test_requests_as_csv(kept: Managed) -> None:
    answer = await kept.ask("GET", "/api/requests?format=csv&status=error")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["request_id"]: row["status"] for row in rows} == {"r-2": "429", "r-3": "503"}


async def test_without_a_database_nothing_is_told(managed: Managed) -> None:
    for path in ("/api/requests", "/api/requests/x", "/api/dashboard"):
        assert (await managed.refusal("GET", path))[0] == 503
