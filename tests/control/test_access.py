"""Who gets at the management API: an admin and nobody else, on every path, and before anything else is looked at."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.control.site import Site, running_site
from tests.security.doors import management_routes
from tests.support.client import RawClient
from tests.support.gateway import KEY, settings_for

from codenex.control.guard import OPEN, is_open
from codenex.providers.transport import Origin, Transport, UpstreamRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
#: Paths that no route knows, and such as could be taken for one that needs no session.
UNKNOWN = (
    "/api",
    "/api/",
    "/api/unknown",
    "/api/unknown/with/more",
    "/api/setup/",
    "/api/setup/more",
    "/api/login/",
    "/api/login/../providers",
    "/api/setup%2f..%2fproviders",
    "/api/login%00",
    "/api/login;x=/api/providers",
    "/api/LOGIN",
    "/api/providers/",
    "/api/providers/openai-custom/some-uuid",
    "/api//providers",
    "//api/providers",
    "/%61pi/providers",
    "/api/%70roviders",
    "/api/providers?path=/api/login",
    "/api/config",
    "/api/events",
    "/api/upload-configs/view/api_key",
    "/api/docs",
    "/api/redoc",
    "/api/openapi.json",
    "/api/ui",
)


ASKED = {
    *management_routes(),
    *((method, path) for path in (*UNKNOWN, "/api/setup", "/api/login") for method in METHODS),
}
EVERYTHING = sorted((method, path) for method, path in ASKED if not is_open(method, path))


def test_the_routes_are_found() -> None:
    paths = {path for _, path in management_routes()}
    assert {"/api/setup", "/api/login", "/api/logout", "/api/providers", "/api/openapi.json"} <= paths


def test_what_is_open_is_what_the_documentation_says() -> None:
    api = {(method, path) for method, path in OPEN if path.startswith("/api")}
    assert api == {("GET", "/api/setup"), ("POST", "/api/setup"), ("POST", "/api/login")}
    assert api <= set(management_routes())
    assert {path for _, path in OPEN - api} == {"/"}


async def statuses(site: Site, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    """Ask for everything, over one connection."""
    found = {}
    async with await RawClient.connect(site.gateway.port) as client:
        for method, path in EVERYTHING:
            answer = await client.ask(method, path, None if method in ("GET", "HEAD") else b"{", headers)
            found[method, path] = answer.status
            if method != "HEAD":
                assert set(answer.json["error"]) == {"message", "type", "code", "status"}, (method, path)
                assert answer.json["error"]["status"] == answer.status
    return found


CREDENTIALS: dict[str, dict[str, str]] = {
    "nothing": {},
    "client key as bearer": {"authorization": f"Bearer {KEY}"},
    "client key as x-api-key": {"x-api-key": KEY},
    "client key as x-goog-api-key": {"x-goog-api-key": KEY},
    "client key as cookie": {"cookie": f"codenex_session={KEY}"},
    "client key as basic": {"authorization": f"Basic {KEY}"},
    "empty bearer": {"authorization": "Bearer "},
    "empty cookie": {"cookie": "codenex_session="},
    "something": {"authorization": "Bearer \xfc\xff", "cookie": "codenex_session=x; a=b; ;;="},
}


async def test_before_setup_everything_is_403_with_the_reason(site: Site) -> None:
    for name, headers in CREDENTIALS.items():
        found = await statuses(site, headers)
        assert {route: status for route, status in found.items() if status != 403} == {}, name
        answer = await site.ask("GET", "/api/providers", None, headers)
        assert "POST /api/setup" in answer.json["error"]["message"]
        assert answer.json["error"]["type"] == "permission_denied"


async def test_without_a_session_everything_is_401(site: Site) -> None:
    await site.set_up()
    for name, headers in CREDENTIALS.items():
        found = await statuses(site, headers)
        assert {route: status for route, status in found.items() if status != 401} == {}, name


async def test_the_client_key_in_the_query_opens_nothing(site: Site) -> None:
    await site.set_up()
    assert await site.status("GET", f"/api/providers?key={KEY}") == 401
    assert await site.status("GET", f"/api/providers?token={site.session}") == 401


async def test_with_a_session_what_no_route_knows_is_404_and_a_wrong_method_405(site: Site) -> None:
    await site.set_up()
    for headers in (site.bearer, site.cookie):
        assert await site.status("GET", "/api/providers", headers) == 200
        assert await site.status("GET", "/api/openapi.json", headers) == 200
        unknown = await site.ask("GET", "/api/no-such-thing", None, headers)
        assert unknown.status == 404
        assert unknown.json["error"] == {
            "message": "there is no endpoint /api/no-such-thing",
            "type": "not_found",
            "code": None,
            "status": 404,
        }
        wrong = await site.ask("DELETE", "/api/providers", None, headers)
        assert wrong.status == 405
        assert wrong.headers.get("allow") == "GET"
        assert wrong.json["error"]["type"] == "invalid_request_error"


async def test_straight_at_the_socket_it_is_the_same(site: Site) -> None:
    await site.set_up()
    async with Transport() as transport:
        for method, path in EVERYTHING:
            request = UpstreamRequest(method, Origin("http", "control", 80, site.socket), path, [])
            async with await transport.send(request) as response:
                assert response.status == 401, (method, path)


async def test_a_bearer_goes_before_a_bad_cookie_and_a_cookie_helps_a_bad_bearer(site: Site) -> None:
    await site.set_up()
    assert await site.status("GET", "/api/providers", {**site.bearer, "cookie": "codenex_session=x"}) == 200
    assert await site.status("GET", "/api/providers", {**site.cookie, "authorization": f"Bearer {KEY}"}) == 200
    assert await site.status("GET", "/api/providers", {"authorization": f"bearer  {site.session} "}) == 200


# --- an admin is no client


BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "demo", "messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"model": "demo", "input": "hi"},
    "/v1/messages": {"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "/v1beta/models/demo:generateContent": {"contents": [{"parts": [{"text": "hi"}]}]},
    "/demo/v1/chat/completions": {"model": "demo", "messages": [{"role": "user", "content": "hi"}]},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_session_never_works_on_the_client_apis(site: Site, path: str) -> None:
    await site.set_up()
    presented = [
        site.bearer,
        site.cookie,
        {"x-api-key": site.session},
        {"x-goog-api-key": site.session},
    ]
    for headers in presented:
        assert (await site.ask("POST", path, BODIES[path], headers)).status == 401
    assert (await site.ask("POST", f"{path}?key={site.session}", BODIES[path])).status == 401
    assert (await site.ask("POST", path, BODIES[path], {"authorization": f"Bearer {KEY}"})).status == 200


async def test_a_session_lists_no_models(site: Site) -> None:
    await site.set_up()
    for path in ("/v1/models", "/v1/models/demo", "/v1beta/models"):
        assert await site.status("GET", path, site.bearer) == 401


# --- pages of other sites


SITES = {"same-origin": True, "none": True, "same-site": False, "cross-site": False, "anything": False, "": False}


@pytest.mark.parametrize("name", SITES)
async def test_a_cookie_changes_nothing_from_another_sites_page(site: Site, name: str) -> None:
    await site.set_up()
    headers = {**site.cookie, "sec-fetch-site": name}
    assert await site.status("GET", "/api/providers", headers) == 200
    for method, path in (("POST", "/api/logout"), ("POST", "/api/unknown"), ("DELETE", "/api/x"), ("PATCH", "/api/x")):
        status = await site.status(method, path, headers)
        assert (status == 403) is not SITES[name], (method, path, status)
        if SITES[name]:
            await site.log_in()
            headers = {**site.cookie, "sec-fetch-site": name}


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "https://evil.example", "null", "http://", "127.0.0.1"])
async def test_where_a_browser_names_only_the_origin_that_counts(site: Site, origin: str) -> None:
    """Browsers send ``sec-fetch-site`` to https and localhost only, and a cookie to every port of a host."""
    await site.set_up()
    assert await site.status("POST", "/api/logout", {**site.cookie, "origin": origin}) == 403
    own = f"http://127.0.0.1:{site.gateway.port}"
    assert await site.status("POST", "/api/logout", {**site.cookie, "origin": own}) == 200


async def test_the_host_by_which_it_is_known_cannot_be_claimed(site: Site) -> None:
    await site.set_up()
    headers = {**site.cookie, "origin": "http://evil.example", "x-forwarded-host": "evil.example"}
    assert await site.status("POST", "/api/logout", headers) == 403


async def test_a_bearer_token_is_no_cookie(site: Site) -> None:
    await site.set_up()
    assert await site.status("POST", "/api/logout", {**site.bearer, "sec-fetch-site": "cross-site"}) == 200


async def test_no_other_origin_may_read_the_management_api(tmp_path: Path) -> None:
    settings = settings_for(cors_origins=("https://app.example", "*"))
    async with running_site(tmp_path, settings) as site:
        headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
        for path in ("/api/login", "/api/providers", "//api/providers", "/%61pi/setup"):
            preflight = await site.ask("OPTIONS", path, None, headers)
            assert preflight.status == 204
            assert "access-control-allow-origin" not in preflight.headers
            answer = await site.ask("POST", path, {"password": "x"}, headers)
            assert "access-control-allow-origin" not in answer.headers
        allowed = await site.ask("OPTIONS", "/v1/models", None, headers)
        assert allowed.headers.get("access-control-allow-origin") == "https://app.example"


# --- what an admin sees


async def test_keys_are_masked(tmp_path: Path) -> None:
    secrets = {"long": "sk-proj-abcdefghijklmnopqrstuvwxyz", "short": "sk-12345678", "tiny": "abc"}
    entries = [
        {"customName": name, "OPENAI_API_KEY": key, "headers": {"x-team-key": "header-secret-1"}}
        for name, key in secrets.items()
    ]
    pools = tmp_path / "configs" / "provider_pools.json"
    async with running_site(tmp_path, settings_for(pools_file=str(pools))) as site:
        await site.set_up()
        pools.write_text(json.dumps({"openai-custom": entries}))
        answer = await site.ask("GET", "/api/providers", None, site.bearer)

        for secret in (*secrets.values(), "header-secret-1"):
            assert secret.encode() not in answer.body
        shown = {account["customName"]: account for account in answer.json["providers"]["openai-custom"]}
        assert shown["long"]["OPENAI_API_KEY"] == "***wxyz"
        assert shown["short"]["OPENAI_API_KEY"] == shown["tiny"]["OPENAI_API_KEY"] == "***"
        assert (await site.ask("GET", "/api/service-mode", None, site.bearer)).json["mode"] == "standalone"


async def test_the_page_and_probes_are_open(site: Site) -> None:
    for method in ("GET", "HEAD"):
        for path in ("/", "/health", "/ready"):
            assert await site.status(method, path) == 200, (method, path)


async def test_a_mistake_of_ours_is_said_in_the_same_shape(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.set_up()
    # Something that the application itself trusts is gone.
    monkeypatch.setattr(site.administration, "settings", None)
    async with await RawClient.connect(site.gateway.port) as client:
        answer = await asyncio.wait_for(client.ask("POST", "/api/login", {"password": "x"}), 5)
    assert answer.status == 500
    assert answer.json["error"] == {
        "message": "Internal error.",
        "type": "internal_error",
        "code": None,
        "status": 500,
    }
