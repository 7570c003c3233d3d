"""Google's signatures go out through every client protocol and come back; those of others never reach Google."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import google_account
from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle
from tests.support.scenario import Reasoning, Scenario, ToolCall

MODEL = "gemini-3-pro-preview"
SIGNATURE = "c2lnbmF0dXJlIG9mIGdlbWluaSBmb3IgdGhlIHRlc3RzLCB3aGljaCBpcyBsb25nIGVub3VnaA=="
FOREIGN = "Zm9yZWlnbiBzaWduYXR1cmUgb2YgYW5vdGhlciB2ZW5kb3IsIHdoaWNoIGlzIGxvbmcgZW5vdWdoIHRvbw=="
SENTINEL = "skip_thought_signature_validator"
SCHEMA = {"type": "object", "properties": {}}
CALLING = Scenario(parts=(Reasoning("Thinking.", SIGNATURE), ToolCall("call-1", "look", "{}")), finish="tool_calls")
PROTOCOLS = ["chat", "responses", "anthropic", "gemini"]


def first(protocol: str, model: str) -> tuple[str, dict[str, Any]]:
    """A path and a first question, with one tool."""
    function = {"name": "look", "parameters": SCHEMA}
    tools: list[Any]
    match protocol:
        case "chat":
            messages = [{"role": "user", "content": "Look"}]
            tools = [{"type": "function", "function": function}]
            return "/v1/chat/completions", {"model": model, "messages": messages, "tools": tools}
        case "responses":
            turns = [{"role": "user", "content": "Look"}]
            tools = [{"type": "function", **function}]
            more = {"include": ["reasoning.encrypted_content"], "store": False}
            return "/v1/responses", {"model": model, "input": turns, "tools": tools, **more}
        case "anthropic":
            messages = [{"role": "user", "content": "Look"}]
            tools = [{"name": "look", "input_schema": SCHEMA}]
            thinking = {"type": "enabled", "budget_tokens": 2000}
            body = {"model": model, "max_tokens": 4000, "messages": messages, "tools": tools, "thinking": thinking}
            return "/v1/messages", body
        case _:
            contents = [{"role": "user", "parts": [{"text": "Look"}]}]
            declared = [{"functionDeclarations": [{"name": "look"}]}]
            return f"/v1beta/models/{model}:generateContent", {"contents": contents, "tools": declared}


def answered(protocol: str, body: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The same request with the answer as it came, and what the tool said."""
    match protocol:
        case "chat":
            message = answer["choices"][0]["message"]
            result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "seen"}
            return {**body, "messages": [*body["messages"], message, result]}
        case "responses":
            (call,) = [item for item in answer["output"] if item["type"] == "function_call"]
            result = {"type": "function_call_output", "call_id": call["call_id"], "output": "seen"}
            return {**body, "input": [*body["input"], *answer["output"], result]}
        case "anthropic":
            (call,) = [block for block in answer["content"] if block["type"] == "tool_use"]
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": "seen"}
            turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [result]}]
            return {**body, "messages": [*body["messages"], *turns]}
        case _:
            content = answer["candidates"][0]["content"]
            (call,) = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
            response = {**call, "response": {"result": "seen"}}
            response.pop("args", None)
            turn = {"role": "user", "parts": [{"functionResponse": response}]}
            return {**body, "contents": [*body["contents"], content, turn]}


async def post(gateway: RunningGateway, path: str, body: Any) -> Any:
    async with await RawClient.connect(gateway.port) as client:
        answer = await client.ask("POST", path, body, gateway.headers, timeout=30)
    assert answer.status == 200, answer.body
    return answer.json


def sent(google: ScriptedGoogle) -> str:
    method = "streamGenerateContent" if google.antigravity else "generateContent"
    return json.dumps(google.called(method)[-1]["request"]["contents"])


@pytest.mark.parametrize("antigravity", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_signature_comes_back_through_every_client(tmp_path: Path, protocol: str, antigravity: bool) -> None:
    async with ScriptedGoogle(antigravity=antigravity, scenario=CALLING) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            path, body = first(protocol, MODEL)
            body = answered(protocol, body, await post(gateway, path, body))
            google.scenario = None
            await post(gateway, path, body)
            assert SIGNATURE in sent(google)
            assert SENTINEL not in sent(google)
    assert not google.problems


@pytest.mark.parametrize("protocol", ["chat", "responses", "anthropic"])
async def test_another_model_gets_the_placeholder(tmp_path: Path, protocol: str) -> None:
    async with ScriptedGoogle(scenario=CALLING) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            path, body = first(protocol, MODEL)
            body = answered(protocol, body, await post(gateway, path, body))
            google.scenario = None
            await post(gateway, path, {**body, "model": "gemini-3-flash-preview"})
            assert SIGNATURE not in sent(google), "another model can't read it"
            assert SENTINEL in sent(google)
    assert not google.problems


async def test_another_vendors_signature_is_dropped(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            path, body = first("anthropic", MODEL)
            blocks = [
                {"type": "thinking", "thinking": "Thoughts of another.", "signature": FOREIGN},
                {"type": "redacted_thinking", "data": FOREIGN},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            ]
            await post(gateway, path, answered("anthropic", body, {"content": blocks}))
            assert FOREIGN not in sent(google)
            assert SENTINEL in sent(google)
            path, body = first("responses", MODEL)
            items = [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": FOREIGN},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            ]
            await post(gateway, path, answered("responses", body, {"output": items}))
            assert FOREIGN not in sent(google)
            assert SENTINEL in sent(google)
    assert not google.problems
