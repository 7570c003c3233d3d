"""Reads fields of client JSON: both spellings of names, null as absent, lenient numbers, faults with the path."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from codenex.core.errors import invalid_request
from codenex.protocols.gemini.types import Object

_SNAKE = re.compile(r"_+([a-z0-9])")


def camel(name: str) -> str:
    """Return a snake_case name in camelCase; a camelCase name is itself."""
    return _SNAKE.sub(lambda match: match.group(1).upper(), name) if "_" in name else name


def canonical(value: Object, known: frozenset[str]) -> Object:
    """Return the object without nulls and with its known names in camelCase; of two spellings camelCase wins."""
    out: Object = {}
    for name, field in value.items():
        if field is None:
            continue
        if name in known:
            out[name] = field
            continue
        fitted = camel(name)
        if fitted in known:
            if value.get(fitted) is None:
                out[fitted] = field
        else:
            out[name] = field
    return out


def refuse(path: str, wanted: str) -> NoReturn:
    """Raise the fault of a field of the wrong type."""
    raise invalid_request(f"{path}: {wanted} is expected", param=path)


def as_object(value: Any, path: str) -> Object:
    """Return an object, or raise."""
    if isinstance(value, dict):
        return value
    refuse(path, "an object")


def as_list(value: Any, path: str) -> list[Any]:
    """Return a list; a single object stands for a list of one."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    refuse(path, "a list")


def text_field(source: Object, name: str, path: str) -> str | None:
    """Return a string field, or ``None`` where it is absent."""
    value = source.get(name)
    if value is None or isinstance(value, str):
        return value
    refuse(f"{path}.{name}" if path else name, "a string")


def bool_field(source: Object, name: str, path: str) -> bool | None:
    """Return a boolean field (``"true"`` and ``"false"`` as well)."""
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    refuse(f"{path}.{name}" if path else name, "a boolean")


def number_field(source: Object, name: str, path: str) -> float | None:
    """Return a number field; numbers in strings are numbers, as protobuf's JSON writes them."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    refuse(f"{path}.{name}" if path else name, "a number")


def integer_field(source: Object, name: str, path: str) -> int | None:
    """Return an integer field; ``1024.0`` and ``"1024"`` are integers."""
    value = number_field(source, name, path)
    if value is None or isinstance(value, int):
        return value
    if value.is_integer():
        return int(value)
    refuse(f"{path}.{name}" if path else name, "an integer")


def rest_of(source: Object, taken: frozenset[str]) -> Object | None:
    """Return the fields that nobody took, or ``None``."""
    if source.keys() <= taken:
        return None
    rest = {name: value for name, value in source.items() if name not in taken}
    return rest if rest else None
