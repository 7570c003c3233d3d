"""Checked access to decoded JSON: null is absent, and what has the wrong type is a fault that names its path."""

from __future__ import annotations

from typing import Any

from codenex.core.errors import Fault, invalid_request

JsonObject = dict[str, Any]


def wrong(path: str, expected: str) -> Fault:
    """Build the fault for a value of the wrong type."""
    return invalid_request(f"'{path}' must be {expected}", param=path)


def missing(path: str) -> Fault:
    """Build the fault for a required field that is absent or null."""
    return invalid_request(f"'{path}' is required", param=path)


def text(value: Any, path: str) -> str | None:
    """Return a string, or ``None`` for null."""
    if value is None or isinstance(value, str):
        return value
    raise wrong(path, "a string")


def required_text(value: Any, path: str) -> str:
    """Return a string that has to be there."""
    found = text(value, path)
    if found is None:
        raise missing(path)
    return found


def number(value: Any, path: str) -> float | None:
    """Return a number; digits in a string are accepted, because clients send them."""
    if value is None:
        return None
    if type(value) is float or type(value) is int:
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise wrong(path, "a number")


def integer(value: Any, path: str) -> int | None:
    """Return a whole number; ``1024.0`` and ``"1024"`` are accepted."""
    if type(value) is int:
        return value
    found = number(value, path) if not isinstance(value, bool) else None
    if found is None and value is None:
        return None
    if found is None or found != found or found in (float("inf"), float("-inf")) or found != int(found):
        raise wrong(path, "an integer")
    return int(found)


def boolean(value: Any, path: str) -> bool | None:
    """Return a boolean, or ``None`` for null."""
    if value is None or isinstance(value, bool):
        return value
    raise wrong(path, "a boolean")


def mapping(value: Any, path: str) -> JsonObject | None:
    """Return an object, or ``None`` for null."""
    if value is None or isinstance(value, dict):
        return value
    raise wrong(path, "an object")


def required_mapping(value: Any, path: str) -> JsonObject:
    """Return an object that has to be there."""
    found = mapping(value, path)
    if found is None:
        raise missing(path)
    return found


def sequence(value: Any, path: str) -> list[Any] | None:
    """Return a list, or ``None`` for null."""
    if value is None or isinstance(value, list):
        return value
    raise wrong(path, "an array")


def unknown(value: JsonObject, known: frozenset[str], prefix: str = "") -> JsonObject:
    """Return the fields that are not ``known`` and not null, their names with ``prefix`` in front."""
    return {prefix + key: item for key, item in value.items() if key not in known and item is not None}


def restored(extras: JsonObject | None, prefix: str = "") -> JsonObject:
    """Return the extras that belong at one level: those with ``prefix``, without it; plain names for no prefix."""
    if not extras:
        return {}
    if prefix:
        return {key[len(prefix) :]: item for key, item in extras.items() if key.startswith(prefix)}
    return {key: item for key, item in extras.items() if "." not in key}
