"""Which project an account has, and what is done about an account that Google doesn't know yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import credential, fresh, google_account
from tests.support.google.server import PROJECT, STANDARD, ScriptedGoogle, error

from codenex.control.probing import checked
from codenex.core.errors import Fault
from codenex.providers.google import handshake
from codenex.providers.google.cloud import Cloud
from codenex.providers.google.service import ANTIGRAVITY, CODE_ASSIST
from codenex.providers.transport import Transport
from codenex.store.settings import Settings

FREE = {"id": "free-tier", "name": "Free", "isDefault": True, "userDefinedCloudaicompanionProject": False}
STANDARD_TIER = {"id": "standard-tier", "name": "S", "isDefault": True, "userDefinedCloudaicompanionProject": True}
MADE = {"done": True, "response": {"cloudaicompanionProject": {"id": "made-1", "name": "made", "projectNumber": "1"}}}
NOT_YET = {"name": "operations/op-1", "done": False}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "LOOK", 0.01)


@asynccontextmanager
async def cloud() -> AsyncIterator[Cloud]:
    async with Transport() as transport:
        yield Cloud(transport)


async def refused(cloud: Cloud, account: Any, *, onboard: bool = True) -> str:
    with pytest.raises(Fault) as caught:
        await cloud.handshake.standing(account, CODE_ASSIST, onboard=onboard)
    assert caught.value.code == "account_unusable"
    return caught.value.notice or ""


async def test_an_account_with_a_tier(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        account = google_account(google, tmp_path)
        assert await held.handshake.project(account, CODE_ASSIST) == PROJECT
        assert await held.handshake.project(account, CODE_ASSIST) == PROJECT
    async with cloud() as another:
        # It is known to all processes.
        assert await another.handshake.project(account, CODE_ASSIST) == PROJECT
    assert len(google.called("loadCodeAssist")) == 1
    assert google.called("loadCodeAssist")[0] == {
        "metadata": {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
    }


async def test_a_configured_project_is_told_and_google_has_the_last_word(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        account = google_account(google, tmp_path, project="mine")
        assert await held.handshake.project(account, CODE_ASSIST) == PROJECT
        google.loaded = {key: value for key, value in STANDARD.items() if key != "cloudaicompanionProject"}
        other = google_account(google, tmp_path, None, 1, project="mine")
        assert (await held.handshake.standing(other, CODE_ASSIST, onboard=False)).project == "mine"
    sent = google.called("loadCodeAssist")[0]
    assert (sent["cloudaicompanionProject"], sent["metadata"]["duetProject"]) == ("mine", "mine")


async def test_a_project_that_a_credential_brings_along_is_told(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        google.loaded = {key: value for key, value in STANDARD.items() if key != "cloudaicompanionProject"}
        account = google_account(google, tmp_path, fresh(google, project_id="brought"))
        assert await held.handshake.project(account, CODE_ASSIST) == "brought"
        other = google_account(google, tmp_path, fresh(google, project_id="brought"), 1, project="mine")
        assert await held.handshake.project(other, CODE_ASSIST) == "mine"
    assert [sent["cloudaicompanionProject"] for sent in google.called("loadCodeAssist")] == ["brought", "mine"]


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        ({"currentTier": {"id": "t"}}, "PROJECT_ID"),
        ({"currentTier": {"id": "t"}, "cloudaicompanionProject": "default"}, "PROJECT_ID"),
        ({"ineligibleTiers": [{"reasonCode": "UNSUPPORTED_CLIENT", "reasonMessage": "migrate"}]}, "individuals"),
        (
            {"currentTier": {"id": "t"}, "ineligibleTiers": [{"reasonCode": "UNSUPPORTED_CLIENT"}]},
            "individuals",
        ),
        (
            {"ineligibleTiers": [{"reasonCode": "VALIDATION_REQUIRED", "validationUrl": "https://v.example/x"}]},
            "https://v.example/x",
        ),
        ({"allowedTiers": [STANDARD_TIER]}, "PROJECT_ID"),
        ({}, "PROJECT_ID"),
    ],
)
async def test_what_is_wrong_with_an_account(tmp_path: Path, loaded: Any, words: str) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        google.loaded = loaded
        assert words in await refused(held, google_account(google, tmp_path))
        assert google.called("onboardUser") == []


async def test_the_service_that_is_disabled(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        metadata = {"service": "cloudcode-pa.googleapis.com", "consumer": "projects/77"}
        detail = {"@type": "ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": metadata}
        google.loaded = error(403, "PERMISSION_DENIED", "Cloud Code Private API has not been used", detail)
        account = google_account(google, tmp_path)
        assert "project 77" in await refused(held, account)
        # It may be mended: nothing keeps the account from being asked for again.
        google.loaded = STANDARD
        assert await held.handshake.project(account, CODE_ASSIST) == PROJECT


async def test_behind_a_security_perimeter(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        detail = {"@type": "ErrorInfo", "reason": "SECURITY_POLICY_VIOLATED"}
        google.loaded = error(403, "PERMISSION_DENIED", "Request is prohibited by organization's policy", detail)
        account = google_account(google, tmp_path, project="mine")
        standing = await held.handshake.standing(account, CODE_ASSIST, onboard=False)
        assert (standing.project, standing.tier) == ("mine", "standard-tier")


async def test_nobody_is_set_up_by_a_request(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        google.loaded = {"allowedTiers": [FREE]}
        google.onboarding.extend([NOT_YET, NOT_YET, MADE])
        account = google_account(google, tmp_path)
        with pytest.raises(Fault) as caught:
            await held.handshake.project(account, CODE_ASSIST)
        assert "has not been set up" in (caught.value.notice or "")
        assert google.called("onboardUser") == []
        google.project = "made-1"
        standing, quotas = await held.check(account, CODE_ASSIST)
        assert (standing.project, standing.tier) == ("made-1", "free-tier")
        assert quotas[0].remaining == 0.987
        assert await held.handshake.project(account, CODE_ASSIST) == "made-1"
    (sent,) = google.called("onboardUser")
    assert "cloudaicompanionProject" not in sent
    assert len(google.called("operation")) == 2


async def test_a_paid_account_is_set_up_with_its_project(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        google.loaded = {"allowedTiers": [STANDARD_TIER]}
        google.onboarding.append({"done": True, "response": {}})
        account = google_account(google, tmp_path, project="mine")
        assert (await held.handshake.standing(account, CODE_ASSIST, onboard=True)).project == "mine"
    (sent,) = google.called("onboardUser")
    assert (sent["tierId"], sent["cloudaicompanionProject"]) == ("standard-tier", "mine")
    assert sent["metadata"]["duetProject"] == "mine"


async def test_setting_up_that_fails_or_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedGoogle() as google, cloud() as held:
        google.loaded = {"allowedTiers": [FREE]}
        account = google_account(google, tmp_path)
        google.onboarding.append({"done": True, "error": {"code": 9, "message": "no more projects"}})
        assert "no more projects" in await refused(held, account)
        google.onboarding.append(NOT_YET)
        google.onboarding.popleft()
        monkeypatch.setattr(handshake, "PATIENCE", 0.1)
        await held.logins.forgive(account)
        with pytest.raises(Fault, match="in time"):
            await held.handshake.standing(account, CODE_ASSIST, onboard=True)


async def test_antigravity_asks_in_its_own_way(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google, cloud() as held:
        google.loaded = {"currentTier": {"id": "free-tier"}, "cloudaicompanionProject": {"id": "p-1"}}
        assert await held.handshake.project(google_account(google, tmp_path), ANTIGRAVITY) == "p-1"
    assert google.called("loadCodeAssist") == [{"metadata": {"ideType": "ANTIGRAVITY"}}]


async def test_antigravity_is_set_up_in_its_own_way(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google, ScriptedGoogle(antigravity=True) as old, cloud() as held:
        old.oauth = google.oauth
        old.loaded = {"allowedTiers": [FREE]}
        google.onboarding.extend([NOT_YET, MADE])
        account = google_account(google, tmp_path, None, 0, google, old)
        standing = await held.handshake.standing(account, ANTIGRAVITY, onboard=True)
        assert (standing.project, standing.tier) == ("made-1", "free-tier")
    assert len(old.called("loadCodeAssist")) == 1
    assert google.called("onboardUser") == [{"tier_id": "free-tier", "metadata": {"ide_type": "ANTIGRAVITY"}}]
    assert len(google.called("operation")) == 1


async def test_a_clock_neither_sets_up_nor_forgives(tmp_path: Path) -> None:
    """Checks on schedule look at accounts that failed; what needs somebody to act is left to somebody."""
    async with ScriptedGoogle() as google, Transport() as transport:
        google.loaded = {"allowedTiers": [FREE]}
        google.onboarding.append(MADE)
        account = google_account(google, tmp_path)
        found = await checked(transport, account, Settings(), None, wanted=False)
        assert (found.healthy, "has not been set up" in found.message) == (False, True)
        google.oauth.refresh_tokens.clear()
        ended = google_account(google, tmp_path, credential(refresh_token="1//ended"), 1)
        for _ in range(3):
            found = await checked(transport, ended, Settings(), None, wanted=False)
            assert (found.healthy, "log in again" in found.message) == (False, True)
        assert (google.called("onboardUser"), google.oauth.renewals) == ([], 1)
        google.project = "made-1"
        assert (await checked(transport, account, Settings(), None)).healthy is True
        assert (await checked(transport, ended, Settings(), None)).healthy is False
        assert (len(google.called("onboardUser")), google.oauth.renewals) == (1, 2)
