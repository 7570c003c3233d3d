"""Every page opens, breaks no rule of the browser, and can be used by everybody: axe-core, phones, the keyboard. What
it shows wants to be more than text, and is none; ``test_injection`` looks for that in every field.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.process import ROOT
from tests.web.hostile import Hostile, hostile_site
from tests.web.payloads import PAYLOADS, guarded, missing, readable
from tests.web.seen import SIZE, Seen, open_account
from tests.web.site import DESKTOP, PAGES, PHONE, Scheme, WebSite

#: A script, a handler, an attribute that is broken out of, a frame.
SOME = (PAYLOADS[0], PAYLOADS[6], PAYLOADS[11], PAYLOADS[27])
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
    async with hostile_site(tmp_path, SOME) as hostile:
        for number in range(len(SOME)):
            await hostile.ask(number)
        for scheme, size, language in ways:
            view = await guarded(await hostile.site.view(scheme=scheme, size=size, language=language))
            for name in PAGES:
                await view.open(name)
                found[f"{name}, {scheme}: findings"] = await view.accessibility()
                found[f"{name}, {scheme}: pixels too wide"] = max(0, await view.overflow())
                found[f"{name}, {scheme}: problems"] = view.problems[:]
                view.problems.clear()
        await by_keyboard_alone(hostile.site)
        await payloads_are_shown(hostile)
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


async def payloads_are_shown(hostile: Hostile) -> None:
    """They are where they were put, as texts; and the window would have told what one of them did."""
    view = await guarded(await hostile.site.view(size=SIZE))
    seen = Seen(view, SOME)
    await view.open("providers")
    await seen.lists("accounts and their errors", "Providers")
    await open_account(seen, 0)
    await seen.shows("an account", SOME[0])
    await seen.closed()
    await seen.go("requests")
    await seen.lists("requests", "Requests")
    await seen.go("requests?id=request-1")
    await seen.shows("a request", SOME[1])
    await seen.go("events")
    await seen.lists("events", "Events")
    assert seen.missing == {}
    assert view.problems == []
    assert missing(await readable(view), ["<b>what isn't there</b>"])

    put = """text => new Promise((done) => {
      const place = document.body.appendChild(document.createElement("div"));
      place.innerHTML = text;
      setTimeout(() => { place.remove(); done(); });
    })"""
    for payload in PAYLOADS:
        view.problems.clear()
        await view.page.evaluate(put, payload)
        assert any("an element was made" in problem for problem in view.problems), payload
    for script in ("window.__ran = 1", "alert(1)", "fetch('http://127.0.0.2:1/').catch(() => 0)"):
        view.problems.clear()
        await view.page.evaluate(script)
        assert view.problems, script
