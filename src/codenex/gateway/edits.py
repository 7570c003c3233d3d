"""The edit of a passthrough body: a few top-level values change, every other byte of meaning stays as it was."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.declarations import DECLARATIONS
from codenex.core.errors import Fault, invalid_request

#: Top-level fields that policy reads; two of one would let policy and upstream read different ones.
POLICY_FIELDS = frozenset({"model", "stream"})


class _Top(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    store: Any = None
    previous_response_id: Any = None
    conversation: Any = None
    stream_options: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


#: Of a body that was made here: no field of it is known.
_UNREAD = _Top(stream_options=msgspec.Raw(b"null"))
_decode_top = msgspec.json.Decoder(_Top).decode
#: From this size on, in bytes, it is cheaper to add up the fields of a body than to search it for their names.
_LARGE = 4096
_BACKSLASH = ord("\\")


class Head:
    """What policy needs of a body, and what of the Responses API the client sent with it, whatever that is. Its top
    level as raw values is read when an edit first asks for it."""

    __slots__ = ("_body", "_fields", "_top", "model", "stream")

    def __init__(
        self,
        model: str | None,
        stream: bool,
        body: bytes,
        fields: dict[str, msgspec.Raw] | None = None,
        top: _Top = _UNREAD,
    ) -> None:
        self.model = model
        self.stream = stream
        self._body = body
        self._fields = fields
        self._top = top

    @property
    def store(self) -> Any:
        """Whether an answer is to be kept, as the client said it."""
        return self._top.store

    @property
    def previous_response_id(self) -> Any:
        """The answer that the request goes on from, as the client named it."""
        return self._top.previous_response_id

    @property
    def conversation(self) -> Any:
        """The conversation that the request belongs to, as the client named it."""
        return self._top.conversation

    @property
    def optionless(self) -> bool:
        """Whether it is known to have no ``stream_options``."""
        return self._top.stream_options is msgspec.UNSET

    @property
    def split(self) -> json.Split | None:
        """The same as ``fields``, where that is at hand; the body then is a JSON object whose every byte was looked
        at."""
        return self._fields

    @property
    def fields(self) -> dict[str, msgspec.Raw]:
        """The top level, each value as its bytes."""
        if self._fields is None:
            self._fields = json.decode_raw_object(self._body)
        return self._fields


def head_of(body: bytes) -> Head:
    """Read the top level of a JSON body. Raises :class:`Fault` (400)."""
    try:
        if len(body) < _LARGE:
            if not body.isascii():
                # Strings that are skipped are not decoded, so the bytes are looked at as a whole.
                body.decode()
            fields, top = None, _decode_top(body)
        else:
            fields = _split(body)
            top = _decode_top(_policy_fields(fields))
    except (msgspec.DecodeError, RecursionError, UnicodeError, json.MalformedJson) as error:
        raise _fault_of(body, error) from None
    if (fields is None or not _is_compact(fields, len(body))) and (
        body.count(b'"model"') > 1 or body.count(b'"stream"') > 1 or (_BACKSLASH in body and b"\\u00" in body)
    ):
        twice = json.duplicate_keys(body, POLICY_FIELDS)
        if twice is not None:
            raise invalid_request(f"the body has two fields named {twice!r}", param=twice)
    return Head(top.model, top.stream is True, body, fields, top)


def _split(body: bytes) -> dict[str, msgspec.Raw]:
    """Read the top level of a large body. Raises what :func:`head_of` makes a fault of."""
    fields = DECLARATIONS.split(body)
    if fields is not None:
        return fields
    if not body.isascii():
        body.decode()
    return json.decode_raw_object(body)


def _policy_fields(fields: dict[str, msgspec.Raw]) -> bytes:
    return json.encode({name: fields[name] for name in _Top.__struct_fields__ if name in fields})


def _is_compact(fields: dict[str, msgspec.Raw], size: int) -> bool:
    """Whether these fields fill a body of ``size`` bytes, so that it can't have a second field of any name."""
    least = 1 + 4 * len(fields)
    for name, raw in fields.items():
        least += len(name) + len(raw)
    return least == size


def _fault_of(body: bytes, error: Exception) -> Fault:
    """Say what is wrong with a body that is not what the shortcut takes."""
    try:
        fields = json.decode_raw_object(body)
        model, stream = _decoded(fields, "model"), _decoded(fields, "stream")
    except json.MalformedJson as malformed:
        return _malformed(malformed)
    if model is not None and not isinstance(model, str):
        return invalid_request("model must be a string", param="model")
    if stream is not None and not isinstance(stream, bool):
        return invalid_request("stream must be true or false", param="stream")
    return _malformed(error)


def edited(head: Head, changes: dict[str, Any]) -> bytes:
    """Return the body with top-level values replaced (or added at the end); order and untouched values stay."""
    fields = head.fields
    if fields and changes and fields.keys().isdisjoint(changes):
        more = appended(head._body, json.encode(changes))
        if more is not None:
            return more
    return json.encode({**fields, **changes})


def appended(body: bytes, members: bytes) -> bytes | None:
    """Return an object that has members already, with those of another one behind them; ``None`` where white space is
    in the way."""
    return body[:-1] + b"," + members[1:] if body[-1:] == b"}" else None


def _decoded(fields: dict[str, msgspec.Raw], name: str) -> Any:
    raw = fields.get(name)
    return None if raw is None else json.decode(raw)


def _malformed(error: Exception) -> Fault:
    return invalid_request(f"the body is not a JSON object: {error}", code="invalid_json")
