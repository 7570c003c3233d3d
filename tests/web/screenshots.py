"""``python -m tests.web.screenshots [page …]`` takes pictures of every page: with data, empty, where the server fails,
in dark, on a phone and in Chinese, into ``build/screenshots``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.async_api import Route
from tests.support.process import ROOT
from tests.web.scene import used_site
from tests.web.site import DESKTOP, PAGES, PHONE, Scheme, View, WebSite, web_site

FOLDER: Final = ROOT / "build" / "screenshots"
_WAYS: Final[tuple[tuple[str, Scheme, tuple[int, int], str], ...]] = (
    ("desktop", "light", DESKTOP, "en-GB"),
    ("dark", "dark", DESKTOP, "en-GB"),
    ("phone", "light", PHONE, "en-GB"),
    ("phone-dark-chinese", "dark", PHONE, "zh-CN"),
)


async def _ask(view: View, site: WebSite) -> None:
    """Let the playground have a conversation, with a call of a tool and what becomes of it in other protocols."""
    page = view.page
    await page.locator("input[type=password]").fill(await site.key())
    await page.locator(".mantine-Accordion-control").click()
    await page.locator(".mantine-Accordion-content button").first.click()
    await page.locator("form textarea").last.fill("What is the weather in Paris?")
    await page.keyboard.press("Control+Enter")
    await page.get_by_text("get_weather").nth(1).wait_for()
    await page.get_by_role("tab").last.click()
    await page.locator("pre").first.wait_for()


#: What is done on a page before its picture is taken, where that shows more.
_PREPARED: Final = {"playground": _ask}


async def _take(view: View, name: str, way: str) -> None:
    # Charts grow for a moment; pictures are of what stays.
    await view.page.wait_for_timeout(400)
    await view.page.evaluate("scrollTo(0, 0)")
    path = FOLDER / f"{name}-{way}.png"
    await view.page.screenshot(path=path, full_page=True)
    print(path.relative_to(ROOT))


async def _entrance(site: WebSite, name: str) -> None:
    for way, scheme, size, language in _WAYS:
        view = await site.view(scheme=scheme, size=size, language=language, logged_in=False)
        await view.open("dashboard")
        await _take(view, name, way)


async def _fail(route: Route) -> None:
    body = '{"error": {"message": "the database can\'t be used now", "type": "service_unavailable", "status": 503}}'
    await route.fulfill(status=503, content_type="application/json", body=body, headers={"x-request-id": "0123abcd-7"})


async def _broken(site: WebSite, pages: tuple[str, ...]) -> None:
    """Everything but the session fails."""
    view = await site.view()
    await view.page.route("**/api/**", _fail)
    for path in ("setup", "health"):
        await view.page.route(f"**/api/{path}", lambda route: route.continue_())
    await view.page.route("**/provider_health**", _fail)
    for name in pages:
        await view.open(name)
        await _take(view, name, "error")


async def take(pages: tuple[str, ...]) -> None:
    """Write all pictures of some pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        async with web_site(Path(folder), set_up=False) as site:
            await _entrance(site, "first-run")
            await site.set_up()
            await _entrance(site, "login")
            view = await site.view()
            for name in pages:
                await view.open(name)
                await _take(view, name, "empty")
            await _broken(site, pages)
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        async with used_site(Path(folder)) as scene:
            for way, scheme, size, language in _WAYS:
                view = await scene.site.view(scheme=scheme, size=size, language=language)
                for name in pages:
                    await view.open(name)
                    if (prepare := _PREPARED.get(name)) is not None:
                        await prepare(view, scene.site)
                    await _take(view, name, way)


if __name__ == "__main__":
    asyncio.run(take(tuple(sys.argv[1:]) or PAGES))
