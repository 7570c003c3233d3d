"""The edit of a passthrough body: a few top-level values change, every other byte of meaning stays as it was."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, invalid_request

#: Top-level fields that policy reads; two of one would let policy and upstream read different ones.
POLICY_FIELDS = frozenset({"model", "stream"})


class Head(msgspec.Struct, frozen=True):
    """What policy needs of a body, with the body's top level as raw values."""

    model: str | None
    stream: bool
    fields: dict[str, msgspec.Raw]


def head_of(body: bytes) -> Head:
    """Read the top level of a JSON body. Raises :class:`Fault` (400)."""
    try:
        # Raw values are not decoded here, so their bytes are looked at as a whole.
        body.decode()
        fields = json.decode_raw_object(body)
        model, stream = _decoded(fields, "model"), _decoded(fields, "stream")
    except (json.MalformedJson, UnicodeDecodeError) as error:
        raise _malformed(error) from None
    if _may_repeat(body):
        twice = json.duplicate_keys(body, POLICY_FIELDS)
        if twice is not None:
            raise invalid_request(f"the body has two fields named {twice!r}", param=twice)
    if model is not None and not isinstance(model, str):
        raise invalid_request("model must be a string", param="model")
    if stream is not None and not isinstance(stream, bool):
        raise invalid_request("stream must be true or false", param="stream")
    return Head(model, bool(stream), fields)


def edited(head: Head, changes: dict[str, Any]) -> bytes:
    """Return the body with top-level values replaced (or added at the end); order and untouched values stay."""
    return json.encode({**head.fields, **changes})


def _may_repeat(body: bytes) -> bool:
    return body.count(b'"model"') > 1 or body.count(b'"stream"') > 1 or b"\\u00" in body


def _decoded(fields: dict[str, msgspec.Raw], name: str) -> Any:
    raw = fields.get(name)
    return None if raw is None else json.decode(raw)


def _malformed(error: Exception) -> Fault:
    return invalid_request(f"the body is not a JSON object: {error}", code="invalid_json")
