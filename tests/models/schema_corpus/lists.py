"""Lists: of anything, of one thing, of lists; tuples; bounds."""

from __future__ import annotations

from typing import Any

from tests.models.schema_corpus.case import Case


def _case(title: str, schema: dict[str, Any], fits: tuple[Any, ...], misfits: tuple[Any, ...]) -> Case:
    return Case(
        title,
        {"type": "object", "properties": {"list": schema}, "required": ["list"]},
        tuple({"list": value} for value in fits),
        tuple({"list": value} for value in misfits),
    )


LISTS: tuple[Case, ...] = (
    _case("of anything", {"type": "array", "description": "rows"}, ([], ["a", 1]), ("a", {})),
    _case("of anything, said so", {"type": "array", "items": {}}, ([], ["a", 1]), ("a", 3)),
    _case("of anything, as true", {"type": "array", "items": True}, ([], ["a", 1]), ("a", 3)),
    _case("of texts", {"type": "array", "items": {"type": "string"}, "minItems": 1}, (["a"],), ([], [1])),
    _case(
        "of bounded length",
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 4, "uniqueItems": True},
        ([1, 2], [1, 2, 3, 4]),
        ([1], ["a", "b"]),
    ),
    _case(
        "tuple",
        {
            "type": "array",
            "prefixItems": [{"type": "number"}, {"type": "number"}, {"type": "string"}],
            "items": False,
            "minItems": 2,
        },
        ([1, 2], [1, 2, "m"]),
        ([1], [1, "m"]),
    ),
    Case(
        "tuple of draft 4",
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            "properties": {
                "range": {
                    "type": "array",
                    "items": [{"type": "integer"}, {"type": "integer"}],
                    "additionalItems": False,
                }
            },
            "required": ["range"],
        },
    ),
    _case(
        "of lists",
        {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}},
        ([[[1, 2], [3]], []],),
        ([[1]], ["a"]),
    ),
    _case(
        "that contains",
        {"type": "array", "items": {"type": "string"}, "contains": {"const": "all"}, "minContains": 1},
        (["all", "a"],),
        (["a"], [3]),
    ),
    _case(
        "of several things",
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
                ]
            },
        },
        (["a", {"url": "b"}], []),
        ([3], [{}]),
    ),
)
