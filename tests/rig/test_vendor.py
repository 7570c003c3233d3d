"""The scripted vendors behave like vendors: paths, keys, refusals, tool loops, failures, lists and counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import pytest
from google import genai
from google.genai import types
from tests.rig.sdk import openai_client
from tests.support.client import RawClient
from tests.support.replies import Unary
from tests.support.requests import BODIES, GENERATE, RESULTS, TOOLS, credentials
from tests.support.scenario import Scenario, say
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import DIALECTS, ProtocolName

PROTOCOLS = tuple(DIALECTS)


def message_of(protocol: ProtocolName, body: Any) -> str:
    """The text of an error, which stands where the protocol has it."""
    error = body["error"]
    wanted = {"openai_chat": {"message", "type", "param", "code"}, "anthropic": {"type", "message"}}
    wanted["openai_responses"] = wanted["openai_chat"]
    assert set(error) >= wanted.get(protocol, {"code", "message", "status"})
    return str(error["message"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_wrong_key_and_no_key_are_refused(protocol: ProtocolName) -> None:
    async with ScriptedVendor(protocol) as vendor, await RawClient.connect(vendor.port) as client:
        target, body = GENERATE[protocol], BODIES[protocol]
        good = await client.ask("POST", target, body, credentials(protocol, vendor.key))
        wrong = await client.ask("POST", target, body, credentials(protocol, "wrong"))
        none = await client.ask("POST", target, body, {"anthropic-version": "2023-06-01"})
    assert good.status == 200
    assert (wrong.status, none.status) == ((400, 403) if protocol == "gemini" else (401, 401))
    assert message_of(protocol, wrong.json) != ""


async def test_gemini_takes_its_key_in_the_query_and_anthropic_as_bearer() -> None:
    async with ScriptedVendor("gemini") as vendor, await RawClient.connect(vendor.port) as client:
        assert (await client.ask("POST", f"{GENERATE['gemini']}?key={vendor.key}", BODIES["gemini"])).status == 200
    async with ScriptedVendor("anthropic") as vendor, await RawClient.connect(vendor.port) as client:
        bearer = {"authorization": f"Bearer {vendor.key}", "anthropic-version": "2023-06-01"}
        assert (await client.ask("POST", GENERATE["anthropic"], BODIES["anthropic"], bearer)).status == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_bad_request_is_told_in_the_vendor_s_own_form(protocol: ProtocolName) -> None:
    async with ScriptedVendor(protocol) as vendor, await RawClient.connect(vendor.port) as client:
        answer = await client.ask(
            "POST", GENERATE[protocol], {**BODIES[protocol], "bogus": 1}, credentials(protocol, vendor.key)
        )
        assert answer.status == 400
        assert "unknown field 'bogus'" in message_of(protocol, answer.json)
        assert vendor.problems == ["body: unknown field 'bogus'"]
        vendor.validate = False
        answer = await client.ask(
            "POST", GENERATE[protocol], {**BODIES[protocol], "bogus": 1}, credentials(protocol, vendor.key)
        )
        assert answer.status == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_unknown_path_and_an_unknown_model_are_not_found(protocol: ProtocolName) -> None:
    async with ScriptedVendor(protocol) as vendor, await RawClient.connect(vendor.port) as client:
        prefix = "/v1beta" if protocol == "gemini" else "/v1"
        nowhere = await client.ask("POST", "/v1/nowhere", {}, credentials(protocol, vendor.key))
        unknown = await client.ask("GET", f"{prefix}/models/unknown", headers=credentials(protocol, vendor.key))
        known = await client.ask(
            "GET", f"{prefix}/models/{vendor.models[0]}", headers=credentials(protocol, vendor.key)
        )
    assert (nowhere.status, unknown.status, known.status) == (404, 404, 200)
    assert "nowhere" in message_of(protocol, nowhere.json)
    assert vendor.models[0] in str(known.json.get("id", known.json.get("name")))


async def test_model_lists_are_read_by_the_sdks() -> None:
    names = ["model-a", "model-b"]
    async with ScriptedVendor("openai_chat", models=names) as vendor, openai_client(vendor) as client:
        assert [model.id async for model in client.models.list()] == names
    async with (
        ScriptedVendor("anthropic", models=names) as vendor,
        anthropic.AsyncAnthropic(base_url=vendor.url, api_key=vendor.key) as messages,
    ):
        assert [(model.id, model.display_name) async for model in messages.models.list()] == [
            ("model-a", "Model A"),
            ("model-b", "Model B"),
        ]
    async with ScriptedVendor("gemini", models=names) as vendor:
        google = genai.Client(api_key=vendor.key, http_options=types.HttpOptions(base_url=vendor.url))
        async with google.aio as aio:
            assert [model.name async for model in await aio.models.list()] == ["models/model-a", "models/model-b"]
        google.close()


async def test_token_counts_are_read_by_the_sdks() -> None:
    async with ScriptedVendor("openai_responses") as vendor, openai_client(vendor) as client:
        assert (await client.responses.input_tokens.count(model="m", input="Hi")).input_tokens == 42
    async with ScriptedVendor("anthropic") as vendor:
        async with anthropic.AsyncAnthropic(base_url=vendor.url, api_key=vendor.key) as messages:
            counted = await messages.messages.count_tokens(model="m", messages=[{"role": "user", "content": "Hi"}])
        assert counted.input_tokens == 42
    async with ScriptedVendor("gemini") as vendor:
        google = genai.Client(api_key=vendor.key, http_options=types.HttpOptions(base_url=vendor.url))
        async with google.aio as aio:
            assert (await aio.models.count_tokens(model="gemini-x", contents="Hi")).total_tokens == 42
        google.close()


ARGUMENTS: dict[ProtocolName, Callable[[Any], str | None]] = {
    "openai_chat": lambda body: (
        body["choices"][0]["message"].get("tool_calls", [{}])[0].get("function", {}).get("arguments")
    ),
    "openai_responses": lambda body: body["output"][0].get("arguments"),
    "anthropic": lambda body: json.dumps(body["content"][0]["input"]) if "input" in body["content"][0] else None,
    "gemini": lambda body: (
        json.dumps(body["candidates"][0]["content"]["parts"][0]["functionCall"]["args"])
        if "functionCall" in body["candidates"][0]["content"]["parts"][0]
        else None
    ),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_tool_is_called_until_its_result_is_there(protocol: ProtocolName) -> None:
    body, arguments_of = {**BODIES[protocol], **TOOLS[protocol]}, ARGUMENTS[protocol]
    async with ScriptedVendor(protocol) as vendor, await RawClient.connect(vendor.port) as client:
        first = await client.ask("POST", GENERATE[protocol], body, credentials(protocol, vendor.key))
        again = await client.ask("POST", GENERATE[protocol], body, credentials(protocol, vendor.key))
        second = await client.ask(
            "POST", GENERATE[protocol], {**body, **RESULTS[protocol]}, credentials(protocol, vendor.key)
        )
    assert json.loads(arguments_of(first.json) or "") == {"city": "text"}
    assert first.body == again.body
    assert (second.status, arguments_of(second.json)) == (200, None)


async def test_the_answer_may_be_a_function_of_the_request_or_a_reply_of_its_own() -> None:
    def answer(request: Request, body: Any) -> Scenario:
        return say(body["messages"][0]["content"] + request.path)

    async with ScriptedVendor("openai_chat", scenario=answer) as vendor, await RawClient.connect(vendor.port) as client:
        key = credentials("openai_chat", vendor.key)
        vendor.answer_next(Unary(b"<html>", 502, {"content-type": "text/html"}))
        html = await client.ask("POST", GENERATE["openai_chat"], BODIES["openai_chat"], key)
        spoken = await client.ask("POST", GENERATE["openai_chat"], BODIES["openai_chat"], key)
    assert (html.status, html.body) == (502, b"<html>")
    assert spoken.json["choices"][0]["message"]["content"] == "Hi/v1/chat/completions"
    assert spoken.json["model"] == "m"
