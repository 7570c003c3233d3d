"""What an upstream was told of the work so far, read from its own protocol into entries that are the same for all four.

Independent of the gateway's own decoders on purpose, so that a mistake there doesn't repeat itself here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.vendors.dialects import ProtocolName
from tests.support.vendors.framing import Json


@dataclass(frozen=True)
class Said:
    """A text; ``role`` is user, assistant or system."""

    role: str
    text: str


@dataclass(frozen=True)
class Thought:
    """Reasoning that came back, with the vendor's proof. Where a vendor binds it to an id or a text, it is here."""

    signature: str
    text: str = ""
    id: str = ""


@dataclass(frozen=True)
class Called:
    """A call that came back; ``arguments`` is the raw text."""

    id: str
    name: str
    arguments: str

    @property
    def parsed(self) -> Any:
        try:
            return json.loads(self.arguments)
        except ValueError:
            return self.arguments


@dataclass(frozen=True)
class Answered:
    """What a tool gave."""

    id: str
    text: str


Entry = Said | Thought | Called | Answered


def transcript(protocol: ProtocolName, body: Json) -> list[Entry]:
    """The entries of a request in their order, system text first."""
    return list(_READERS[protocol](body))


def _chat(body: Json) -> Iterator[Entry]:
    for message in body["messages"]:
        role = {"developer": "system"}.get(message["role"], message["role"])
        if role == "tool":
            yield Answered(message["tool_call_id"], _text(message["content"]))
            continue
        if message.get("content"):
            yield Said(role, _text(message["content"]))
        for call in message.get("tool_calls") or []:
            inner = call[call["type"]]
            yield Called(call["id"], inner["name"], inner.get("arguments", inner.get("input", "")))


def _responses(body: Json) -> Iterator[Entry]:
    if body.get("instructions"):
        yield Said("system", body["instructions"])
    items = body["input"]
    for item in [{"role": "user", "content": items}] if isinstance(items, str) else items:
        match item.get("type", "message"):
            case "message":
                yield Said({"developer": "system"}.get(item["role"], item["role"]), _text(item["content"]))
            case "reasoning":
                yield Thought(item.get("encrypted_content") or "", _text(item["summary"]), item.get("id") or "")
            case "function_call":
                yield Called(item["call_id"], item["name"], item["arguments"])
            case "custom_tool_call":
                yield Called(item["call_id"], item["name"], item["input"])
            case "function_call_output" | "custom_tool_call_output":
                yield Answered(item["call_id"], _text(item["output"]))
            case _:
                pass


def _anthropic(body: Json) -> Iterator[Entry]:
    if body.get("system"):
        yield Said("system", _text(body["system"]))
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match block["type"]:
                case "text":
                    yield Said(message["role"], block["text"])
                case "thinking":
                    yield Thought(block["signature"], block["thinking"])
                case "tool_use":
                    yield Called(block["id"], block["name"], json.dumps(block["input"]))
                case "tool_result":
                    yield Answered(block["tool_use_id"], _text(block.get("content")))
                case _:
                    pass


def _gemini(body: Json) -> Iterator[Entry]:
    if body.get("systemInstruction"):
        yield Said("system", _text(body["systemInstruction"]["parts"]))
    for content in body["contents"]:
        role = {"model": "assistant"}.get(content.get("role", "user"), "user")
        for part in content["parts"]:
            if part.get("thoughtSignature") and part.get("text") != "":
                yield Thought(part["thoughtSignature"])
            match part:
                case {"text": text} if not part.get("thought"):
                    yield Said(role, text)
                case {"functionCall": call}:
                    yield Called(call.get("id", ""), call["name"], json.dumps(call.get("args", {})))
                case {"functionResponse": result}:
                    yield Answered(result.get("id", ""), json.dumps(result["response"]))
                case _:
                    pass


_READERS: Final[Mapping[ProtocolName, Callable[[Json], Iterator[Entry]]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(str(part.get("text", "")) for part in content)
