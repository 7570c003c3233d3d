"""Logins at Google: over the management API, from the command line, in a real browser; and whom they refuse."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from playwright.async_api import expect
from tests.control.home import Home
from tests.control.managed import Managed, managed_server
from tests.google.logging_in import configured, own_port, settings
from tests.support.browser import chromium
from tests.support.client import RawClient
from tests.support.google.oauth import EMAIL
from tests.support.google.server import ScriptedGoogle
from tests.support.ports import accepts, free_port
from tests.support.process import ROOT, ServerProcess, small_environment

from codenex.control import google_login
from codenex.providers.google.authorization import Refused
from codenex.providers.google.credentials import parsed

PROVIDER = "gemini-cli-oauth"
BEGIN = f"/api/providers/{PROVIDER}/generate-auth-url"


@asynccontextmanager
async def site(home: Home, google: ScriptedGoogle, **more: object) -> AsyncIterator[Managed]:
    configured(home, google, **more)
    async with managed_server(home) as managed:
        try:
            yield managed
        finally:
            for login in managed.part.google_logins.values():
                login.give_up("the test is over")
            await managed.part.outward.close()


async def begun(managed: Managed) -> str:
    answer = await managed.ask("POST", BEGIN, {})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["authUrl"])


class Demonstrated(NamedTuple):
    """Where a scripted Google is that another process runs."""

    url: str
    port: int


async def consented(google: ScriptedGoogle | Demonstrated, url: str, answer: str = "allow") -> str:
    """Do at Google what somebody does there; return where the browser is sent to."""
    query = dict(parse_qsl(urlsplit(url).query))
    async with await RawClient.connect(google.port) as client:
        page = await client.ask("GET", url.removeprefix(google.url))
        assert page.status == 200, page.body
        sent = await client.ask("GET", f"/consent?{urlencode({**query, 'answer': answer})}")
    return str(sent.headers.get("location"))


async def called_back(port: int, target: str) -> tuple[int, str]:
    async with await RawClient.connect(port) as client:
        answer = await client.ask("GET", target)
    return answer.status, answer.body.decode()


def target_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
async def google() -> AsyncIterator[ScriptedGoogle]:
    async with ScriptedGoogle() as running:
        yield running


async def test_a_login(home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        assert not accepts(port)
        answer = (await managed.ask("POST", BEGIN, {"saveToConfigs": True, "providerDir": "gemini"})).json()
        assert answer["authInfo"] == {
            "provider": PROVIDER,
            "redirectUri": f"http://localhost:{port}",
            "port": port,
            "saveToConfigs": True,
            "providerDir": "gemini",
            "warning": None,
        }
        assert accepts(port)
        status, page = await called_back(port, target_of(await consented(google, answer["authUrl"])))
        assert status == 200
        assert f"{EMAIL} is logged in. The account can be used" in page
        assert not accepts(port), "nobody listens once the login is over"
        path = home.configs / "gemini" / "oauth_creds.json"
        assert path.stat().st_mode & 0o777 == 0o600
        kept = parsed(path.read_bytes())
        assert kept.refresh_token in google.oauth.refresh_tokens
        (entry,) = managed.pools[PROVIDER]
        assert entry["customName"] == EMAIL
        (account,) = managed.accounts[PROVIDER]
        assert account.google is not None
        assert ("oauth_success", "gemini/oauth_creds.json") in [
            (name, data.get("relativePath")) for name, data in managed.events()
        ]
        shown = await managed.get(f"/api/providers/{PROVIDER}")
        assert (shown["healthyCount"], shown["providers"][0]["needsRefresh"]) == (1, False)
        assert str(kept.refresh_token) not in json.dumps(shown)

        # The same person again: the same file and account, with the newer login.
        await called_back(port, target_of(await consented(google, await begun(managed))))
        assert len(managed.pools[PROVIDER]) == 1
        assert parsed(path.read_bytes()).refresh_token != kept.refresh_token
        google.oauth.refresh_tokens.clear()
        google.oauth.access_tokens.clear()
        check = await managed.ask("POST", f"/api/providers/{PROVIDER}/{entry['uuid']}/health-check")
        assert "log in again" in check.json()["message"]
        shown = await managed.get(f"/api/providers/{PROVIDER}")
        assert shown["providers"][0]["needsRefresh"] is True
        assert "log in again" in shown["providers"][0]["lastErrorMessage"]
    assert not google.oauth.problems


async def test_an_address_is_pasted_and_never_fetched(
    home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_port(monkeypatch, google)
    async with site(home, google) as managed:
        address = await consented(google, await begun(managed))
        seen = len(google.requests)
        for wrong in (
            f"{google.url}/?{urlsplit(address).query}",
            address.replace("http://", "https://"),
            address.replace("localhost", "localhost.evil.example"),
            address.replace("http://localhost", "http://localhost@evil.example"),
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data",
            "x" * 9000,
            "http://[::1",
        ):
            body = {"provider": PROVIDER, "callbackUrl": wrong}
            status, words = await managed.refusal("POST", "/api/oauth/manual-callback", body)
            assert status == 400, words
        assert len(google.requests) == seen
        answer = await managed.ask("POST", "/api/oauth/manual-callback", {"provider": PROVIDER, "callbackUrl": address})
        assert EMAIL in answer.json()["message"]
        status, _ = await managed.refusal("POST", "/api/oauth/manual-callback", body)
        assert status == 409


async def test_what_cannot_be_begun(home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        assert (await managed.refusal("POST", "/api/providers/openai-custom/generate-auth-url", {}))[0] == 400
        status, words = await managed.refusal("POST", "/api/providers/gemini-antigravity/generate-auth-url", {})
        assert (status, "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID" in words) == (409, True)
        assert (await managed.refusal("POST", BEGIN, {"port": 1}))[0] == 400
        taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", port)
        async with taken:
            status, words = await managed.refusal("POST", BEGIN, {})
            assert (status, str(port) in words) == (409, True)
        managed.session = "nobody's"
        assert (await managed.refusal("POST", BEGIN, {}))[0] == 401


MARKUP = "<script>alert(1)</script>"


def hostile(good: str, foreign: str) -> list[str]:
    """Fifty answers that are none of this login's, from one that would be (both as queries)."""
    fields = dict(parse_qsl(good))
    state, code = fields["state"], fields["code"]
    found = [
        {},
        {"code": code},
        {"state": state},
        {"state": state, "code": ""},
        {"state": "", "code": code},
        {"state": state[:-1], "code": code},
        {"state": state + "x", "code": code},
        {"state": state.swapcase(), "code": code},
        {"state": state + "\x00", "code": code},
        {"state": " " + state, "code": code},
        {"state": "null", "code": code},
        {"state": "0", "code": code},
        {"state": state, "code": "a b"},
        {"state": state, "code": "a\r\nSet-Cookie: x=1"},
        {"state": state, "code": "é"},
        {"error": "access_denied"},
        {"error": MARKUP},
        {"error": MARKUP, "state": "x"},
        {"error": "x" * 5000, "state": "x"},
        {"code": MARKUP},
        {"state": MARKUP, "code": MARKUP},
        {"state": "ü" * 43, "code": code},
        {"state[]": state, "code": code},
        {"State": state, "code": code},
        {"iss": "https://accounts.google.com", "code": code},
        {"redirect_uri": "https://evil.example", "code": code},
    ]
    queries = [urlencode(each) for each in found]
    queries += [foreign, "", "?", "&", "=", "%", "%zz", "state=%ff&code=x", f"state={state}&state={state}&code={code}"]
    queries += [f"state=x&state={state}&code={code}", f"state={state}&code={code}&code=other", "a=1&" * 30 + good]
    queries += [good + "&pad=" + "x" * 5000, f"state={quote(state)}%00&code={code}", f"code={code}&state={state}%20"]
    queries += [f"code={code};state={state}", f"#{good}", f"state={state}#&code={code}", "state=\ud7ff&code=x"]
    queries += [f"state={number:043d}&code={code}" for number in range(8)]
    return queries


async def test_fifty_hostile_answers(home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        foreign = urlsplit(await consented(google, await begun(managed))).query
        # Another login has begun since: the first one's answer is foreign now.
        good = urlsplit(await consented(google, await begun(managed))).query
        queries = hostile(good, foreign)
        assert len(queries) >= 50
        for query in queries:
            target = "/?" + query.encode().decode("latin-1").replace(" ", "%20").replace("\r\n", "%0d%0a")
            status, page = await called_back(port, target)
            assert status in (204, 400), (query, status)
            assert "<script" not in page, query
            assert dict(parse_qsl(good))["code"] not in page
            assert not (home.configs / "gemini").exists()
        assert google.oauth.exchanges == 0
        assert (await called_back(port, f"/?{good}"))[0] == 200
        assert google.oauth.exchanges == 1
        # Replayed: nobody listens, and the pasted form is over too.
        assert not accepts(port)
        address = {"provider": PROVIDER, "callbackUrl": f"http://localhost:{port}/?{good}"}
        assert (await managed.refusal("POST", "/api/oauth/manual-callback", address))[0] == 409


@pytest.mark.parametrize(
    "request_line", ["POST /?a=b HTTP/1.1", "GET /favicon.ico HTTP/1.1", "GET /x?a=b HTTP/1.1", "x"]
)
async def test_everything_else_is_nothing(
    home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch, request_line: str
) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        await begun(managed)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{request_line}\r\nhost: localhost\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 204")
        writer.close()
        assert accepts(port)


async def test_a_login_that_google_or_somebody_refuses(
    home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        address = await consented(google, await begun(managed), "deny")
        status, page = await called_back(port, target_of(address))
        assert (status, "was told not to allow it" in page) == (400, True)
        address = await consented(google, await begun(managed))
        google.oauth.grants.clear()
        status, page = await called_back(port, target_of(address))
        assert (status, "invalid_grant" in page) == (400, True)
        assert [data["error"] for name, data in managed.events() if name == "oauth_error"]
        google.loaded = {"ineligibleTiers": [{"reasonCode": "UNSUPPORTED_CLIENT"}]}
        status, page = await called_back(port, target_of(await consented(google, await begun(managed))))
        assert status == 200
        assert "can&#x27;t be used yet" in page
        assert "individuals" in page


async def test_where_and_how_long_an_answer_is_waited_for(
    home: Home, google: ScriptedGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = own_port(monkeypatch, google)
    async with site(home, google) as managed:
        await begun(managed)
        assert not accepts(port, "127.0.0.2"), "on loopback, and there on one address"
        managed.part.google_logins[PROVIDER].give_up("the next one shall be reached from elsewhere")
        configured(home, google, OAUTH_BIND="0.0.0.0")
        await managed.part.supervision.reload()
        monkeypatch.setattr(google_login, "PATIENCE", 0.2)
        await begun(managed)
        assert accepts(port, "127.0.0.2")
        with pytest.raises(Refused, match="within ten minutes"):
            await asyncio.wait_for(asyncio.shield(managed.part.google_logins[PROVIDER].done), 10)
        assert not accepts(port)
        told = [data["error"] for name, data in managed.events() if name == "oauth_error"]
        assert "nobody logged in" in told[-1]


async def test_a_browser(tmp_path: Path) -> None:
    """The whole login as an operator does it: the command line's link in Chromium, at the port that is promised."""
    async with ScriptedGoogle() as google, chromium() as browser:
        (tmp_path / "configs").mkdir()
        (tmp_path / "configs" / "config.json").write_text(json.dumps(settings(google)))
        command = [sys.executable, "-m", "codenex", "login", PROVIDER]
        async with ServerProcess(tmp_path, command=lambda port: command, port=8085, health=None) as program:
            await program.says("paste its address")
            found = re.search(r"^http://\S+$", program.text, re.MULTILINE)
            assert found is not None, program.text
            page = await browser.new_page()
            await page.goto(found.group())
            await page.get_by_role("link", name="Allow").click()
            await expect(page.locator("h1")).to_have_text("Logged in", timeout=15_000)
            await expect(page.locator("p").first).to_contain_text(EMAIL)
            assert await program.exited() == 0, program.text
            assert "The account can be used" in program.text
        kept = parsed((tmp_path / "configs" / "gemini" / "oauth_creds.json").read_bytes())
        assert kept.refresh_token in google.oauth.refresh_tokens
        assert str(kept.refresh_token) not in program.text
        pools: Any = json.loads((tmp_path / "configs" / "provider_pools.json").read_text())
        assert [entry["customName"] for entry in pools[PROVIDER]] == [EMAIL]
    assert not google.oauth.problems


@asynccontextmanager
async def demonstration() -> AsyncIterator[tuple[Demonstrated, dict[str, str]]]:
    """``make demo-google`` as it runs, and the variables that it says to export."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.google", str(free_port())), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        said = b""
        while b"Antigravity:" not in said:
            said += await asyncio.wait_for(process.stdout.readline(), 20)
        variables = dict(re.findall(r"([A-Z_]+)=(\S+)", said.decode()))
        url = variables["GOOGLE_OAUTH_TOKEN_URL"].removesuffix("/token")
        yield Demonstrated(url, urlsplit(url).port or 0), variables
    finally:
        process.kill()
        await process.communicate()


async def test_an_address_typed_into_the_terminal(tmp_path: Path) -> None:
    """With what ``make demo-google`` says to do."""
    async with demonstration() as (google, variables):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codenex", "login", "gemini-antigravity"),
            cwd=tmp_path,
            env={**small_environment(tmp_path), **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        said = b""
        while b"paste its address" not in said:
            said += await asyncio.wait_for(process.stdout.readline(), 20)
        assert b"Warning: Google has closed accounts" in said
        url = next(line for line in said.decode().splitlines() if line.startswith("http"))
        address = await consented(google, url)
        process.stdin.write(b"nonsense\n" + address.encode() + b"\n")
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, out
    assert b"has to begin with http://localhost:8086" in out
    assert f"{EMAIL} is logged in. The account can be used".encode() in out
