"""Values that are named: enumerations, constants, defaults and examples, of all types."""

from __future__ import annotations

from typing import Any

from tests.models.schema_corpus.case import Case


def _one(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"type": "object", "properties": {"v": schema}, **({"required": ["v"]} if required else {})}


def _case(
    title: str, schema: dict[str, Any], fits: tuple[Any, ...], misfits: tuple[Any, ...], *, required: bool = True
) -> Case:
    return Case(
        title,
        _one(schema, required=required),
        tuple({"v": value} for value in fits),
        tuple({"v": value} for value in misfits),
    )


VALUES: tuple[Case, ...] = (
    _case("texts", {"type": "string", "enum": ["asc", "desc"], "default": "asc"}, ("asc",), ("up", 3)),
    _case("texts without a type", {"enum": ["red", "green"]}, ("red", "green"), ("blue", None)),
    _case("numbers", {"type": "integer", "enum": [1, 2, 5, 10]}, (1, 10), (3, "1")),
    _case("mixed", {"enum": ["auto", 0, 1.5, True, None]}, ("auto", 0, 1.5, True, None), ("manual", 7, [])),
    _case("truth", {"type": "boolean", "enum": [True], "description": "must be agreed to"}, (True,), (False, "yes")),
    _case("empty text among them", {"type": "string", "enum": ["", "a", "b"]}, ("", "a"), ("c",)),
    _case("nullable", {"type": ["string", "null"], "enum": ["low", "high", None]}, ("low", None), ("mid", 3)),
    Case(
        "constants",
        {
            "type": "object",
            "properties": {
                "version": {"const": "2.0"},
                "count": {"const": 3},
                "flag": {"const": False},
                "none": {"const": None},
            },
            "required": ["version", "count"],
        },
        ({"version": "2.0", "count": 3, "flag": False, "none": None},),
        ({"version": "1.0", "count": 3}, {"version": "2.0", "count": 4}),
    ),
    _case("objects", {"enum": [{"unit": "C"}, {"unit": "F"}]}, ({"unit": "C"},), ({"unit": "K"}, "C")),
    Case(
        "defaults and examples that look like schemas",
        {
            "type": "object",
            "properties": {
                "schema": {
                    "type": "object",
                    "properties": {"type": {"type": "string"}},
                    "default": {"type": "object", "properties": {"$ref": "#/x"}},
                    "examples": [{"type": "string", "enum": []}],
                },
                "n": {"type": "integer", "default": 10, "examples": [5, 20]},
            },
        },
        ({"schema": {"type": "string"}, "n": 3}, {}),
        ({"schema": 3}, {"n": "3"}),
    ),
)
