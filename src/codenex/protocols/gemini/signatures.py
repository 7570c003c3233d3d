"""Thought signatures on the wire: they must be base64, and come back in another alphabet than they left.

Google's signatures are standard base64; its SDKs echo them in the URL-safe alphabet. A payload that is not standard
base64 itself (an envelope of this gateway) is packed, so that it survives the way to the client and back.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from contextlib import suppress

from codenex.core.media import normalised_base64
from codenex.core.parts import Signature
from codenex.protocols.gemini.types import SENTINEL, VENDOR

_STANDARD = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
#: What packed payloads begin with: nine bytes, so that their base64 begins alike whatever follows.
_MARK = b"codenex/1"
_MARK_TEXT = b64encode(_MARK).decode()
_SENTINEL_READ = normalised_base64(SENTINEL)


def decode_signature(text: str) -> Signature:
    """Return the signature of a part; packed payloads are unpacked."""
    payload = normalised_base64(text)
    if payload == _SENTINEL_READ:
        payload = SENTINEL
    elif payload.startswith(_MARK_TEXT):
        with suppress(ValueError):
            payload = b64decode(payload, validate=True)[len(_MARK) :].decode()
    return Signature(VENDOR, payload)


def encode_signature(payload: str) -> str:
    """Return a payload as the wire wants it."""
    if payload == SENTINEL or (payload and _STANDARD.fullmatch(payload) is not None):
        return payload
    return b64encode(_MARK + payload.encode()).decode()
