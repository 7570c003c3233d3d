"""Requests: the latest ones live, filtered and exported, what happened in a failed-over one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.scene import CHAT, CLAUDE, used_site

TIMEOUT = 15_000
pytestmark = pytest.mark.deep


async def told(page: Page) -> list[str]:
    """The steps of the request that is shown."""
    steps = page.get_by_role("list", name="What happened").locator("li")
    await steps.first.wait_for()
    return await steps.all_inner_texts()


async def test_requests_are_live_filtered_told_and_exported(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=16) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("requests")
        rows = page.get_by_role("table", name="Requests").get_by_role("row")
        await expect(rows).to_have_count(17, timeout=TIMEOUT)

        # One more appears by itself, on top; its account was asked after another one had failed.
        scene.anthropic.fail_next("rate_limit")
        assert await scene.ask(CLAUDE, "once more") == 200
        await expect(rows).to_have_count(18, timeout=TIMEOUT)
        await rows.nth(1).get_by_role("button").click()
        steps = await told(page)
        kinds = [step.splitlines()[0] for step in steps]
        assert kinds[:2] == ["Received", "Account called"]
        assert kinds[-1] == "Done"
        attempts = [step for step in steps if step.startswith("Account called")]
        assert len(attempts) == 2
        assert "failed: rate_limit" in attempts[0]
        assert "served" in attempts[1]
        assert "account" in attempts[0].lower()
        await expect(page.get_by_role("dialog")).to_contain_text("Prompts and answers are not kept")
        assert await view.accessibility() == []
        address = page.url
        assert "?id=" in address
        await page.reload()
        assert await told(page) == steps
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)

        await page.get_by_role("combobox", name="Status").click()
        await page.get_by_role("option", name="failed").click()
        await expect(page).to_have_url(f"{view.url}/ui/requests?status=error")
        await expect(rows.filter(has_text=CLAUDE)).to_have_count(0, timeout=TIMEOUT)
        failed = await rows.count() - 1
        assert failed > 0
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Export as CSV").click()
        exported = (await (await download.value).path()).read_text().splitlines()
        assert [row["model"] for row in csv.DictReader(exported)] == [CHAT] * failed

        await page.get_by_role("button", name="Show all").click()
        await page.get_by_label("Search").fill(CLAUDE.upper()[:10])
        await expect(rows.filter(has_text=CHAT)).to_have_count(0, timeout=TIMEOUT)
        await expect(page).to_have_url(f"{view.url}/ui/requests?search={CLAUDE.upper()[:10]}")
        await page.get_by_label("Search").fill("nothing like that")
        await expect(page.get_by_text("No request matches")).to_be_visible(timeout=TIMEOUT)
        assert view.problems == []


async def test_prompt_and_answer_are_shown_where_the_log_keeps_them(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0, environment={"PROMPT_LOG_MODE": "file"}) as scene:
        view = await scene.site.view(expected=("404",))
        page = view.page
        secret = "sk-proj-" + "abcdefgh" * 4
        assert await scene.ask(CLAUDE, f"Say <b>hello</b> to {secret}", stream=True) == 200
        await view.open("requests")
        await page.get_by_role("table", name="Requests").get_by_role("row").nth(1).get_by_role("button").click()
        panel = page.get_by_role("dialog")
        prompt = panel.get_by_role("region", name="Prompt, secrets masked")
        # The log is written a moment later.
        await expect(panel.get_by_role("button", name="Show prompt and answer")).to_be_visible(timeout=TIMEOUT)
        assert await prompt.count() == 0, "nothing is shown before somebody asks for it"
        await panel.get_by_role("button", name="Show prompt and answer").click()
        await expect(prompt).to_contain_text("Say <b>hello</b> to ***", timeout=TIMEOUT)
        await expect(panel.get_by_role("region", name="Answer, secrets masked")).to_contain_text(
            "chat.completion.chunk"
        )
        assert secret not in await page.content()
        assert await view.accessibility() == []

        for log in (tmp_path / "logs").glob("conversation.log*"):
            log.unlink()
        await page.reload()
        await panel.get_by_role("button", name="Show prompt and answer").click()
        await expect(panel.get_by_role("alert")).to_contain_text("has nothing of the request", timeout=TIMEOUT)
        assert view.problems == []
