"""Sums, percentiles, costs and spending over the kept requests."""

import pytest

from codenex.control.database.engine import open_database
from codenex.control.database.reports import Reports
from codenex.control.database.statistics import Statistics, percentiles
from codenex.control.prices import cost_of
from codenex.control.spending import Spending
from codenex.gateway.admission import SPENT
from codenex.pool.budget import period_of, spent
from codenex.store.rows import row_tag
from codenex.store.settings import ClientKey, Settings
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.rows import Batch, UsageRow

DAY = 86_400.0


def row(number, **fields):
    values = {"at": 1000.0, "status": 200, "duration_ms": 10.0, "provider": "openai-custom", "model": "gpt-4o"}
    return UsageRow(number=number, request_id=f"r-{number}", **{**values, **fields})


ROWS = [
    row(1, key="a", input_uncached=100, input_cache_read=50, output_text=10, output_reasoning=5, first_output_ms=3.0),
    row(2, key="a", status=429, duration_ms=20.0, error="rate_limit"),
    row(3, key="b", model="claude-sonnet-4-5", provider="claude-custom", input_uncached=7, at=DAY + 5),
    row(4, key="b", model="claude-sonnet-4-5", provider="claude-custom", duration_ms=1000.0, at=DAY + 9),
]


@pytest.fixture
async def statistics(database):
    engine = await open_database(database)
    await Reports(engine).keep(Batch("s", ROWS), 1.0, [0.5, None, 0.25, None])
    yield Statistics(engine)
    await engine.dispose()


async def test_requests_are_told_apart_by_one_thing(statistics):
    first, second = await statistics.sums("model", 0, 1e9, {})
    assert (first["name"], first["requests"], first["errors"], first["successRate"]) == ("claude-sonnet-4-5", 2, 0, 1.0)
    assert (second["name"], second["requests"], second["errors"], second["successRate"]) == ("gpt-4o", 2, 1, 0.5)
    assert (second["inputTokens"], second["cachedTokens"], second["outputTokens"]) == (150, 50, 15)
    assert (second["reasoningTokens"], second["cost"], second["lastUsed"]) == (5, 0.5, 1000.0)
    assert second["latencyMs"] == {"p50": 10.0, "p95": 20.0, "p99": 20.0}
    assert second["firstOutputMs"] == {"p50": 3.0, "p95": 3.0, "p99": 3.0}
    assert first["firstOutputMs"] is None


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("provider", {"openai-custom", "claude-custom"}),
        ("key", {"a", "b"}),
        ("status", {200, 429}),
        ("day", {0, 86_400}),
        ("hour", {0, 86_400}),
        ("error", {None, "rate_limit"}),
        ("account", {None}),
    ],
)
async def test_every_way_to_tell_apart(statistics, by, names):
    assert {found["name"] for found in await statistics.sums(by, 0, 1e9, {})} == names


async def test_periods_and_filters(statistics):
    (total,) = await statistics.sums(None, 0, DAY, {})
    assert total["requests"] == 2
    (total,) = await statistics.sums(None, 0, 1e9, {"key": "b", "provider": "claude-custom"})
    assert (total["requests"], total["cost"]) == (2, 0.25)
    assert await statistics.sums(None, 0, 1e9, {"key": "nobody"}) == []
    assert await statistics.sums("model", 5e9, 6e9, {}) == []


async def test_names_that_no_database_holds_find_nothing(statistics):
    for name in ("a\0b", "\ud800", "x" * 10_000):
        assert await statistics.sums("model", 0, 1e9, {"account": name}) == []


async def test_a_series_has_a_row_for_each_step_with_requests(statistics):
    found = await statistics.series(600, 0, 1e9, {})
    assert [(row["name"], row["requests"]) for row in found] == [(600, 2), (86_400, 2)]
    assert found[1]["latencyMs"]["p99"] == 1000.0


async def test_spending_since_a_moment(statistics):
    assert await statistics.spent("a", 0) == 0.5
    assert await statistics.spent("a", 5000) == 0.0
    assert await statistics.spent("nobody", 0) == 0.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([5.0], {"p50": 5.0, "p95": 5.0, "p99": 5.0}),
        (list(map(float, range(1, 101))), {"p50": 50.0, "p95": 95.0, "p99": 99.0}),
        ([3.0, 1.0, 2.0], {"p50": 2.0, "p95": 3.0, "p99": 3.0}),
    ],
)
def test_percentiles_are_values_that_occurred(values, expected):
    assert percentiles(values) == expected


def test_known_models_have_a_price_and_others_none():
    assert cost_of(row(1, model="gpt-4o", input_uncached=1_000_000, output_text=0)) == pytest.approx(2.5)
    cached = cost_of(row(1, model="gpt-4o", input_uncached=0, input_cache_read=1_000_000, output_text=0))
    assert 0 < cached < 2.5
    assert cost_of(row(1, model="nobody-knows-me", input_uncached=1)) is None
    assert cost_of(row(1, model="gpt-4o")) is None
    assert cost_of(row(1, model=None, input_uncached=1)) is None
    reasoning = cost_of(row(1, model="gpt-4o", input_uncached=0, output_reasoning=1000))
    assert reasoning == cost_of(row(1, model="gpt-4o", input_uncached=0, output_text=1000))


def test_spending_is_told_to_the_workers_and_begins_anew_with_the_period():
    shared, now = SharedMemory(None, 1), [10 * DAY + 100]
    key = ClientKey("d" * 64, "k", budget=10.0, budget_period="day")
    spending = Spending(Settings(client_keys=(key,), rows={key.digest: 2}), shared, lambda: now[0])

    def told():
        (word,) = shared.values(2, SPENT, row_tag(key.digest))
        return spent(word, period_of(now[0], "day"))

    assert [begin for _, begin in spending.periods()] == [10 * DAY]
    spending.restore(key, 1.5)
    spending.add("k", now[0], 0.25)
    spending.add("k", now[0], None)
    spending.add("other", now[0], 5.0)
    spending.add(None, now[0], 5.0)
    assert told() == spending.of(key) == 1.75
    now[0] += DAY
    assert told() == spending.of(key) == 0.0
    spending.add("k", now[0] - DAY, 3.0)
    assert spending.of(key) == 0.0, "what came late belongs to the day before"
    spending.add("k", now[0], 0.5)
    assert told() == 0.5
