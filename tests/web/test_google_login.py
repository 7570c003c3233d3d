"""A login at (scripted) Google in the pages: by pasting the address that the browser could not open, and by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.google.logging_in import settings
from tests.google.test_login import consented
from tests.support.google.oauth import EMAIL
from tests.support.google.server import ScriptedGoogle
from tests.web.site import web_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def test_a_login_by_a_pasted_address_and_one_by_the_callback(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        wanted = {name: str(value) for name, value in settings(google).items()}
        async with web_site(tmp_path, environment=wanted) as site:
            view = await site.view(expected=("400",))
            page = view.page
            for way in ("pasted", "called back"):
                await view.open("providers")
                await page.get_by_role("button", name="Log in with Google").click()
                panel = page.get_by_role("dialog")
                await panel.get_by_role("button", name="Begin").click()
                link = panel.get_by_role("link", name="Open Google's page")
                address = await consented(google, str(await link.get_attribute("href", timeout=TIMEOUT)))
                if way == "pasted":
                    pasted = panel.get_by_label("Address of the page that could not be opened")
                    await pasted.fill("http://localhost:8085/?error=access_denied&state=wrong")
                    await panel.get_by_role("button", name="Finish the login").click()
                    await expect(panel.get_by_role("alert").first).to_be_visible(timeout=TIMEOUT)
                    await pasted.fill(address)
                    await panel.get_by_role("button", name="Finish the login").click()
                else:
                    # What the browser does that can reach the server's callback port.
                    assert (await page.request.get(address)).status == 200
                await expect(page.get_by_text("The login is done").first).to_be_visible(timeout=TIMEOUT)
                await expect(panel).to_have_count(0, timeout=TIMEOUT)
                await expect(page.get_by_role("row").filter(has_text=EMAIL)).to_contain_text("healthy", timeout=TIMEOUT)
            assert view.problems == []
        assert not google.oauth.problems
