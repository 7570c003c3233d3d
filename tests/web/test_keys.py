"""Client keys: made and shown once, limited until they are exhausted, changed, switched off, replaced, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.scene import CLAUDE, used_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def secret(page: Page) -> str:
    """The key that is shown, taken down."""
    key = await page.get_by_test_id("client-key").text_content(timeout=TIMEOUT)
    await page.get_by_role("button", name="I have kept it").click()
    assert key is not None
    return key


async def test_the_life_of_a_key(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=2) as scene:
        view = await scene.site.view(expected=("412",))
        page = view.page
        await view.open("keys")
        await page.get_by_role("button", name="New key").click()
        drawer = page.get_by_role("dialog")
        await drawer.get_by_label("Name").fill("Carol <b>bold</b>")
        await drawer.get_by_label("Requests a minute").fill("2")
        await drawer.get_by_label("Budget in dollars").fill("5")
        await drawer.get_by_role("button", name="New key").click()
        key = await secret(page)

        assert [await scene.ask(CLAUDE, key=key) for _ in range(3)] == [200, 200, 429]
        row = page.get_by_role("row").filter(has_text="Carol <b>bold</b>")
        await expect(row).to_contain_text("2 requests/min")
        await expect(row).to_contain_text("of $5.00 a month")
        await page.reload()
        await expect(row.get_by_role("cell").nth(4)).to_have_text("2", timeout=TIMEOUT)

        await row.get_by_role("button").click()
        # Somebody else changes the file while the form is open.
        await scene.site.call("POST", "/api/client-keys", {"name": "Meanwhile"})
        await drawer.get_by_label("Requests a minute").fill("100")
        await drawer.get_by_label("Models").fill(CLAUDE)
        await page.keyboard.press("Enter")
        await drawer.get_by_role("button", name="Save").click()
        # It was another key: nobody is asked.
        await expect(page.get_by_text("The key was saved.")).to_be_visible(timeout=TIMEOUT)
        assert await scene.ask(CLAUDE, key=key) == 200
        assert await scene.ask("gpt-5.4-mini", key=key) in (403, 404)

        await row.get_by_role("button").click()
        await drawer.get_by_role("button", name="Switch off").click()
        await expect(row).to_contain_text("off", timeout=TIMEOUT)
        assert await scene.ask(CLAUDE, key=key) == 401
        await page.get_by_role("button", name="Undo").click()
        await expect(row).to_contain_text("active", timeout=TIMEOUT)
        assert await scene.ask(CLAUDE, key=key) == 200

        await row.get_by_role("button").click()
        await drawer.get_by_role("button", name="Replace the secret").click()
        await page.get_by_role("dialog").last.get_by_role("button", name="Replace the secret").click()
        renewed = await secret(page)
        assert [await scene.ask(CLAUDE, key=one) for one in (key, renewed)] == [401, 200]

        await row.get_by_role("button").click()
        assert await view.accessibility() == []
        await drawer.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("was deleted and opens nothing any more")).to_be_visible(timeout=TIMEOUT)
        await expect(row).to_have_count(0, timeout=TIMEOUT)
        assert await scene.ask(CLAUDE, key=renewed) == 401
        await page.get_by_role("button", name="Undo").last.click()
        await expect(row).to_contain_text("active", timeout=TIMEOUT)
        assert await scene.ask(CLAUDE, key=renewed) == 200
        assert view.problems == []
