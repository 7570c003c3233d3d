"""Who gets in, on every route and before the body is read; and what everyone gets told who doesn't."""

import asyncio

import pytest
from tests.support.client import RawClient
from tests.support.gateway import KEY, running_gateway, settings_for

from codenex.core import json

GENERATING = {
    "/v1/chat/completions": {"model": "demo", "messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"model": "demo", "input": "hi"},
    "/v1/messages": {"model": "demo", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]},
    "/v1beta/models/demo:generateContent": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
GUARDED = [
    *(("POST", path) for path in GENERATING),
    *(("POST", f"/demo{path}") for path in GENERATING),
    ("POST", "/v1beta/models/demo:streamGenerateContent"),
    ("POST", "/v1beta/models/demo:countTokens"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses/input_tokens"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/demo"),
    ("GET", "/v1beta/models"),
    ("GET", "/v1/responses/resp_1"),
    ("GET", "/provider_health"),
    ("GET", "/metrics"),
]
SPELLINGS = {
    "bearer": ({"authorization": f"Bearer {KEY}"}, ""),
    "x-api-key": ({"x-api-key": KEY}, ""),
    "x-goog-api-key": ({"x-goog-api-key": KEY}, ""),
    "query": ({}, f"?key={KEY}"),
}


async def ask(gateway, method, path, headers=None, body=None):
    async with await RawClient.connect(gateway.port) as client:
        content = b"" if body is None else json.encode(body)
        return await client.ask(method, path, headers=headers or {}, body=content)


@pytest.mark.pitfall("CLI-2")
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_every_spelling_of_the_key_opens_every_format(spelling):
    headers, query = SPELLINGS[spelling]
    async with running_gateway() as gateway:
        for path, body in GENERATING.items():
            response = await ask(gateway, "POST", path + query, headers, body)
            assert response.status == 200, (path, response.body)


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_no_wrong_or_empty_key_opens_anything(method, path):
    async with running_gateway() as gateway:
        for headers in ({}, {"authorization": "Bearer wrong-key"}, {"x-api-key": ""}, {"authorization": "Bearer "}):
            response = await ask(gateway, method, path, headers, {} if method == "POST" else None)
            assert response.status == 401, (headers, response.body)
            assert "error" in response.json


async def test_the_key_is_checked_before_the_body_is_read():
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        await client.send(
            b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: wrong\r\ncontent-length: 1000000\r\n\r\n{"
        )
        head = await asyncio.wait_for(client.head(), 2)
        assert head.status == 401


async def test_errors_come_in_the_clients_own_protocol():
    async with running_gateway() as gateway:
        chat = (await ask(gateway, "POST", "/v1/chat/completions", {}, {})).json["error"]
        assert (chat["type"], chat["code"], chat["status"]) == ("authentication_error", "invalid_api_key", 401)
        anthropic = (await ask(gateway, "POST", "/v1/messages", {}, {})).json
        assert (anthropic["type"], anthropic["error"]["type"]) == ("error", "authentication_error")
        gemini = (await ask(gateway, "POST", "/v1beta/models/x:generateContent", {}, {})).json["error"]
        assert (gemini["code"], gemini["status"]) == (401, "UNAUTHENTICATED")


async def test_open_routes_tell_nothing_but_that_they_live():
    async with running_gateway() as gateway:
        for path in ("/health", "/ready"):
            response = await ask(gateway, "GET", path)
            assert (response.status, response.json) == (200, {"status": "ok"})
        assert (await ask(gateway, "HEAD", "/")).status == 200


@pytest.mark.pitfall("ERR-12")
@pytest.mark.parametrize(
    ("method", "path", "status", "shape"),
    [
        ("POST", "/v1/nothing", 404, "openai"),
        ("POST", "/v1/messages/nothing", 404, "anthropic"),
        ("POST", "/v1beta/nothing", 404, "gemini"),
        ("GET", "/v1/chat/completions", 405, "openai"),
        ("DELETE", "/v1/messages", 405, "anthropic"),
        ("GET", "/v1beta/models/x:generateContent", 405, "gemini"),
    ],
)
async def test_unknown_paths_and_wrong_methods(method, path, status, shape):
    async with running_gateway() as gateway:
        response = await ask(gateway, method, path, gateway.headers)
        assert response.status == status
        error = response.json["error"]
        assert {"openai": "code", "anthropic": "message", "gemini": "status"}[shape] in error
        if shape == "anthropic":
            assert response.json["type"] == "error"
        if status == 405:
            assert response.headers.get("allow") == "POST"


async def test_origins_are_allowed_by_list_only():
    body = GENERATING["/v1/chat/completions"]
    async with running_gateway(settings_for(cors_origins=("https://app.example",))) as gateway:
        for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
            preflight = await ask(
                gateway,
                "OPTIONS",
                "/v1/chat/completions",
                {"origin": origin, "access-control-request-headers": "authorization, content-type"},
            )
            answer = await ask(gateway, "POST", "/v1/chat/completions", {**gateway.headers, "origin": origin}, body)
            for response in (preflight, answer):
                assert (response.headers.get("access-control-allow-origin") == origin) is allowed
    async with running_gateway() as gateway:
        response = await ask(gateway, "OPTIONS", "/v1/chat/completions", {"origin": "https://app.example"})
        assert "access-control-allow-origin" not in response.headers


async def test_log_records_hold_neither_query_nor_key():
    async with running_gateway() as gateway:
        await ask(gateway, "POST", f"/v1/responses?key={KEY}", {}, GENERATING["/v1/responses"])
        await asyncio.sleep(0)
        (record,) = gateway.records
        assert (record.path, record.status) == ("/v1/responses", 200)
        assert KEY not in repr(record)
