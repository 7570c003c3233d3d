"""Usage by account, and the log of requests, over real rows in a database."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.control.managed import Managed

from codenex.control.database import request_log
from codenex.control.database.engine import open_database
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog
from codenex.control.database.statistics import Statistics
from codenex.store.settings import Account
from codenex.telemetry.rows import Batch, UsageRow

PROVIDER = "openai-custom"
#: Many requests are of the same moment.
NOW = time.time() - 60


def row(number: int, **fields: Any) -> UsageRow:
    values = {"at": NOW, "status": 200, "duration_ms": 10.0, "provider": PROVIDER, "model": "m-1"}
    return UsageRow(number=number, request_id=f"r-{number}", **{**values, **fields})


@pytest.fixture
async def used(managed: Managed, database: str) -> AsyncIterator[Managed]:
    """A server whose accounts have been used."""
    engine = await open_database(database)
    old = time.time() - 40 * 86_400
    rows = [
        row(1, account="a", input_uncached=10, output_text=5),
        row(2, account="a", status=500, model="m-2"),
        row(3, account="b", input_uncached=1),
        row(4, account="a", at=old),
        row(5, account="c", provider="claude-custom"),
    ]
    await Reports(engine).keep(Batch("s", rows), 1.0, [0.5, None, None, None, None])
    accounts = {PROVIDER: (Account("a", PROVIDER, "mine"), Account("b", PROVIDER), Account("n", PROVIDER))}
    managed.part.settings = msgspec.structs.replace(managed.part.settings, accounts=accounts)
    managed.part.statistics, managed.part.request_log = Statistics(engine), RequestLog(engine)
    yield managed
    await engine.dispose()


async def test_requests_are_counted_by_account(used: Managed) -> None:
    found = (await used.get("/api/usage"))["providers"]
    assert found.keys() == {PROVIDER}
    first, second, third = found[PROVIDER]["instances"]
    counted = first["requests"]
    assert (counted["total"], counted["success"], counted["error"]) == (2, 1, 1)
    assert (counted["inputTokens"], counted["outputTokens"], counted["cost"]) == (10, 5, 0.5)
    assert counted["byModel"] == {"m-1": 1, "m-2": 1}
    assert counted["lastUsed"] is not None
    assert (second["requests"]["total"], third["requests"]["total"]) == (1, 0)
    assert found[PROVIDER]["requests"]["total"] == 3
    assert (await used.get(f"/api/usage/{PROVIDER}/a"))["requests"] == counted
    assert (await used.refusal("GET", f"/api/usage/{PROVIDER}/x"))[0] == 404


async def test_the_log_of_requests_is_whole(used: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "_PAGE", 2)
    answer = await used.ask("GET", "/api/system/download-log")
    assert answer.headers["content-type"] == "application/x-ndjson"
    numbers = [json.loads(line)["number"] for line in answer.text.splitlines()]
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    assert numbers[-1] == 4, "the oldest one is the last"
