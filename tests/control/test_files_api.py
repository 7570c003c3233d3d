"""Files of the configuration over the management API: found by listing, shown masked, never left by any path."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from typing import Any
from urllib.parse import quote

import pytest
from tests.control.managed import Managed

CANARY = "canary-0f9e8d7c-tail"
CREDENTIALS = {"access_token": CANARY, "refresh_token": f"r-{CANARY}", "expiry_date": 1767225600000, "scope": "a b"}


def furnish(managed: Managed) -> None:
    """Put a secret into a file of every kind."""
    home = managed.home
    home.config({"OPENAI_API_KEY": CANARY, "later": {"secret": CANARY, "said": f"the key is {CANARY}"}})
    home.pools(
        {
            "openai-custom": [{"uuid": "a", "OPENAI_API_KEY": CANARY, "headers": {"x-team": CANARY}}],
            "gemini-cli-oauth": [{"uuid": "g", "GEMINI_OAUTH_CREDS_FILE_PATH": "configs/gemini/oauth_creds.json"}],
        }
    )
    home.config(CREDENTIALS, "gemini/oauth_creds.json")
    home.config({**CREDENTIALS, "expiry_date": "soon"}, "gemini/1_unbound.json")
    home.config(json.dumps(CANARY), "text.json")
    home.config(f'{{"access_token": "{CANARY}"', "antigravity/broken.json")
    home.config(f"{CANARY}\n", "gemini/one.key")
    home.config(f"Be kind. api_key: {CANARY}\n", "input_system_prompt.txt")
    home.config(b"\xff\xfe\x00" + CANARY.encode(), "gemini/binary.p12")
    home.config(CANARY, "pwd")
    home.config('{"half": "\\ud800"}', "half.json")
    home.config(CANARY, ".hidden.tmp")


def escapes(managed: Managed) -> None:
    """Make links that lead out, and things that are no files."""
    (managed.home.folder / "outside.json").write_text(json.dumps({"note": "outside"}))
    (managed.home.folder / "outside").mkdir()
    (managed.home.folder / "outside/inner.json").write_text("{}")
    configs = managed.home.configs
    (configs / "link.json").symlink_to(managed.home.folder / "outside.json")
    (configs / "linked").symlink_to(managed.home.folder / "outside")
    os.mkfifo(configs / "pipe.json")


async def test_files_are_listed_with_who_uses_them(managed: Managed) -> None:
    furnish(managed)
    escapes(managed)
    answer = await managed.ask("GET", "/api/upload-configs")
    assert answer.status_code == 200, answer.text
    found = {item["path"]: item for item in answer.json()}
    names = ["admin_password", "api_key", "envelope_key", "pwd", "config.json", "provider_pools.json", "half.json"]
    names += ["text.json", "input_system_prompt.txt", "antigravity/broken.json", "gemini/1_unbound.json"]
    names += ["gemini/oauth_creds.json", "gemini/one.key", "gemini/binary.p12"]
    assert found.keys() == {f"configs/{name}" for name in names}
    used = found["configs/gemini/oauth_creds.json"]
    assert (used["name"], used["type"], used["provider"]) == ("oauth_creds.json", "oauth", "gemini")
    assert (used["isValid"], used["isUsed"], used["expiresAt"]) == (True, True, "2026-01-01T00:00:00.000+00:00")
    (use,) = used["usageInfo"]["usageDetails"]
    assert (use["providerType"], use["uuid"]) == ("gemini-cli-oauth", "g")
    assert found["configs/antigravity/broken.json"]["errorMessage"] == "this is not JSON"
    assert not found["configs/gemini/1_unbound.json"]["isUsed"]
    assert CANARY not in answer.text


async def test_no_file_shows_a_secret(managed: Managed) -> None:
    furnish(managed)
    paths = [item["path"] for item in await managed.get("/api/upload-configs")]
    for path in paths:
        for kind in ("view", "download"):
            answer = await managed.ask("GET", f"/api/upload-configs/{kind}/{quote(path, safe='')}")
            assert answer.status_code == (409 if path.endswith(".p12") else 200), (path, answer.text)
            assert CANARY not in answer.text, path
    shown = await managed.get("/api/upload-configs/view/gemini/oauth_creds.json")
    assert json.loads(shown["content"])["scope"] == "a b"
    assert (await managed.get("/api/upload-configs/view/input_system_prompt.txt"))["content"].startswith("Be kind.")


async def test_the_archive_holds_no_secret_and_tells_what_is_left_out(managed: Managed) -> None:
    furnish(managed)
    escapes(managed)
    answer = await managed.ask("GET", "/api/upload-configs/download-all")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="configs_backup_')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not [name for name, content in contents.items() if CANARY in content or "outside" in content]
    note = contents["MASKED.txt"]
    for name in ("api_key", "admin_password", "envelope_key", "pwd", "gemini/one.key", "gemini/binary.p12"):
        assert f"configs/{name}" not in contents
        assert f"configs/{name}:" in note
    assert json.loads(contents["configs/config.json"])["OPENAI_API_KEY"] == "***tail"


@pytest.mark.parametrize(
    "path",
    [
        "../outside.json",
        "configs/../outside.json",
        "gemini/../../outside.json",
        "/etc/passwd",
        "//etc/passwd",
        "link.json",
        "linked/inner.json",
        "pipe.json",
        ".hidden.tmp",
        "gemini",
        "",
        "config.json/",
        "config.json\0",
        "%2e%2e/outside.json",
        "..\\outside.json",
        "configs",
    ],
)
async def test_no_path_leads_out(managed: Managed, path: str) -> None:
    furnish(managed)
    escapes(managed)
    before = sorted(str(place) for place in managed.home.folder.rglob("*"))
    for method, kind in (("GET", "view"), ("GET", "download"), ("DELETE", "delete")):
        for sent in (quote(path, safe=""), quote(path)):
            status, _ = await managed.refusal(method, f"/api/upload-configs/{kind}/{sent}")
            assert status in (404, 405), (kind, sent)
    assert sorted(str(place) for place in managed.home.folder.rglob("*")) == before


async def test_files_are_removed_but_not_those_in_use(managed: Managed) -> None:
    furnish(managed)
    for name in ("admin_password", "api_key", "config.json", "provider_pools.json"):
        assert (await managed.refusal("DELETE", f"/api/upload-configs/delete/{name}"))[0] == 403
    used = "/api/upload-configs/delete/configs%2Fgemini%2Foauth_creds.json"
    status, message = await managed.refusal("DELETE", used)
    assert (status, "gemini-cli-oauth[0]" in message) == (409, True)
    answer = await managed.ask("DELETE", f"{used}?force=true")
    assert answer.json()["filePath"] == "configs/gemini/oauth_creds.json"
    assert not (managed.home.configs / "gemini/oauth_creds.json").exists()
    assert (await managed.refusal("DELETE", used))[0] == 404
    assert managed.events()[-1][1]["action"] == "delete"


async def test_credentials_that_nobody_uses_are_removed(managed: Managed) -> None:
    furnish(managed)
    done = (await managed.ask("DELETE", "/api/upload-configs/delete-unbound")).json()
    assert done["success"]
    expected = ["antigravity/broken.json", "gemini/1_unbound.json", "gemini/binary.p12", "gemini/one.key"]
    assert done["deletedFiles"] == [f"configs/{name}" for name in expected]
    assert (managed.home.configs / "gemini/oauth_creds.json").exists()
    managed.home.pools("{ broken")
    managed.home.config({}, "gemini/x.json")
    assert (await managed.refusal("DELETE", "/api/upload-configs/delete-unbound"))[0] == 409
    assert (managed.home.configs / "gemini/x.json").exists()


def form(name: str, content: bytes, provider: str | None = "gemini") -> dict[str, Any]:
    fields = {} if provider is None else {"provider": provider}
    return {"files": {"file": (name, content)}, "data": fields}


async def uploaded(managed: Managed, sent: dict[str, Any]) -> Any:
    headers = {"authorization": f"Bearer {managed.session}"}
    return await managed.client.post("/api/upload-oauth-credentials", headers=headers, **sent)


@pytest.mark.parametrize("provider", ["antigravity", "gemini-antigravity"])
async def test_credentials_are_uploaded(managed: Managed, provider: str) -> None:
    content = json.dumps(CREDENTIALS).encode()
    answer = await uploaded(managed, form("../../my creds\x01.json", content, provider))
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert CANARY not in answer.text
    path = managed.home.folder / done["filePath"]
    assert path.parent == managed.home.configs / "antigravity"
    assert path.name.partition("_")[2].startswith("my_creds")
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = (await uploaded(managed, form("a.json", content, provider))).json()
    assert again["filePath"] != done["filePath"]


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (form("a.json", b"{ broken"), 400, "not JSON"),
        (form("a.json", b"[]"), 400, "an object"),
        (form("a.sh", b"{}"), 400, "must end in"),
        (form("a.json", b" "), 400, "empty"),
        (form("a.json", b"{}", "../etc"), 400, "provider"),
        (form("a.json", b"{}", None), 400, "provider"),
        (form("a.txt", b"x" * (5 * 1024 * 1024 + 1)), 413, "more than"),
        ({"json": {}}, 415, "multipart/form-data"),
        ({"content": b"x", "headers_": "multipart/form-data"}, 400, "no file"),
    ],
)
async def test_uploads_that_are_refused(managed: Managed, sent: dict[str, Any], status: int, said: str) -> None:
    headers = {"authorization": f"Bearer {managed.session}"}
    sent = dict(sent)
    if kind := sent.pop("headers_", None):
        headers["content-type"] = kind
    answer = await managed.client.post("/api/upload-oauth-credentials", headers=headers, **sent)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text
    assert not (managed.home.configs / "gemini").exists()


async def test_an_upload_does_not_follow_a_link(managed: Managed) -> None:
    (managed.home.folder / "outside").mkdir()
    (managed.home.configs / "gemini").symlink_to(managed.home.folder / "outside")
    assert (await uploaded(managed, form("a.json", b"{}"))).status_code == 409
    assert not list((managed.home.folder / "outside").iterdir())
