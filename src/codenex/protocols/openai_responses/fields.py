"""Reads the fields of a client's JSON with messages that name the place; what is not read stays for ``extras``."""

from __future__ import annotations

from typing import Any

from codenex.core.errors import Fault, invalid_request


def refused(path: str, expected: str, value: Any) -> Fault:
    """Return the fault of a field with a wrong value."""
    return invalid_request(
        f"Invalid type for '{path}': expected {expected}, but got {_word(value)} instead.", param=path
    )


def unknown_value(path: str, value: str, known: str) -> Fault:
    """Return the fault of a string that isn't one of the known ones."""
    return invalid_request(f"Invalid value for '{path}': '{value}'. Supported values are: {known}.", param=path)


class Fields:
    """A JSON object that is read field by field. ``null`` is absent; reading takes the field out."""

    __slots__ = ("path", "rest")

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise refused(path, "an object", value)
        self.rest: dict[str, Any] = {key: item for key, item in value.items() if item is not None}
        self.path = path

    def at(self, name: str) -> str:
        """Return the full path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def any(self, name: str) -> Any:
        """Take a field of any type; ``None`` where it is absent."""
        # Most fields are absent in most requests: those need no further look.
        return self.rest.pop(name) if name in self.rest else None

    def needed(self, name: str) -> Any:
        """Take a field that must be there."""
        value = self.any(name)
        if value is None:
            path = self.at(name)
            raise invalid_request(
                f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter"
            )
        return value

    def string(self, name: str) -> str | None:
        """Take a string."""
        if name not in self.rest:
            return None
        value = self.rest.pop(name)
        if type(value) is not str:
            raise refused(self.at(name), "a string", value)
        return value

    def needed_string(self, name: str) -> str:
        """Take a string that must be there."""
        value = self.rest.pop(name) if name in self.rest else self.needed(name)
        if type(value) is not str:
            raise refused(self.at(name), "a string", value)
        return value

    def boolean(self, name: str) -> bool | None:
        """Take a boolean."""
        if name not in self.rest:
            return None
        value = self.rest.pop(name)
        if type(value) is not bool:
            raise refused(self.at(name), "a boolean", value)
        return value

    def number(self, name: str) -> float | None:
        """Take a number; a string that spells one is taken as well."""
        if name not in self.rest:
            return None
        value = self.rest.pop(name)
        if type(value) is int or type(value) is float:
            return value
        if isinstance(value, str):
            try:
                return float(value)
            except ValueError:
                pass
        raise refused(self.at(name), "a number", value)

    def integer(self, name: str) -> int | None:
        """Take an integer; 16.0 and "16" are integers."""
        if name not in self.rest:
            return None
        value = self.number(name)
        if value is None:
            return None
        if value != value or value in (float("inf"), float("-inf")) or value != int(value):
            raise refused(self.at(name), "an integer", value)
        return int(value)

    def objects(self, name: str) -> list[Any]:
        """Take a list; empty where it is absent."""
        if name not in self.rest:
            return []
        value = self.rest.pop(name)
        if not isinstance(value, list):
            raise refused(self.at(name), "an array", value)
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        """Take an object."""
        if name not in self.rest:
            return None
        value = self.rest.pop(name)
        if not isinstance(value, dict):
            raise refused(self.at(name), "an object", value)
        return value

    def extras(self) -> dict[str, Any] | None:
        """Return what has not been read."""
        return self.rest if self.rest else None


def _word(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
