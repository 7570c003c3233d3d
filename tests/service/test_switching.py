"""A conversation that goes on with another provider: what only the first one can read never reaches the second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.gateway import PROVIDERS, RunningGateway, account_for, running_gateway, settings_for
from tests.support.scenario import SIGNATURE, Reasoning, Scenario, ToolCall
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

CALLED = Scenario(
    parts=(Reasoning("I need the tool.", SIGNATURE), ToolCall("call_abc123", "read", '{"path":"x"}')),
    finish="tool_calls",
)
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
Json = dict[str, Any]


def _anthropic(model: str, answer: Json | None) -> tuple[str, Json]:
    messages: list[Json] = [{"role": "user", "content": "Read x."}]
    if answer is not None:
        (call,) = (block for block in answer["content"] if block["type"] == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "found"}
        messages += [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [result]}]
    thinking = {"thinking": {"type": "adaptive"}, "max_tokens": 4000}
    return "/v1/messages", {
        "model": model,
        "messages": messages,
        **thinking,
        "tools": [{"name": "read", "input_schema": SCHEMA}],
    }


def _responses(model: str, answer: Json | None) -> tuple[str, Json]:
    items: list[Json] = [{"role": "user", "content": "Read x."}]
    if answer is not None:
        (call,) = (item for item in answer["output"] if item["type"] == "function_call")
        items += [*answer["output"], {"type": "function_call_output", "call_id": call["call_id"], "output": "found"}]
    return "/v1/responses", {
        "model": model,
        "input": items,
        "reasoning": {"effort": "high", "summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "function", "name": "read", "parameters": SCHEMA, "strict": False}],
    }


def _gemini(model: str, answer: Json | None) -> tuple[str, Json]:
    contents: list[Json] = [{"role": "user", "parts": [{"text": "Read x."}]}]
    if answer is not None:
        content = answer["candidates"][0]["content"]
        (call,) = (part["functionCall"] for part in content["parts"] if "functionCall" in part)
        response = {"name": "read", "id": call["id"], "response": {"output": "found"}}
        contents += [content, {"role": "user", "parts": [{"functionResponse": response}]}]
    return f"/v1beta/models/{model}:generateContent", {
        "contents": contents,
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
        "tools": [{"functionDeclarations": [{"name": "read", "parametersJsonSchema": SCHEMA}]}],
    }


#: What a client of each protocol asks for at first, and with the answer and a result.
ASK: dict[ProtocolName, Callable[[str, Json | None], tuple[str, Json]]] = {
    "anthropic": _anthropic,
    "openai_responses": _responses,
    "gemini": _gemini,
}
MODELS: dict[ProtocolName, str] = {
    "anthropic": "claude-opus-4-8",
    "openai_responses": "gpt-5.4",
    "gemini": "gemini-3.1-pro-preview",
    "openai_chat": "gpt-5.4",
}


async def ask(gateway: RunningGateway, protocol: ProtocolName, model: str, answer: Json | None) -> Json:
    path, body = ASK[protocol](model, answer)
    headers = [*gateway.headers.items(), ("anthropic-version", "2023-06-01")]
    async with await RawClient.connect(gateway.port) as client:
        response = await client.ask("POST", path, body, headers)
    assert response.status == 200, response.body
    told: Json = response.json
    return told


@pytest.mark.pitfall("SIG-1", "SIG-4", "RSN-22")
@pytest.mark.parametrize(
    ("client", "first"),
    [
        (client, first)
        for client in ASK
        for first in MODELS
        # Between equal protocols the signatures are the vendor's own. Google's own clients sign calls that nobody has.
        if client != first and (client, first) != ("gemini", "openai_chat")
    ],
)
async def test_signatures_of_this_gateway_reach_no_vendor(client: ProtocolName, first: ProtocolName) -> None:
    async with ScriptedVendor(first, scenario=CALLED) as one, ScriptedVendor(client) as other:
        accounts = (
            account_for(one, aliases={"one": MODELS[first]}),
            account_for(other, aliases={"other": MODELS[client]}),
        )
        async with running_gateway(settings_for(*accounts)) as gateway:
            answer = await ask(gateway, client, "one", None)
            await ask(gateway, client, "other", answer)
            # Back again, the first vendor gets what it had made.
            await ask(gateway, client, "one", answer)
    assert (one.problems, other.problems) == ([], [])
    seen = other.requests[-1].body.decode()
    assert "found" in seen
    assert '"wN4' not in seen
    assert '"Y29kZW5leC8' not in seen
    assert SIGNATURE not in seen
    if first != "openai_chat":
        assert SIGNATURE in one.requests[-1].body.decode()


@pytest.mark.parametrize("client", ["anthropic", "gemini"])
async def test_tokens_of_a_switched_conversation_are_counted_by_the_vendor(client: ProtocolName) -> None:
    """A counter that is sent what it can't read answers with an error, and the client with an estimate."""
    first: ProtocolName = "openai_responses"
    async with ScriptedVendor(first, scenario=CALLED) as one, ScriptedVendor(client) as other:
        other.tokens = 987_654
        accounts = (account_for(one, aliases={"one": MODELS[first]}), account_for(other))
        async with running_gateway(settings_for(*accounts)) as gateway:
            answer = await ask(gateway, client, "one", None)
            path, body = ASK[client](f"{PROVIDERS[client][0]}/{MODELS[client]}", answer)
            path = path.replace(":generateContent", ":countTokens") if client == "gemini" else f"{path}/count_tokens"
            if client == "gemini":
                body = {"contents": body["contents"]}
            body.pop("max_tokens", None)
            async with await RawClient.connect(gateway.port) as raw:
                headers = [*gateway.headers.items(), ("anthropic-version", "2023-06-01")]
                response = await raw.ask("POST", path, body, headers)
    assert "987654" in response.body.decode()
    assert other.problems == []
