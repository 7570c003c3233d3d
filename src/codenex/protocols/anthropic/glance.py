"""What the passthrough lane needs to know of an answer: usage, finish, and when to look closer.

Both functions are shortcuts past the decoders and must agree with them; where they are not sure, they leave the answer
to them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.spoke import Glance
from codenex.protocols.anthropic.usage import usage_from

_FINISHES = {
    "end_turn": FinishDetail(FinishReason.STOP, "end_turn"),
    "max_tokens": FinishDetail(FinishReason.LENGTH, "max_tokens"),
}


class _Block(msgspec.Struct):
    type: Literal["text", "thinking"]


class _Message(msgspec.Struct):
    content: list[_Block]
    type: Literal["message"]
    stop_reason: Literal["end_turn", "max_tokens"]
    stop_sequence: None = None
    stop_details: None = None
    usage: dict[str, Any] | None = None
    error: None = None


_decode = msgspec.json.Decoder(_Message).decode


def glance(body: bytes) -> Glance | None:
    """Return usage and finish of a whole answer, or ``None`` where the decoder has to look at it."""
    try:
        message = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    usage = {} if message.usage is None else {key: value for key, value in message.usage.items() if value is not None}
    return Glance(usage_from(usage) if usage else None, _FINISHES[message.stop_reason])


_DELTA = b"event: content_block_delta\n"
_PLAIN = (b'"type":"text_delta"', b'"type":"thinking_delta"', b'"type": "text_delta"', b'"type": "thinking_delta"')


def skim(block: bytes) -> bytes:
    """Return what of whole events the decoder has to see: all but deltas of text and thinking."""
    kept = []
    for event in block.split(b"\n\n"):
        if event.startswith(_DELTA):
            for mark in _PLAIN:
                if mark in event:
                    break
            else:
                kept.append(event)
        else:
            kept.append(event)
    return b"\n\n".join(kept)
