"""The next turn of a conversation: a client sends back what it was answered, and the answer's vendor has to take it.

Ids of calls and signatures of thinking make this round through the client's protocol; nothing else proves that they
survive it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from tests.replay.rendering import KEY, SCOPE, UPSTREAM_MODEL
from tests.replay.spokes import spoke_of
from tests.replay.translation import capabilities_of, own_host
from tests.support.vendors.dialects import DIALECTS, ProtocolName

from codenex.core.envelope import opened_request
from codenex.core.losses import Losses

Json = dict[str, Any]

MODELS: Final[Mapping[ProtocolName, str]] = {
    "openai_chat": "gpt-4o",
    "openai_responses": "gpt-5.4",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-flash-preview",
}
"""The models that are taken for those which have answered: able to think and to call tools."""

_SCHEMA: Final = {"type": "object", "properties": {"x": {"type": "string"}}}
_RESULT: Final = "the result of the tool"
_ON: Final = "And now?"


def _chat(answer: Json) -> Json:
    message = answer["choices"][0]["message"]
    calls = message.get("tool_calls") or []
    results = [{"role": "tool", "tool_call_id": call["id"], "content": _RESULT} for call in calls]
    names = [(call.get("function") or call.get("custom"))["name"] for call in calls]
    tools = [{"type": "function", "function": {"name": name, "parameters": _SCHEMA}} for name in _once(names)]
    turns = [{"role": "user", "content": "?"}, message, *results, {"role": "user", "content": _ON}]
    return {"messages": turns, **({"tools": tools} if tools else {})}


def _responses(answer: Json) -> Json:
    items = answer.get("output") or []
    outputs = [_output(item) for item in items if item.get("type") in ("function_call", "custom_tool_call")]
    names = [item["name"] for item in items if item.get("type") == "function_call"]
    tools: list[Json] = [
        {"type": "function", "name": name, "parameters": _SCHEMA, "strict": False} for name in _once(names)
    ]
    tools += [
        {"type": "custom", "name": name}
        for name in _once([item["name"] for item in items if item.get("type") == "custom_tool_call"])
    ]
    turns = [{"role": "user", "content": "?"}, *items, *outputs, {"role": "user", "content": _ON}]
    thoughts = [item for item in items if item.get("type") == "reasoning"]
    stored = not all(thought.get("encrypted_content") for thought in thoughts)
    return {"input": turns, "store": stored, "reasoning": {"effort": "low"}, **({"tools": tools} if tools else {})}


def _output(item: Json) -> Json:
    return {"type": f"{item['type'].removesuffix('_call')}_call_output", "call_id": item["call_id"], "output": _RESULT}


def _messages(answer: Json) -> Json:
    blocks = answer.get("content") or []
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    results: list[Json] = [{"type": "tool_result", "tool_use_id": call["id"], "content": _RESULT} for call in calls]
    turns = [
        {"role": "user", "content": "?"},
        *([{"role": "assistant", "content": blocks}] if blocks else []),
        {"role": "user", "content": [*results, {"type": "text", "text": _ON}]},
    ]
    tools = [{"name": name, "input_schema": _SCHEMA} for name in _once([call["name"] for call in calls])]
    thinking = {"type": "enabled", "budget_tokens": 2048}
    return {"max_tokens": 8000, "thinking": thinking, "messages": turns, **({"tools": tools} if tools else {})}


def _contents(answers: list[Json]) -> Json:
    # The SDKs' chats keep a content of its own for each piece of a stream.
    contents = [
        {"role": "model", "parts": candidate["content"]["parts"]}
        for answer in answers
        for candidate in (answer.get("candidates") or [])[:1]
        if (candidate.get("content") or {}).get("parts")
    ]
    parts = [part for content in contents for part in content["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [
        {"functionResponse": {"name": call["name"], "response": {"output": _RESULT}, **_id_of(call)}} for call in calls
    ]
    tools = [{"name": name, "parametersJsonSchema": _SCHEMA} for name in _once([call["name"] for call in calls])]
    turns = [
        {"role": "user", "parts": [{"text": "?"}]},
        *contents,
        {"role": "user", "parts": [*results, {"text": _ON}]},
    ]
    thinking = {"thinkingConfig": {"includeThoughts": True}}
    declared = {"tools": [{"functionDeclarations": tools}]} if tools else {}
    return {"contents": turns, "generationConfig": thinking, **declared}


def _id_of(call: Json) -> Json:
    return {"id": call["id"]} if call.get("id") else {}


def _once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


_NEXT: Final[Mapping[ProtocolName, Callable[[Any], Json]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _messages,
    "gemini": _contents,
}


def asked(client: ProtocolName, answer: Any) -> Json:
    """The body by which a client sends back ``answer``, as its SDK holds it, and asks for more."""
    return {"model": UPSTREAM_MODEL, **_NEXT[client](answer)}


def continued(client: ProtocolName, body: Json, vendor: ProtocolName) -> Json:
    """What the vendor is sent for the body of a client."""
    request = spoke_of(client).decode_request(json.dumps(body).encode(), UPSTREAM_MODEL)
    losses = Losses()
    request = opened_request(request, (KEY,), UPSTREAM_MODEL, SCOPE, losses)
    capabilities = capabilities_of(vendor, MODELS[vendor], own_host(vendor), {})
    request = msgspec.structs.replace(request, model=MODELS[vendor])
    return dict(json.loads(spoke_of(vendor).encode_request(request, capabilities, losses).body))


def refusals(vendor: ProtocolName, sent: Json, answer: Any) -> list[str]:
    """What the vendor's rules say against the next turn; not that the vendor's own words are not OpenAI's."""
    path = f"/v1beta/models/{MODELS[vendor]}:generateContent"
    problems = DIALECTS[vendor].check_request(sent, {"anthropic-version": "2023-06-01"}, path)
    if vendor != "openai_responses":
        return problems
    items = answer.get("output") or []
    foreign = any(item.get("type") == "reasoning" and not str(item.get("id")).startswith("rs_") for item in items)
    kinds = [f"invalid value '{item.get('type')}'" for item in items]
    own = ("expected an id that begins", "not found; items are not persisted") if foreign else ()
    return [problem for problem in problems if not any(words in problem for words in (*kinds, *own))]


CARRIED: Final[Mapping[ProtocolName, tuple[str, ...]]] = {
    "openai_chat": ("functionCall",),
    "openai_responses": ("functionCall", "text"),
    "anthropic": ("functionCall",),
    "gemini": ("functionCall", "text", "inlineData", "executableCode", "codeExecutionResult"),
}
"""Parts of Gemini whose proof a client of each protocol can bring back. The vendor insists on those of calls."""


def signatures(value: Any, client: ProtocolName = "gemini") -> Iterator[str]:
    """The vendor's proofs of thinking in an answer or in a request, as far as a client can bring them back."""
    if isinstance(value, list):
        for member in value:
            yield from signatures(member, client)
    elif isinstance(value, dict):
        kind = value.get("type")
        for key, name in (("thinking", "signature"), ("redacted_thinking", "data"), ("reasoning", "encrypted_content")):
            if kind == key and value.get(name):
                yield value[name]
        if isinstance(value.get("thoughtSignature"), str) and any(part in value for part in CARRIED[client]):
            yield value["thoughtSignature"].replace("-", "+").replace("_", "/")
        for member in value.values():
            yield from signatures(member, client)


def spoken(value: Any, key: str = "") -> str:
    """All text of a request, end to end: some clients send an answer back in the pieces in which it came."""
    if isinstance(value, str):
        return value if key in ("text", "content") else ""
    if isinstance(value, list):
        return "".join(spoken(member, key) for member in value)
    return "".join(spoken(member, name) for name, member in value.items()) if isinstance(value, dict) else ""
