"""Accounts: added, found by filters, tested, changed, switched off and on, deleted, alone and together; their order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.vendor import KEY
from tests.web.scene import CLAUDE, used_site
from tests.web.site import web_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def test_the_life_of_an_account(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("providers")
        await page.get_by_role("button", name="Add an account").click()
        panel = page.get_by_role("dialog")
        await panel.get_by_label("Type", exact=True).click()
        await page.get_by_role("option", name="claude-custom").click()
        await panel.get_by_label("Name", exact=True).fill("Added <b>here</b>")
        await panel.get_by_label("Key", exact=True).fill(KEY + "-wrong")
        await panel.get_by_label("Base URL").fill(scene.anthropic.url.replace("127.0.0.1", "localhost"))
        await panel.get_by_role("button", name="Add an account").click()
        row = page.get_by_role("row").filter(has_text="Added <b>here</b>")
        await expect(row).to_contain_text("healthy", timeout=TIMEOUT)

        await row.get_by_role("button").click()
        await panel.get_by_role("button", name="Test").click()
        await expect(page.get_by_text("does not work")).to_be_visible(timeout=TIMEOUT)
        await panel.get_by_label("Key", exact=True).fill(KEY)
        await panel.get_by_label("Weight").fill("3")
        await panel.get_by_role("button", name="Save").click()
        await expect(panel).to_have_count(0, timeout=TIMEOUT)
        stored = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())["claude-custom"][-1]
        assert (stored["CLAUDE_API_KEY"], stored["weight"]) == (KEY, 3)
        await row.get_by_role("button").click()
        # What is shown masked and saved again stays what it is.
        await panel.get_by_role("button", name="Save").click()
        await expect(panel).to_have_count(0, timeout=TIMEOUT)
        stored = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())["claude-custom"][-1]
        assert stored["CLAUDE_API_KEY"] == KEY
        await row.get_by_role("button").click()
        await panel.get_by_role("button", name="Test").click()
        await expect(page.get_by_text("Added <b>here</b>: works.")).to_be_visible(timeout=TIMEOUT)
        await panel.get_by_role("button", name="Detect models").click()
        await expect(page.get_by_text("models found and kept")).to_be_visible(timeout=TIMEOUT)

        await page.get_by_label("Search").fill("added")
        await expect(page.get_by_role("row")).to_have_count(2)
        await page.get_by_label("Select Added <b>here</b>").check()
        await page.get_by_role("button", name="Switch off").click()
        await expect(row).to_contain_text("off", timeout=TIMEOUT)
        await page.get_by_role("button", name="Undo").click()
        await expect(row).to_contain_text("healthy", timeout=TIMEOUT)
        await page.get_by_label("Select Added <b>here</b>").check()
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("heading", name="No account matches")).to_be_visible(timeout=TIMEOUT)

        await page.get_by_label("Search").fill("")
        await page.get_by_role("combobox", name="Add a stand-in: claude-custom").click()
        await page.get_by_role("option", name="openai-custom").click()
        await expect(page.get_by_text("The order was saved.").last).to_be_visible(timeout=TIMEOUT)
        await page.get_by_role("combobox", name="Add a stand-in: claude-custom").click()
        await page.get_by_role("option", name="gemini-custom").click()
        await page.get_by_role("button", name="Move gemini-custom up").click()
        await expect(page.get_by_text("1. gemini-custom")).to_be_visible(timeout=TIMEOUT)
        chain = json.loads((tmp_path / "configs" / "config.json").read_text())["providerFallbackChain"]
        assert chain == {"claude-custom": ["gemini-custom", "openai-custom"]}
        assert await scene.ask(CLAUDE) == 200
        assert await view.accessibility() == []
        assert view.problems == []


@pytest.mark.timeout(180)
async def test_ten_thousand_accounts_don_t_stall_the_page(tmp_path: Path) -> None:
    pools = {
        "openai-custom": [
            {
                "uuid": f"{number:08d}-0000-4000-8000-000000000000",
                "customName": f"Account {number}",
                "OPENAI_API_KEY": "k",
            }
            for number in range(10_000)
        ]
    }
    async with web_site(tmp_path, pools=pools) as site:
        view = await site.view()
        page = view.page
        await view.open("providers")
        table = page.get_by_role("table", name="Providers")
        await expect(table).to_have_attribute("aria-rowcount", "10001", timeout=60_000)
        assert await page.get_by_role("row").count() < 100
        search = page.get_by_label("Search")
        before = await page.evaluate("performance.now()")
        await search.fill("Account 9999")
        await expect(page.get_by_role("row")).to_have_count(2)
        assert await page.evaluate("performance.now()") - before < 3000
        await search.fill("")
        await page.get_by_role("region", name="Providers").evaluate("node => node.scrollTo(0, node.scrollHeight)")
        await expect(page.get_by_role("button", name="Edit Account 9999")).to_be_visible()
        assert view.problems == []
