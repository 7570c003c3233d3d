"""The turns of an agent's conversation, as they nearly always are, decoded by types: text, thought, call and result.

A shortcut past ``parts_of``, which must make the same of them; anything else, what is wrong too, is left to that.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.parts import CacheHint, Part, Reasoning, Signature, Text, ToolCall, ToolResult
from codenex.core.request import Turn
from codenex.protocols.anthropic.types import VENDOR


class _Breakpoint(msgspec.Struct, tag="ephemeral", forbid_unknown_fields=True):
    ttl: Literal["5m", "1h"] | None = None


class _Text(msgspec.Struct, tag="text", forbid_unknown_fields=True):
    text: str
    cache_control: _Breakpoint | None = None


class _Call(msgspec.Struct, tag="tool_use", forbid_unknown_fields=True):
    id: str
    name: str
    input: dict[str, Any]
    cache_control: _Breakpoint | None = None


class _Result(msgspec.Struct, tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: str
    content: str | list[_Text]
    is_error: bool = False
    cache_control: _Breakpoint | None = None


class _Thought(msgspec.Struct, tag="thinking", forbid_unknown_fields=True):
    thinking: str
    signature: str | None = None


class _Turn(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[_Text | _Call | _Result | _Thought]


_decode = msgspec.json.Decoder(list[_Turn]).decode
_HINTS = {ttl: CacheHint(ttl) for ttl in (None, "5m", "1h")}


def usual_turns(messages: json.Raw) -> list[Turn] | None:
    """Return the turns of the field ``messages``; ``None`` where there is anything else in them."""
    try:
        found = _decode(messages)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    turns: list[Turn] = []
    for given in found:
        content = given.content
        if type(content) is str:
            turns.append(Turn(given.role, (Text(content),)))
            continue
        parts: list[Part] = []
        for block in content:
            # By their exact types, without a call: a long conversation has many of them.
            if type(block) is _Text:
                parts.append(Text(block.text) if block.cache_control is None else _marked(block))
            elif type(block) is _Result:
                said = block.content
                inner = (Text(said),) if type(said) is str else tuple([_marked(text) for text in said])  # type: ignore[arg-type]
                parts.append(
                    ToolResult(block.tool_use_id, inner, None, block.is_error, "function", _hint(block.cache_control))
                )
            elif type(block) is _Call:
                arguments = json.encode_text(block.input)
                parts.append(ToolCall(block.id, block.name, arguments, cache=_hint(block.cache_control)))
            elif type(block) is _Thought:
                signature = Signature(VENDOR, block.signature) if block.signature else None
                parts.append(Reasoning((block.thinking,) if block.thinking else (), signature=signature))
        turns.append(Turn(given.role, tuple(parts)))
    return turns


def _hint(given: _Breakpoint | None) -> CacheHint | None:
    return None if given is None else _HINTS[given.ttl]


def _marked(block: _Text) -> Text:
    return Text(block.text, (), _hint(block.cache_control))
