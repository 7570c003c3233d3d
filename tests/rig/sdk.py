"""The vendors' own SDKs, pointed at a scripted vendor and asked for one answer: what they understood of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types
from tests.support.vendor import ScriptedVendor

QUESTION = "What is the answer?"


@dataclass
class Understood:
    """An answer in the SDK's reading."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[tuple[str | None, str, str]] = field(default_factory=list)
    """Id, name, arguments as JSON text."""
    finish: str | None = None
    input_total: int | None = None
    output_total: int | None = None


@asynccontextmanager
async def openai_client(vendor: ScriptedVendor) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key=vendor.key, max_retries=0) as client:
        yield client


async def ask_chat(vendor: ScriptedVendor, *, stream: bool) -> Understood:
    messages: Any = [{"role": "user", "content": QUESTION}]
    async with openai_client(vendor) as client:
        if not stream:
            completion: Any = await client.chat.completions.create(model="gpt-5.4-mini", messages=messages)
        else:
            async with client.chat.completions.stream(
                model="gpt-5.4-mini", messages=messages, stream_options={"include_usage": True}
            ) as events:
                async for _ in events:
                    pass
                completion = events.current_completion_snapshot
    choice = completion.choices[0]
    return Understood(
        text=choice.message.content or "",
        reasoning=getattr(choice.message, "reasoning_content", None) or "",
        refusal=choice.message.refusal or "",
        calls=[(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or []],
        finish=choice.finish_reason,
        input_total=completion.usage.prompt_tokens,
        output_total=completion.usage.completion_tokens,
    )


async def ask_responses(vendor: ScriptedVendor, *, stream: bool) -> Understood:
    async with openai_client(vendor) as client:
        if not stream:
            response: Any = await client.responses.create(model="gpt-5.4", input=QUESTION)
        else:
            last: Any = None
            async with client.responses.stream(model="gpt-5.4", input=QUESTION) as events:
                async for event in events:
                    last = event
            response = last.response
    seen = Understood(finish=response.status)
    seen.input_total, seen.output_total = response.usage.input_tokens, response.usage.output_tokens
    for item in response.output:
        if item.type == "message":
            seen.text += "".join(part.text for part in item.content if part.type == "output_text")
            seen.refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
        elif item.type == "reasoning":
            seen.reasoning += "".join(part.text for part in item.summary)
        else:
            seen.calls.append((item.call_id, item.name, item.arguments))
    return seen


async def ask_anthropic(vendor: ScriptedVendor, *, stream: bool) -> Understood:
    wanted: Any = {
        "model": "claude-haiku-4-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    async with anthropic.AsyncAnthropic(base_url=vendor.url, api_key=vendor.key, max_retries=0) as client:
        if not stream:
            message: Any = await client.messages.create(**wanted)
        else:
            async with client.messages.stream(**wanted) as events:
                message = await events.get_final_message()
    usage = message.usage
    seen = Understood(finish=message.stop_reason, output_total=usage.output_tokens)
    seen.input_total = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    if message.stop_details is not None:
        seen.refusal = message.stop_details.explanation
    for block in message.content:
        if block.type == "text":
            seen.text += block.text
        elif block.type == "thinking":
            seen.reasoning += block.thinking
        elif block.type == "tool_use":
            seen.calls.append((block.id, block.name, json.dumps(block.input)))
    return seen


async def ask_gemini(vendor: ScriptedVendor, *, stream: bool) -> Understood:
    client = genai.Client(api_key=vendor.key, http_options=types.HttpOptions(base_url=vendor.url))
    seen = Understood()
    async with client.aio as models:
        if stream:
            answers = [
                answer
                async for answer in await models.models.generate_content_stream(
                    model="gemini-3-flash-preview", contents=QUESTION
                )
            ]
        else:
            answers = [await models.models.generate_content(model="gemini-3-flash-preview", contents=QUESTION)]
    client.close()
    for answer in answers:
        assert answer.candidates is not None
        assert answer.usage_metadata is not None
        candidate = answer.candidates[0]
        seen.finish = candidate.finish_reason.value if candidate.finish_reason is not None else None
        seen.input_total = answer.usage_metadata.prompt_token_count
        visible = answer.usage_metadata.candidates_token_count or 0
        seen.output_total = visible + (answer.usage_metadata.thoughts_token_count or 0)
        for part in (candidate.content.parts if candidate.content is not None else None) or []:
            if part.function_call is not None:
                call = part.function_call
                seen.calls.append((call.id, call.name or "", json.dumps(call.args)))
            elif part.thought:
                seen.reasoning += part.text or ""
            else:
                seen.text += part.text or ""
    return seen


ASK = {
    "openai_chat": ask_chat,
    "openai_responses": ask_responses,
    "anthropic": ask_anthropic,
    "gemini": ask_gemini,
}
