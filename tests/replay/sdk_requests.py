"""Whether a request body is one that the official SDKs can express: their parameter types, closed for unknown keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal

import anthropic.types.beta as anthropic_types
import openai.types.chat as chat_types
import openai.types.responses as responses_types
from anthropic.types.beta import message_count_tokens_params as anthropic_count_params
from anthropic.types.beta import message_create_params as anthropic_params
from google.genai import types as gemini_types
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import input_token_count_params as responses_count_params
from openai.types.responses import response_create_params as responses_params
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from tests.support.vendors.dialects import ProtocolName
from typing_extensions import NoExtraItems

_SDK_MODULES: Final = (anthropic_types, chat_types, responses_types)
_GEMINI_FIELDS: Final[Mapping[str, tuple[Any, bool]]] = {
    "contents": (gemini_types.Content, True),
    "systemInstruction": (gemini_types.Content, False),
    "tools": (gemini_types.Tool, True),
    "toolConfig": (gemini_types.ToolConfig, False),
    "safetySettings": (gemini_types.SafetySetting, True),
    "generationConfig": (gemini_types.GenerationConfig, False),
}
"""Fields of a Gemini body, the SDK's type of each, and whether it is a list of them."""
_GEMINI_WIRE_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "generationConfig": frozenset({"imageConfig", "enableEnhancedCivicAnswers"}),
}
"""Fields that the API has and the SDK's wire types lack (it sends them from another type)."""


def type_problems(protocol: ProtocolName, body: Any, *, counting: bool = False) -> list[str]:
    """What the SDK's types say against the body of a request, or of a token count; nothing for a good one."""
    try:
        (_COUNTS if counting else _CHECKS)[protocol](_as_typed(protocol, body))
    except ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
    return []


def _as_typed(protocol: ProtocolName, body: Any) -> Any:
    """Take out of a body what its vendor takes and the SDK's types leave out.

    Anthropic's types are those of version 2026-10-21, without sampling, which version 2023-06-01 takes. OpenAI's types
    want the id and status of an earlier answer's message, which OpenAI's own agent doesn't send, and know no films,
    which compatible servers take.
    """
    if not isinstance(body, dict):
        return body
    if protocol == "openai_chat" and isinstance(body.get("messages"), list):
        return {**body, "messages": [_without_films(message) for message in body["messages"]]}
    if protocol == "anthropic":
        return {name: value for name, value in body.items() if name not in ("temperature", "top_p", "top_k")}
    if protocol == "openai_responses" and isinstance(body.get("input"), list):
        stored = {"id": "msg_1", "status": "completed"}
        answers = [isinstance(item, dict) and item.get("role") == "assistant" for item in body["input"]]
        listed = [isinstance(item, dict) and isinstance(item.get("content"), list) for item in body["input"]]
        said = [one and other for one, other in zip(answers, listed, strict=True)]
        return {
            **body,
            "input": [{**stored, **item} if own else item for item, own in zip(body["input"], said, strict=True)],
        }
    return body


def _without_films(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [part for part in content if part.get("type") != "video_url"]}


@cache
def _closed() -> None:
    """Let every parameter type of the SDKs refuse unknown keys, as their vendors do."""
    prefixes = tuple(module.__name__ for module in _SDK_MODULES)
    for name, module in list(sys.modules.items()):
        if name.startswith((*prefixes, "anthropic.types", "openai.types")):
            for value in vars(module).values():
                typed = isinstance(value, type) and hasattr(value, "__required_keys__") and value.__module__ == name
                if typed:
                    open_ = getattr(value, "__extra_items__", NoExtraItems) not in (None, NoExtraItems)
                    extra: Literal["allow", "forbid"] = "allow" if open_ else "forbid"
                    config = ConfigDict(extra=extra, arbitrary_types_allowed=True)
                    value.__pydantic_config__ = config  # type: ignore[attr-defined]


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    _closed()
    return TypeAdapter(type_)


def _force(value: object) -> None:
    """Read every lazily validated list to its end."""
    if isinstance(value, Mapping):
        for member in value.values():
            _force(member)
    elif isinstance(value, list | tuple | Iterator) or type(value).__name__ == "ValidatorIterator":
        for member in value:  # type: ignore[union-attr]
            _force(member)


def _counted(type_: Any) -> Callable[[Any], None]:
    return lambda body: _force(_adapter(type_).validate_python(body))


def _typed(streaming: Any, whole: Any) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        wanted = streaming if isinstance(body, dict) and body.get("stream") is True else whole
        _force(_adapter(wanted).validate_python(body))

    return check


def _gemini(body: Any) -> None:
    if not isinstance(body, dict):
        raise TypeError("the body is no object")
    inner = body.get("generateContentRequest", body)
    for name, (type_, listed) in _GEMINI_FIELDS.items():
        value = inner.get(name)
        if value is None:
            continue
        for member in value if listed else [value]:
            known = {key: part for key, part in member.items() if key not in _GEMINI_WIRE_ONLY.get(name, ())}
            assert issubclass(type_, BaseModel)
            type_.model_validate_json(json.dumps(known))


_CHECKS: Final[Mapping[ProtocolName, Callable[[Any], None]]] = {
    "openai_chat": _typed(chat_params.CompletionCreateParamsStreaming, chat_params.CompletionCreateParamsNonStreaming),
    "openai_responses": _typed(
        responses_params.ResponseCreateParamsStreaming, responses_params.ResponseCreateParamsNonStreaming
    ),
    "anthropic": _typed(
        anthropic_params.MessageCreateParamsStreaming, anthropic_params.MessageCreateParamsNonStreaming
    ),
    "gemini": _gemini,
}
_COUNTS: Final[Mapping[ProtocolName, Callable[[Any], None]]] = {
    **_CHECKS,
    "openai_responses": _counted(responses_count_params.InputTokenCountParams),
    "anthropic": _counted(anthropic_count_params.MessageCountTokensParams),
}
