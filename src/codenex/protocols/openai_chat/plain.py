"""The chunk that nearly all chunks are, one choice with a piece of text and nothing else, decoded into its own type."""

from __future__ import annotations

from typing import Literal

import msgspec

from codenex.wire.text_runs import Form


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    role: str | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    reasoning: Literal[""] | None = None
    reasoning_content: Literal[""] | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _Delta
    index: Literal[0] = 0
    finish_reason: Literal[""] | None = None
    logprobs: None = None


class _Chunk(msgspec.Struct):
    """Further fields of the chunk itself tell nothing once the answer has begun; these would."""

    choices: tuple[_Choice]
    error: None = None
    usage: None = None
    citations: None = None
    search_results: None = None
    x_groq: None = None
    type: None = None
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"


_decode = msgspec.json.Decoder(_Chunk).decode


def plain_text(data: bytes) -> str | None:
    """Return the text of a chunk that brings nothing else; ``None`` for any other chunk."""
    try:
        return _decode(data).choices[0].delta.content
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


#: How such chunks look, for runs of them.
TEXT = Form(b"content", plain_text, b',"obfuscation":"', rb',"obfuscation":"[^"\\]*"')
