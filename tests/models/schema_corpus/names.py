"""Names of properties: words of JSON Schema, signs, other scripts, long ones."""

from __future__ import annotations

from typing import Any

from tests.models.schema_corpus.case import Case


def _texts(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": list(names)}


def _case(title: str, *names: str) -> Case:
    whole = dict.fromkeys(names, "x")
    return Case(title, _texts(*names), (whole,), ({**whole, names[0]: 3}, dict.fromkeys(names[1:], "x")))


NAMES: tuple[Case, ...] = (
    _case("words for types", "type", "format", "enum", "const", "default", "nullable"),
    _case("words for structure", "properties", "required", "items", "additionalProperties", "anyOf", "allOf", "not"),
    _case("words with a dollar", "$ref", "$defs", "$schema", "$id", "$comment"),
    _case("words for people", "title", "description", "examples", "deprecated", "pattern", "minimum"),
    Case(
        "properties named properties",
        {
            "type": "object",
            "properties": {
                "properties": {
                    "type": "object",
                    "properties": {"type": {"type": "string"}, "required": {"type": "boolean"}},
                    "required": ["type"],
                },
                "required": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["properties"],
        },
        ({"properties": {"type": "a", "required": True}, "required": ["x"]},),
        ({"properties": {"required": True}}, {"properties": "a"}),
    ),
    _case("dots and dashes", "user.name", "content-type", "x-request-id"),
    _case("signs and spaces", "$filter", "@timestamp", "first name", "size[mb]", "a/b", "100%"),
    _case("other scripts", "größe", "名前", "emoji 👋"),
    _case("long and numbered", "a" * 100, "1st", "2"),
    Case(
        "nested signs",
        {
            "type": "object",
            "properties": {
                "query": {
                    "type": "object",
                    "properties": {
                        "$and": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {"field.path": {"type": "string"}, "$eq": {"type": "string"}},
                                "required": ["field.path"],
                            },
                        }
                    },
                    "required": ["$and"],
                }
            },
            "required": ["query"],
        },
        ({"query": {"$and": [{"field.path": "a.b", "$eq": "c"}]}},),
        ({"query": {"$and": [{"$eq": "c"}]}}, {"query": {}}),
    ),
)
