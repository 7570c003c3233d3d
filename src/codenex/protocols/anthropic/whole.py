"""The whole answer that most whole answers are, texts and calls without signatures, read straight into the hub's form.

A shortcut past the events of ``decode_response`` that must agree with their fold; anything else is left to them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.answer import Answer, Choice
from codenex.core.finish import settled
from codenex.core.parts import Part, Text, ToolCall
from codenex.protocols.anthropic.finish import finish_from
from codenex.protocols.anthropic.types import NAME
from codenex.protocols.anthropic.usage import usage_from


class _Text(msgspec.Struct, tag="text", forbid_unknown_fields=True):
    text: str
    citations: None = None


class _Call(msgspec.Struct, tag="tool_use", forbid_unknown_fields=True):
    id: str
    name: str
    input: dict[str, Any]


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    model: str
    content: list[_Text | _Call]
    type: Literal["message"]
    stop_reason: str
    role: Literal["assistant"] = "assistant"
    stop_sequence: str | None = None
    stop_details: None = None
    container: None = None
    context_management: None = None
    usage: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Message).decode


def read_answer(body: bytes, calls: bool = False) -> Answer | None:
    """Return a whole answer of texts and, where ``calls`` says so, calls; ``None`` for any other."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    parts: list[Part] = []
    called = False
    for block in found.content:
        if isinstance(block, _Call):
            if not calls or not block.id:
                return None
            called = True
            parts.append(ToolCall(block.id, block.name, json.encode_text(block.input) if block.input else ""))
        elif block.text:
            parts.append(Text(block.text))
    detail = settled(finish_from(found.stop_reason, found.stop_sequence, None), has_tool_calls=called)
    usage = {name: value for name, value in found.usage.items() if value is not None} if found.usage else None
    return Answer(
        NAME,
        found.id,
        found.model,
        None,
        (Choice(0, tuple(parts), detail),),
        usage_from(usage) if usage else None,
    )
