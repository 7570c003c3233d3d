"""What clients expect of any server of their protocol, beside answers: lists, versions, headers, no redirects."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.http import pairs_of
from tests.support.scenario import Scenario, Text
from tests.support.vendor import ScriptedVendor

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": ("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}),
    "openai_responses": ("/v1/responses", {"model": "m", "input": "Hello"}),
    "anthropic": ("/v1/messages", {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}),
    "gemini": ("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
JSON_OUTPUT: dict[str, dict[str, Any]] = {
    "openai_chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
    "openai_responses": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
    "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "gemini": {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
}
CUT = '{"a": "it goes on and '


async def ask(
    gateway: RunningGateway, protocol: str, fields: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> RawResponse:
    path, body = REQUESTS[protocol]
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask("POST", path, {**body, **(fields or {})}, {**gateway.headers, **(headers or {})})


@pytest.mark.pitfall("CLI-24", "NET-4")
async def test_codex_reads_a_list_of_its_own() -> None:
    async with ScriptedVendor("openai_chat", models=["first", "second"]) as vendor:
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                codex = await client.ask("GET", "/v1/models?client_version=0.125.0", None, gateway.headers)
                plain = await client.ask("GET", "/v1/models", None, gateway.headers)

    assert [model["slug"] for model in codex.json["models"]] == ["first", "second"]
    assert all(model["display_name"] for model in codex.json["models"])
    assert [model["id"] for model in plain.json["data"]] == ["first", "second"]


@pytest.mark.pitfall("CLI-25")
async def test_codexs_headers_go_up_and_its_state_comes_back() -> None:
    async with ScriptedVendor("openai_responses") as vendor:
        state = [("x-codex-turn-state", "state"), ("x-codex-primary", "7")]
        vendor.distort = lambda reply: dataclasses.replace(reply, headers=[*pairs_of(reply.headers), *state])
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            own = {"session-id": "s", "x-codex-turn-metadata": "t", "originator": "codex_cli_rs"}
            answer = await ask(gateway, "openai_responses", headers=own)
            sent = vendor.requests[-1].headers

    assert {name: sent.get(name) for name in own} == own
    assert answer.headers.get("x-codex-turn-state") == "state"
    assert answer.headers.get("x-codex-primary") == "7"


@pytest.mark.pitfall("CLI-11")
@pytest.mark.parametrize(
    ("client", "given", "sent"),
    [
        ("anthropic", "2026-10-21", "2026-10-21"),
        ("anthropic", None, "2023-06-01"),
        ("openai_chat", None, "2023-06-01"),
    ],
)
async def test_the_version_is_the_clients_or_a_published_one(client: str, given: str | None, sent: str) -> None:
    async with ScriptedVendor("anthropic", validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            answer = await ask(gateway, client, headers={} if given is None else {"anthropic-version": given})
            assert answer.status == 200
            assert vendor.requests[-1].headers.get("anthropic-version") == sent


@pytest.mark.pitfall("NET-13", "NET-11")
@pytest.mark.parametrize("protocol", REQUESTS)
async def test_no_path_is_redirected(protocol: str) -> None:
    """A redirected POST would lose its body."""
    path, body = REQUESTS[protocol]
    async with running_gateway() as gateway:
        for variant in (path, path + "/", "/" + path, path.replace("/v1", "/v1/v1"), path.upper(), path + "//"):
            async with await RawClient.connect(gateway.port) as client:
                answer = await client.ask("POST", variant, body, gateway.headers)
            assert not 300 <= answer.status < 400, variant


@pytest.mark.pitfall("SSE-9")
@pytest.mark.parametrize("client", REQUESTS)
async def test_streams_tell_proxies_not_to_hold_them_back(client: str) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            path, body = REQUESTS[client]
            path = path.replace(":generateContent", ":streamGenerateContent?alt=sse")
            streaming = body if client == "gemini" else {**body, "stream": True}
            headers = {**gateway.headers, "accept-encoding": "gzip, br"}
            async with await RawClient.connect(gateway.port) as raw:
                answer = await raw.ask("POST", path, streaming, headers)

    assert answer.status == 200
    assert answer.headers.get("cache-control") == "no-cache"
    assert answer.headers.get("x-accel-buffering") == "no"
    assert answer.headers.get("content-encoding") is None
    assert vendor.requests[-1].headers.get("accept-encoding") == "identity"


@pytest.mark.pitfall("OUT-6", "OUT-7", "CLI-43")
@pytest.mark.parametrize("upstream", REQUESTS)
@pytest.mark.parametrize("client", REQUESTS)
async def test_json_that_was_cut_off_comes_as_it_is(client: str, upstream: Any) -> None:
    scenario = Scenario(parts=(Text(CUT),), finish="length")
    async with ScriptedVendor(upstream, scenario=scenario, validate=client != upstream) as vendor:
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            answer = await ask(gateway, client, JSON_OUTPUT[client])

    assert vendor.problems == []
    assert answer.status == 200
    written = str(answer.json)
    assert CUT in written
    assert any(word in written for word in ("length", "max_output_tokens", "max_tokens", "MAX_TOKENS"))
