"""Unions: nullable in every spelling, of types, of objects with and without a tag."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case

UNIONS: tuple[Case, ...] = (
    Case(
        "nullable by type list",
        {
            "type": "object",
            "properties": {"branch": {"type": ["string", "null"], "description": "null: the current one"}},
            "required": ["branch"],
        },
        ({"branch": "main"}, {"branch": None}),
        ({"branch": 3}, {}),
    ),
    Case(
        "nullable by anyOf",
        {
            "type": "object",
            "properties": {
                "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "Limit"},
                "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            },
        },
        ({"limit": 3, "tags": ["a"]}, {"limit": None, "tags": None}, {}),
        ({"limit": "three"}, {"tags": [1]}),
    ),
    Case(
        "nullable by the word",
        {
            "type": "object",
            "properties": {"due": {"type": "string", "nullable": True}, "done": {"type": "boolean"}},
            "required": ["done"],
        },
        ({"due": "tomorrow", "done": False},),
        ({"due": 3, "done": True}, {"due": "x"}),
    ),
    Case(
        "several types",
        {
            "type": "object",
            "properties": {"value": {"type": ["string", "number", "boolean"], "description": "the new value"}},
            "required": ["value"],
        },
        ({"value": "a"}, {"value": 1.5}, {"value": True}),
        ({"value": None}, {"value": []}, {}),
    ),
    Case(
        "one or many",
        {
            "type": "object",
            "properties": {
                "paths": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
            },
            "required": ["paths"],
        },
        ({"paths": "a"}, {"paths": ["a", "b"]}),
        ({"paths": 3}, {"paths": [3]}, {}),
    ),
    Case(
        "tagged union",
        {
            "type": "object",
            "properties": {
                "action": {
                    "oneOf": [
                        {
                            "type": "object",
                            "properties": {"type": {"const": "click"}, "x": {"type": "integer"}},
                            "required": ["type", "x"],
                            "additionalProperties": False,
                        },
                        {
                            "type": "object",
                            "properties": {"type": {"const": "type"}, "text": {"type": "string"}},
                            "required": ["type", "text"],
                            "additionalProperties": False,
                        },
                    ],
                    "discriminator": {"propertyName": "type"},
                }
            },
            "required": ["action"],
        },
        ({"action": {"type": "click", "x": 3}}, {"action": {"type": "type", "text": "a"}}),
        ({"action": {"type": "drag", "x": 3}}, {"action": {"type": "click"}}),
    ),
    Case(
        "union of definitions",
        {
            "type": "object",
            "properties": {
                "shapes": {
                    "type": "array",
                    "items": {"anyOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Square"}]},
                }
            },
            "required": ["shapes"],
            "$defs": {
                "Circle": {"type": "object", "properties": {"radius": {"type": "number"}}, "required": ["radius"]},
                "Square": {"type": "object", "properties": {"side": {"type": "number"}}, "required": ["side"]},
            },
        },
        ({"shapes": [{"radius": 1}, {"side": 2}]}, {"shapes": []}),
        ({"shapes": [{"radius": "wide"}]}, {"shapes": [{}]}),
    ),
    Case(
        "alternatives of requirements",
        {
            "type": "object",
            "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "verbose": {"type": "boolean"}},
            "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
        },
        ({"id": "1"}, {"name": "a", "verbose": True}),
        ({}, {"verbose": True}),
    ),
    Case(
        "alternatives at the root",
        {
            "type": "object",
            "oneOf": [
                {
                    "properties": {"command": {"const": "view"}, "path": {"type": "string"}},
                    "required": ["command", "path"],
                },
                {
                    "properties": {
                        "command": {"const": "create"},
                        "path": {"type": "string"},
                        "text": {"type": "string"},
                    },
                    "required": ["command", "path", "text"],
                },
            ],
        },
        ({"command": "view", "path": "a"}, {"command": "create", "path": "a", "text": ""}),
        ({"command": "view"}, {"path": "a"}),
    ),
    Case(
        "union in a union",
        {
            "type": "object",
            "properties": {
                "filter": {
                    "anyOf": [
                        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                        {"type": "object", "properties": {"gt": {"type": "number"}}, "required": ["gt"]},
                        {"type": "null"},
                    ]
                }
            },
        },
        ({"filter": "a"}, {"filter": 3}, {"filter": {"gt": 0.5}}, {"filter": None}, {}),
        ({"filter": []}, {"filter": {}}),
    ),
)
