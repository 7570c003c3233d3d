"""Forms of answers in the manner of pydantic, zod and hand-written extractors; roots that are no objects."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case

OUTPUTS: tuple[Case, ...] = (
    Case(
        "model of pydantic",
        {
            "title": "Invoice",
            "type": "object",
            "properties": {
                "number": {"title": "Number", "type": "string"},
                "issued": {"title": "Issued", "type": "string", "format": "date"},
                "lines": {"title": "Lines", "type": "array", "items": {"$ref": "#/$defs/Line"}},
                "customer": {"anyOf": [{"$ref": "#/$defs/Customer"}, {"type": "null"}], "default": None},
                "currency": {"$ref": "#/$defs/Currency", "default": "CHF"},
            },
            "required": ["number", "issued", "lines"],
            "$defs": {
                "Currency": {"enum": ["CHF", "EUR", "USD"], "title": "Currency", "type": "string"},
                "Customer": {
                    "properties": {
                        "name": {"title": "Name", "type": "string"},
                        "vat": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Vat"},
                    },
                    "required": ["name", "vat"],
                    "title": "Customer",
                    "type": "object",
                },
                "Line": {
                    "properties": {
                        "text": {"title": "Text", "type": "string"},
                        "amount": {
                            "anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}],
                            "title": "Amount",
                        },
                    },
                    "required": ["text", "amount"],
                    "title": "Line",
                    "type": "object",
                },
            },
        },
        (
            {
                "number": "1",
                "issued": "2026-11-26",
                "lines": [{"text": "a", "amount": 3.5}, {"text": "b", "amount": "4"}],
                "customer": {"name": "c", "vat": None},
                "currency": "EUR",
            },
            {"number": "1", "issued": "2026-11-26", "lines": [], "customer": None},
        ),
        ({"number": 1, "issued": "x", "lines": []}, {"number": "1", "issued": "x"}),
    ),
    Case(
        "object of zod",
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"},
                "score": {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991},
                "kind": {"anyOf": [{"type": "string", "const": "a"}, {"type": "string", "const": "b"}]},
                "pair": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, {"type": "number"}],
                    "minItems": 2,
                    "maxItems": 2,
                },
                "record": {
                    "type": "object",
                    "propertyNames": {"type": "string"},
                    "additionalProperties": {"type": "number"},
                },
            },
            "required": ["id", "score", "kind", "pair", "record"],
            "additionalProperties": False,
        },
        ({"id": "0" * 36, "score": 3, "kind": "a", "pair": ["x", 1], "record": {"n": 1}},),
        ({"id": "0" * 36, "score": 3, "kind": "c", "pair": ["x", 1], "record": {}}, {"id": 3}),
    ),
    Case(
        "steps of a solution, strict already",
        {
            "type": "object",
            "properties": {
                "steps": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"explanation": {"type": "string"}, "output": {"type": "string"}},
                        "required": ["explanation", "output"],
                        "additionalProperties": False,
                    },
                },
                "final_answer": {"type": "string"},
            },
            "required": ["steps", "final_answer"],
            "additionalProperties": False,
        },
        ({"steps": [{"explanation": "a", "output": "b"}], "final_answer": "c"},),
        ({"steps": []}, {"steps": [{}], "final_answer": "c"}),
    ),
    Case(
        "interface that holds itself",
        {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["div", "button", "header"]},
                "label": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#"}},
                "attributes": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
                        "required": ["name", "value"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["type", "label", "children", "attributes"],
            "additionalProperties": False,
        },
        ({"type": "div", "label": "a", "children": [], "attributes": []},),
        ({"type": "span", "label": "a", "children": [], "attributes": []}, {"type": "div"}),
    ),
    Case("list at the root", {"type": "array", "items": {"type": "string"}}, (["a", "b"], []), ([1], "a")),
    Case("choice at the root", {"type": "string", "enum": ["positive", "negative"]}, ("positive",), ("neutral", 3)),
    Case(
        "union at the root",
        {
            "anyOf": [
                {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]},
                {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
            ]
        },
        ({"answer": "a"}, {"question": "b"}),
        ({"answer": 3}, {}),
    ),
    Case("number at the root", {"type": "integer", "minimum": 0, "maximum": 10}, (3,), (11, "3")),
    Case(
        "labels with certainty",
        {
            "type": "object",
            "properties": {
                "labels": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"enum": ["spam", "ham"]},
                            "certainty": {"type": "number", "minimum": 0, "maximum": 1},
                            "span": {"type": ["array", "null"], "items": {"type": "integer"}},
                        },
                        "required": ["name", "certainty", "span"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["labels"],
            "additionalProperties": False,
        },
        ({"labels": [{"name": "spam", "certainty": 0.5, "span": [1, 2]}]}, {"labels": []}),
        ({"labels": [{"name": "eggs", "certainty": 0.5, "span": None}]}, {"labels": 3}),
    ),
    Case(
        "root by reference",
        {
            "$ref": "#/definitions/Report",
            "definitions": {
                "Report": {
                    "type": "object",
                    "properties": {"summary": {"type": "string"}, "risk": {"$ref": "#/definitions/Risk"}},
                    "required": ["summary"],
                    "additionalProperties": False,
                },
                "Risk": {"type": "string", "enum": ["low", "high"]},
            },
            "$schema": "http://json-schema.org/draft-07/schema#",
        },
        ({"summary": "a", "risk": "low"}, {"summary": "a"}),
        ({"risk": "low"}, {"summary": "a", "risk": "none"}),
    ),
)
