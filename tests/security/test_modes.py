"""Whatever the umask: what the server writes is for its owner alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.processes.site import HEADERS, PASSWORD, Site
from tests.support.client import RawClient
from tests.support.vendor import ScriptedVendor


async def use_everything(site: Site) -> None:
    """Have every kind of file written."""
    async with await RawClient.connect(site.port) as client:
        kept = await client.ask("POST", "/v1/responses", {"model": "m", "input": "hi"}, HEADERS, timeout=30)
        assert kept.status == 200, kept.body
    for method, path, body in (
        ("POST", "/api/client-keys", {"name": "one"}),
        ("POST", "/api/config", {"MAX_ERROR_COUNT": 4}),
        ("PUT", "/api/providers/openai-custom/account-0", {"providerConfig": {"weight": 2}}),
        ("POST", "/api/providers/openai-custom/account-0/disable", None),
        ("POST", "/api/reload-config", None),
        ("GET", "/api/requests", None),
    ):
        status, answer = await site.api(method, path, body)
        assert status < 300, (path, answer)
    boundary = "b" * 20
    content = json.dumps({"refresh_token": "r" * 20})
    parts = (("provider", "", "gemini"), ("file", '; filename="a.json"', content))
    form = "".join(
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in parts
    )
    headers = {"authorization": f"Bearer {site.session}", "content-type": f"multipart/form-data; boundary={boundary}"}
    async with await RawClient.connect(site.port) as client:
        sent = await client.ask("POST", "/api/upload-oauth-credentials", f"{form}--{boundary}--\r\n".encode(), headers)
        assert sent.status == 200, sent.body
        change = {"current": PASSWORD, "password": f"{PASSWORD}!"}
        assert (await client.ask("POST", "/api/admin-password", change, headers=headers_of(site))).status == 200


def headers_of(site: Site) -> dict[str, str]:
    return {"authorization": f"Bearer {site.session}"}


async def test_every_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with ScriptedVendor("openai_chat", validate=False, models=["m"]) as vendor:
        site = Site(tmp_path, vendor, umask="000", PROMPT_LOG_MODE="file")
        # What is written by hand has the mode that its writer gave it.
        site.pools.chmod(0o600)
        site.config.chmod(0o600)
        (tmp_path / "configs").chmod(0o700)
        async with site:
            await site.log_in()
            await site.serving(2)
            await use_everything(site)
            modes = {
                str(path.relative_to(tmp_path)): stat.S_IMODE(path.lstat().st_mode)
                for name in ("configs", "data", "logs")
                for place in [tmp_path / name]
                for path in [place, *place.rglob("*")]
            }
    for wanted in (
        "configs/client_keys.json",
        "configs/gemini",
        "data/codenex.db",
        "data/codenex.db-wal",
        "data/codenex.db-shm",
        "data/responses.db",
        "logs/conversation.log",
    ):
        assert wanted in modes, sorted(modes)
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
