"""The official SDKs as clients: each asks in its own words and tells what it got in the matrix's words."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2 as httpx
import openai
from google import genai
from google.genai import types
from tests.matrix.cases import Ask, Document, Image, Part, Result
from tests.support.gateway import KEY, RunningGateway
from tests.support.scenario import ToolCall


@dataclass
class Got:
    """What an SDK made of an answer."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str = ""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    losses: str = ""


class Client:
    """One SDK against one gateway."""

    def __init__(self, gateway: RunningGateway, model: str) -> None:
        self.gateway, self.model = gateway, model
        self.losses = ""
        self.http = httpx.AsyncClient(timeout=30, event_hooks={"response": [self._note]})

    async def _note(self, response: httpx.Response) -> None:
        self.losses = response.headers.get("x-codenex-losses", "")

    async def run(self, ask: Ask, stream: bool) -> Got:
        got = await (self.stream(ask) if stream else self.unary(ask))
        got.losses = self.losses
        return got

    async def unary(self, ask: Ask) -> Got:
        raise NotImplementedError

    async def stream(self, ask: Ask) -> Got:
        raise NotImplementedError


class Chat(Client):
    def sdk(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.gateway.url + "/v1", api_key=KEY, http_client=self.http, max_retries=0)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        messages: list[Any] = [] if ask.system is None else [{"role": "system", "content": ask.system}]
        for role, parts in ask.turns:
            calls = [part for part in parts if isinstance(part, ToolCall)]
            results = [part for part in parts if isinstance(part, Result)]
            if results:
                messages += [{"role": "tool", "tool_call_id": r.id, "content": r.text} for r in results]
                # The protocol has no pictures in results: its users show them afterwards.
                pictures = tuple(Image(data=r.image) for r in results if r.image is not None)
                if pictures:
                    messages.append({"role": "user", "content": self.content(pictures)})
            elif calls:
                functions = [
                    {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                    for c in calls
                ]
                messages.append({"role": role, "content": None, "tool_calls": functions})
            else:
                messages.append({"role": role, "content": self.content(parts)})
        out: dict[str, Any] = {"model": self.model, "messages": messages, "max_completion_tokens": ask.max_tokens}
        if ask.tools:
            out["tools"] = [
                {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.schema}}
                for t in ask.tools
            ]
        if ask.choice is not None:
            named = {"type": "function", "function": {"name": ask.choice}}
            out["tool_choice"] = ask.choice if ask.choice in ("auto", "none", "required") else named
        if ask.schema is not None:
            schema = {"name": "answer", "schema": ask.schema, "strict": True}
            out["response_format"] = {"type": "json_schema", "json_schema": schema}
        if ask.effort is not None:
            out["reasoning_effort"] = ask.effort
        return out

    def content(self, parts: tuple[Part, ...]) -> Any:
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return [self.block(part) for part in parts]

    def block(self, part: Part) -> dict[str, Any]:
        match part:
            case Image():
                return {"type": "image_url", "image_url": {"url": part.url or f"data:image/png;base64,{part.data}"}}
            case Document():
                data = f"data:application/pdf;base64,{part.data}"
                return {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
            case _:
                return {"type": "text", "text": part}

    def read(self, completion: Any) -> Got:
        choice = completion.choices[0]
        message, usage = choice.message, completion.usage
        details = usage.prompt_tokens_details
        return Got(
            text=message.content or "",
            reasoning=getattr(message, "reasoning_content", None) or "",
            refusal=message.refusal or "",
            calls=[(c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or []]
            if choice.finish_reason != "length"
            else [],
            finish=choice.finish_reason,
            input_tokens=usage.prompt_tokens,
            cached_tokens=(details.cached_tokens or 0) if details is not None else 0,
            output_tokens=usage.completion_tokens,
        )

    async def unary(self, ask: Ask) -> Got:
        return self.read(await self.sdk().chat.completions.create(**self.arguments(ask)))

    async def stream(self, ask: Ask) -> Got:
        reasoning = ""
        options = {"include_usage": True}
        async with self.sdk().chat.completions.stream(**self.arguments(ask), stream_options=options) as stream:
            async for event in stream:
                if event.type == "chunk" and event.chunk.choices:
                    reasoning += getattr(event.chunk.choices[0].delta, "reasoning_content", None) or ""
            try:
                final = await stream.get_final_completion()
            except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
                final = stream.current_completion_snapshot
        got = self.read(final)
        got.reasoning = reasoning
        return got


class Responses(Client):
    def sdk(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.gateway.url + "/v1", api_key=KEY, http_client=self.http, max_retries=0)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        items: list[Any] = []
        for role, parts in ask.turns:
            texts = []
            for part in parts:
                if isinstance(part, ToolCall):
                    items.append(
                        {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments}
                    )
                elif isinstance(part, Result):
                    items.append({"type": "function_call_output", "call_id": part.id, "output": self.output(part)})
                elif isinstance(part, Image):
                    url = part.url or f"data:image/png;base64,{part.data}"
                    texts.append({"type": "input_image", "image_url": url, "detail": "auto"})
                elif isinstance(part, Document):
                    data = f"data:application/pdf;base64,{part.data}"
                    texts.append({"type": "input_file", "filename": "a.pdf", "file_data": data})
                else:
                    texts.append({"type": "input_text" if role == "user" else "output_text", "text": part})
            if texts:
                items.append({"role": role, "content": texts})
        out: dict[str, Any] = {"model": self.model, "input": items, "max_output_tokens": ask.max_tokens}
        if ask.system is not None:
            out["instructions"] = ask.system
        if ask.tools:
            out["tools"] = [
                {
                    "type": "function",
                    "name": t.name,
                    "description": t.description,
                    "parameters": t.schema,
                    "strict": False,
                }
                for t in ask.tools
            ]
        if ask.choice is not None:
            named = {"type": "function", "name": ask.choice}
            out["tool_choice"] = ask.choice if ask.choice in ("auto", "none", "required") else named
        if ask.schema is not None:
            out["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}}
        if ask.effort is not None:
            out["reasoning"] = {"effort": ask.effort, "summary": "auto"}
        return out

    def output(self, result: Result) -> Any:
        if result.image is None:
            return result.text
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{result.image}", "detail": "auto"}
        return [{"type": "input_text", "text": result.text}, picture]

    def read(self, response: Any) -> Got:
        got = Got(text=response.output_text)
        for item in response.output:
            if item.type == "reasoning":
                got.reasoning += "\n\n".join(
                    [part.text for part in item.summary] + [part.text for part in item.content or []]
                )
            elif item.type == "function_call" and item.status != "incomplete":
                got.calls.append((item.name, json.loads(item.arguments)))
            elif item.type == "message":
                got.refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
        got.finish = response.status
        if response.incomplete_details is not None:
            got.finish = response.incomplete_details.reason
        usage = response.usage
        got.input_tokens, got.output_tokens = usage.input_tokens, usage.output_tokens
        got.cached_tokens = usage.input_tokens_details.cached_tokens
        return got

    async def unary(self, ask: Ask) -> Got:
        return self.read(await self.sdk().responses.create(**self.arguments(ask)))

    async def stream(self, ask: Ask) -> Got:
        final = None
        async with self.sdk().responses.stream(**self.arguments(ask)) as stream:
            async for event in stream:
                if event.type in ("response.completed", "response.incomplete"):
                    final = event.response
        assert final is not None
        return self.read(final)


class Messages(Client):
    def sdk(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.gateway.url, api_key=KEY, http_client=self.http, max_retries=0)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        messages = [{"role": role, "content": [self.block(part) for part in parts]} for role, parts in ask.turns]
        out: dict[str, Any] = {"model": self.model, "messages": messages, "max_tokens": ask.max_tokens}
        if ask.system is not None:
            out["system"] = ask.system
        if ask.tools:
            out["tools"] = [{"name": t.name, "description": t.description, "input_schema": t.schema} for t in ask.tools]
        if ask.choice is not None:
            words = {"auto": "auto", "none": "none", "required": "any"}
            named = {"type": "tool", "name": ask.choice}
            out["tool_choice"] = {"type": words[ask.choice]} if ask.choice in words else named
        if ask.schema is not None:
            out["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
        if ask.effort is not None:
            out["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        return out

    def block(self, part: Part) -> dict[str, Any]:
        match part:
            case str():
                return {"type": "text", "text": part}
            case Image(data=None):
                return {"type": "image", "source": {"type": "url", "url": part.url}}
            case Image():
                return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": part.data}}
            case ToolCall():
                return {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads(part.arguments)}
            case Document():
                source = {"type": "base64", "media_type": "application/pdf", "data": part.data}
                return {"type": "document", "source": source}
            case Result():
                content = [self.block(part.text), *([] if part.image is None else [self.block(Image(part.image))])]
                failed = {"is_error": True} if part.error else {}
                return {"type": "tool_result", "tool_use_id": part.id, "content": content, **failed}

    def read(self, message: Any) -> Got:
        usage = message.usage
        got = Got(finish=message.stop_reason or "")
        for block in message.content:
            match block.type:
                case "text":
                    got.text += block.text
                case "thinking":
                    got.reasoning += block.thinking
                case "tool_use":
                    got.calls.append((block.name, block.input))
        if got.finish == "refusal":
            details = getattr(message, "stop_details", None)
            got.refusal = (details.explanation if details is not None else None) or got.text
        cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
        got.input_tokens = usage.input_tokens + cached + written
        got.cached_tokens, got.output_tokens = cached, usage.output_tokens
        return got

    async def unary(self, ask: Ask) -> Got:
        return self.read(await self.sdk().messages.create(**self.arguments(ask)))

    async def stream(self, ask: Ask) -> Got:
        async with self.sdk().messages.stream(**self.arguments(ask)) as stream:
            return self.read(await stream.get_final_message())


class Gemini(Client):
    def sdk(self) -> Any:
        options = types.HttpOptions(base_url=self.gateway.url, httpx_async_client=self.http)
        return genai.Client(api_key=KEY, http_options=options).aio.models

    def arguments(self, ask: Ask) -> dict[str, Any]:
        contents = [
            types.Content(role="model" if role == "assistant" else "user", parts=[self.part(part) for part in parts])
            for role, parts in ask.turns
        ]
        config: dict[str, Any] = {"max_output_tokens": ask.max_tokens}
        if ask.system is not None:
            config["system_instruction"] = ask.system
        if ask.tools:
            declarations = [
                types.FunctionDeclaration(name=t.name, description=t.description, parameters_json_schema=t.schema)
                for t in ask.tools
            ]
            config["tools"] = [types.Tool(function_declarations=declarations)]
        if ask.choice is not None:
            mode = {"auto": "AUTO", "none": "NONE"}.get(ask.choice, "ANY")
            named = [ask.choice] if ask.choice not in ("auto", "none", "required") else None
            calling = types.FunctionCallingConfig(mode=mode, allowed_function_names=named)
            config["tool_config"] = types.ToolConfig(function_calling_config=calling)
        if ask.schema is not None:
            config |= {"response_mime_type": "application/json", "response_json_schema": ask.schema}
        if ask.effort is not None:
            config["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
        config["automatic_function_calling"] = types.AutomaticFunctionCallingConfig(disable=True)
        return {"model": self.model, "contents": contents, "config": types.GenerateContentConfig(**config)}

    def part(self, part: Part) -> types.Part:
        match part:
            case str():
                return types.Part(text=part)
            case Image(data=None):
                return types.Part.from_uri(file_uri=part.url or "", mime_type="image/png")
            case Image():
                return types.Part(inline_data={"mime_type": "image/png", "data": part.data})
            case ToolCall():
                call = types.FunctionCall(id=part.id, name=part.name, args=json.loads(part.arguments))
                return types.Part(function_call=call)
            case Document():
                return types.Part(inline_data={"mime_type": "application/pdf", "data": part.data})
            case Result():
                response = {"error" if part.error else "output": part.text}
                answer = types.FunctionResponse(id=part.id, name=part.name, response=response)
                if part.image is not None:
                    blob = types.FunctionResponseBlob(mime_type="image/png", data=base64.b64decode(part.image))
                    answer.parts = [types.FunctionResponsePart(inline_data=blob)]
                return types.Part(function_response=answer)

    def add(self, got: Got, response: Any) -> None:
        for candidate in (response.candidates or [])[:1]:
            for part in (candidate.content.parts if candidate.content is not None else None) or []:
                if part.function_call is not None:
                    got.calls.append((part.function_call.name, part.function_call.args or {}))
                elif part.text and part.thought:
                    got.reasoning += part.text
                elif part.text:
                    got.text += part.text
            if candidate.finish_reason is not None:
                got.finish = candidate.finish_reason.value
        usage = response.usage_metadata
        if usage is not None:
            got.input_tokens = usage.prompt_token_count or 0
            got.cached_tokens = usage.cached_content_token_count or 0
            got.output_tokens = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        got.refusal = got.text

    async def unary(self, ask: Ask) -> Got:
        got = Got()
        self.add(got, await self.sdk().generate_content(**self.arguments(ask)))
        return got

    async def stream(self, ask: Ask) -> Got:
        got = Got()
        async for chunk in await self.sdk().generate_content_stream(**self.arguments(ask)):
            self.add(got, chunk)
        return got


CLIENTS: dict[str, type[Client]] = {
    "openai_chat": Chat,
    "openai_responses": Responses,
    "anthropic": Messages,
    "gemini": Gemini,
}


@asynccontextmanager
async def client_of(name: str, gateway: RunningGateway, model: str):
    """An SDK's client whose connections are closed at the end."""
    client = CLIENTS[name](gateway, model)
    async with client.http:
        yield client
