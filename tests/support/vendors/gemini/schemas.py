"""The vendor's two dialects of schemas: ``parameters`` and ``responseSchema`` take a subset of OpenAPI 3.0,
``parametersJsonSchema`` and ``responseJsonSchema`` a part of JSON Schema."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

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


def check_schema(problems: Problems, where: str, value: object, *, names: bool = True) -> None:
    """Complain of everything in a schema (shape: nested objects) that the vendor answers with 400; ``names``: those of
    parameters are identifiers."""
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
        check_schema(problems, f"{where}.items", schema["items"], names=names)
    properties = problems.record(f"{where}.properties", schema.get("properties") or {})
    for name, member in properties.items():
        fits = not names or PROPERTY_NAME.fullmatch(name) is not None
        problems.require(fits, f"{where}.properties: invalid property name {name!r}")
        check_schema(problems, f"{where}.properties.{name}", member, names=names)
    for key in ("required", "propertyOrdering"):
        for name in problems.optional(f"{where}.{key}", schema.get(key)):
            problems.require(name in list(properties), f"{where}.{key}: property {name!r} is not defined")
    if "anyOf" in schema:
        for number, member in enumerate(problems.listing(f"{where}.anyOf", schema["anyOf"])):
            check_schema(problems, f"{where}.anyOf[{number}]", member, names=names)


JSON_KEYWORDS: Final = words(
    """
    $id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum anyOf
    oneOf properties additionalProperties required propertyOrdering
    """
)
JSON_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")


def check_json_schema(problems: Problems, where: str, value: object) -> None:
    """Complain of everything in a whole schema that isn't listed for the slots of JSON Schema, or is unlawful there."""
    root = problems.record(where, value)
    _check_json(problems, where, root, root, "#")


def _check_json(problems: Problems, where: str, value: object, root: dict[str, Any], inside: str) -> None:
    schema = problems.record(where, value)
    problems.unknown(where, schema, JSON_KEYWORDS)
    reference = schema.get("$ref")
    if reference is not None:
        beside = [key for key in schema if not key.startswith("$")]
        problems.require(not beside, f"{where}: only keywords with $ may stand beside $ref, not {beside}")
        problems.require(_target(str(reference), root) is not None, f"{where}.$ref: {reference!r} leads nowhere")
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        problems.one_of(f"{where}.type", kind, JSON_TYPES)
    for member in problems.listing(f"{where}.enum", schema.get("enum", ["-"])):
        plain = isinstance(member, str | int | float) and not isinstance(member, bool)
        problems.require(plain, f"{where}.enum: only strings and numbers, not {member!r}")
    if kinds == "array":
        problems.require("items" in schema or "prefixItems" in schema, f"{where}.items: missing field")
    properties = problems.record(f"{where}.properties", schema.get("properties") or {})
    for name in problems.optional(f"{where}.required", schema.get("required")):
        if problems.require(name in properties, f"{where}.required: property {name!r} is not defined"):
            cyclic = inside in _reached(properties[name], root)
            problems.require(not cyclic, f"{where}.required: {name!r} leads back to {inside}")
    for name, member in properties.items():
        _check_json(problems, f"{where}.properties.{name}", member, root, inside)
    for name, member in problems.record(f"{where}.$defs", schema.get("$defs") or {}).items():
        pointer = "#/$defs/" + name.replace("~", "~0").replace("/", "~1")
        _check_json(problems, f"{where}.$defs.{name}", member, root, pointer)
    for keyword in ("prefixItems", "anyOf", "oneOf"):
        members = problems.listing(f"{where}.{keyword}", schema[keyword]) if keyword in schema else []
        for number, member in enumerate(members):
            _check_json(problems, f"{where}.{keyword}[{number}]", member, root, inside)
    if "items" in schema:
        _check_json(problems, f"{where}.items", schema["items"], root, inside)
    if not isinstance(schema.get("additionalProperties"), bool | None):
        _check_json(problems, f"{where}.additionalProperties", schema["additionalProperties"], root, inside)


def _target(reference: str, root: dict[str, Any]) -> Any:
    if reference == "#":
        return root
    prefix, _, name = reference.rpartition("/")
    name = unquote(name).replace("~1", "/").replace("~0", "~")
    return root.get("$defs", {}).get(name) if prefix == "#/$defs" else None


def _reached(schema: Any, root: dict[str, Any]) -> set[str]:
    """All references that a schema leads to."""
    seen: set[str] = set()
    todo = [schema]
    while todo:
        here = todo.pop()
        if isinstance(here, list):
            todo.extend(here)
        elif isinstance(here, dict):
            reference = here.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(unquote(reference))
                todo.append(_target(reference, root))
            todo.extend(value for key, value in here.items() if key not in ("$defs", "enum"))
    return seen
