"""What operators do with all accounts of a type, with credential files, quotas, and the files of the configuration."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.google.accounts import fresh
from tests.google.logging_in import settings
from tests.support.google.server import ScriptedGoogle
from tests.web.scene import CLAUDE, used_site
from tests.web.site import web_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def test_all_accounts_of_a_type_are_tested_and_their_health_is_reset(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        # The account whose upstream is gone fails until it rests.
        assert {await scene.ask(CLAUDE, f"Question {number}") for number in range(12)} == {200}
        view = await scene.site.view()
        page = view.page
        await view.open("providers?type=claude-custom")
        gone = page.get_by_role("row").filter(has=page.get_by_role("button", name="Edit Gone"))
        await expect(gone).to_contain_text("resting", timeout=TIMEOUT)
        await expect(gone).to_contain_text("Could not connect")
        await expect(page.get_by_role("row")).to_have_count(4)

        await page.get_by_role("button", name="Test all").click()
        told = page.get_by_role("dialog", name="1 account failed")
        await expect(told).to_contain_text("Could not connect", timeout=TIMEOUT)
        await expect(page.locator(".mantine-Notification-root")).to_contain_text(re.compile("2 answered.*1 failed"))
        await told.get_by_role("button", name="Close").click()
        assert [exchange.request.path for exchange in scene.anthropic.exchanges][-2:] == ["/v1/models"] * 2

        await page.get_by_role("button", name="Reset health").click()
        await expect(
            page.get_by_text("1 accounts may be tried again").or_(page.get_by_text("3 accounts"))
        ).to_be_visible(timeout=TIMEOUT)
        await expect(gone).to_contain_text("healthy", timeout=TIMEOUT)

        await page.get_by_role("button", name="Edit Team account").click()
        scene.anthropic.models = [CLAUDE, "claude-opus-4-5", "claude-haiku-4-5"]
        await page.get_by_role("dialog").get_by_role("button", name="Detect models").click()
        await expect(page.get_by_text("3 models found and kept.")).to_be_visible(timeout=TIMEOUT)
        stored = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())["claude-custom"][0]
        assert sorted(stored["supportedModels"]) == sorted(scene.anthropic.models)
        await page.get_by_role("button", name="Edit Team account").click()
        await expect(page.get_by_role("dialog").locator(".mantine-Pill-root")).to_have_count(3, timeout=TIMEOUT)
        assert await view.accessibility() == []
        assert view.problems == []


async def upload(page: Page, name: str, content: str) -> None:
    """Choose a file in the panel of logins."""
    async with page.expect_file_chooser() as waiting:
        await page.get_by_role("dialog").get_by_role("button", name="Or upload a credential file").click()
    await (await waiting.value).set_files({"name": name, "mimeType": "application/json", "buffer": content.encode()})


async def test_a_credential_file_is_uploaded_and_its_quotas_show(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        google.left = {"gemini-2.5-pro": 0.05, "gemini-3-pro-preview": None}
        wanted = {name: str(value) for name, value in settings(google).items()}
        async with web_site(tmp_path, environment=wanted) as site:
            view = await site.view(expected=("400", "422"))
            page = view.page
            await view.open("providers")
            await page.get_by_role("button", name="Log in with Google").click()
            panel = page.get_by_role("dialog")
            await upload(page, "wrong.json", "[1, 2]")
            await expect(panel.get_by_role("alert")).to_contain_text("object", timeout=TIMEOUT)
            await upload(page, "login.json", json.dumps(fresh(google, email="somebody@example.com")))
            await expect(page.get_by_text("its account is in use").first).to_be_visible(timeout=TIMEOUT)
            await expect(panel).to_have_count(0, timeout=TIMEOUT)
            await expect(page.get_by_role("row").filter(has_text="gemini-cli-oauth")).to_contain_text(
                "healthy", timeout=TIMEOUT
            )
            (kept,) = (tmp_path / "configs" / "gemini").rglob("*.json")
            assert kept.stat().st_mode & 0o077 == 0

            await view.open("usage")
            await expect(page.get_by_role("heading", name="Quotas of accounts")).to_be_visible()
            rows = page.get_by_role("table", name="Quotas of accounts").get_by_role("row")
            await expect(rows).to_have_count(5, timeout=TIMEOUT)
            # Fullest first; what is unknown comes last and says so.
            await expect(rows.nth(1)).to_contain_text(re.compile(r"gemini-2\.5-pro.*95% used"))
            await expect(rows.nth(4)).to_contain_text(re.compile(r"gemini-3-pro-preview.*unknown"))
            assert await rows.nth(1).get_by_role("progressbar").get_attribute("aria-valuenow") == "95"
            before = len(google.called("retrieveUserQuota"))
            google.left["gemini-2.5-pro"] = 0.5
            # Not even an operator gets anything newer within five seconds.
            await page.wait_for_timeout(5200)
            await page.get_by_role("button", name="Ask again").click()
            row = rows.filter(has_text="gemini-2.5-pro")
            await expect(row).to_contain_text("50% used", timeout=TIMEOUT)
            assert len(google.called("retrieveUserQuota")) == before + 1
            assert await view.accessibility() == []
            assert view.problems == []


async def test_the_files_are_read_again_and_a_broken_one_is_told(tmp_path: Path) -> None:
    file = tmp_path / "configs" / "config.json"
    async with used_site(tmp_path, requests=0) as scene:
        assert (await scene.site.call("POST", "/api/config", {"MAX_ERROR_COUNT": 4})).status == 200
        view = await scene.site.view()
        page = view.page
        await view.open("configuration?q=MAX_ERROR_COUNT")
        field = page.locator("[data-setting=MAX_ERROR_COUNT]").get_by_role("textbox")
        await expect(field).to_have_value("4")
        file.write_text(json.dumps({"MAX_ERROR_COUNT": 7}))
        await page.get_by_role("button", name="Read the files again").click()
        await expect(page.get_by_text("The files were read again.")).to_be_visible(timeout=TIMEOUT)
        await expect(field).to_have_value("7", timeout=TIMEOUT)

        file.write_text('{"MAX_ERROR_COUNT": "many"}')
        await page.get_by_role("button", name="Read the files again").click()
        await expect(page.get_by_role("alert").filter(has_text="MAX_ERROR_COUNT").first).to_be_visible(timeout=TIMEOUT)
        for name, heading in (("dashboard", "problems"), ("system", "The configuration has problems")):
            await view.open(name)
            alert = page.get_by_role("alert").filter(has_text=heading)
            await expect(alert).to_contain_text("MAX_ERROR_COUNT", timeout=TIMEOUT)
            assert await view.accessibility() == []
        file.write_text(json.dumps({"MAX_ERROR_COUNT": 8}))
        await page.get_by_role("button", name="Read the configuration again").click()
        await expect(page.get_by_text("The configuration was read again.")).to_be_visible(timeout=TIMEOUT)
        await expect(alert).to_have_count(0, timeout=TIMEOUT)
        assert view.problems == []


async def test_one_file_is_downloaded_with_its_secrets_masked(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view()
        page = view.page
        await view.open("files?q=pools")
        await page.get_by_role("button", name="Open configs/provider_pools.json").click()
        async with page.expect_download() as waiting:
            await page.get_by_role("dialog").get_by_role("link", name="Download").click()
        download = await waiting.value
        assert download.suggested_filename == "provider_pools.json"
        content = json.loads(await asyncio.to_thread(Path(await download.path()).read_text))
        stored = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())
        for group, accounts in stored.items():
            for index, account in enumerate(accounts):
                found = content[group][index]
                assert found["customName"] == account["customName"]
                (secret,) = (name for name in account if name.endswith("_API_KEY"))
                assert found[secret] != account[secret]
                assert account[secret][:8] not in found[secret]
        assert view.problems == []
