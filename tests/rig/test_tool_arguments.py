"""Arguments made from a schema are accepted by it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from tests.support.arguments import example

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
    {"type": "object", "properties": {"kind": {"enum": ["x", "y"]}, "c": {"const": 4}}, "required": ["kind", "c"]},
    {"type": "object", "properties": {"n": {"type": "number", "minimum": 5}}, "required": ["n"]},
    {"type": "object", "properties": {"s": {"type": "string", "minLength": 9}}, "required": ["s"]},
    {
        "type": "object",
        "properties": {"l": {"type": "array", "minItems": 2, "items": {"type": "boolean"}}, "m": {"type": "array"}},
        "required": ["l", "m"],
    },
    {"type": "object", "properties": {"u": {"type": ["null", "string"]}}, "required": ["u"]},
    {"type": "object", "properties": {"o": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, "required": ["o"]},
    {
        "type": "object",
        "properties": {"p": {"$ref": "#/$defs/a~1b"}},
        "required": ["p"],
        "$defs": {"a/b": {"type": "object", "properties": {"q": {"type": "null"}}, "required": ["q"]}},
    },
    {"allOf": [{"type": "object"}, {"properties": {"z": {"type": "boolean"}}, "required": ["z"]}]},
    {"type": "object"},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_schema_accepts_them(schema: dict[str, Any]) -> None:
    jsonschema.validate(example(schema), schema)


def test_google_s_upper_case_types_mean_the_same() -> None:
    upper = {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "required": ["a"]}
    assert example(upper) == {"a": 1}


def test_a_recursion_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert example(node)["next"]["next"] != {}
