"""A gateway's management API beside a scripted Google, with an OAuth client and ports of its own."""

from __future__ import annotations

import msgspec
import pytest
from tests.control.home import Home
from tests.support.google.oauth import CLIENT_ID, CLIENT_SECRET
from tests.support.google.server import ScriptedGoogle
from tests.support.ports import free_port

from codenex.providers.google import service


def own_port(monkeypatch: pytest.MonkeyPatch, google: ScriptedGoogle, name: str = "gemini-cli-oauth") -> int:
    """Let a service's callbacks go to a free port, so that tests don't wait for each other."""
    port = free_port()
    row = msgspec.structs.replace(service.SERVICES[name], port=port)
    monkeypatch.setitem(service.SERVICES, name, row)
    google.oauth.redirects = (*google.oauth.redirects, f"http://localhost:{port}")
    return port


def configured(home: Home, google: ScriptedGoogle, **more: object) -> None:
    """Write a configuration whose Google is the scripted one."""
    home.config(settings(google, **more))


def settings(google: ScriptedGoogle, **more: object) -> dict[str, object]:
    """The settings of an operator whose Google is the scripted one."""
    return {
        "REQUIRED_API_KEY": "key-of-the-login-tests",
        "GEMINI_BASE_URL": google.url,
        "ANTIGRAVITY_BASE_URL": google.url,
        "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/o/oauth2/v2/auth",
        "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
        "GOOGLE_USERINFO_URL": f"{google.url}/oauth2/v2/userinfo",
        "GEMINI_CLI_OAUTH_CLIENT_ID": CLIENT_ID,
        "GEMINI_CLI_OAUTH_CLIENT_SECRET": CLIENT_SECRET,
        **more,
    }
