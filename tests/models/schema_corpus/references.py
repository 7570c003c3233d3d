"""References: shared, nested, recursive, escaped, beside other keywords, and to nowhere."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case

REFERENCES: tuple[Case, ...] = (
    Case(
        "shared definition",
        {
            "type": "object",
            "properties": {"from": {"$ref": "#/$defs/Place"}, "to": {"$ref": "#/$defs/Place"}},
            "required": ["from", "to"],
            "$defs": {
                "Place": {
                    "type": "object",
                    "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
                    "required": ["lat", "lon"],
                }
            },
        },
        ({"from": {"lat": 47.4, "lon": 8.5}, "to": {"lat": 46.9, "lon": 7.4}},),
        ({"from": {"lat": 47.4, "lon": 8.5}}, {"from": {"lat": "north", "lon": 1}, "to": {"lat": 1, "lon": 2}}),
    ),
    Case(
        "draft 7 definitions",
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "definitions": {"level": {"type": "string", "enum": ["debug", "info", "error"]}},
            "properties": {"level": {"$ref": "#/definitions/level"}, "lines": {"type": "integer"}},
            "required": ["level"],
            "additionalProperties": False,
        },
        ({"level": "info", "lines": 3}, {"level": "error"}),
        ({"level": "loud"}, {"lines": 3}),
    ),
    Case(
        "tree",
        {
            "type": "object",
            "properties": {"root": {"$ref": "#/$defs/Node"}},
            "required": ["root"],
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {
                        "label": {"type": "string"},
                        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                    },
                    "required": ["label"],
                }
            },
        },
        ({"root": {"label": "a", "children": [{"label": "b"}, {"label": "c", "children": []}]}},),
        ({"root": {"children": []}}, {"root": "a"}),
    ),
    Case(
        "list linked by null",
        {
            "$ref": "#/$defs/Entry",
            "$defs": {
                "Entry": {
                    "type": "object",
                    "title": "Entry",
                    "properties": {
                        "value": {"type": "integer"},
                        "next": {"anyOf": [{"$ref": "#/$defs/Entry"}, {"type": "null"}], "default": None},
                    },
                    "required": ["value"],
                }
            },
        },
        ({"value": 1, "next": {"value": 2, "next": None}},),
        ({"next": None}, {"value": "one"}),
    ),
    Case(
        "two that hold each other",
        {
            "type": "object",
            "properties": {"folder": {"$ref": "#/$defs/Folder"}},
            "required": ["folder"],
            "$defs": {
                "Folder": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "entries": {"type": "array", "items": {"$ref": "#/$defs/Entry"}},
                    },
                    "required": ["name", "entries"],
                },
                "Entry": {"oneOf": [{"$ref": "#/$defs/File"}, {"$ref": "#/$defs/Folder"}]},
                "File": {
                    "type": "object",
                    "properties": {"path": {"type": "string"}, "size": {"type": "integer"}},
                    "required": ["path", "size"],
                },
            },
        },
        ({"folder": {"name": "src", "entries": [{"path": "a.py", "size": 3}, {"name": "b", "entries": []}]}},),
        ({"folder": {"entries": []}}, {"folder": {"name": "src", "entries": [3]}}),
    ),
    Case(
        "root that holds itself",
        {
            "type": "object",
            "properties": {
                "operator": {"type": "string", "enum": ["and", "or", "equals"]},
                "field": {"type": "string"},
                "operands": {"type": "array", "items": {"$ref": "#"}},
            },
            "required": ["operator"],
        },
        ({"operator": "and", "operands": [{"operator": "equals", "field": "a"}]},),
        ({"operator": "xor"}, {"field": "a"}),
    ),
    Case(
        "escaped pointer",
        {
            "type": "object",
            "properties": {"unit": {"$ref": "#/$defs/km~1h%20or~0m"}},
            "required": ["unit"],
            "$defs": {"km/h or~m": {"type": "string", "description": "a unit of speed"}},
        },
        ({"unit": "km/h"},),
        ({"unit": 3}, {}),
    ),
    Case(
        "to a property",
        {
            "type": "object",
            "properties": {
                "source": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
                "target": {"$ref": "#/properties/source"},
            },
            "required": ["source", "target"],
        },
        ({"source": {"path": "a"}, "target": {"path": "b"}},),
        ({"source": {"path": "a"}, "target": {}}, {"source": {"path": "a"}, "target": "b"}),
    ),
    Case(
        "described where it is used",
        {
            "type": "object",
            "properties": {
                "billing": {"$ref": "#/$defs/Address", "description": "Where the bill goes.", "title": "Billing"},
                "shipping": {"allOf": [{"$ref": "#/$defs/Address"}], "description": "Where the parcel goes."},
            },
            "required": ["billing"],
            "$defs": {
                "Address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
            },
        },
        ({"billing": {"city": "Bern"}, "shipping": {"city": "Basel"}}, {"billing": {"city": "Bern"}}),
        ({"billing": {}}, {"billing": {"city": 3}}),
    ),
    Case(
        "narrowed where it is used",
        {
            "type": "object",
            "properties": {"port": {"$ref": "#/$defs/Number", "minimum": 1, "maximum": 65535}},
            "required": ["port"],
            "$defs": {"Number": {"type": "integer"}},
        },
        ({"port": 443},),
        ({"port": 0}, {"port": "443"}),
    ),
)
