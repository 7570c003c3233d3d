"""Carries other vendors' reasoning through Google's clients, which send back no thoughts, but every call with its
signature.

A reasoning part whose signature only another vendor can read is shown as a thought without it, and travels whole in the
``thoughtSignature`` of the next call, or of an empty text at the end. What is carried is standard base64 of a mark and
of JSON, with how much text stood between: vendors want their reasoning back where it was.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

import msgspec

from codenex.core import json
from codenex.core.envelope import INSIDE
from codenex.core.parts import Part, Reasoning, Signature, Text, ToolCall
from codenex.protocols.gemini.types import VENDOR

#: A multiple of three bytes, so that its base64 begins alike whatever follows.
_MARK = b"codenex/2" + INSIDE
_MARK_TEXT = b64encode(_MARK).decode()


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reasoning part, and how many characters of text came between it and the part that carries it."""

    signature: Signature
    segments: tuple[str, ...] = ()
    raw: bool = False
    redacted: bool = False
    item_id: str | None = None
    between: int = 0

    @property
    def part(self) -> Reasoning:
        """The reasoning as it was."""
        return Reasoning(self.segments, self.raw, self.redacted, self.item_id, self.signature)


class Carrier:
    """Takes up the reasoning of one answer, part by part, until something can carry it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Carried] = []

    def shown(self, part: Reasoning) -> Reasoning:
        """Return a reasoning part as the client shall see it; one of another vendor is taken up."""
        signature = part.signature
        if signature is None or signature.vendor == VENDOR:
            return part
        self._waiting.append(Carried(signature, part.segments, part.raw, part.redacted, part.item_id))
        return msgspec.structs.replace(part, signature=None)

    def passed(self, text: str) -> None:
        """Note a text that stands between what waits and what will carry it."""
        self._waiting = [msgspec.structs.replace(one, between=one.between + len(text)) for one in self._waiting]

    def load(self) -> str | None:
        """Return what waits as a ``thoughtSignature``; ``None`` where nothing does."""
        if not self._waiting:
            return None
        waiting, self._waiting = self._waiting, []
        return b64encode(_MARK + json.encode(waiting)).decode()


def unloaded(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return a turn of the model with carried reasoning back in its places, instead of the thoughts that showed it."""
    out: list[Part] = []
    for part in parts:
        carried = _carried(part)
        if carried is None:
            out.append(part)
            continue
        begin = next((place + 1 for place in reversed(range(len(out))) if isinstance(out[place], ToolCall)), 0)
        out[begin:] = [one for one in out[begin:] if not isinstance(one, Reasoning) or one.signature is not None]
        for one in carried:
            _insert(out, one)
        if not isinstance(part, Text) or part.text:
            out.append(msgspec.structs.replace(part, signature=None))
    return tuple(out)


def _carried(part: Part) -> list[Carried] | None:
    """What a part carries; ``None`` where it carries nothing that can be read."""
    if not isinstance(part, Text | ToolCall) or part.signature is None:
        return None
    payload = part.signature.payload
    if not payload.startswith(_MARK_TEXT):
        return None
    try:
        return json.decode_as(list[Carried], b64decode(payload, validate=True)[len(_MARK) :])
    except (binascii.Error, ValueError, json.MalformedJson):
        return []


def _insert(parts: list[Part], carried: Carried) -> None:
    """Put reasoning before as much text at the end as came after it; a text that began earlier is cut in two."""
    place, left = len(parts), carried.between
    while left > 0 and place > 0:
        text = parts[place - 1]
        if not isinstance(text, Text):
            break
        if len(text.text) > left:
            head, tail = text.text[:-left], text.text[-left:]
            parts[place - 1 : place] = [
                msgspec.structs.replace(text, text=head),
                msgspec.structs.replace(text, text=tail),
            ]
            break
        left -= len(text.text)
        place -= 1
    parts.insert(place, carried.part)
