"""The chunk that nearly all chunks of a stream are, decoded into its own type: pieces of text or thoughts, and usage.

A chunk that doesn't fit the type is decoded as any JSON. One that fits says nothing beside the type's fields.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of text, or of a thought."""

    text: str
    thought: bool | None = None


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    parts: list[Part]
    role: str | None = None


class _Candidate(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    content: _Content
    index: Literal[0] = 0
    finish_reason: None = None


class Chunk(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A chunk of an answer that has begun, with whose beginning the last three fields came."""

    candidates: tuple[_Candidate]
    usage_metadata: dict[str, Any] | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None


class _Wrapped(msgspec.Struct):
    """Code Assist's form; what stands beside a response means nothing to clients."""

    response: Chunk


_decode = msgspec.json.Decoder(Chunk).decode
_decode_wrapped = msgspec.json.Decoder(_Wrapped).decode


def plain_chunk(data: bytes, *, wrapped: bool) -> Chunk | None:
    """Return an ordinary chunk; ``None`` for any other."""
    try:
        return _decode_wrapped(data).response if wrapped else _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
