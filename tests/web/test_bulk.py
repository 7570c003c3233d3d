"""Many accounts at once: all that a filter shows, in one call; failures are summed up, deletions can be undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, expect
from tests.web.site import web_site

TIMEOUT = 30_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]
COUNT = 300


def pools() -> dict[str, Any]:
    accounts = [
        {"uuid": f"u{n}", "customName": f"Account {n}", "OPENAI_API_KEY": f"key-number-{n}"} for n in range(COUNT)
    ]
    return {"openai-custom": accounts, "claude-custom": [{"uuid": "c", "customName": "Other", "CLAUDE_API_KEY": "k"}]}


def stored(folder: Path) -> Any:
    return json.loads((folder / "configs" / "provider_pools.json").read_text())


def changes_of(page: Page) -> list[str]:
    """Requests of the page that change something, as they are sent."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method != "GET":
            found.append(f"{request.method} {request.url.partition('/api/')[2]}")

    page.on("request", note)
    return found


async def test_all_that_a_filter_shows_are_changed_in_one_call(tmp_path: Path) -> None:
    async with web_site(tmp_path, pools=pools()) as site:
        view = await site.view(expected=("412",))
        page = view.page
        await view.open("providers")
        sent = changes_of(page)
        toolbar, every = page.get_by_role("toolbar"), page.get_by_label("Select all that are shown")
        await page.get_by_label("Search").fill("Account 1")
        await every.check()
        # 1, 10 to 19, 100 to 199.
        await expect(toolbar).to_contain_text("111 selected")
        await page.get_by_label("Select Account 10", exact=True).uncheck()
        await expect(every).not_to_be_checked()
        await toolbar.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_text("110 accounts are off.")).to_be_visible(timeout=TIMEOUT)
        assert sent == ["POST providers/bulk"]
        assert sum(one.get("isDisabled", False) for one in stored(tmp_path)["openai-custom"]) == 110
        await expect(toolbar).to_have_count(0)

        # Somebody else deletes one of them and changes another one while they are being chosen.
        await page.route("**/api/events**", lambda route: route.abort())
        await page.reload()
        await view.settled()
        await page.route("**/api/providers", lambda route: route.abort())
        await every.check()
        assert (await site.call("DELETE", "/api/providers/openai-custom/u11")).status == 200
        changed = await site.call("PUT", "/api/providers/openai-custom/u12", {"providerConfig": {"weight": 2}})
        assert changed.status == 200
        await page.unroute("**/api/providers")
        await toolbar.get_by_role("button", name="Delete").click()
        question = page.get_by_role("dialog")
        await expect(question).to_contain_text("Account 11, Account 12", timeout=TIMEOUT)
        assert len(stored(tmp_path)["openai-custom"]) == COUNT - 1
        before = stored(tmp_path)
        await question.get_by_role("button", name="Do it all the same").click()
        await expect(page.get_by_text("110 accounts were deleted.")).to_be_visible(timeout=TIMEOUT)
        assert len(stored(tmp_path)["openai-custom"]) == COUNT - 111
        await page.get_by_role("button", name="Undo").last.click()
        await expect(page.get_by_text("110 are there again.")).to_be_visible(timeout=TIMEOUT)
        assert stored(tmp_path) == before
        assert await view.accessibility() == []


async def test_what_failed_is_summed_up(tmp_path: Path) -> None:
    async with web_site(tmp_path, pools=pools(), environment={"GEMINI_API_KEY": "key-of-the-environment"}) as site:
        view = await site.view()
        page = view.page
        await view.open("providers?type=gemini-custom")
        # The type's own account comes from elsewhere and can't be deleted here.
        await page.get_by_label("Select all that are shown").check()
        await page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
        summary = page.get_by_role("dialog")
        await expect(summary).to_contain_text("1 account failed", timeout=TIMEOUT)
        await expect(summary).to_contain_text("comes from the environment")
        assert await view.accessibility() == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("toolbar")).to_contain_text("1 selected")

        # Tests of many accounts tell how far they are, and can be stopped.
        await page.get_by_role("combobox", name="Type").click()
        await page.get_by_role("option", name="claude-custom").click()
        checks = "**/health-check"
        failing = {"error": {"message": "nobody <b>answers</b>", "type": "x", "status": 400}}
        await page.route(checks, lambda route: route.fulfill(status=400, json=failing))
        await page.get_by_label("Select Other").check()
        await page.get_by_role("toolbar").get_by_role("button", name="Test", exact=True).click()
        await expect(summary).to_contain_text("Other: nobody <b>answers</b>", timeout=TIMEOUT)
