"""The schema dialect of ``parameters`` and ``responseSchema``: a subset of OpenAPI 3.0, not JSON Schema."""

from __future__ import annotations

import re
from typing import Final

from tests.support.vendors.checks import Problems, words

FIELDS: Final = words(
    """
    type format title description nullable default example enum items minItems maxItems properties minProperties
    maxProperties required propertyOrdering minimum maximum minLength maxLength pattern anyOf additionalProperties
    """
)
TYPES: Final = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64"),
}
PROPERTY_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")


def check_schema(problems: Problems, where: str, value: object) -> None:
    """Complain of everything in a schema (shape: nested objects) that the vendor answers with 400."""
    schema = problems.record(where, value)
    problems.unknown(where, schema, FIELDS)
    kind = schema.get("type")
    if kind is not None and problems.require(
        isinstance(kind, str), f"{where}.type: Proto field is not repeating, cannot start list."
    ):
        problems.one_of(f"{where}.type", str(kind).upper(), TYPES)
    kind = str(kind).upper()
    if schema.get("format") is not None:
        problems.one_of(f"{where}.format", schema["format"], FORMATS.get(kind, ()))
    if "enum" in schema:
        values = problems.listing(f"{where}.enum", schema["enum"])
        texts = all(isinstance(member, str) and member for member in values)
        problems.require(texts, f"{where}.enum: values must be non-empty strings")
        problems.require(kind == "STRING", f"{where}.enum: only allowed for STRING type")
    if kind == "ARRAY":
        problems.require("items" in schema, f"{where}.items: missing field")
    if "items" in schema:
        check_schema(problems, f"{where}.items", schema["items"])
    properties = problems.record(f"{where}.properties", schema.get("properties") or {})
    for name, member in properties.items():
        fits = PROPERTY_NAME.fullmatch(name) is not None
        problems.require(fits, f"{where}.properties: invalid property name {name!r}")
        check_schema(problems, f"{where}.properties.{name}", member)
    for key in ("required", "propertyOrdering"):
        for name in problems.optional(f"{where}.{key}", schema.get(key)):
            problems.require(name in list(properties), f"{where}.{key}: property {name!r} is not defined")
    if "anyOf" in schema:
        for number, member in enumerate(problems.listing(f"{where}.anyOf", schema["anyOf"])):
            check_schema(problems, f"{where}.anyOf[{number}]", member)
