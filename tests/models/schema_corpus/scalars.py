"""Texts and numbers: formats, patterns, bounds, spellings of types, keywords of other vocabularies."""

from __future__ import annotations

from typing import Any

from tests.models.schema_corpus.case import Case


def _case(title: str, fits: dict[str, Any], misfits: dict[str, Any], **properties: dict[str, Any]) -> Case:
    """``misfits``: for each property a value that alone makes ``fits`` wrong."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Case(title, schema, (fits,), tuple({**fits, name: value} for name, value in misfits.items()))


SCALARS: tuple[Case, ...] = (
    _case(
        "common formats",
        {"at": "2026-11-26T12:00:00Z", "day": "2026-11-26", "mail": "a@b.example", "id": "0" * 8, "url": "https://a.b"},
        {"at": 3, "mail": 3},
        at={"type": "string", "format": "date-time"},
        day={"type": "string", "format": "date"},
        mail={"type": "string", "format": "email"},
        id={"type": "string", "format": "uuid"},
        url={"type": "string", "format": "uri"},
    ),
    _case(
        "rare formats",
        {"host": "a.example", "path": "a/b", "rx": "a+", "pointer": "/a", "own": "x"},
        {"host": 3, "own": None},
        host={"type": "string", "format": "idn-hostname"},
        path={"type": "string", "format": "uri-reference"},
        rx={"type": "string", "format": "regex"},
        pointer={"type": "string", "format": "json-pointer"},
        own={"type": "string", "format": "x-account-number"},
    ),
    _case(
        "formats of numbers",
        {"a": 1, "b": 2, "c": 0.5, "d": 0.25},
        {"a": "1", "c": "x"},
        a={"type": "integer", "format": "int32"},
        b={"type": "integer", "format": "int64"},
        c={"type": "number", "format": "float"},
        d={"type": "number", "format": "double"},
    ),
    _case(
        "bounds",
        {"share": 0.5, "age": 30, "even": 4, "over": 1},
        {"share": 1.5, "age": -1, "even": 3, "over": 0},
        share={"type": "number", "minimum": 0, "maximum": 1},
        age={"type": "integer", "minimum": 0},
        even={"type": "integer", "multipleOf": 2},
        over={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100},
    ),
    _case(
        "lengths",
        {"name": "ab", "note": ""},
        {"name": "", "note": "x" * 11},
        name={"type": "string", "minLength": 1},
        note={"type": "string", "maxLength": 10},
    ),
    _case(
        "patterns",
        {"sha": "0a1b", "word": "a word", "ahead": "ab1"},
        {"sha": "xyz", "word": "swords", "ahead": "ab"},
        sha={"type": "string", "pattern": "^[0-9a-f]{4,40}$"},
        word={"type": "string", "pattern": "\\bword\\b"},
        ahead={"type": "string", "pattern": "^(?=.*[0-9]).+$"},
    ),
    Case(
        "bounds of draft 4",
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "https://example.com/rate",
            "type": "object",
            "properties": {"rate": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
            "required": ["rate"],
        },
    ),
    Case(
        "types in capitals",
        {
            "type": "OBJECT",
            "properties": {
                "city": {"type": "STRING"},
                "days": {"type": "INTEGER", "nullable": True},
                "hours": {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1"},
            },
            "required": ["city"],
            "propertyOrdering": ["city", "days", "hours"],
        },
    ),
    _case(
        "words without meaning to a validator",
        {"file": "aGk=", "old": "x", "count": 1},
        {"file": 3, "count": "1"},
        file={"type": "string", "contentEncoding": "base64", "contentMediaType": "text/plain"},
        old={"type": "string", "deprecated": True, "readOnly": True, "$comment": "until v3"},
        count={"type": "integer", "x-order": 1, "xml": {"attribute": True}, "example": 5},
    ),
    Case(
        "no types",
        {
            "properties": {
                "any": {"description": "any JSON value"},
                "list": {"items": {"type": "string"}},
                "record": {"properties": {"a": {"type": "string"}}},
            },
            "required": ["any"],
        },
        ({"any": "x", "list": ["a"], "record": {"a": "b"}}, {"any": 3}),
        ({"list": []}, {"any": "x", "list": [1]}),
    ),
)
