"""What is left of Google accounts' quotas, in the management API: asked by the control process, kept, never by clients'
requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.control.home import Home
from tests.control.managed import Managed, managed_server
from tests.google.accounts import ANTIGRAVITY, CODE_ASSIST, fresh
from tests.google.logging_in import configured
from tests.support.google.server import RESET, ScriptedGoogle, error

from codenex.control import google_quotas
from codenex.control.database.address import address_in
from codenex.control.database.engine import open_database
from codenex.control.database.quotas import Quotas

METHODS = {CODE_ASSIST: "retrieveUserQuota", ANTIGRAVITY: "fetchAvailableModels"}


@asynccontextmanager
async def site(home: Home, google: ScriptedGoogle) -> AsyncIterator[Managed]:
    """A server with one account, whose credential lies in the service's folder."""
    folder = home.configs / ("antigravity" if google.antigravity else "gemini")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oauth_creds.json").write_text(json.dumps(fresh(google, email="somebody@example.com")))
    configured(home, google)
    async with managed_server(home) as managed:
        yield managed


async def instance(managed: Managed, provider: str, query: str = "") -> Any:
    found = await managed.get(f"/api/usage/{provider}{query}")
    (each,) = found["instances"]
    return found, each


async def test_quotas_of_code_assist(home: Home) -> None:
    async with ScriptedGoogle() as google, site(home, google) as managed:
        google.left = {"gemini-2.5-pro": 0.05, "gemini-3-pro-preview": 0.25, "gemini-3-flash-preview": None}
        found, each = await instance(managed, CODE_ASSIST)
        usage = each["usage"]
        items = {item["id"]: item for item in usage["items"]}
        assert {name: (item["percent"], item["status"]) for name, item in items.items()} == {
            "gemini-2.5-flash": (1.3, "normal"),
            "gemini-2.5-pro": (95.0, "danger"),
            "gemini-3-pro-preview": (75.0, "warning"),
            "gemini-3-flash-preview": (None, "normal"),
        }
        # The mean of those that are known.
        assert usage["summary"]["usedPercent"] == 57.1
        assert (usage["summary"]["plan"], usage["summary"]["planClass"]) == ("STANDARD-TIER", "plan-standard")
        assert datetime.fromisoformat(usage["summary"]["resetAt"]) == datetime.fromisoformat(RESET)
        assert usage["user"] == {"email": "somebody@example.com"}
        assert usage["raw"]["gemini-2.5-pro"]["remainingAmount"] == "987"
        assert each["configFilePath"] == "configs/gemini/oauth_creds.json"
        assert (each["success"], each["error"], found["fromCache"], found["successCount"]) == (True, None, False, 1)
        every = await managed.get("/api/usage")
        assert every["fromCache"] is True
        assert every["providers"][CODE_ASSIST]["instances"] == [each]
    assert len(google.called("retrieveUserQuota")) == 1


async def test_quotas_of_antigravity_have_public_names(home: Home) -> None:
    async with ScriptedGoogle(antigravity=True) as google, site(home, google) as managed:
        google.left = {"claude-sonnet-4-5": 0.0}
        _, each = await instance(managed, ANTIGRAVITY)
    items = {item["id"]: item for item in each["usage"]["items"]}
    assert items["gemini-claude-sonnet-4-5"]["percent"] == 100.0
    assert items["gemini-claude-sonnet-4-5"]["label"] == "Claude-Sonnet-4-5"
    assert items["gemini-3-pro-preview"]["percent"] == 20.0
    assert not any(name.startswith(("chat_", "tab_")) for name in items)


@pytest.mark.parametrize("antigravity", [False, True])
async def test_google_is_asked_again_when_somebody_wants_it(
    home: Home, antigravity: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = ANTIGRAVITY if antigravity else CODE_ASSIST
    async with ScriptedGoogle(antigravity=antigravity) as google, site(home, google) as managed:
        for _ in range(2):
            await instance(managed, provider)
        # A page that is loaded again and again does not become a burden to Google.
        found, _ = await instance(managed, provider, "?refresh=true")
        assert found["fromCache"] is True
        assert len(google.called(METHODS[provider])) == 1
        monkeypatch.setattr(google_quotas, "NEWEST", 0.0)
        found, _ = await instance(managed, provider, "?refresh=true")
        assert found["fromCache"] is False
        assert len(google.called(METHODS[provider])) == 2
        monkeypatch.setattr(google_quotas, "FRESH", 0.0)
        await managed.get("/api/usage")
        assert len(google.called(METHODS[provider])) == 3


async def test_what_was_known_stays_while_google_does_not_tell(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_quotas, "NEWEST", 0.0)
    async with ScriptedGoogle() as google, site(home, google) as managed:
        _, before = await instance(managed, CODE_ASSIST)
        refusal = error(503, "UNAVAILABLE", "Try later.")
        google.on("POST", "/v1internal:retrieveUserQuota", lambda request: refusal)
        found, each = await instance(managed, CODE_ASSIST, "?refresh=true")
        assert "Try later." in each["error"]
        assert (each["success"], each["isHealthy"], found["errorCount"]) == (False, True, 1)
        assert each["usage"]["items"] == before["usage"]["items"]


async def test_an_account_that_has_to_log_in_says_so(home: Home) -> None:
    async with ScriptedGoogle() as google, site(home, google) as managed:
        google.oauth.access_tokens.clear()
        google.oauth.refresh_tokens.clear()
        _, each = await instance(managed, CODE_ASSIST)
    assert (each["success"], each["isHealthy"], each["usage"]) == (False, False, None)
    assert "log in again" in each["error"]


async def test_quotas_are_known_after_a_restart(home: Home, tmp_path: Path) -> None:
    engine = await open_database(address_in(str(tmp_path / "database"), None))
    async with ScriptedGoogle() as google, site(home, google) as managed:
        managed.part.quotas = quotas = Quotas(engine)
        await instance(managed, CODE_ASSIST)
        # What this process itself remembers ends with it.
        managed.part.google_quotas._told.clear()
        found, each = await instance(managed, CODE_ASSIST)
        assert (found["fromCache"], len(each["usage"]["items"])) == (True, 4)
        assert len(google.called("retrieveUserQuota")) == 1
        # A model that is gone is forgotten.
        await quotas.replace(each["uuid"], (await quotas.all())[:1])
        assert [quota.account for quota in await quotas.all()] == [each["uuid"]]
    await engine.dispose()
