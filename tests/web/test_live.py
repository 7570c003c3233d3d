"""What changes on the server shows by itself: requests, an account that rests, events, a restart."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Route, expect
from tests.web.scene import CHAT, CLAUDE, used_site
from tests.web.site import web_site

TIMEOUT = 15_000
# Half a minute each, which `make e2e-web` has.
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def test_requests_and_a_failing_account_show_while_somebody_looks(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("dashboard")
        await expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
        await expect(page.get_by_role("link", name="Gone: healthy")).to_be_visible()

        # Whenever the account whose upstream is gone is called, another one answers; after three times it rests.
        assert {await scene.ask(CLAUDE, f"Question {number}") for number in range(12)} == {200}
        scene.chat.fail_next("internal")
        assert await scene.ask(CHAT) == 500

        await expect(page.get_by_role("link", name="Gone: resting")).to_be_visible(timeout=TIMEOUT)
        await expect(page.get_by_role("heading", name="Requests over time")).to_be_visible(timeout=TIMEOUT)
        await expect(page.get_by_text("1 failed")).to_be_visible()
        await expect(page.get_by_role("link", name=CLAUDE)).to_be_visible()
        await expect(page.get_by_role("link", name="internal")).to_be_visible()
        await page.get_by_role("button", name="Pause the updates").click()
        await page.get_by_text("7 d").click()
        await page.wait_for_url("**/dashboard?hours=168")
        await view.settled()

        await page.get_by_role("link", name="Events").click()
        await expect(page.get_by_text("Connected")).to_be_visible(timeout=TIMEOUT)
        rows = page.get_by_role("row")
        await page.get_by_label("Search").fill("could not connect")
        await expect(rows).to_have_count(2)
        await rows.nth(1).get_by_role("button").click()
        await expect(page.get_by_role("dialog")).to_contain_text("claude-custom")
        await page.keyboard.press("Escape")
        await page.get_by_label("Search").fill("late comer")
        await expect(page.get_by_role("heading", name="No event matches")).to_be_visible()
        await scene.site.call("POST", "/api/client-keys", {"name": "anybody"})
        await page.get_by_label("Search").fill("client_key")
        await expect(rows).to_have_count(5, timeout=TIMEOUT)
        assert view.problems == []


async def test_nothing_is_said_to_be_live_while_the_server_does_not_answer(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        view = await site.view()
        page = view.page

        async def fail(route: Route) -> None:
            await route.fulfill(status=503, json={"error": {"message": "not now", "status": 503}})

        for path in ("requests?*", "events*"):
            await page.route(f"**/api/{path}", fail)
        await view.open("events")
        await expect(page.get_by_role("heading", name="Interrupted")).to_be_visible(timeout=TIMEOUT)
        await expect(page.get_by_role("heading", name="Nothing has happened yet")).to_have_count(0)
        await view.open("requests")
        await expect(page.get_by_text("interrupted", exact=True)).to_be_visible(timeout=TIMEOUT)
        await page.unroute_all()
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_text("live", exact=True)).to_be_visible(timeout=TIMEOUT)
        await view.open("events")
        await expect(page.get_by_role("heading", name="Nothing has happened yet")).to_be_visible(timeout=TIMEOUT)


@pytest.mark.timeout(120)
async def test_a_restart_is_followed_to_its_end_and_no_page_breaks(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        # For a moment nobody answers the management API: the pages say so and go on.
        view = await site.view(expected=("503", "ERR_"))
        page = view.page
        await view.open("system")
        before = await page.get_by_role("row", name="Data worker").inner_text()
        ending = asyncio.Event()
        key = await site.key()

        async def load() -> list[int]:
            statuses = []
            while not ending.is_set():
                answer = await page.request.post(
                    f"{site.server.url}/v1/chat/completions",
                    data={"model": "demo", "messages": [{"role": "user", "content": "Hello"}]},
                    headers={"authorization": f"Bearer {key}"},
                )
                statuses.append(answer.status)
            return statuses

        requests = asyncio.create_task(load())
        await page.get_by_role("button", name="Restart").click()
        await page.get_by_role("dialog").get_by_role("button", name="Restart").click()
        await expect(page.get_by_text("Every process has been replaced.")).to_be_visible(timeout=60_000)
        ending.set()

        assert set(await requests) == {200}
        # What is told is what the list shows; it would be read anew after three seconds anyway.
        worker = re.search(r"\t(\d+)\t", before)
        assert worker is not None
        await expect(page.get_by_role("row", name="Data worker")).not_to_contain_text(worker[1], timeout=500)
        await page.get_by_role("link", name="Events").click()
        await expect(page.get_by_text("Connected")).to_be_visible(timeout=TIMEOUT)
        assert view.problems == []
