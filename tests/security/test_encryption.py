"""A whole gateway whose files are encrypted: it works as before, and no disk holds a key in clear text."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.running import Ended, codenex
from tests.processes.site import HEADERS, KEY, PASSWORD, Site
from tests.support.canary import Scanner, canary
from tests.support.client import RawClient
from tests.support.vendor import ScriptedVendor

from codenex.store.sealing import is_sealed, new_key

OURS, NEW, CLIENT = canary("sealed account", "sk-"), canary("sealed second account"), canary("client secret")
LOGIN = canary("refresh token", "1//0")
SCANNER = Scanner([OURS, NEW, CLIENT, LOGIN])


def configured(folder: Path, vendor: str) -> None:
    configs = folder / "configs"
    (configs / "gemini").mkdir(parents=True)
    account = {"uuid": "account-0", "OPENAI_API_KEY": OURS.secret, "OPENAI_BASE_URL": f"{vendor}/v1"}
    (configs / "provider_pools.json").write_text(json.dumps({"openai-custom": [account]}))
    config = {"REQUIRED_API_KEY": KEY, "GEMINI_CLI_OAUTH_CLIENT_ID": "id"}
    config |= {"GEMINI_CLI_OAUTH_CLIENT_SECRET": CLIENT.secret}
    # Nothing here asks Google.
    config |= dict.fromkeys(("GOOGLE_OAUTH_TOKEN_URL", "GOOGLE_USERINFO_URL", "GEMINI_BASE_URL"), "http://127.0.0.1:9")
    (configs / "config.json").write_text(json.dumps(config))
    (configs / "gemini" / "oauth_creds.json").write_text(json.dumps({"refresh_token": LOGIN.secret, "expiry_date": 1}))


def with_keys(folder: Path, *keys: str) -> dict[str, str]:
    """An environment with a file of keys, outside of the gateway's folder."""
    path = folder.parent / f"{folder.name}-keys"
    path.write_text("\n".join(keys))
    path.chmod(0o600)
    return {"CREDENTIALS_KEY_FILE": str(path)}


def contents(folder: Path) -> dict[str, bytes]:
    places = (path for name in ("configs", "data") for path in (folder / name).rglob("*.json"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(places)}


def sealed(folder: Path, environment: dict[str, str], *flags: str) -> Ended:
    return codenex(folder, "seal-credentials", "--all", *flags, environment=environment)


async def again(site: Site) -> None:
    """Log in as one who has done so before."""
    for _ in range(500):
        async with await RawClient.connect(site.port) as client:
            answer = await client.ask("POST", "/api/login", {"password": PASSWORD}, timeout=30)
        if answer.status == 200:
            site.session = answer.json["token"]
            return
        assert answer.status == 503, answer.body
        await asyncio.sleep(0.02)
    raise AssertionError(site.text)


@pytest.mark.timeout(180)
async def test_no_key_is_on_the_disk_and_everything_works(tmp_path: Path) -> None:
    environment = with_keys(tmp_path, new_key())
    async with ScriptedVendor("openai_chat", key=OURS.secret, validate=False, models=["m"]) as vendor:
        configured(tmp_path, vendor.url)
        async with Site(tmp_path, environment=environment, write=False) as site:
            await site.log_in()
        assert SCANNER.scan_folder(tmp_path), "there is something to find"
        done = await asyncio.to_thread(sealed, tmp_path, environment)
        assert done.code == 0, done
        assert SCANNER.scan_folder(tmp_path) == []
        assert is_sealed((tmp_path / "configs" / "envelope_key").read_bytes())

        async with Site(tmp_path, environment=environment, write=False) as site:
            await again(site)
            async with await RawClient.connect(site.port) as client:
                chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
                answer = await client.ask("POST", "/openai-custom/v1/chat/completions", chat, HEADERS, timeout=30)
                assert answer.status == 200, answer.body
            made = {"OPENAI_API_KEY": NEW.secret, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
            for path, body in (
                ("/api/providers", {"providerType": "openai-custom", "providerConfig": made}),
                ("/api/config", {"MAX_ERROR_COUNT": 4}),
                ("/api/client-keys", {"name": "one"}),
            ):
                status, told = await site.api("POST", path, body)
                assert status < 300, told
            _, shown = await site.api("GET", "/api/upload-configs/view/provider_pools.json")
            assert "account-0" in shown["content"]
            assert len((await site.api("GET", "/api/providers"))[1]["providers"]["openai-custom"]) == 2
        assert vendor.requests
        assert SCANNER.scan_folder(tmp_path) == []
        assert is_sealed(contents(tmp_path)["configs/client_keys.json"]), "a file that is new is encrypted too"

        done = await asyncio.to_thread(sealed, tmp_path, environment, "--open")
        assert done.code == 0
        assert NEW.secret in (tmp_path / "configs" / "provider_pools.json").read_text()
        assert not any(is_sealed(content) for content in contents(tmp_path).values())


@pytest.mark.timeout(180)
def test_a_wrong_key_is_an_error_that_changes_nothing(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:1")
    assert sealed(tmp_path, with_keys(tmp_path, new_key())).code == 0
    before = contents(tmp_path)
    wrong = with_keys(tmp_path, new_key())
    for environment, command in ((wrong, ["seal-credentials", "--all"]), (wrong, ["serve"]), ({}, ["check"])):
        done = codenex(tmp_path, *command, environment=environment)
        assert done.code != 0, command
        assert "it is encrypted, and its key is missing" in done.message, done
    assert contents(tmp_path) == before


@pytest.mark.timeout(180)
def test_a_new_key_takes_over_from_an_old_one(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:1")
    old, new = new_key(), new_key()
    assert sealed(tmp_path, with_keys(tmp_path, old)).code == 0
    both = with_keys(tmp_path, new, old)
    assert codenex(tmp_path, "check", environment=both).code == 0
    assert sealed(tmp_path, both).code == 0
    assert codenex(tmp_path, "check", environment=with_keys(tmp_path, new)).code == 0
    assert codenex(tmp_path, "check", environment=with_keys(tmp_path, old)).code != 0


def test_without_being_asked_for_nothing_but_logins_is_encrypted(tmp_path: Path) -> None:
    configured(tmp_path, "http://127.0.0.1:1")
    environment = with_keys(tmp_path, new_key())
    assert codenex(tmp_path, "seal-credentials", environment=environment).code == 0
    assert {name for name, content in contents(tmp_path).items() if is_sealed(content)} == {
        "configs/gemini/oauth_creds.json"
    }
