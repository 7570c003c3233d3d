"""What accounts have left: told by workers, kept over restarts, shown by account."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.control.managed import Managed

from codenex.control.database.engine import open_database
from codenex.control.database.quotas import Quotas, quota_from
from codenex.store.settings import Account

PROVIDER = "claudeCode-custom"


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = await open_database(database)
    yield engine
    await engine.dispose()


def told(uuid: str = "cc-1", **limits: Any) -> dict[str, Any]:
    return {"uuid": uuid, "provider": PROVIDER, "limits": limits}


async def note(quotas: Quotas, data: dict[str, Any], at: float = 1.0) -> None:
    quota = quota_from(data, at)
    assert quota is not None
    await quotas.note(quota)


async def test_the_last_word_on_each_limit_is_kept(engine: AsyncEngine) -> None:
    quotas = Quotas(engine)
    await note(quotas, told(rateLimitType="five_hour", utilization=0.5, status="allowed", resetsAt=2000))
    await note(quotas, told(rateLimitType="seven_day", status="rejected"))
    await note(quotas, told(rateLimitType="five_hour", utilization=0.75, status="allowed_warning", resetsAt=2000), 2.0)
    await note(quotas, told("cc-2", rateLimitType="five_hour", status="allowed"))
    kept = [(quota.account, quota.limit, quota.used, quota.rejected) for quota in await Quotas(engine).all()]
    assert kept == [
        ("cc-1", "five_hour", 75.0, False),
        ("cc-1", "seven_day", 100.0, True),
        ("cc-2", "five_hour", None, False),
    ]


@pytest.mark.parametrize("data", [{}, {"uuid": "a", "provider": "b"}, {"uuid": 1, "provider": "b", "limits": {}}])
def test_nonsense_is_no_quota(data: dict[str, Any]) -> None:
    assert quota_from(data, 1.0) is None


async def test_the_usage_view(managed: Managed, engine: AsyncEngine) -> None:
    accounts = {PROVIDER: (Account("cc-1", PROVIDER, "mine"), Account("cc-2", PROVIDER, automatic=True))}
    managed.part.settings = msgspec.structs.replace(managed.part.settings, accounts=accounts)
    managed.part.quotas = quotas = Quotas(engine)
    later = time.time() + 600
    await note(quotas, told(rateLimitType="five_hour", utilization=0.95, status="allowed_warning", resetsAt=later))
    await note(quotas, told(rateLimitType="seven_day", utilization=0.5, status="allowed", resetsAt=time.time() - 5))

    first, second = (await managed.get("/api/usage"))["providers"][PROVIDER]["instances"]
    assert first["usage"]["summary"]["usedPercent"] == 95.0
    assert first["usage"]["summary"]["status"] == "danger"
    assert [(item["id"], item["percent"], item["status"]) for item in first["usage"]["items"]] == [
        ("five_hour", 95.0, "danger"),
        ("seven_day", 0.0, "normal"),
    ]
    assert second["usage"] is None
    one = await managed.get(f"/api/usage/{PROVIDER}/cc-1")
    assert one["usage"]["raw"]["five_hour"]["utilization"] == 0.95
