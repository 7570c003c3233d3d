"""The configuration is edited in a form and as JSON, looked at before it is saved, and no change of others is lost."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.web.scene import used_site

TIMEOUT = 15_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(300)]


async def test_settings_are_edited_reviewed_and_saved(tmp_path: Path) -> None:
    file = tmp_path / "configs" / "config.json"
    async with used_site(tmp_path, requests=0) as scene:
        view = await scene.site.view(expected=("412", "422"))
        page = view.page
        await view.open("configuration")
        await page.get_by_label("Search").fill("MAX_ERROR_COUNT")
        field = page.locator("[data-setting=MAX_ERROR_COUNT]")
        await expect(field).to_contain_text("from the default")
        await field.get_by_role("textbox").fill("5")
        await expect(page.get_by_text("1 change", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Review the changes").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("row", name="MAX_ERROR_COUNT")).to_contain_text("5", timeout=TIMEOUT)
        assert not file.exists(), "a look writes nothing"
        await dialog.get_by_role("button", name="Save").click()
        await expect(field).to_contain_text("from config.json", timeout=TIMEOUT)
        assert json.loads(file.read_text())["MAX_ERROR_COUNT"] == 5

        # Somebody else is quicker.
        await field.get_by_role("textbox").fill("6")
        assert (await scene.site.call("POST", "/api/config", {"STRICT": True})).status == 200
        await page.get_by_role("button", name="Review the changes").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Somebody else has changed", timeout=TIMEOUT)
        await dialog.get_by_role("button", name="Take over").click()
        await expect(field.get_by_role("textbox")).to_have_value("6")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0, timeout=TIMEOUT)
        stored = json.loads(file.read_text())
        assert (stored["MAX_ERROR_COUNT"], stored["STRICT"]) == (6, True)

        await page.get_by_text("JSON", exact=True).click()
        editor = page.get_by_label("config.json")
        await editor.fill("{")
        await expect(page.get_by_text("This is no JSON object.")).to_be_visible()
        await editor.fill(json.dumps({"MAX_ERROR_COUNT": 0, "modelAliases": {"mine": "openai-custom/<b>x</b>"}}))
        await page.get_by_role("button", name="Review the changes").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("MAX_ERROR_COUNT", timeout=TIMEOUT)
        await dialog.get_by_role("button", name="Back").last.click()
        await editor.fill(json.dumps({"modelAliases": {"mine": "openai-custom/<b>x</b>"}}))
        await page.get_by_role("button", name="Review the changes").click()
        await expect(dialog.get_by_role("row", name="STRICT")).to_be_visible(timeout=TIMEOUT)
        await expect(dialog).to_contain_text("<b>x</b>")
        assert await view.accessibility() == []
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0, timeout=TIMEOUT)
        assert json.loads(file.read_text()) == {"modelAliases": {"mine": "openai-custom/<b>x</b>"}}
        assert view.problems == []


async def test_files_are_shown_masked_and_downloaded(tmp_path: Path) -> None:
    async with used_site(tmp_path, requests=0) as scene:
        key = await scene.site.key()
        view = await scene.site.view()
        page = view.page
        await view.open("files")
        await page.get_by_role("button", name="Open configs/provider_pools.json").click()
        panel = page.get_by_role("dialog")
        await expect(panel).to_contain_text("Team account", timeout=TIMEOUT)
        await expect(panel).to_contain_text("***")
        assert await view.accessibility() == []
        await page.keyboard.press("Escape")
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="Download all as ZIP").click()
        archive = await asyncio.to_thread(Path(await (await waiting.value).path()).read_bytes)
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            assert any(name.endswith("provider_pools.json") for name in opened.namelist())
            assert all(key.encode() not in opened.read(name) for name in opened.namelist())
        notes = tmp_path / "configs" / "notes.json"
        notes.write_text('{"kept": [1]}')
        await page.reload()
        await page.get_by_role("button", name="Open configs/notes.json").click()
        await panel.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("notes.json was deleted.")).to_be_visible(timeout=TIMEOUT)
        await expect(page.get_by_role("button", name="Open configs/notes.json")).to_have_count(0, timeout=TIMEOUT)
        assert not notes.exists()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("button", name="Open configs/notes.json")).to_be_visible(timeout=TIMEOUT)
        assert notes.read_text() == '{"kept": [1]}'
        assert view.problems == []
