"""JSON with its large encoded pieces taken out: the same image in many requests is kept once, by its hash."""

from __future__ import annotations

import hashlib
import re

import msgspec

#: What is worth a place of its own: base64 without a break, in bytes.
SMALLEST = 4096

_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{%d,}={0,2}" % SMALLEST)


class Pieces(msgspec.Struct, frozen=True):
    """``template`` is text and hashes by turns, beginning with text; ``media`` holds what the hashes stand for."""

    template: bytes
    media: dict[bytes, bytes]


def split(content: bytes) -> Pieces:
    """Take large pieces out of a JSON text."""
    parts: list[bytes] = []
    media: dict[bytes, bytes] = {}
    end = 0
    for match in _ENCODED.finditer(content):
        piece = match[0]
        digest = hashlib.sha256(piece).digest()
        media[digest] = piece
        parts += [content[end : match.start()], digest]
        end = match.end()
    parts.append(content[end:])
    return Pieces(msgspec.msgpack.encode(parts), media)


def hashes(template: bytes) -> list[bytes]:
    """Return the hashes in a template. Raises ``msgspec.DecodeError`` for bytes that are none."""
    return msgspec.msgpack.decode(template, type=list[bytes])[1::2]


def joined(template: bytes, media: dict[bytes, bytes]) -> bytes:
    """Put the pieces back. Raises ``KeyError`` where one is missing, ``msgspec.DecodeError`` for bytes that are no
    template."""
    parts = msgspec.msgpack.decode(template, type=list[bytes])
    return b"".join(part if place % 2 == 0 else media[part] for place, part in enumerate(parts))
