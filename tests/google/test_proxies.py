"""The system's proxy, or an account's own, is on the way to all of Google: login, renewal, models. Only the proxy knows
the hosts of these tests, so that nothing can have gone past it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from tests.control.home import Home
from tests.google.accounts import credential
from tests.google.logging_in import configured, own_port
from tests.google.test_login import PROVIDER, begun, called_back, consented, site, target_of
from tests.support.google.server import ScriptedGoogle
from tests.transport.scripted import Upstream
from tests.transport.test_proxies import connecting

from codenex.control.effective import effective_settings
from codenex.providers.google.cloud import Cloud
from codenex.providers.google.service import CODE_ASSIST
from codenex.providers.transport import Transport

HOSTS = {
    "GEMINI_BASE_URL": "http://cloudcode-pa.example",
    "GOOGLE_OAUTH_TOKEN_URL": "http://oauth2.example/token",
    "GOOGLE_USERINFO_URL": "http://www.example/oauth2/v2/userinfo",
}


@asynccontextmanager
async def proxy(google: ScriptedGoogle) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A proxy behind which every host is the scripted Google; its port, and what it was asked."""
    seen: list[bytes] = []
    running = Upstream([connecting(seen, google.port)])
    try:
        yield running.origin.port, seen
    finally:
        await running.stop()


def asked(seen: list[bytes]) -> set[str]:
    return {head.split(b" ", 2)[1].decode() for head in seen}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


async def test_a_login_goes_through_the_systems_proxy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedGoogle() as google, proxy(google) as (port, seen):
        callbacks = own_port(monkeypatch, google)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        async with site(home, google, USE_SYSTEM_PROXY_GEMINI=True, **HOSTS) as managed:
            address = await consented(google, await begun(managed))
            status, page = await called_back(callbacks, target_of(address))
        assert (status, "The account can be used" in page) == (200, True), page
    assert asked(seen) == {f"{urlsplit(url).hostname}:80" for url in HOSTS.values()}
    assert google.oauth.exchanges == 1


@pytest.mark.parametrize("own", [False, True])
async def test_a_renewal_goes_the_way_of_the_account(home: Home, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    async with ScriptedGoogle() as google, proxy(google) as (port, seen):
        url = f"http://127.0.0.1:{port}"
        home.config(credential(), "gemini/oauth_creds.json")
        entry = {"GEMINI_OAUTH_CREDS_FILE_PATH": str(home.configs / "gemini" / "oauth_creds.json")}
        if own:
            home.pools({PROVIDER: [{**entry, "proxyUrl": url}]})
        else:
            monkeypatch.setenv("HTTP_PROXY", url)
        configured(home, google, USE_SYSTEM_PROXY_GEMINI=not own, **HOSTS)
        (account,) = effective_settings(home.load()).settings.accounts[PROVIDER]
        async with Transport() as transport:
            cloud = Cloud(transport)
            await asyncio.wait_for(cloud.quotas(account, CODE_ASSIST), 10)
            await cloud.close()
    assert asked(seen) == {"oauth2.example:80", "cloudcode-pa.example:80"}
    assert google.oauth.renewals == 1


def test_exceptions_are_those_of_each_host(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config(credential(), "gemini/oauth_creds.json")
    home.config({"USE_SYSTEM_PROXY_GEMINI": True, "REQUIRED_API_KEY": "key-of-the-proxy-tests", **HOSTS})
    monkeypatch.setenv("HTTP_PROXY", "http://me:word-of-the-proxy@p:1")
    monkeypatch.setenv("NO_PROXY", "oauth2.example")
    settings = effective_settings(home.load()).settings
    (account,) = settings.accounts[PROVIDER]
    assert (account.proxy_url, account.login_proxy_url) == ("http://me:word-of-the-proxy@p:1", None)
    assert (settings.google_token_proxy, settings.google_userinfo_proxy) == (None, account.proxy_url)
    assert "word-of-the-proxy" in account.secrets
    file = str(home.configs / "gemini" / "oauth_creds.json")
    home.pools({PROVIDER: [{"GEMINI_OAUTH_CREDS_FILE_PATH": file, "proxyUrl": "direct"}]})
    monkeypatch.delenv("NO_PROXY")
    (account,) = effective_settings(home.load()).settings.accounts[PROVIDER]
    assert (account.proxy_url, account.login_proxy_url) == (None, None)
