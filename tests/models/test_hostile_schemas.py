"""Schemas whose keywords hold anything at all: every adaptation gives an answer, whatever is in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from codenex.models.openapi_subset import from_openapi, to_openapi_subset
from codenex.models.schema_slot import to_json_schema_slot
from codenex.models.strict_schema import for_anthropic, for_openai, qualifies_for_openai
from codenex.models.tool_schema import answer_schema, tool_input_schema

NUMBER = 100_000 if os.environ.get("CODENEX_DEEP") == "1" else 1500

ADAPTATIONS: tuple[Callable[[dict[str, Any]], Any], ...] = (
    for_anthropic,
    for_openai,
    qualifies_for_openai,
    to_openapi_subset,
    from_openapi,
    to_json_schema_slot,
    tool_input_schema,
    answer_schema,
)
ANYTHING: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, "", "x", "#", "#/$defs/a", "object", 2**70),
    *([], {}, [None], [[]], [{}], ["a", {}], ["string"], {"type": "x"}, {"": {}}, {"a": 5}),
)
TYPES = ("object", "string", "array", "integer", "null", "OBJECT", "STRING", ["string", "null"])
REFERENCES = ("#", "#/$defs/a", "#/definitions/a", "#/properties/a", "https://example.com/schema")
MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
LISTS = ("prefixItems", "anyOf", "oneOf", "allOf")
ONES = ("items", "not", "if", "then", "else", "additionalProperties", "propertyNames", "contains")
PLAIN = (
    *("enum", "const", "description", "title", "nullable", "minLength", "maxLength", "format", "pattern", "default"),
    *("minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems", "dependentRequired", "discriminator"),
    *("propertyOrdering", "examples", "uniqueItems", "multipleOf", "minProperties"),
)
KEYWORDS = ("type", "required", "$ref", *MAPS, *LISTS, *ONES, *PLAIN)


def schema(draw: Random, wrongness: float, depth: int = 0) -> Any:
    if draw.random() < wrongness:
        return draw.choice(ANYTHING)
    names = draw.sample(KEYWORDS, draw.randrange(5) if depth < 4 else 0)
    return {name: value_of(name, draw, wrongness, depth + 1) for name in names}


def value_of(name: str, draw: Random, wrongness: float, depth: int) -> Any:
    if draw.random() < wrongness or name in PLAIN:
        return draw.choice(ANYTHING)
    if name in MAPS:
        return {draw.choice("abc"): schema(draw, wrongness, depth) for _ in range(draw.randrange(3))}
    if name in LISTS:
        return [schema(draw, wrongness, depth) for _ in range(draw.randrange(3))]
    if name in ONES:
        return schema(draw, wrongness, depth)
    return draw.choice({"type": TYPES, "$ref": REFERENCES, "required": (["a"], ["b", "a"])}[name])


@pytest.mark.timeout(1800)
def test_no_schema_stops_an_adaptation() -> None:
    for number in range(NUMBER):
        draw = Random(number)
        made = schema(draw, draw.choice((0.02, 0.1, 0.3)))
        if not isinstance(made, dict):
            continue
        for adapt in ADAPTATIONS:
            try:
                adapt(made)
            except Exception as error:
                error.add_note(f"{adapt.__name__}, {number}: {made}")
                raise


def test_a_schema_that_merges_itself_is_not_followed_for_ever() -> None:
    assert answer_schema({"allOf": [{"$ref": "#"}]}) is None
