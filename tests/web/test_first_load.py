"""What a browser really transfers until a page is there, with data and charts, the first time that it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser
from tests.support.browser import chromium
from tests.web.scene import used_site
from tests.web.site import DESKTOP, PAGES, View

#: Bytes of scripts in one page's first load, compressed by gzip.
SCRIPTS: Final = 300_000
#: Bytes of styles.
STYLES: Final = 60_000
_LOADED: Final = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /\\/assets\\//.test(name))
  .map(({ name, encodedBodySize }) => [new URL(name).pathname.split("/").at(-1), encodedBodySize])"""
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def fresh(browser: Browser, url: str, session: str) -> tuple[View, dict[str, str]]:
    """A window that has nothing yet; and the coding in which each file comes."""
    context = await browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
    await context.add_cookies([{"name": "codenex_session", "value": session, "url": url}])
    view = View(await context.new_page(), url, expected=("Cross-Origin-Opener-Policy",))
    codings = dict[str, str]()
    view.page.on(
        "response",
        lambda answer: codings.setdefault(answer.url.rsplit("/", 1)[-1], answer.headers.get("content-encoding", "")),
    )
    return view, codings


@pytest.mark.parametrize(("host", "coding"), [("gateway", "gzip"), ("127.0.0.1", "br")])
async def test_the_first_load_of_every_page(tmp_path: Path, host: str, coding: str) -> None:
    """Browsers take the better coding only where nobody between could spoil it: from this machine, or by TLS."""
    totals: dict[str, tuple[int, int]] = {}
    async with used_site(tmp_path, requests=8) as scene, chromium("--host-resolver-rules=MAP gateway 127.0.0.1") as own:
        for name in PAGES:
            view, codings = await fresh(own, f"http://{host}:{scene.site.server.port}", scene.site.session)
            await view.open(name)
            if name in ("dashboard", "usage"):
                await view.page.locator("figure svg").first.wait_for()
            await view.page.wait_for_load_state()
            # A file that is announced before it is needed is told twice, once from the browser's memory.
            files = {file: size for file, size in await view.page.evaluate(_LOADED) if size > 0}
            assert {codings[file] for file in files if file.endswith((".js", ".css"))} == {coding}, codings
            sizes = {end: sum(size for file, size in files.items() if file.endswith(end)) for end in (".js", ".css")}
            assert sizes[".js"] > 80_000, "less than the framework alone: not everything was measured"
            totals[name] = (sizes[".js"], sizes[".css"])
            assert view.problems == []
            await view.page.context.close()
    print(coding, totals)
    assert {name: sizes for name, sizes in totals.items() if sizes[0] >= SCRIPTS or sizes[1] >= STYLES} == {}
