"""Objects: without properties, open, closed, as maps, with rules about their names."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case

MAPS: tuple[Case, ...] = (
    Case("nothing at all", {"type": "object"}, ({}, {"a": 1}), ("a", 3)),
    Case("no parameters", {"type": "object", "properties": {}, "additionalProperties": False}, ({},), (3,)),
    Case("no parameters, required empty", {"type": "object", "properties": {}, "required": []}, ({},), ("a",)),
    Case(
        "map of texts",
        {
            "type": "object",
            "properties": {
                "env": {"type": "object", "additionalProperties": {"type": "string"}, "description": "variables"}
            },
            "required": ["env"],
        },
        ({"env": {"PATH": "/bin", "HOME": "/"}}, {"env": {}}),
        ({"env": {"PATH": 3}}, {"env": "PATH"}),
    ),
    Case(
        "map of objects",
        {
            "type": "object",
            "properties": {
                "servers": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "properties": {"command": {"type": "string"}, "args": {"type": "array"}},
                        "required": ["command"],
                    },
                }
            },
        },
        ({"servers": {"a": {"command": "run", "args": ["x", 1]}}},),
        ({"servers": {"a": {"args": []}}}, {"servers": []}),
    ),
    Case(
        "open beside named",
        {
            "type": "object",
            "properties": {"kind": {"type": "string"}},
            "required": ["kind"],
            "additionalProperties": True,
        },
        ({"kind": "a", "more": [1]}, {"kind": "a"}),
        ({"more": 1}, {"kind": 3}),
    ),
    Case(
        "names by pattern",
        {
            "type": "object",
            "properties": {
                "headers": {
                    "type": "object",
                    "patternProperties": {"^x-": {"type": "string"}, "^n-": {"type": "integer"}},
                    "additionalProperties": False,
                }
            },
            "required": ["headers"],
        },
        ({"headers": {"x-a": "b", "n-c": 3}},),
        ({"headers": {"x-a": 3}}, {"headers": {"other": "b"}}),
    ),
    Case(
        "rules about names",
        {
            "type": "object",
            "properties": {
                "labels": {
                    "type": "object",
                    "propertyNames": {"pattern": "^[a-z]+$"},
                    "minProperties": 1,
                    "maxProperties": 3,
                    "additionalProperties": {"type": "string"},
                }
            },
            "required": ["labels"],
        },
        ({"labels": {"team": "a"}},),
        ({"labels": {}}, {"labels": {"Team": "a"}}),
    ),
    Case(
        "one asks for another",
        {
            "type": "object",
            "properties": {"card": {"type": "string"}, "cvc": {"type": "string"}, "cash": {"type": "boolean"}},
            "dependentRequired": {"card": ["cvc"]},
            "unevaluatedProperties": False,
        },
        ({"card": "4", "cvc": "1"}, {"cash": True}),
        ({"card": "4"}, {"cash": "yes"}),
    ),
    Case(
        "required but not described",
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "gone"]},
        ({"a": "x", "gone": 1},),
        ({"gone": 1}, {"a": 3, "gone": 1}),
    ),
)
