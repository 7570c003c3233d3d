"""The whole answer that most whole answers are, one choice with texts and calls, read straight into the hub's form.

A shortcut past the events of ``decode_response`` that must agree with their fold; anything else is left to them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core.answer import Answer, Choice
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Part, Reasoning, Text, ToolCall
from codenex.core.reversal import argument_object
from codenex.protocols.openai_chat.calls import DISPATCHERS
from codenex.protocols.openai_chat.glance import FINISHES
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage

#: Finishes of an answer with calls.
_CALLED = {word: FinishDetail(FinishReason.TOOL_CALLS, word) for word in ("stop", "tool_calls")}


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    function: _Function
    type: Literal["function"] = "function"
    index: int | None = None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    content: str | None
    role: Literal["assistant"] | None = None
    refusal: None = None
    tool_calls: list[_Call] | None = None
    function_call: None = None
    audio: None = None
    annotations: tuple[()] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message
    finish_reason: Literal["stop", "length", "tool_calls"]
    index: Literal[0] = 0
    logprobs: None = None


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    created: int
    model: str
    choices: tuple[_Choice]
    usage: dict[str, Any] | None = None
    object: Literal["chat.completion"] = "chat.completion"
    service_tier: str | None = None
    system_fingerprint: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def read_answer(body: bytes, calls: bool = False) -> Answer | None:
    """Return a whole answer of reasoning, a text and, where ``calls`` says so, calls; ``None`` for any other."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if not (found.id and found.created and found.model):
        return None
    choice = found.choices[0]
    message, word = choice.message, choice.finish_reason
    parts: list[Part] = []
    if message.reasoning_content:
        parts.append(Reasoning((message.reasoning_content,), raw=True))
    elif message.reasoning:
        parts.append(Reasoning((message.reasoning,), raw=True))
    if message.content:
        parts.append(Text(message.content))
    if not message.tool_calls:
        if word == "tool_calls":
            return None
        finish = FINISHES[word]
    elif calls and word != "length":
        ids = set()
        for call in message.tool_calls:
            function = call.function
            if not call.id or call.id in ids or not function.name or function.name in DISPATCHERS:
                return None
            if function.arguments[:1] != "{" or argument_object(function.arguments) is None:
                return None
            ids.add(call.id)
            parts.append(ToolCall(call.id, function.name, function.arguments))
        finish = _CALLED[word]
    else:
        return None
    extras: dict[str, Any] = {}
    if found.service_tier is not None:
        extras["service_tier"] = found.service_tier
    if found.system_fingerprint is not None:
        extras["system_fingerprint"] = found.system_fingerprint
    return Answer(
        PROTOCOL,
        found.id,
        found.model,
        found.created,
        (Choice(0, tuple(parts), finish),),
        None if found.usage is None else decode_usage(found.usage, found.service_tier),
        extras or None,
    )
