"""What the passthrough lane needs to know of an answer: usage, finish, and when to look closer.

Both functions are shortcuts past the decoders and must agree with them; where they are not sure, they leave the answer
to them.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.spoke import Glance
from codenex.protocols.openai_chat.usage import decode_usage

#: What the words mean that most answers end with.
FINISHES = {
    "stop": FinishDetail(FinishReason.STOP, "stop"),
    "length": FinishDetail(FinishReason.LENGTH, "length"),
    "tool_calls": FinishDetail(FinishReason.TOOL_CALLS, "tool_calls"),
}


class _Message(msgspec.Struct):
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: Literal["stop", "length", "tool_calls"]
    index: Literal[0] = 0


class _Answer(msgspec.Struct):
    choices: tuple[_Choice]
    usage: dict[str, Any] | None = None
    service_tier: str | None = None
    error: None = None
    object: Literal["chat.completion"] = "chat.completion"
    type: None = None
    x_groq: None = None


_decode = msgspec.json.Decoder(_Answer).decode


def glance(body: bytes) -> Glance | None:
    """Return usage and finish of a whole answer, or ``None`` where the decoder has to look at it."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    choice = answer.choices[0]
    message, finish = choice.message, choice.finish_reason
    if message.refusal or (not message.tool_calls if finish == "tool_calls" else message.tool_calls):
        return None
    return Glance(decode_usage(answer.usage, answer.service_tier), FINISHES[finish])


#: Where one of these stands, a chunk is more than a piece of text or reasoning.
_MARKS = (b'"error"', b"[DONE]", b"event:", b'"function_call"', b'"object":"error"')
#: So it is where one of these has a value other than this; an answer that begins a second choice is not over with the
#: end of the first.
_FIELDS = tuple(
    (name, name + b":" + value, name + b": " + value)
    for name, value in (
        (b'"finish_reason"', b"null"),
        (b'"usage"', b"null"),
        (b'"tool_calls"', b"null"),
        (b'"refusal"', b"null"),
        (b'"index"', b"0"),
    )
)
_TEXT = re.compile(rb'"content":"((?:[^"\\]|\\.)*)"')
#: Chunks at the end of a block that are looked at one by one: an answer's end is there.
_LAST = 4


def skim(block: bytes) -> bytes:
    """Return what of whole chunks the decoder has to see: all but those that only bring text or reasoning."""
    front = len(block) - 2
    for _ in range(_LAST):
        front = block.rfind(b"\n\n", 0, front) if front > 0 else -1
    front = front + 2 if front > 0 else 0
    kept: list[bytes] = []
    if front and not _is_uniform(block[:front]) and not _is_plain(block[:front]):
        front = 0
    for chunk in block[front:].split(b"\n\n"):
        if chunk and not _is_plain(chunk):
            kept += (chunk, b"\n\n")
    return b"".join(kept)


def _is_plain(data: bytes) -> bool:
    for mark in _MARKS:
        if mark in data:
            return False
    for name, plain, spaced in _FIELDS:
        if name in data and data.count(name) != data.count(plain) + data.count(spaced):
            return False
    return True


def _is_uniform(block: bytes) -> bool:
    """Whether all chunks differ in their text alone, and the first one is plain: three scans instead of ten."""
    end = block.find(b"\n\n") + 2
    first = block[:end]
    found = _TEXT.search(first)
    if found is None or not _is_plain(first):
        return False
    before, after = first[: found.start(1)], first[found.end(1) :]
    count = block.count(b"\n\n")
    return (
        block.endswith(after)
        and block.count(after + before) == count - 1
        # A quote within a text is escaped: where another field stood behind the text, there would be one of these more.
        and block.count(b'","') == count * (before.count(b'","') + after.count(b'","'))
    )
