"""Usage: sums of a period told apart and narrowed, and the same as a file; quotas that a provider tells."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.scene import CHAT, CLAUDE, used_site

TIMEOUT = 15_000
pytestmark = pytest.mark.deep


async def file(page: Page) -> list[dict[str, str]]:
    """The rows of the file that the page offers."""
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export as CSV").click()
    path = await (await download.value).path()
    return list(csv.DictReader(path.read_text().splitlines()))


async def test_usage_is_told_apart_narrowed_and_exported(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=16) as scene:
        made = await scene.site.call("POST", "/api/client-keys", {"name": "Carol <i>x</i>"})
        assert await scene.ask(CLAUDE, key=json.loads(made.body)["key"]) == 200
        view = await scene.site.view()
        page = view.page
        await view.open("usage")
        sums = page.get_by_role("table", name="Sums")
        row = sums.get_by_role("row").filter(has_text=CLAUDE)
        await expect(row.get_by_role("cell").nth(1)).to_have_text("9", timeout=40_000)

        rows = await file(page)
        assert {row["name"]: row["requests"] for row in rows} == {CLAUDE: "9", CHAT: "8"}
        assert all(float(row["cost"]) > 0 and row["latencyMs.p95"] for row in rows)

        await row.get_by_role("button", name=f"Only {CLAUDE}").click()
        await expect(page).to_have_url(f"{view.url}/ui/usage?model={CLAUDE}")
        await expect(sums.get_by_role("row")).to_have_count(2, timeout=TIMEOUT)
        await page.get_by_role("combobox", name="Told apart by").click()
        await page.get_by_role("option", name="Client key").click()
        await expect(sums.get_by_role("row").filter(has_text="Carol <i>x</i>")).to_have_count(1, timeout=TIMEOUT)
        assert sorted(row["requests"] for row in await file(page)) == ["1", "8"]
        await page.get_by_text("24 h", exact=True).click()
        await page.reload()
        await expect(page).to_have_url(f"{view.url}/ui/usage?model={CLAUDE}&by=key&days=1")
        await expect(sums.get_by_role("row").filter(has_text="Carol <i>x</i>")).to_have_count(1, timeout=TIMEOUT)
        assert await view.accessibility() == []

        await page.get_by_role("button", name=f"No longer only {CLAUDE}").click()
        await view.open("usage?by=day")
        await expect(sums.get_by_role("row")).to_have_count(2, timeout=TIMEOUT)
        assert [row["requests"] for row in await file(page)] == ["17"]
        await view.open("usage?model=nobody-used-this")
        await expect(page.get_by_text("Nothing in this period matches")).to_be_visible(timeout=TIMEOUT)
        assert view.problems == []
