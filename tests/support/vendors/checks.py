"""What all validators share: a list of problems and the small questions that fill it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.support.http import Headers

FUNCTION_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def words(text: str) -> frozenset[str]:
    """The words of a text: a long list of names, easy to read."""
    return frozenset(text.split())


class Problems(list[str]):
    """Complaints in the order found; every one names the place."""

    def unknown(self, where: str, value: Mapping[str, Any], known: Iterable[str]) -> None:
        """Complain of every key that isn't known."""
        allowed = frozenset(known)
        self.extend(f"{where}: unknown field {key!r}" for key in value if key not in allowed)

    def require(self, truth: bool, complaint: str) -> bool:
        """Complain unless ``truth``; gives it back."""
        if not truth:
            self.append(complaint)
        return truth

    def text(self, where: str, value: object, *, blank: bool = False) -> bool:
        """A string, and one with something in it unless ``blank``."""
        ok = isinstance(value, str) and (blank or bool(value.strip()))
        return self.require(ok, f"{where}: must be a {'string' if blank else 'non-empty string'}")

    def one_of(self, where: str, value: object, allowed: Iterable[object]) -> bool:
        choices = list(allowed)
        return self.require(value in choices, f"{where}: {value!r} is none of {choices}")

    def number(self, where: str, value: object, low: float, high: float = float("inf"), *, whole: bool = False) -> bool:
        """A number (not a bool) within the bounds; None counts as not given."""
        if value is None:
            return True
        kinds: tuple[type, ...] = (int,) if whole else (int, float)
        ok = isinstance(value, kinds) and not isinstance(value, bool) and low <= float(str(value)) <= high
        return self.require(ok, f"{where}: {value!r} is not {'an integer' if whole else 'a number'} in {low}..{high}")

    def boolean(self, where: str, value: object) -> bool:
        """True, false, or not given."""
        return self.require(value is None or isinstance(value, bool), f"{where}: {value!r} is not a boolean")

    def listing(self, where: str, value: object) -> list[Any]:
        """A list with something in it; gives an empty one where it isn't."""
        if not self.require(isinstance(value, list), f"{where}: must be a list"):
            return []
        assert isinstance(value, list)
        self.require(bool(value), f"{where}: must not be empty")
        return value

    def optional(self, where: str, value: object) -> list[Any]:
        """A list that may be missing or empty."""
        return self.listing(where, value) if value else []

    def record(self, where: str, value: object) -> dict[str, Any]:
        """An object; gives an empty one where it isn't."""
        self.require(isinstance(value, dict), f"{where}: must be an object")
        return value if isinstance(value, dict) else {}


def headers_of(headers: Headers | Mapping[str, str] | None) -> Headers:
    """Headers from whatever a test has at hand."""
    if isinstance(headers, Headers):
        return headers
    return Headers(list((headers or {}).items()))


def check_strict_schema(problems: Problems, where: str, schema: object) -> None:
    """OpenAI's strict mode: every object closed, every property required, no open combinators."""
    if isinstance(schema, list):
        for number, member in enumerate(schema):
            check_strict_schema(problems, f"{where}[{number}]", member)
        return
    if not isinstance(schema, dict):
        return
    for keyword in ("oneOf", "allOf", "not", "if", "patternProperties", "propertyNames", "prefixItems", "default"):
        problems.require(keyword not in schema, f"{where}: {keyword!r} is not permitted in strict mode")
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        closed = schema.get("additionalProperties") is False
        problems.require(closed, f"{where}: 'additionalProperties' is required to be supplied and to be false")
        required = problems.optional(f"{where}.required", schema.get("required"))
        missing = [name for name in problems.record(f"{where}.properties", properties or {}) if name not in required]
        problems.require(not missing, f"{where}: 'required' must hold every property; missing {missing}")
    for name, member in problems.record(f"{where}.properties", properties or {}).items():
        check_strict_schema(problems, f"{where}.properties.{name}", member)
    for keyword in ("items", "anyOf"):
        check_strict_schema(problems, f"{where}.{keyword}", schema.get(keyword))
    for keyword in ("$defs", "definitions"):
        for name, member in problems.record(f"{where}.{keyword}", schema.get(keyword) or {}).items():
            check_strict_schema(problems, f"{where}.{keyword}.{name}", member)
