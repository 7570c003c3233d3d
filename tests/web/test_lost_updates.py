"""Two people change the same file at the same time: nobody's change is lost, and neither is what somebody has typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from tests.support.vendor import KEY
from tests.web.scene import used_site
from tests.web.site import WebSite, web_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]
TEAM = "11111111-0000-4000-8000-000000000001"


async def changed(site: WebSite, method: str, path: str, body: Any = None) -> None:
    """Let somebody else change something."""
    answer = await site.call(method, path, body)
    assert answer.status in (200, 201), answer.body


def file(folder: Path, name: str) -> Any:
    return json.loads((folder / "configs" / name).read_text())


async def test_a_change_of_somebody_else_survives_the_json_view(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "config.json").write_text(json.dumps({"MAX_ERROR_COUNT": 4, "REQUESTS_PER_MINUTE": 9}))
    async with web_site(tmp_path) as site:
        view = await site.view(expected=("412",))
        page = view.page
        await view.open("configuration?view=json")
        editor = page.get_by_label("config.json")
        await editor.fill(json.dumps({"MAX_ERROR_COUNT": 5, "REQUESTS_PER_MINUTE": 9}))
        await changed(site, "POST", "/api/config", {"STRICT": True, "MAX_ERROR_COUNT": 6, "REQUESTS_PER_MINUTE": 8})
        # The page has read their file before mine is sent: that must not pass for the one that I have changed.
        async with page.expect_response(lambda response: "explain=true" in response.url):
            await page.get_by_role("button", name="Read the files again").click()
        await expect(page.get_by_text("1 change", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Review the changes").click()
        dialog = page.get_by_role("dialog")
        alert = dialog.get_by_role("alert")
        await expect(alert).to_contain_text("Somebody else has changed this meanwhile", timeout=TIMEOUT)
        await expect(alert.get_by_role("group", name="STRICT")).to_contain_text("Now: true")
        both = alert.get_by_role("group", name="MAX_ERROR_COUNT")
        for text in ("Before: 4", "Now: 6", "Yours: 5"):
            await expect(both).to_contain_text(text)
        assert await view.accessibility() == []
        await alert.get_by_role("button", name="Take over").click()
        await expect(dialog.get_by_role("row", name="MAX_ERROR_COUNT")).to_contain_text("65", timeout=TIMEOUT)
        await expect(dialog.get_by_role("row", name="STRICT")).to_have_count(0)
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0, timeout=TIMEOUT)
        assert file(tmp_path, "config.json") == {"MAX_ERROR_COUNT": 5, "REQUESTS_PER_MINUTE": 8, "STRICT": True}

        # The same setting, and theirs is taken.
        await editor.fill(json.dumps({"MAX_ERROR_COUNT": 7, "REQUESTS_PER_MINUTE": 7, "STRICT": True}))
        await changed(site, "POST", "/api/config", {"MAX_ERROR_COUNT": 8})
        await page.get_by_role("button", name="Review the changes").click()
        await both.get_by_text("Theirs", exact=True).click()
        await alert.get_by_role("button", name="Take over").click()
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0, timeout=TIMEOUT)
        assert file(tmp_path, "config.json") == {"MAX_ERROR_COUNT": 8, "REQUESTS_PER_MINUTE": 7, "STRICT": True}
        assert view.problems == []


async def test_discarding_clears_every_text_and_the_views_share_what_was_begun(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        view = await site.view()
        page = view.page
        await view.open("configuration?q=modelAliases")
        text = page.locator("[data-setting=modelAliases]").get_by_role("textbox")
        before = await text.input_value()
        review = page.get_by_role("button", name="Review the changes")
        await text.fill('{"mine": "openai-custom/x"}')
        await text.press("End")
        await text.press_sequentially(" {")
        await expect(page.get_by_text("This is no valid JSON.")).to_be_visible()
        # What can't be read is not replaced by what could be read a moment ago.
        await expect(review).to_be_disabled()
        await page.get_by_role("button", name="Discard").click()
        await expect(text).to_have_value(before)
        await expect(review).to_have_count(0)

        await text.fill('{"mine": "openai-custom/x"}')
        await page.get_by_text("JSON", exact=True).click()
        await expect(page.get_by_label("config.json")).to_have_value(
            '{\n  "modelAliases": {\n    "mine": "openai-custom/x"\n  }\n}'
        )
        await page.get_by_text("Form", exact=True).last.click()
        await expect(page.get_by_text("1 change", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Discard").click()
        await expect(text).to_have_value(before)
        assert not (tmp_path / "configs" / "config.json").exists()
        assert view.problems == []


async def test_accounts_keep_what_somebody_else_has_changed(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        site = scene.site
        view = await site.view(expected=("412", "422"))
        page = view.page

        def team() -> Mapping[str, Any]:
            return next(one for one in file(tmp_path, "provider_pools.json")["claude-custom"] if one["uuid"] == TEAM)

        path = f"/api/providers/claude-custom/{TEAM}"
        await view.open("providers")
        panel = page.get_by_role("dialog")
        await page.get_by_role("button", name="Edit Team account").click()
        await panel.get_by_label("Weight").fill("3")
        # Another account is another matter: nobody is asked.
        other = "/api/providers/openai-custom/22222222-0000-4000-8000-000000000001"
        await changed(site, "PUT", other, {"providerConfig": {"weight": 9}})
        await panel.get_by_role("button", name="Save").click()
        await expect(panel).to_have_count(0, timeout=TIMEOUT)
        assert team()["weight"] == 3

        await page.get_by_role("button", name="Edit Team account").click()
        await panel.get_by_label("Weight").fill("4")
        async with page.expect_response(lambda response: response.url.endswith("/api/providers")):
            await changed(site, "PUT", path, {"providerConfig": {"customName": "Renamed", "weight": 5}})
        await panel.get_by_role("button", name="Save").click()
        await expect(panel.get_by_role("group", name="weight")).to_contain_text("Now: 5", timeout=TIMEOUT)
        assert team()["weight"] == 5
        assert await view.accessibility() == []
        await panel.get_by_role("button", name="Take over").click()
        await expect(panel.get_by_label("Name", exact=True)).to_have_value("Renamed")
        await panel.get_by_role("button", name="Save").click()
        await expect(panel).to_have_count(0, timeout=TIMEOUT)
        assert (team()["customName"], team()["weight"], team()["CLAUDE_API_KEY"]) == ("Renamed", 4, KEY)

        await page.get_by_role("button", name="Edit Renamed").click()
        await panel.get_by_label("Name", exact=True).fill("Mine")
        await changed(site, "DELETE", path)
        await expect(panel.get_by_role("alert")).to_contain_text(
            "Somebody else has deleted this account", timeout=TIMEOUT
        )
        await expect(panel.get_by_label("Name", exact=True)).to_have_value("Mine")
        await panel.get_by_label("Key", exact=True).fill(KEY + "2")
        await panel.get_by_role("button", name="Add it again").click()
        await expect(panel).to_have_count(0, timeout=TIMEOUT)
        again = file(tmp_path, "provider_pools.json")["claude-custom"][-1]
        assert (again["customName"], again["CLAUDE_API_KEY"], again["weight"]) == ("Mine", KEY + "2", 4)
        assert view.problems == []


async def test_stand_ins_of_somebody_else_stay(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view(expected=("412",))
        page = view.page
        await view.open("providers")
        # The page is not told, as where its connection is interrupted.
        await page.route("**/api/events**", lambda route: route.abort())
        await page.reload()
        await view.settled()
        chains = {"openai-custom": ["gemini-custom"]}
        await changed(scene.site, "POST", "/api/config", {"providerFallbackChain": chains})
        await page.get_by_role("combobox", name="Add a stand-in: claude-custom").click()
        await page.get_by_role("option", name="openai-custom").click()
        await expect(page.get_by_text("The order was saved.").last).to_be_visible(timeout=TIMEOUT)
        chains = file(tmp_path, "config.json")["providerFallbackChain"]
        assert chains == {"openai-custom": ["gemini-custom"], "claude-custom": ["openai-custom"]}

        theirs = {**chains, "claude-custom": ["gemini-custom"]}
        await changed(scene.site, "POST", "/api/config", {"providerFallbackChain": theirs})
        await page.get_by_role("button", name="Remove openai-custom").click()
        alert = page.get_by_role("alert").filter(has_text="claude-custom")
        await expect(alert).to_contain_text("Yours: none", timeout=TIMEOUT)
        assert file(tmp_path, "config.json")["providerFallbackChain"] == theirs
        await alert.get_by_role("button", name="Use mine").click()
        print(await page.locator("body").inner_text())
        await expect(alert).to_have_count(0, timeout=TIMEOUT)
        assert file(tmp_path, "config.json")["providerFallbackChain"] == {"openai-custom": ["gemini-custom"]}


async def test_keys_keep_what_somebody_else_has_changed(tmp_path: Path) -> None:
    async with web_site(tmp_path) as site:
        answer = await site.call("POST", "/api/client-keys", {"name": "Carol", "requestsPerMinute": 5})
        path = f"/api/client-keys/{answer.json['entry']['id']}"

        def carol() -> Mapping[str, Any]:
            found: Mapping[str, Any] = file(tmp_path, "client_keys.json")["keys"][0]
            return found

        view = await site.view(expected=("412",))
        page = view.page
        await view.open("keys")
        drawer = page.get_by_role("dialog")
        await page.get_by_role("button", name="Edit Carol").click()
        await drawer.get_by_label("Requests a minute").fill("7")
        async with page.expect_response(lambda response: response.url.endswith("/api/client-keys")):
            await changed(site, "PUT", path, {"requestsPerMinute": 6, "tokensPerMinute": 1000})
        await drawer.get_by_role("button", name="Save").click()
        await expect(drawer.get_by_role("group", name="requestsPerMinute")).to_contain_text("Now: 6", timeout=TIMEOUT)
        await drawer.get_by_role("button", name="Take over").click()
        await expect(drawer.get_by_label("Tokens a minute")).to_have_value("1000")
        await drawer.get_by_role("button", name="Save").click()
        await expect(drawer).to_have_count(0, timeout=TIMEOUT)
        assert (carol()["requestsPerMinute"], carol()["tokensPerMinute"]) == (7, 1000)

        await page.get_by_role("button", name="Edit Carol").click()
        await drawer.get_by_label("Requests a minute").fill("8")
        await changed(site, "DELETE", path)
        await expect(drawer.get_by_role("alert")).to_contain_text("Somebody else has deleted this key", timeout=TIMEOUT)
        await expect(drawer.get_by_label("Requests a minute")).to_have_value("8")
        assert view.problems == []
