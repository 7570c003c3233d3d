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


STRICT_FORMATS: Final = words("date-time time date duration email hostname ipv4 ipv6 uuid")
STRICT_ABSENT: Final = words(
    """
    oneOf allOf not if then else patternProperties propertyNames prefixItems default dependentRequired
    dependentSchemas unevaluatedProperties unevaluatedItems contains minContains maxContains uniqueItems
    minProperties maxProperties examples nullable
    """
)
STRICT_DEPTH: Final = 10


def check_output_schema(problems: Problems, where: str, form: Mapping[str, Any]) -> None:
    """The schema of OpenAI's ``json_schema`` format, strict or not."""
    schema = problems.record(where, form.get("schema", {"type": "object"}))
    if form.get("strict"):
        check_strict_root(problems, where, schema)
    else:
        rooted = schema.get("type", "object") == "object"
        problems.require(rooted, f"{where}: schema must have type 'object', not {schema.get('type')!r}")


def check_strict_root(problems: Problems, where: str, schema: object) -> None:
    """OpenAI's strict mode: the whole schema, whose root is one object."""
    root = problems.record(where, schema)
    problems.require(root.get("type") == "object", f"{where}: schema must be a JSON Schema of 'type: \"object\"'")
    problems.require("anyOf" not in root, f"{where}: 'anyOf' is not permitted at the root in strict mode")
    check_strict_schema(problems, where, schema)


def check_strict_schema(problems: Problems, where: str, schema: object, depth: int = 0) -> None:
    """OpenAI's strict mode: every object closed, every property required, no open combinators."""
    if isinstance(schema, list):
        for number, member in enumerate(schema):
            check_strict_schema(problems, f"{where}[{number}]", member, depth)
        return
    if not isinstance(schema, dict):
        problems.require(schema is None, f"{where}: {schema!r} is not of type 'object'")
        return
    problems.require(depth <= STRICT_DEPTH, f"{where}: more than {STRICT_DEPTH} levels of nesting")
    for keyword in STRICT_ABSENT:
        problems.require(keyword not in schema, f"{where}: {keyword!r} is not permitted in strict mode")
    if "$ref" in schema:
        beside = schema.keys() - {"$ref", "$defs", "definitions", "$schema"}
        problems.require(not beside, f"{where}: $ref cannot have keywords {beside}")
        return
    typed = any(name in schema for name in ("type", "anyOf", "enum", "const"))
    problems.require(typed, f"{where}: schema must have a 'type' key")
    if schema.get("format") is not None:
        problems.one_of(f"{where}.format", schema["format"], STRICT_FORMATS)
    properties = schema.get("properties")
    kinds = schema.get("type") if isinstance(schema.get("type"), list) else [schema.get("type")]
    if "object" in kinds or properties is not None:
        closed = schema.get("additionalProperties") is False
        problems.require(closed, f"{where}: 'additionalProperties' is required to be supplied and to be false")
        named = problems.record(f"{where}.properties", properties or {})
        required = problems.optional(f"{where}.required", schema.get("required"))
        missing = [name for name in named if name not in required]
        problems.require(not missing, f"{where}: 'required' must hold every property; missing {missing}")
        extra = [name for name in required if name not in list(named)]
        problems.require(not extra, f"{where}: extra required key {extra}")
    if "array" in kinds:
        problems.require("items" in schema, f"{where}: array schema missing items")
    for name, member in problems.record(f"{where}.properties", properties or {}).items():
        check_strict_schema(problems, f"{where}.properties.{name}", member, depth + 1)
    for keyword in ("items", "anyOf"):
        check_strict_schema(problems, f"{where}.{keyword}", schema.get(keyword), depth + (keyword == "items"))
    for keyword in ("$defs", "definitions"):
        for name, member in problems.record(f"{where}.{keyword}", schema.get(keyword) or {}).items():
            check_strict_schema(problems, f"{where}.{keyword}.{name}", member)
