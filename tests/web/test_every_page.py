"""Every page opens, breaks no rule of the browser, and can be used by everybody: axe-core, phones, the keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.process import ROOT
from tests.web.site import DESKTOP, PAGES, PHONE, Scheme, WebSite, web_site

TABLE = ROOT / "web" / "src" / "pages" / "table.ts"


def test_the_tests_know_every_page() -> None:
    assert tuple(re.findall(r"name: \"([a-z]+)\"", TABLE.read_text())) == PAGES


@pytest.mark.timeout(180)
async def test_every_page_light_and_dark_and_on_a_phone(tmp_path: Path) -> None:
    ways: tuple[tuple[Scheme, tuple[int, int], str], ...] = (
        ("light", DESKTOP, "en-GB"),
        ("dark", PHONE, "zh-CN"),
    )
    found: dict[str, object] = {}
    async with web_site(tmp_path) as site:
        for scheme, size, language in ways:
            view = await site.view(scheme=scheme, size=size, language=language)
            for name in PAGES:
                await view.open(name)
                found[f"{name}, {scheme}: findings"] = await view.accessibility()
                found[f"{name}, {scheme}: pixels too wide"] = max(0, await view.overflow())
                found[f"{name}, {scheme}: problems"] = view.problems[:]
                view.problems.clear()
        await by_keyboard_alone(site)
    assert {what: told for what, told in found.items() if told} == {}


async def by_keyboard_alone(site: WebSite) -> None:
    """A page and its content are reached, and every address leads somewhere."""
    view = await site.view()
    page = view.page
    await view.open("dashboard")
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"
    await page.get_by_role("link", name="System").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="System", level=1)).to_be_visible()
    assert await page.evaluate("document.activeElement.id") == "content"
    assert await page.title() == "System · CODENEX"
    await page.goto(f"{site.server.url}/ui/nowhere")
    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await page.goto(site.server.url)
    await page.wait_for_url("**/ui/dashboard")
    assert view.problems == []
