"""Thinking with tools over several turns, for every client in front of every vendor that signs its reasoning.

The official SDKs keep the history as their users do. What the vendor signed has to come back to it unchanged and in its
place, from the same account and model; elsewhere it must not arrive, and the vendor still has to take the request.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import permutations
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.scenario import Reasoning, Scenario, Text, ToolCall
from tests.support.vendor import ScriptedVendor

SIGNATURE = base64.b64encode(b"\x12signed by the vendor, opaque to everybody else" * 4).decode()
SENTINEL = "skip_thought_signature_validator"
MODELS = {"anthropic": "claude-opus-4-5", "gemini": "gemini-3-pro-preview", "openai_responses": "gpt-5.2"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "What is the weather in Bern?"

THINKING = Scenario(
    parts=(
        Reasoning("I have to look it up.", SIGNATURE),
        ToolCall("call_abc123", "get_weather", '{"city":"Bern"}'),
    ),
    finish="tool_calls",
)
DONE = Scenario(parts=(Text("It is sunny."),))


# --- what arrived at the vendor


def _anthropic(body: dict[str, Any]) -> list[str]:
    blocks = [
        block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]
    ]
    return [block["signature"] for block in blocks if block["type"] == "thinking"]


def _gemini(body: dict[str, Any]) -> list[str]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    return [part["thoughtSignature"] for part in parts if "functionCall" in part and "thoughtSignature" in part]


def _responses(body: dict[str, Any]) -> list[str]:
    return [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"]


ARRIVED: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "anthropic": _anthropic,
    "gemini": _gemini,
    "openai_responses": _responses,
}


# --- how users of each SDK hold a conversation. Each returns the text in the end.


async def _by_chat(gateway: RunningGateway, model: str, *, stream: bool, second: RunningGateway, then: str) -> str:
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    async with openai.AsyncOpenAI(api_key=gateway.key, base_url=f"{gateway.url}/v1", max_retries=0) as client:
        asked = {"model": model, "messages": messages, "tools": tools, "reasoning_effort": "high"}
        if stream:
            async with client.chat.completions.stream(**asked) as events:
                message = (await events.get_final_completion()).choices[0].message
        else:
            message = (await client.chat.completions.create(**asked)).choices[0].message
    messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
    messages.append({"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"})
    async with openai.AsyncOpenAI(api_key=second.key, base_url=f"{second.url}/v1", max_retries=0) as client:
        done = await client.chat.completions.create(model=then, messages=messages, tools=tools, reasoning_effort="high")
    return str(done.choices[0].message.content)


async def _by_responses(gateway: RunningGateway, model: str, *, stream: bool, second: RunningGateway, then: str) -> str:
    tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
    history: list[Any] = [{"role": "user", "content": QUESTION}]
    options: dict[str, Any] = {
        "tools": tools,
        "reasoning": {"effort": "high", "summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    async with openai.AsyncOpenAI(api_key=gateway.key, base_url=f"{gateway.url}/v1", max_retries=0) as client:
        if stream:
            async with client.responses.stream(model=model, input=history, **options) as events:
                response = await events.get_final_response()
        else:
            response = await client.responses.create(model=model, input=history, **options)
    history += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
    (call,) = [item for item in response.output if item.type == "function_call"]
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    async with openai.AsyncOpenAI(api_key=second.key, base_url=f"{second.url}/v1", max_retries=0) as client:
        return str((await client.responses.create(model=then, input=history, **options)).output_text)


async def _by_anthropic(gateway: RunningGateway, model: str, *, stream: bool, second: RunningGateway, then: str) -> str:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    options: dict[str, Any] = {
        "max_tokens": 8000,
        "tools": [{"name": "get_weather", "input_schema": SCHEMA}],
        "thinking": {"type": "enabled", "budget_tokens": 4000},
    }
    async with anthropic.AsyncAnthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0) as client:
        if stream:
            async with client.messages.stream(model=model, messages=messages, **options) as events:
                message = await events.get_final_message()
        else:
            message = await client.messages.create(model=model, messages=messages, **options)
    messages.append(
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]}
    )
    (call,) = [block for block in message.content if block.type == "tool_use"]
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]})
    async with anthropic.AsyncAnthropic(api_key=second.key, base_url=second.url, max_retries=0) as client:
        done = await client.messages.create(model=then, messages=messages, **options)
    return "".join(block.text for block in done.content if block.type == "text")


async def _by_gemini(gateway: RunningGateway, model: str, *, stream: bool, second: RunningGateway, then: str) -> str:
    contents: list[Any] = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
    declaration = types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declaration])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True),
    )

    options = {"api_key": gateway.key, "http_options": types.HttpOptions(base_url=gateway.url)}
    async with genai.Client(**options).aio as client:
        if stream:
            parts: list[Any] = []
            async for chunk in await client.models.generate_content_stream(
                model=model, contents=contents, config=config
            ):
                content = chunk.candidates[0].content if chunk.candidates else None
                parts += content.parts or [] if content else []
            contents.append(types.Content(role="model", parts=parts))
        else:
            answer = await client.models.generate_content(model=model, contents=contents, config=config)
            contents.append(answer.candidates[0].content)
    (call,) = [part.function_call for part in contents[-1].parts if part.function_call]
    response = types.FunctionResponse(id=call.id, name=call.name, response={"output": "sunny"})
    contents.append(types.Content(role="user", parts=[types.Part(function_response=response)]))
    options["http_options"] = types.HttpOptions(base_url=second.url)
    async with genai.Client(**options).aio as client:
        done = await client.models.generate_content(model=then, contents=contents, config=config)
    return str(done.text)


CLIENTS = {"openai_chat": _by_chat, "openai_responses": _by_responses, "anthropic": _by_anthropic, "gemini": _by_gemini}


@pytest.mark.pitfall("SIG-2", "RSN-6", "RSN-7", "RSN-8", "RSN-9", "CACHE-1")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("upstream", ARRIVED)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_signature_comes_back_to_its_account_unchanged(client: str, upstream: Any, stream: bool) -> None:
    # Python's SDK spells fields in snake case, which the rules for what this gateway writes don't know.
    async with ScriptedVendor(upstream, validate=client != upstream) as vendor:
        vendor.scenario = lambda request, body: DONE if len(vendor.requests) > 1 else THINKING
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            model = MODELS[upstream]
            text = await CLIENTS[client](gateway, model, stream=stream, second=gateway, then=model)

    assert vendor.problems == []
    assert text == "It is sunny."
    assert ARRIVED[upstream](vendor.requests[-1].json) == [SIGNATURE]


@pytest.mark.pitfall("SIG-1", "SIG-4", "RSN-22")
@pytest.mark.parametrize(
    ("client", "upstream"), [(client, upstream) for client in CLIENTS for upstream in ARRIVED if client != upstream]
)
async def test_another_account_never_sees_it_and_serves_the_conversation(client: str, upstream: Any) -> None:
    async with ScriptedVendor(upstream) as vendor:
        vendor.scenario = lambda request, body: DONE if len(vendor.requests) > 1 else THINKING
        first, second = settings_for(account_for(vendor, 1)), settings_for(account_for(vendor, 2))
        async with running_gateway(first) as one, running_gateway(second) as two:
            model = MODELS[upstream]
            text = await CLIENTS[client](one, model, stream=False, second=two, then=model)

    assert vendor.problems == []
    assert text == "It is sunny."
    assert ARRIVED[upstream](vendor.requests[-1].json) == ([SENTINEL] if upstream == "gemini" else [])


@pytest.mark.pitfall("SIG-1", "SIG-4", "RSN-13")
@pytest.mark.parametrize(("upstream", "to"), list(permutations(ARRIVED, 2)))
@pytest.mark.parametrize("client", CLIENTS)
async def test_another_vendor_never_sees_it_and_serves_the_conversation(client: str, upstream: Any, to: Any) -> None:
    async with ScriptedVendor(upstream, validate=client != upstream) as vendor, ScriptedVendor(to) as other:
        vendor.scenario, other.scenario = THINKING, DONE
        async with (
            running_gateway(settings_for(account_for(vendor))) as one,
            running_gateway(settings_for(account_for(other))) as two,
        ):
            text = await CLIENTS[client](one, MODELS[upstream], stream=False, second=two, then=MODELS[to])

    assert other.problems == []
    assert text == "It is sunny."
    assert ARRIVED[to](other.requests[-1].json) == ([SENTINEL] if to == "gemini" else [])
