"""The whole answer that most whole answers are, one choice with a text, read straight into the hub's form.

A shortcut past the events of ``decode_response`` that must agree with their fold; anything else is left to them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core.answer import Answer, Choice
from codenex.core.parts import Text
from codenex.protocols.openai_chat.glance import FINISHES
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    role: Literal["assistant"] | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    audio: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message
    finish_reason: Literal["stop", "length"]
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


def read_answer(body: bytes) -> Answer | None:
    """Return a whole answer that is a text and nothing else; ``None`` for any other."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if not (found.id and found.created and found.model):
        return None
    extras: dict[str, Any] = {}
    if found.service_tier is not None:
        extras["service_tier"] = found.service_tier
    if found.system_fingerprint is not None:
        extras["system_fingerprint"] = found.system_fingerprint
    choice = found.choices[0]
    content = choice.message.content
    return Answer(
        PROTOCOL,
        found.id,
        found.model,
        found.created,
        (Choice(0, (Text(content),) if content else (), FINISHES[choice.finish_reason]),),
        None if found.usage is None else decode_usage(found.usage, found.service_tier),
        extras or None,
    )
