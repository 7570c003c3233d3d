"""A secret in every place that holds one, and a search for them in everything that the server says or leaves behind."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.processes.site import Site
from tests.security.doors import client_paths, management_routes
from tests.support.canary import Canary, Leak, Scanner, canary
from tests.support.client import RawClient, RawResponse
from tests.support.replies import Unary
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor

SECRETS: dict[str, Canary] = {}


def secret(name: str, prefix: str = "") -> str:
    """A canary of this name."""
    found = canary(f"place of {name}", prefix)
    SECRETS[name] = found
    return found.secret


def typical(name: str, prefix: str) -> str:
    """A canary of letters and digits, as vendors' keys are: in a text, nothing else tells what is a key."""
    found = SECRETS[name] = Canary(name, prefix, hashlib.sha256(name.encode()).hexdigest())
    return found.secret


def echo(request: Request) -> Unary:
    """What rude vendors do: the key that was refused is in the error, and so is everything else that was sent."""
    sent = {name: value for name, value in request.headers.pairs if name != "content-length"}
    message = f"Incorrect API key provided: {sent.get('authorization', '')}. You sent {json.dumps(sent)}"
    error = {"error": {"message": message, "type": "invalid_request_error", "code": "invalid_api_key", "sent": sent}}
    return Unary(json.dumps(error).encode(), 401, [("x-echo", message)])


def configured(folder: Path, vendor: str) -> dict[str, Any]:
    """Write every file of a configuration; return what ``config.json`` gets."""
    configs = folder / "configs"
    (configs / "gemini").mkdir(parents=True)
    account = {
        "headers": {"x-team-key": secret("header of an account"), "authorization-2": secret("second header")},
        "notes": {"apiToken": secret("unknown field of an account"), "password": secret("unknown password")},
    }
    broken = f"http://user:{quote(secret('proxy'), safe='')}@127.0.0.1:1"
    pools = {
        "openai-custom": [
            {"uuid": "echo", "OPENAI_API_KEY": secret("key", "sk-proj-"), "OPENAI_BASE_URL": f"{vendor}/v1", **account},
            {"uuid": "proxied", "OPENAI_API_KEY": secret("second key"), "proxyUrl": broken, "supportedModels": ["p"]},
        ],
        "claude-custom": [{"uuid": "c", "CLAUDE_API_KEY": secret("c", "sk-ant-api03-"), "CLAUDE_BASE_URL": vendor}],
        "gemini-custom": [{"uuid": "g", "GEMINI_API_KEY": secret("g", "AIza"), "GEMINI_API_BASE_URL": vendor}],
        "openaiResponses-custom": [{"uuid": "r", "OPENAI_API_KEY": secret("r"), "OPENAI_BASE_URL": f"{vendor}/v1"}],
        "unknown-type": [{"uuid": "u", "apiKey": secret("account of an unknown type")}],
    }
    (configs / "provider_pools.json").write_text(json.dumps(pools))
    login = {
        "access_token": secret("access token", "ya29."),
        "refresh_token": secret("refresh token", "1//0"),
        "client_secret": secret("client secret of a login"),
        "expiry_date": 1,
    }
    (configs / "gemini" / "oauth_creds.json").write_text(json.dumps(login))
    (configs / "notes.txt").write_text(f"OPENAI_API_KEY={secret('key in a text')}\n")
    (folder / ".env").write_text(f"CLAUDE_API_KEY={secret('key in the environment')}\n")
    return {
        "OPENAI_API_KEY": secret("key of config.json", "sk-proj-"),
        "OPENAI_BASE_URL": f"{vendor}/v1",
        "GEMINI_CLI_OAUTH_CLIENT_ID": "client-id-for-tests",
        "GEMINI_CLI_OAUTH_CLIENT_SECRET": secret("client secret"),
        "CRON_REFRESH_TOKEN": secret("unknown field of config.json"),
        "nested": {"password": secret("nested password"), "tokens": [secret("list of tokens")]},
        "PROMPT_LOG_MODE": "file",
    }


class Said:
    """Everything that was answered."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.answers: list[tuple[str, RawResponse]] = []

    async def ask(self, method: str, target: str, body: Any = None, **headers: str) -> RawResponse:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        async with await RawClient.connect(self._site.port) as client:
            answer = await client.ask(method, target, body, named, timeout=40)
        self.answers.append((f"{method} {target.partition('?')[0]}", answer))
        return answer

    def leaks(self, scanner: Scanner) -> Iterator[Leak]:
        for where, answer in self.answers:
            yield from scanner.scan(answer.body, where)
            yield from scanner.scan(repr(answer.headers), f"headers of {where}")
            if answer.body.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
                    for name in archive.namelist():
                        yield from scanner.scan(archive.read(name), f"{where}!{name}")


async def read_events(site: Site, seen: list[bytes]) -> None:
    """Collect the event stream until cancelled."""
    async with await RawClient.connect(site.port) as client:
        await client.request("GET", "/api/events", None, {"authorization": f"Bearer {site.session}"})
        async for piece in client.body(await client.head(30)):
            seen.append(piece)


async def use_as_a_client(said: Said, key: str) -> None:
    """Ask for everything, rightly and wrongly, with secrets where nobody looks for them."""
    chat = {"model": "m", "messages": [{"role": "user", "content": f"my key is {typical('in a prompt', 'sk-proj-')}"}]}
    asked = {"authorization": f"Bearer {key}", "x_auth_token": secret("token of a client"), "cookie": secret("cookie")}
    asked["proxy_authorization"] = f"Basic {secret('proxy authorization')}"
    for provider in ("openai-custom", "openaiResponses-custom", "claude-custom", "gemini-custom"):
        await said.ask("POST", f"/{provider}/v1/chat/completions", chat, **asked)
        await said.ask("POST", f"/{provider}/v1/chat/completions", {**chat, "stream": True}, **asked)
    await said.ask("POST", "/openai-custom/v1/chat/completions", {**chat, "model": "p"}, **asked)
    wrong = secret("wrong key", "cdx-")
    for path in client_paths():
        for method in ("GET", "POST"):
            await said.ask(method, path, b"{" if method == "POST" else None, **asked)
            await said.ask(method, f"{path}?key={quote(wrong, safe='')}", None)
            await said.ask(method, path, None, authorization=f"Bearer {wrong}")


async def use_as_an_admin(said: Said, session: str) -> None:
    """Read everything; change what holds secrets; make mistakes with secrets in them."""
    admin = {"authorization": f"Bearer {session}"}
    listed = (await said.ask("GET", "/api/upload-configs", None, **admin)).json
    names = [file["path"] for file in listed if isinstance(file, dict)] if isinstance(listed, list) else []
    assert len(names) >= 4, listed
    for name in names:
        await said.ask("GET", f"/api/upload-configs/view/{quote(name)}", None, **admin)
    for method, path in management_routes():
        if method == "GET" and path != "/api/events":
            for kind in ("openai-custom", "gemini-custom"):
                filled = path.replace("{provider_type}", kind).replace("{type}", kind).replace("{uuid}", "echo")
                await said.ask("GET", filled.replace("{", "").replace("}", ""), None, **admin)
    for path in ("/api/config?explain=1", "/provider_health", "/metrics", "/api/usage-statistics?format=csv"):
        await said.ask("GET", path, None, **admin)
    key = {"OPENAI_API_KEY": secret("new key"), "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "headers": {}}
    key["headers"] = {"x-other": secret("new header")}
    made = await said.ask("POST", "/api/providers", {"providerType": "openai-custom", "providerConfig": key}, **admin)
    assert made.status in (200, 201), made.body
    wrong = {"OPENAI_API_KEY": secret("refused key"), "weight": secret("weight")}
    for body in (wrong, {"headers": secret("no headers")}, {"OPENAI_BASE_URL": f"ftp://u:{secret('address')}@h"}):
        sent = {"providerType": "openai-custom", "providerConfig": body}
        await said.ask("POST", "/api/providers", sent, **admin)
        await said.ask("PUT", "/api/providers/openai-custom/echo", {"providerConfig": body}, **admin)
    for body in (
        {"OPENAI_API_KEY": secret("config change")},
        {"SERVER_PORT": secret("port")},
        {"DATABASE_URL": f"mysql://u:{secret('database')}@h/d"},
        {"DATABASE_URL": f"postgresql://u:{secret('second database')}@h"},
        {"REQUIRED_API_KEY": secret("blank key") + " x"},
    ):
        await said.ask("POST", "/api/config", body, **admin)
    await said.ask("POST", "/api/login", {"password": secret("wrong password")})
    await said.ask("POST", "/api/login", {"password": [secret("odd password")]})
    await said.ask("POST", "/api/login", secret("no JSON").encode())
    await said.ask("POST", "/api/setup", {"token": secret("wrong token"), "password": secret("second password")})
    await said.ask("GET", "/api/system", None, cookie=f"codenex_session={quote(secret('wrong session'))}")


def database_text(path: Path) -> str:
    """Everything in a SQLite file, as text."""
    with sqlite3.connect(path) as database:
        return "\n".join(database.iterdump())


async def test_no_secret_is_in_anything_that_is_said_or_left_behind(tmp_path: Path) -> None:
    SECRETS.clear()
    async with ScriptedVendor("openai_chat", validate=False, models=["m", "p"]) as vendor:
        for path in ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/m:generateContent"):
            vendor.on("POST", path, echo)
        vendor.on("POST", "/v1beta/models/m:streamGenerateContent", echo)
        settings = configured(tmp_path, vendor.url)
        async with Site(tmp_path, REQUIRED_API_KEY=secret("client key", "cdx-"), **settings) as site:
            await site.log_in()
            await site.serving(2)
            said, events = Said(site), list[bytes]()
            listening = asyncio.create_task(read_events(site, events))
            await use_as_a_client(said, SECRETS["client key"].secret)
            await use_as_an_admin(said, site.session)
            (tmp_path / "configs" / "provider_pools.json").write_text(f'{{"openai-custom": ["{secret("broken file")}')
            await site.says("provider_pools.json")
            await said.ask("GET", "/api/config", None, authorization=f"Bearer {site.session}")
            await said.ask("GET", "/api/system", None, authorization=f"Bearer {site.session}")
            await asyncio.sleep(1)
            listening.cancel()
            await asyncio.wait({listening})
            session = Canary("the session", "", site.session)
        scanner = Scanner([*SECRETS.values(), session])
        assert len(SECRETS) > 40
        # The vendor has got the keys that are its own, so that their echoes were really there to be found.
        assert scanner.scan(repr([request.headers for request in vendor.requests]))
        leaks = list(said.leaks(scanner))
        leaks += scanner.scan(b"".join(events), "events")
        leaks += scanner.scan(site.text, "console")
        # The originals are in ``configs``, their last good copies beside the data.
        leaks += scanner.scan_folder(
            tmp_path, without=[tmp_path / "configs", tmp_path / "data" / "last_good", tmp_path / ".env"]
        )
        for path in (tmp_path / "data").glob("*.db"):
            leaks += scanner.scan(database_text(path), path.name)
        assert len(events) > 0
        assert list((tmp_path / "logs").iterdir()) != []
        assert "Incorrect API key provided" in str([answer.body for _, answer in said.answers])
        assert leaks == []
