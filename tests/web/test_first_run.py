"""The first minutes: setup, the client key, a first answer; then login, logout and the end of a session."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect
from tests.web.site import PASSWORD, WebSite, web_site

TIMEOUT = 15_000


async def test_from_the_token_to_the_first_answer_and_out_again(tmp_path: Path) -> None:
    # The pages are opened at once, when the control process is still being started.
    async with web_site(tmp_path, set_up=False, health=None) as site:
        await first_run(site, (tmp_path / "configs" / "setup_token").read_text().strip())
        await site.log_in()
        await log_in_and_out(site)


async def first_run(site: WebSite, token: str) -> None:
    view = await site.view(expected=("401",))
    page = view.page
    await page.goto(site.server.url)
    await expect(page.get_by_role("heading", name="Set up this gateway")).to_be_visible(timeout=TIMEOUT)
    await page.get_by_label("Setup token").fill("a wrong token")
    await page.get_by_label("Choose a password").fill(PASSWORD)
    await page.get_by_label("The same password again").fill("something else")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    await page.get_by_label("The same password again").fill(PASSWORD)
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("the setup token is wrong or too old")).to_be_visible(timeout=TIMEOUT)
    await page.get_by_label("Setup token").fill(token)
    await page.get_by_role("button", name="Set the password").click()

    await expect(page.get_by_role("heading", name="Get started", level=1)).to_be_visible(timeout=TIMEOUT)
    await page.get_by_role("button", name="Make a key").click()
    key = await page.get_by_test_id("client-key").text_content(timeout=TIMEOUT)
    assert key is not None
    assert key.startswith("cdx-")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_test_id("answer")).to_contain_text("simulated answer", timeout=TIMEOUT)
    for tool in ("cURL", "Python", "Node.js", "Claude Code", "Codex CLI", "Gemini CLI"):
        await page.get_by_role("tab", name=tool, exact=True).click()
        panel = page.get_by_role("tabpanel")
        await expect(panel).to_contain_text(f"127.0.0.1:{site.server.port}")
        await expect(panel).to_contain_text(key)
    assert view.problems == []


async def log_in_and_out(site: WebSite) -> None:
    view = await site.view(logged_in=False, expected=("401",))
    page = view.page
    await page.goto(f"{site.server.url}/ui/system")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_contain_text("password", timeout=TIMEOUT)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    # Where somebody wanted to go, they come to.
    await expect(page.get_by_role("heading", name="System", level=1)).to_be_visible(timeout=TIMEOUT)
    assert await page.evaluate("document.cookie") == ""

    assert (await site.call("DELETE", "/api/sessions")).status == 200
    await page.get_by_role("link", name="Get started").click()
    await expect(page.get_by_text("Your session has ended.")).to_be_visible(timeout=TIMEOUT)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Get started", level=1)).to_be_visible(timeout=TIMEOUT)

    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=TIMEOUT)
    await page.reload()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=TIMEOUT)
    assert view.problems == []
