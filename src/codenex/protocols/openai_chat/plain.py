"""The chunk that nearly all chunks are, decoded into its own type: one choice at most, with pieces of text, reasoning
or calls, an end, usage.

A chunk that doesn't fit the type is decoded as any JSON. One that fits says nothing beside the type's fields.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.wire.text_runs import Form


class Function(msgspec.Struct, forbid_unknown_fields=True):
    """Of a call."""

    name: str | None = None
    arguments: str | None = None


class Call(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of a call."""

    function: Function
    index: int | None = None
    id: str | None = None
    type: Literal["function"] | None = None


class Delta(msgspec.Struct):
    """Further fields tell nothing; those that are always null here would."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    refusal: None = None
    function_call: None = None
    reasoning_details: None = None
    thinking_blocks: None = None
    annotations: None = None
    images: None = None
    audio: None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The first choice. Some vendors write further fields, which tell nothing where they are null."""

    delta: Delta | None = None
    index: Literal[0] = 0
    finish_reason: str | None = None
    logprobs: None = None
    content_filter_results: None = None
    matched_stop: None = None
    native_finish_reason: None = None
    stop_reason: None = None
    token_ids: None = None


class Chunk(msgspec.Struct):
    """Further fields of the chunk itself tell nothing once the answer has begun; those that are always null here
    would."""

    choices: list[Choice]
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: dict[str, Any] | None = None
    service_tier: Any = None
    error: None = None
    citations: None = None
    search_results: None = None
    x_groq: None = None
    type: None = None
    object: Literal["chat.completion.chunk", ""] = "chat.completion.chunk"


class FirstChunk(Chunk, forbid_unknown_fields=True):
    """The chunk with which an answer begins: what else it says is kept with the answer."""

    system_fingerprint: Any = None
    obfuscation: Any = None


#: Decode an ordinary chunk of an answer that has begun, or the one with which it begins. Both raise one of
#: ``DECODE_ERRORS`` for any other.
decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_first = msgspec.json.Decoder(FirstChunk).decode
DECODE_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeError)


def _piece(data: bytes) -> Delta | None:
    """Return what a chunk brings that only brings something of one kind."""
    try:
        chunk = decode_chunk(data)
    except DECODE_ERRORS:
        return None
    entries = chunk.choices
    if not entries or entries[1:] or chunk.usage is not None or entries[0].finish_reason:
        return None
    return entries[0].delta


def text_of(data: bytes) -> str | None:
    """Return the text of a chunk that brings nothing else."""
    delta = _piece(data)
    if delta is None or delta.reasoning_content or delta.reasoning or delta.tool_calls:
        return None
    return delta.content


def reasoning_of(data: bytes) -> str | None:
    """Return the reasoning of a chunk that brings nothing else, in the one field that holds it."""
    delta = _piece(data)
    if delta is None or delta.content or delta.tool_calls:
        return None
    if not delta.reasoning_content:
        return delta.reasoning
    return None if delta.reasoning else delta.reasoning_content


def arguments_of(data: bytes) -> str | None:
    """Return the arguments of a chunk that only goes on with those of a call."""
    delta = _piece(data)
    calls = None if delta is None or delta.content or delta.reasoning_content or delta.reasoning else delta.tool_calls
    if not calls or len(calls) > 1 or calls[0].id or calls[0].function.name:
        return None
    return calls[0].function.arguments


_PADDED, _PADDING = b',"obfuscation":"', rb',"obfuscation":"[^"\\]*"'
#: How such chunks look, for runs of them.
TEXT = Form(b"content", text_of, _PADDED, _PADDING)
REASONING = Form(b"reasoning(?:_content)?", reasoning_of, _PADDED, _PADDING)
ARGUMENTS = Form(b"arguments", arguments_of, _PADDED, _PADDING)
