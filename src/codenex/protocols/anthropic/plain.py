"""The request that is a conversation of plain texts without tools, decoded by a type of its own.

A shortcut past the general decoder, which must make the same of it; anything else, what is wrong too, is left to that.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from codenex.core.json import Split
from codenex.core.parts import Text
from codenex.core.request import NO_SAMPLING, Plain, Request, Sampling, Turn
from codenex.protocols.anthropic.types import NAME


class _Block(msgspec.Struct, tag="text", forbid_unknown_fields=True):
    text: str


class _Turn(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[_Block]


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    messages: list[_Turn]
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]
    system: str | list[_Block] | None = None
    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    stream: bool | None = None


_decode = msgspec.json.Decoder(_Request).decode
_FIELDS = frozenset(_Request.__struct_fields__)


def plain_request(body: bytes, split: Split | None) -> Request | None:
    """Return a request without anything but texts and sampling; ``None`` for any other. ``split`` is the top level of
    the body, where that is known already."""
    if b'"tools"' in body if split is None else not split.keys() <= _FIELDS:
        return None
    try:
        found = _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    turns: list[Turn] = []
    before, plain = "assistant", True
    if found.system is not None:
        text = _alone(found.system)
        # One that names what only its vendor knows begins so; the empty one as well.
        if text is None or text[:1] in "xX":
            return None
        turns.append(Turn("system", (Text(text),), "system"))
        plain = not text.isspace()
    for given in found.messages:
        role, said = given.role, given.content
        text = said if type(said) is str else _alone(said)
        if text is None:
            return None
        turns.append(Turn(role, (Text(text),)))
        if role == before or not text or text.isspace():
            plain = False
        before = role
    return Request(
        NAME,
        found.model,
        Plain(turns) if plain and found.messages else tuple(turns),
        sampling=NO_SAMPLING
        if found.temperature is None and found.top_p is None and found.top_k is None and found.stop_sequences is None
        else Sampling(found.temperature, found.top_p, found.top_k, found.stop_sequences),
        max_output_tokens=found.max_tokens,
        stream=found.stream is True,
        include_usage=True,
    )


def _alone(said: str | list[_Block]) -> str | None:
    """Return the text that is all there is."""
    if isinstance(said, str):
        return said
    return said[0].text if len(said) == 1 else None
