"""Identifiers that fit a target's alphabet and length, derived from the original so that every turn derives the
same."""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode

#: What each protocol takes as the id of a call: Anthropic's published pattern; 64 characters is OpenAI's limit for
#: ``call_id``.
CALL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def digest(*pieces: str, length: int = 24) -> str:
    """Return a stable lower-case token of ``length`` characters [a-z2-7] for the pieces."""
    hashed = hashlib.sha256("\x1f".join(pieces).encode()).digest()
    return b32encode(hashed).decode().lower().rstrip("=")[:length]


def fitted_call_id(original: str, prefix: str = "call_") -> str:
    """Return ``original`` where it fits :data:`CALL_ID`, else ``prefix`` and a hash of it."""
    if CALL_ID.fullmatch(original):
        return original
    return prefix + digest("call", original)


def derived_call_id(*position: object, prefix: str = "call_") -> str:
    """Return an id for a call that came without one, from where it stands (turn, part, name …)."""
    return prefix + digest("position", *(str(piece) for piece in position))
