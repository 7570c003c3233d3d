"""The main ways through the pages by keyboard alone: order, a focus that is seen, dialogues that keep it and give it
back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.web.scene import used_site
from tests.web.site import View

TIMEOUT = 15_000
#: What has the focus, in words: its name, and what it is.
_FOCUSED = """() => {
  const one = document.activeElement;
  const label = one.labels?.[0]?.innerText ?? "";
  return (one.getAttribute("aria-label") ?? (one.innerText || label || one.id || one.tagName)).trim().split("\\n")[0];
}"""
_PLACE = """() => {
  const one = document.activeElement;
  const hidden = (box) => box.width < 4 || box.height < 4;
  let seen = one;
  while (hidden(seen.getBoundingClientRect()) || getComputedStyle(seen).opacity === "0") seen = seen.parentElement;
  const box = seen.getBoundingClientRect();
  return { x: Math.max(0, box.x - 6), y: Math.max(0, box.y - 6), width: box.width + 12, height: box.height + 12 };
}"""
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def focused(page: Page) -> str:
    name: str = await page.evaluate(_FOCUSED)
    return name


async def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something that is called so has the focus."""
    for _ in range(80):
        await page.keyboard.press(key)
        if await focused(page) == name:
            return
    raise AssertionError(f"no Tab leads to {name}; the last one was {await focused(page)}")


async def walk(view: View, limit: int = 60) -> list[str]:
    """Go through a page by Tab; each stop has to look different while it has the focus. Return the stops."""
    page, stops = view.page, list[str]()
    unseen: list[str] = []
    for _ in range(limit):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement === document.body"):
            break
        name = await focused(page)
        stops.append(name)
        clip = await page.evaluate(_PLACE)
        with_focus = await page.screenshot(clip=clip, animations="disabled")
        await page.evaluate("window.__was = document.activeElement; document.activeElement.blur()")
        without = await page.screenshot(clip=clip, animations="disabled")
        if with_focus == without:
            unseen.append(name)
        await page.evaluate("window.__was.focus({ preventScroll: true })")
    assert unseen == [], f"nobody sees where the focus is at {unseen}"
    return stops


@pytest.mark.parametrize("name", ["providers", "keys", "playground", "start", "configuration?q=MAX", "system"])
async def test_every_stop_of_a_page_is_seen(tmp_path: Path, name: str) -> None:
    async with used_site(tmp_path, requests=4) as scene:
        view = await scene.site.view()
        await view.open(name)
        stops = await walk(view)
        # First the way to the content, then the pages in their order, then what the page itself has.
        assert stops[0] == "Skip to content"
        pages = ["Dashboard", "Requests", "Usage", "Providers", "Client keys", "Playground", "Get started"]
        pages += ["Configuration", "Files", "Events", "System"]
        assert [stop for stop in stops if stop in pages][: len(pages)] == pages
        assert stops.index("Log out") < len(stops) - 1
        assert view.problems == []


async def test_an_account_is_found_changed_and_kept_without_a_mouse(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("dashboard")
        await tab_to(page, "Providers")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Providers", level=1)).to_be_visible()
        assert await page.evaluate("document.activeElement.id") == "content"
        await view.settled()
        await tab_to(page, "Add an account")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
        for key in ["Tab"] * 25 + ["Shift+Tab"] * 5:
            await page.keyboard.press(key)
            assert await page.evaluate("document.activeElement.closest('[role=dialog]') !== null"), "the focus has left"
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        assert await focused(page) == "Add an account"

        await tab_to(page, "Search")
        await page.keyboard.type("second")
        await expect(page.get_by_role("row")).to_have_count(2)
        await tab_to(page, "Edit Second account")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
        await tab_to(page, "Weight")
        await page.keyboard.type("3")
        await tab_to(page, "Delete")
        await tab_to(page, "Save", "Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(dialog).to_have_count(0, timeout=TIMEOUT)
        assert await focused(page) == "Edit Second account"
        stored = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())["claude-custom"][1]
        assert stored["weight"] == 3

        await tab_to(page, "Search", "Shift+Tab")
        await page.keyboard.press("Control+A")
        await page.keyboard.press("Delete")
        await tab_to(page, "State")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("option").first).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("option")).to_have_count(0)
        for _ in range(6):
            await page.keyboard.press("ArrowDown")
            if await page.locator("[role=option][data-combobox-selected]").all_inner_texts() == ["off"]:
                break
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row")).to_have_count(2)
        await expect(page.get_by_role("button", name="Edit Spare")).to_be_visible()
        assert view.problems == []


async def test_menus_questions_and_reviews_give_the_focus_back(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("configuration?q=STRICT")
        await tab_to(page, "Appearance")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem").first).to_be_focused()
        await page.keyboard.press("Escape")
        assert await focused(page) == "Appearance"
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem").first).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
        await tab_to(page, "Strict STRICT")
        await page.keyboard.press("Space")
        await tab_to(page, "Review the changes")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("row", name="STRICT")).to_be_visible(timeout=TIMEOUT)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert await focused(page) == "Review the changes"

        await view.open("keys")
        await tab_to(page, "Edit Alice")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Name")).to_be_focused()
        await tab_to(page, "Requests a minute")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("77")
        await tab_to(page, "Replace the secret")
        await page.keyboard.press("Enter")
        await expect(dialog).to_have_count(2)
        await expect(dialog.last.get_by_role("button", name="Replace the secret")).to_be_focused()
        # Escape takes back the question alone; what was written in the panel stays.
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(1)
        assert await focused(page) == "Replace the secret"
        await expect(dialog.get_by_label("Requests a minute")).to_have_value("77")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        assert await focused(page) == "Edit Alice"

        await view.open("system")
        await tab_to(page, "Restart")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("button", name="Restart")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert await focused(page) == "Restart"

        await view.open("playground?model=gpt-5.4-mini")
        await page.get_by_label("Client key", exact=True).fill(await scene.site.key())
        await tab_to(page, "Message")
        await page.keyboard.type("Hello")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("log")).to_contain_text("scripted vendor", timeout=TIMEOUT)
        await tab_to(page, "Events")
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("tab", name="Request", exact=True)).to_be_focused()
        assert view.problems == []
