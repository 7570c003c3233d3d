"""Whether every object that goes over the wire is one of the official SDKs' types: required fields, kinds, values.

The SDKs themselves build their objects without looking; here the same types do look. Where a type is a choice of many,
the object's own ``type`` says which it has to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, get_args

from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaContentBlock
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseOutputItem, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError
from tests.support.sse import decode
from tests.support.vendors.dialects import ProtocolName

Json = dict[str, Any]

_EVENTS: Final[Mapping[ProtocolName, Any]] = {
    "openai_responses": ResponseStreamEvent,
    "anthropic": RawMessageStreamEvent,
}


def wire_problems(protocol: ProtocolName, body: bytes, *, stream: bool) -> list[str]:
    """What the types say against an answer's objects; nothing for a good one. Each complaint is told once."""
    found = [told for value in _values(body, stream) for told in _problems(protocol, value, stream)]
    return list(dict.fromkeys(found))


def _values(body: bytes, stream: bool) -> list[Json]:
    if not stream:
        return [json.loads(body)]
    if body.lstrip()[:1] == b"[":
        return list(json.loads(body))
    return [json.loads(event.data) for event in decode(body) if event.data != "[DONE]" and event.type != "ping"]


def _problems(protocol: ProtocolName, value: Json, stream: bool) -> Iterator[str]:
    match protocol:
        case "openai_chat":
            yield from _against(ChatCompletionChunk if stream else ChatCompletion, value, "")
        case "gemini":
            yield from _against(GenerateContentResponse, value, "")
        case "openai_responses" if stream:
            yield from _event(protocol, value)
        case "openai_responses":
            yield from _response(value, "")
        case "anthropic" if stream:
            yield from _event(protocol, value)
        case "anthropic":
            yield from _against(Message, {**value, "content": []}, "")
            for block in value.get("content") or []:
                yield from _member(BetaContentBlock, block, "content")


def _event(protocol: ProtocolName, value: Json) -> Iterator[str]:
    """An event without what it carries, and then that by itself."""
    kind = str(value.get("type"))
    bare = dict(value)
    if isinstance(value.get("response"), dict):
        yield from _response(value["response"], kind)
        bare["response"] = {**value["response"], "output": []}
    if isinstance(value.get("item"), dict):
        yield from _member(ResponseOutputItem, value["item"], kind)
        bare["item"] = {"type": "compaction", "id": "x", "encrypted_content": "x"}
    if isinstance(value.get("content_block"), dict):
        yield from _member(BetaContentBlock, value["content_block"], kind)
        bare["content_block"] = {"type": "text", "text": "", "citations": None}
    yield from _member(_EVENTS[protocol], bare, "")


def _response(value: Json, where: str) -> Iterator[str]:
    yield from _against(Response, {**value, "output": [], "tools": []}, where)
    for item in value.get("output") or []:
        yield from _member(ResponseOutputItem, item, where)


def _member(union: Any, value: Json, where: str) -> Iterator[str]:
    """Check a value against the member of a union that has its ``type``."""
    kind = value.get("type")
    member = _members(union).get(str(kind))
    if member is None:
        yield f"{where}: no type {kind!r} is known"
    else:
        yield from _against(member, value, f"{where} {kind}")


@cache
def _members(union: Any) -> Mapping[str, Any]:
    while not hasattr(union, "model_fields") and get_args(union) and not _is_union(union):
        union = get_args(union)[0]
    return {
        kind: member
        for member in get_args(union)
        if hasattr(member, "model_fields")
        for kind in get_args(member.model_fields["type"].annotation)
    }


def _is_union(union: Any) -> bool:
    return len([member for member in get_args(union) if hasattr(member, "model_fields")]) > 1


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)


def _against(type_: Any, value: Json, where: str) -> Iterator[str]:
    try:
        _adapter(type_).validate_json(json.dumps(value))
    except ValidationError as error:
        for one in error.errors()[:3]:
            place = ".".join(str(step) for step in one["loc"] if not isinstance(step, int))
            yield f"{where} {place}: {one['msg']} ({str(one.get('input'))[:40]})".strip()
