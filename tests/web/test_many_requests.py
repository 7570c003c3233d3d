"""A hundred thousand requests are listed, and the page answers all the while."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from playwright.async_api import expect
from sqlalchemy.ext.asyncio import create_async_engine
from tests.web.scene import CHAT
from tests.web.site import web_site

from codenex.control.database.reports import Reports
from codenex.telemetry.rows import Batch, UsageRow

MANY = 100_000
#: Milliseconds within which a page has to answer, however long its list is.
STALL = 1000
pytestmark = pytest.mark.deep


async def keep(folder: Path, count: int) -> None:
    """Put so many requests into the server's database."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'data' / 'codenex.db'}")
    now = time.time() - 60
    for begin in range(0, count, 1000):
        batch = [
            UsageRow(
                number=number,
                request_id=f"kept-{number}",
                at=now - number / 10,
                status=200,
                duration_ms=5.0,
                model=CHAT,
            )
            for number in range(begin, min(begin + 1000, count))
        ]
        await Reports(engine).keep(Batch("many", batch), 1.0)
    await engine.dispose()


@pytest.mark.timeout(300)
async def test_a_hundred_thousand_requests_are_listed_without_a_stall(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        await keep(tmp_path, MANY)
        view = await site.view()
        page = view.page
        await view.open("requests")
        await page.evaluate(
            """() => { window.__stalls = [];
            new PerformanceObserver((list) => list.getEntries().forEach((one) => window.__stalls.push(one.duration)))
              .observe({ type: "longtask" }); }"""
        )
        frame = page.get_by_role("region", name="Requests")
        loaded = page.get_by_test_id("loaded")
        deadline = time.monotonic() + 200
        while "these are all" not in await loaded.inner_text():
            assert time.monotonic() < deadline, await loaded.inner_text()
            await frame.evaluate("(frame) => frame.scrollTo(0, frame.scrollHeight)")
            await asyncio.sleep(0.05)
        await expect(loaded).to_contain_text("100,000")
        await expect(frame.get_by_text(CHAT).first).to_be_visible()
        assert await frame.get_by_role("row").count() < 100
        stalls = await page.evaluate("window.__stalls")
        assert max(stalls, default=0) < STALL
        print(f"longest task: {max(stalls, default=0):.0f} ms of {len(stalls)}")
        assert view.problems == []
