"""Carries vendor signatures through protocols that lack a field for them: authenticated, tagged with who can read them.

An envelope is base64 (standard alphabet, because Google clients insist on it) of a marker, a truncated
HMAC-SHA-256 and the JSON of the
:class:`~codenex.core.parts.Signature`. It holds vendor-opaque data only; ``scope`` is a hash, never an account's name.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Reasoning, Signature, Text, ToolCall
from codenex.core.request import Plain, Request, Turn

_MARKER = b"\xc0\xde\x01"
_MAC_LENGTH = 16
_SIGNABLE = frozenset({Text, Reasoning, ToolCall, Media})
#: How every envelope begins in base64.
PREFIX = b64encode(_MARKER).decode()
#: What stands in every envelope at the same place: the beginning of the JSON, after marker and HMAC. Long enough not to
#: occur by chance in an image. What else this gateway makes and no vendor can read has it at a multiple of three bytes.
INSIDE = b'vendor":"'
_INSIDE = b64encode(INSIDE)
#: The rarest letter of it in what people and programs write, where it stands, and how often it is looked at.
RARE = ord("Z")
_BEFORE_RARE = _INSIDE.index(RARE)
_SIGHTS = 64
#: Stands for the signature that another vendor's reasoning lacks, where the client's protocol has signatures: its
#: vendor would refuse a later request with unsigned reasoning.
UNSIGNED = b64encode(_MARKER + bytes(_MAC_LENGTH) + b'{"' + INSIDE + b'" }').decode()


def may_hold_envelope(body: bytes) -> bool:
    """Whether a request holds what this gateway has sealed, so that it can't go to any upstream as it is."""
    if RARE not in body:
        # One byte is found twenty times faster than several are, and few texts have this one.
        return False
    position = body.find(RARE)
    for _ in range(_SIGHTS):
        if body.startswith(_INSIDE, position - _BEFORE_RARE):
            return True
        position = body.find(RARE, position + 1)
        if position < 0:
            return False
    return body.rfind(_INSIDE) >= 0


def sealed(signature: Signature, key: bytes) -> Signature:
    """Return the signature with its payload in an envelope; one that is sealed already stays as it is."""
    if signature.payload.startswith(PREFIX):
        return signature
    content = json.encode(signature)
    envelope = _MARKER + _mac(content, key) + content
    return msgspec.structs.replace(signature, payload=b64encode(envelope).decode())


def opened(payload: str, keys: tuple[bytes, ...]) -> Signature | None:
    """Return what an envelope holds, or ``None`` for anything that none of ``keys`` has sealed."""
    if not payload.startswith(PREFIX):
        return None
    try:
        envelope = b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, content = envelope[3 : 3 + _MAC_LENGTH], envelope[3 + _MAC_LENGTH :]
    if not any(hmac.compare_digest(mac, _mac(content, key)) for key in keys):
        return None
    try:
        return json.decode_as(Signature, content)
    except json.MalformedJson:
        return None


def sealed_event(event: e.StreamEvent, key: bytes, model: str, scope: str) -> e.StreamEvent:
    """Return an event of an answer with its signature tagged and sealed."""
    if type(event) is e.PartStop and getattr(event.part, "signature", None) is None:
        return event
    match event:
        case e.SignatureSet():
            return e.SignatureSet(event.index, _tagged(event.signature, key, model, scope))
        case e.PartStop(part=Text() | Reasoning() | ToolCall() | Media() as part) if part.signature is not None:
            changed = msgspec.structs.replace(part, signature=_tagged(part.signature, key, model, scope))
            return e.PartStop(event.index, changed, event.choice)
        case _:
            return event


def _tagged(signature: Signature, key: bytes, model: str, scope: str) -> Signature:
    return sealed(msgspec.structs.replace(signature, model=model, scope=scope), key)


def opened_request(request: Request, keys: tuple[bytes, ...], model: str, scope: str, losses: Losses) -> Request:
    """Return the request with every envelope opened; those of another model or account are left out with a loss."""
    if type(request.turns) is Plain or not _has_signatures(request.turns):
        return request
    turns = tuple(
        msgspec.structs.replace(
            turn, parts=tuple(_opened_part(part, keys, model, scope, losses) for part in turn.parts)
        )
        for turn in request.turns
    )
    return msgspec.structs.replace(request, turns=turns)


def _has_signatures(turns: tuple[Turn, ...]) -> bool:
    for turn in turns:
        for part in turn.parts:
            if type(part) in _SIGNABLE and part.signature is not None:  # type: ignore[union-attr]
                return True
    return False


def _opened_part(part: Part, keys: tuple[bytes, ...], model: str, scope: str, losses: Losses) -> Part:
    if not isinstance(part, Text | Reasoning | ToolCall | Media) or part.signature is None:
        return part
    if part.signature.payload == UNSIGNED:
        unsigned = msgspec.structs.replace(part, signature=None)
        # It was no item of the client's vendor, whatever the client calls it.
        return msgspec.structs.replace(unsigned, raw=False, item_id=None) if isinstance(part, Reasoning) else unsigned
    found = opened(part.signature.payload, keys)
    if found is None:
        if part.signature.payload.startswith(PREFIX):
            losses.drop("signature", "a signature of this gateway that it can no longer read")
            return msgspec.structs.replace(part, signature=None)
        return part
    if found.scope != scope or found.model != model:
        losses.drop("signature", "a signature of another model or account")
        return msgspec.structs.replace(part, signature=None)
    return msgspec.structs.replace(part, signature=found)


def _mac(content: bytes, key: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()[:_MAC_LENGTH]
