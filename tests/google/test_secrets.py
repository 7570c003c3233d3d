"""Tokens of Google accounts in the management API: nothing shows them, nothing loses them, and no file outside of the
configuration becomes one."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import pytest
from tests.control.home import Home
from tests.google.accounts import CODE_ASSIST, credential
from tests.google.logging_in import own_port
from tests.google.test_login import begun, called_back, consented, site, target_of
from tests.support.google.server import ScriptedGoogle

#: Not so much as the middle of them may be seen.
#: Put together, so that no scanner takes it for a real one.
ACCESS = ".".join(("ya29", "access-token-that-nobody-may-see-0123456789"))
REFRESH = "1//refresh-token-that-nobody-may-see-0123456789"
SECRET = credential(access_token=ACCESS, refresh_token=REFRESH)
INLINE = base64.b64encode(json.dumps(SECRET).encode()).decode()
#: What no file of the configuration is.
OUTSIDE = [
    "../outside.json",
    "gemini/../../outside.json",
    "configs/gemini/..%2f..%2foutside.json",
    "/etc/passwd",
    "gemini/link.json",
    "gemini/folder/link.json",
    "provider_pools.json",
    "gemini/none.json",
    "gemini\x00/a.json",
]
TELLTALES = (ACCESS[8:-8], REFRESH[8:-8], INLINE[8:-8])


def fill(home: Home) -> None:
    home.config(SECRET, "gemini/oauth_creds.json")
    home.config({"type": "gemini", "token": SECRET}, "gemini/nested.json")
    file = str(home.configs / "gemini" / "oauth_creds.json")
    home.pools(
        {
            CODE_ASSIST: [
                {"uuid": "f", "GEMINI_OAUTH_CREDS_FILE_PATH": file},
                {"uuid": "i", "GEMINI_OAUTH_CREDS_BASE64": INLINE, "customName": "inline"},
            ]
        }
    )


def clean(text: str) -> None:
    assert not [telltale for telltale in TELLTALES if telltale in text]


async def test_no_page_shows_a_token(home: Home) -> None:
    fill(home)
    async with ScriptedGoogle() as google, site(home, google) as managed:
        for path in (
            "/api/providers",
            f"/api/providers/{CODE_ASSIST}",
            "/api/config",
            "/api/upload-configs",
            "/api/upload-configs/view/gemini%2Foauth_creds.json",
            "/api/upload-configs/view/configs%2Fgemini%2Fnested.json",
            "/api/upload-configs/view/provider_pools.json",
            "/api/upload-configs/download/gemini%2Foauth_creds.json",
            "/api/usage",
            "/provider_health",
        ):
            answer = await managed.ask("GET", path)
            assert answer.status_code == 200, (path, answer.text)
            clean(answer.text)
        archive = await managed.ask("GET", "/api/upload-configs/download-all")
        with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
            assert "configs/gemini/oauth_creds.json" in files.namelist()
            for name in files.namelist():
                clean(files.read(name).decode())
        clean(json.dumps(managed.events()))


async def test_an_account_that_was_read_can_be_sent_back(home: Home) -> None:
    fill(home)
    async with ScriptedGoogle() as google, site(home, google) as managed:
        shown = await managed.get(f"/api/providers/{CODE_ASSIST}")
        (entry,) = [entry for entry in shown["providers"] if entry["uuid"] == "i"]
        entry["customName"] = "renamed"
        answer = await managed.ask("PUT", f"/api/providers/{CODE_ASSIST}/i", {"providerConfig": entry})
        assert answer.status_code == 200, answer.text
        clean(answer.text)
        (kept,) = [entry for entry in managed.pools[CODE_ASSIST] if entry["uuid"] == "i"]
        assert (kept["customName"], kept["GEMINI_OAUTH_CREDS_BASE64"]) == ("renamed", INLINE)


async def test_no_file_outside_becomes_an_account(home: Home) -> None:
    fill(home)
    outside = home.configs.parent / "outside.json"
    outside.write_text(json.dumps(SECRET))
    (home.configs / "gemini" / "link.json").symlink_to(outside)
    (home.configs / "gemini" / "folder").mkdir()
    (home.configs / "gemini" / "folder" / "link.json").symlink_to(outside)
    async with ScriptedGoogle() as google, site(home, google) as managed:
        before = managed.pools
        for path in OUTSIDE:
            answer = (await managed.ask("POST", "/api/quick-link-provider", {"filePath": path})).json()
            assert (answer["successCount"], answer["failCount"]) == (0, 1), path
        assert managed.pools == before
        logins = [account.google for account in managed.accounts[CODE_ASSIST] if account.google is not None]
        files = [Path(login.credentials_file).name for login in logins if login.credentials_file is not None]
        assert sorted(files) == ["nested.json", "oauth_creds.json"]


async def test_a_login_is_told_without_its_tokens(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedGoogle() as google:
        port = own_port(monkeypatch, google)
        async with site(home, google) as managed:
            await called_back(port, target_of(await consented(google, await begun(managed))))
            text = json.dumps(managed.events())
            assert "oauth_success" in text
            for secret in [*google.oauth.access_tokens, *google.oauth.refresh_tokens, *google.oauth.grants]:
                assert secret[4:-4] not in text
