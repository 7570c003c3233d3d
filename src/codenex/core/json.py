"""JSON in one place: strict decoding with one error type, order-preserving encoding, raw sub-documents.

msgspec refuses NaN, Infinity, lone surrogates and bad UTF-8; deep nesting surfaces as ``RecursionError`` there and is
turned into the same :class:`MalformedJson` here, so that no input of a client or an upstream can raise anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

Raw = msgspec.Raw
T = TypeVar("T")
#: The top level of an object, each value as its bytes.
Split = Mapping[str, Raw]

_decode_any = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_raw_object = msgspec.json.Decoder(dict[str, Raw]).decode
#: Encodes compactly, keeping the order of keys and every character as UTF-8; a call less than a function around it.
encode = msgspec.json.Encoder().encode
#: The same of several values, each with the end of a line.
encode_lines = msgspec.json.Encoder().encode_lines

#: What matters at the end of a value, and what does inside of one.
_OUTER = re.compile(rb'["{}\[\],]')
_INNER = re.compile(rb'["{}\[\]]')


class MalformedJson(ValueError):
    """The bytes are not JSON, or not JSON of the expected form."""


def decode(data: bytes | str | Raw) -> Any:
    """Decode any JSON value. Raises :class:`MalformedJson`."""
    try:
        return _decode_any(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise MalformedJson(_reason(error)) from None


def decode_object(data: bytes | str | Raw) -> dict[str, Any]:
    """Decode a JSON object. Raises :class:`MalformedJson`."""
    try:
        return _decode_object(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise MalformedJson(_reason(error)) from None


def decode_raw_object(data: bytes) -> dict[str, Raw]:
    """Decode the top level of a JSON object; values stay the bytes they were. Raises :class:`MalformedJson`."""
    try:
        return _decode_raw_object(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise MalformedJson(_reason(error)) from None


def decode_values(fields: Split, *, but: str) -> dict[str, Any]:
    """Decode the values of a JSON object that is split already, without the one named ``but``. Raises
    :class:`MalformedJson`."""
    try:
        return {name: _decode_any(raw) for name, raw in fields.items() if name != but}
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise MalformedJson(_reason(error)) from None


def decode_as(kind: type[T], data: bytes | str | Raw) -> T:
    """Decode into a msgspec type, leniently for numbers in strings. Raises :class:`MalformedJson`."""
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError) as error:
        raise MalformedJson(_reason(error)) from None


def try_object(data: bytes | str) -> dict[str, Any] | None:
    """Decode a JSON object, or return ``None`` where it is something else."""
    try:
        return _decode_object(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError):
        return None


def encode_text(value: Any) -> str:
    """Encode to a string."""
    return encode(value).decode()


def duplicate_keys(data: bytes, keys: frozenset[str]) -> str | None:
    """Return the first of ``keys`` that the top-level object spells twice (escapes resolved), else ``None``.

    ``data`` must be known to be a valid JSON object. Policy and upstream could read different ones of two.
    """
    seen: set[str] = set()
    position, end = data.index(b"{") + 1, len(data)
    while position < end:
        start = data.find(b'"', position)
        if start < 0:
            return None
        stop = _string_end(data, start)
        key = _decode_any(data[start:stop])
        if key in keys:
            if key in seen:
                return str(key)
            seen.add(key)
        position = _value_end(data, data.index(b":", stop) + 1)
        if position >= end or data[position] != 0x2C:
            return None
        position += 1
    return None


def _string_end(data: bytes, start: int) -> int:
    position = start + 1
    while True:
        quote = data.index(b'"', position)
        backslashes = 0
        while data[quote - 1 - backslashes] == 0x5C:
            backslashes += 1
        if backslashes % 2 == 0:
            return quote + 1
        position = quote + 1


def _value_end(data: bytes, start: int) -> int:
    """Return the position of the comma or brace that ends the value which begins at or after ``start``."""
    depth, position = 0, start
    while (match := (_INNER if depth else _OUTER).search(data, position)) is not None:
        position = match.end()
        byte = data[position - 1]
        if byte == 0x22:
            position = _string_end(data, position - 1)
        elif byte in b"{[":
            depth += 1
        elif depth == 0:
            return position - 1
        else:
            depth -= 1
    return len(data)


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    text = str(error)
    return text if text else "the JSON is malformed"
