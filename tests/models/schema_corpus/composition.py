"""Schemas made of schemas: allOf, conditions, negation, booleans in place of schemas, depth, emptiness."""

from __future__ import annotations

from typing import Any

from tests.models.schema_corpus.case import Case


def _deep(levels: int) -> tuple[dict[str, Any], Any]:
    schema: dict[str, Any] = {"type": "string"}
    value: Any = "x"
    for level in range(levels):
        schema = {"type": "object", "properties": {f"l{level}": schema}, "required": [f"l{level}"]}
        value = {f"l{level}": value}
    return schema, value


_NESTED, _NESTED_VALUE = _deep(8)

COMPOSITION: tuple[Case, ...] = (
    Case("empty", {}, ({}, {"a": 1})),
    Case(
        "base and extension",
        {
            "allOf": [
                {"$ref": "#/$defs/Base"},
                {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]},
            ],
            "$defs": {
                "Base": {
                    "type": "object",
                    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
                    "required": ["id"],
                }
            },
        },
        ({"id": 1, "name": "a", "email": "b"},),
        ({"id": 1}, {"email": "b"}),
    ),
    Case(
        "one narrows the other",
        {
            "type": "object",
            "properties": {
                "n": {
                    "allOf": [{"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 10}],
                    "description": "from 0 to 10",
                }
            },
            "required": ["n"],
        },
        ({"n": 5},),
        ({"n": 11}, {"n": -1}),
    ),
    Case(
        "two with the same keyword",
        {
            "type": "object",
            "properties": {"s": {"allOf": [{"type": "string", "minLength": 1}, {"minLength": 3}]}},
            "required": ["s"],
        },
        ({"s": "abc"},),
        ({"s": ""}, {"s": "a"}),
    ),
    Case(
        "if, then, else",
        {
            "type": "object",
            "properties": {"country": {"type": "string"}, "zip": {"type": "string"}, "state": {"type": "string"}},
            "required": ["country"],
            "if": {"properties": {"country": {"const": "US"}}},
            "then": {"required": ["state"]},
            "else": {"required": ["zip"]},
        },
        ({"country": "US", "state": "NY"}, {"country": "CH", "zip": "3000"}),
        ({"country": "US"}, {"country": "CH"}),
    ),
    Case(
        "not",
        {
            "type": "object",
            "properties": {"name": {"type": "string", "not": {"enum": ["root", "admin"]}}},
            "required": ["name"],
        },
        ({"name": "a"},),
        ({"name": "root"}, {"name": 3}),
    ),
    Case(
        "schemas that ask for others",
        {
            "type": "object",
            "properties": {"mode": {"type": "string"}, "key": {"type": "string"}},
            "dependentSchemas": {"key": {"properties": {"mode": {"const": "secret"}}, "required": ["mode"]}},
        },
        ({"mode": "open"}, {"mode": "secret", "key": "k"}),
        ({"key": "k"}, {"mode": 3}),
    ),
    Case(
        "booleans in place of schemas",
        {
            "type": "object",
            "properties": {"anything": True, "never": False, "text": {"type": "string"}},
            "required": ["text"],
        },
        ({"text": "a", "anything": [1]}, {"text": "a"}),
        ({"text": 3}, {}),
    ),
    Case("deep", _NESTED, (_NESTED_VALUE,), ({}, {"l7": {"l6": 3}})),
    Case(
        "union of merged objects",
        {
            "type": "object",
            "properties": {
                "event": {
                    "anyOf": [
                        {"allOf": [{"$ref": "#/$defs/Timed"}, {"properties": {"day": {"type": "string"}}}]},
                        {"allOf": [{"$ref": "#/$defs/Timed"}, {"properties": {"week": {"type": "integer"}}}]},
                    ]
                }
            },
            "required": ["event"],
            "$defs": {"Timed": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}},
        },
        ({"event": {"at": "9:00", "day": "Mo"}}, {"event": {"at": "9:00", "week": 3}}),
        ({"event": {"day": "Mo"}}, {"event": "x"}),
    ),
)
