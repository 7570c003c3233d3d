"""What a vendor was asked, read from its own protocol into plain lines that are the same for all four.

Independent of the gateway's own decoders on purpose, so that a mistake there doesn't repeat itself here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.framing import Json


@dataclass(frozen=True)
class Asked:
    """``lines`` are like ``user: Hello``, ``user: image image/png, 96 characters``, ``call: get_weather {…}``,
    ``result: 18 degrees``; ``schema`` is the JSON schema that the answer has to follow."""

    lines: tuple[str, ...]
    tools: tuple[str, ...]
    schema: Json | None


def asked(protocol: ProtocolName, body: Json) -> Asked:
    """Read the body of a request."""
    tools = tuple(name for name, _ in DIALECTS[protocol].tools(body))
    return Asked(tuple(_LINES[protocol](body)), tools, _schema(protocol, body))


def _schema(protocol: ProtocolName, body: Json) -> Json | None:
    match protocol:
        case "openai_chat":
            return body.get("response_format", {}).get("json_schema", {}).get("schema")
        case "openai_responses":
            return body.get("text", {}).get("format", {}).get("schema")
        case "anthropic":
            return body.get("output_config", {}).get("format", {}).get("schema")
        case "gemini":
            config = body.get("generationConfig", {})
            return config.get("responseJsonSchema", config.get("responseSchema"))


def _chat(body: Json) -> Iterator[str]:
    for message in body["messages"]:
        role = {"developer": "system"}.get(message["role"], message["role"])
        if role == "tool":
            yield _result(message["content"])
            continue
        for part in _parts(message.get("content")):
            yield f"{role}: {_address(part['image_url']['url']) if part['type'] == 'image_url' else part['text']}"
        for call in message.get("tool_calls") or []:
            yield _call(call["function"]["name"], json.loads(call["function"]["arguments"]))


def _responses(body: Json) -> Iterator[str]:
    if body.get("instructions"):
        yield f"system: {body['instructions']}"
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        match item.get("type", "message"):
            case "message":
                role = {"developer": "system"}.get(item["role"], item["role"])
                for part in _parts(item["content"]):
                    yield f"{role}: {_address(part['image_url']) if part['type'] == 'input_image' else part['text']}"
            case "function_call":
                yield _call(item["name"], json.loads(item["arguments"]))
            case "function_call_output":
                yield _result(item["output"])
            case other:
                yield other


def _anthropic(body: Json) -> Iterator[str]:
    for part in _parts(body.get("system")):
        yield f"system: {part['text']}"
    for message in body["messages"]:
        for part in _parts(message["content"]):
            match part["type"]:
                case "text":
                    yield f"{message['role']}: {part['text']}"
                case "image":
                    source = part["source"]
                    known = source["type"] == "base64"
                    address = f"data:{source['media_type']};base64,{source['data']}" if known else source["url"]
                    yield f"{message['role']}: {_address(address)}"
                case "tool_use":
                    yield _call(part["name"], part["input"])
                case "tool_result":
                    yield _result(part["content"])
                case other:
                    yield other


def _gemini(body: Json) -> Iterator[str]:
    for part in (body.get("systemInstruction") or {}).get("parts", []):
        yield f"system: {part['text']}"
    for content in body["contents"]:
        role = {"model": "assistant"}.get(content.get("role", "user"), "user")
        for part in content["parts"]:
            match part:
                case {"text": text}:
                    yield f"{role}: {text}"
                case {"inlineData": data}:
                    yield f"{role}: {_address('data:{mimeType};base64,{data}'.format(**data))}"
                case {"fileData": data}:
                    yield f"{role}: {_address(data['fileUri'])}"
                case {"functionCall": call}:
                    yield _call(call["name"], call.get("args", {}))
                case {"functionResponse": result}:
                    yield _result(result["response"])
                case other:
                    yield str(other)


_LINES: Final[Mapping[ProtocolName, Callable[[Json], Iterator[str]]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}


def _parts(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []


def _address(url: str) -> str:
    """A picture in words: where it is, or its type and how much of it there is."""
    head, comma, data = url.partition(",")
    if not comma:
        return f"image {url}"
    return f"image {head.removeprefix('data:').removesuffix(';base64')}, {len(data)} characters"


def _call(name: str, arguments: Json) -> str:
    return f"call: {name} {json.dumps(arguments)}"


def _result(content: Any) -> str:
    """A tool's result, whether it is a text, parts, or an object that holds the text (as Google has it)."""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    if isinstance(content, str) and content.startswith("{"):
        content = json.loads(content)
    if isinstance(content, dict) and len(content) == 1:
        (content,) = content.values()
    return f"result: {content}"
