"""Schemas in the dialects of Anthropic's structured output and OpenAI's strict mode."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.models.strict_schema import for_anthropic, for_openai, qualifies_for_openai, tool_input_schema

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
}


@pytest.mark.pitfall("SCH-8", "OUT-4")
def test_stripped_constraints_are_told_in_the_description() -> None:
    adapted = for_anthropic(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"age": {"type": "integer", "minimum": 1, "maximum": 9, "description": "years"}},
        }
    )
    assert adapted.schema == {
        "type": "object",
        "properties": {"age": {"type": "integer", "description": "years\n\n{minimum: 1, maximum: 9}"}},
        "additionalProperties": False,
    }
    assert adapted.changes
    assert not adapted.wrapped
    assert not adapted.recursive


@pytest.mark.pitfall("SCH-3")
def test_properties_named_like_keywords_are_properties() -> None:
    names = ["title", "format", "default", "const", "$ref", "pattern", "minimum", "not", "type", "required", "enum"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    for adapt in (for_anthropic, for_openai):
        found = adapt(schema).schema
        assert list(found["properties"]) == names
        assert found["required"] == names


@pytest.mark.pitfall("SCH-7")
def test_openai_strict_requires_every_property_and_makes_the_optional_ones_nullable() -> None:
    adapted = for_openai(PERSON)
    assert adapted.schema["required"] == ["name", "age"]
    assert adapted.schema["additionalProperties"] is False
    assert adapted.schema["properties"]["age"] == {"type": ["integer", "null"], "minimum": 0}
    assert adapted.schema["properties"]["name"] == {"type": "string", "minLength": 1}
    assert not qualifies_for_openai(PERSON)
    assert qualifies_for_openai(adapted.schema)


@pytest.mark.parametrize(
    ("optional", "expected"),
    [
        ({"enum": ["a", "b"]}, {"enum": ["a", "b", None]}),
        ({"type": "string", "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"$ref": "#/$defs/A"}, {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}),
        ({"const": 3}, {"anyOf": [{"const": 3}, {"type": "null"}]}),
    ],
)
def test_nullable_forms(optional: dict[str, Any], expected: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": optional}, "$defs": {"A": {"type": "string"}}}
    assert for_openai(schema).schema["properties"]["x"] == expected


@pytest.mark.pitfall("SCH-10")
@pytest.mark.parametrize("root", [{"type": "array", "items": {"type": "string"}}, {"anyOf": [PERSON, PERSON]}])
def test_a_root_that_is_no_object_is_wrapped_and_reported(root: dict[str, Any]) -> None:
    adapted = for_anthropic(root)
    assert adapted.wrapped
    assert adapted.schema["type"] == "object"
    assert list(adapted.schema["properties"]) == ["value"]
    assert adapted.schema["required"] == ["value"]


def test_wrapping_keeps_definitions_at_the_root() -> None:
    root = {"type": "array", "items": {"$ref": "#/definitions/A"}, "definitions": {"A": {"type": "string"}}}
    adapted = for_anthropic(root)
    assert adapted.schema["$defs"] == {"A": {"type": "string"}}
    assert adapted.schema["properties"]["value"]["items"] == {"$ref": "#/$defs/A"}
    assert not adapted.recursive


def test_a_root_reference_is_followed() -> None:
    adapted = for_anthropic({"$ref": "#/$defs/P", "$defs": {"P": PERSON}})
    assert not adapted.wrapped
    assert list(adapted.schema["properties"]) == ["name", "age"]


@pytest.mark.pitfall("SCH-2")
def test_recursion_is_reported_and_ends() -> None:
    tree = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/N"}},
        "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}},
    }
    assert for_anthropic(tree).recursive
    assert not for_openai(tree).recursive
    assert for_anthropic({"type": "object", "properties": {"self": {"$ref": "#"}}}).recursive
    twice = {"$ref": "#/$defs/L"}
    diamond = {"type": "object", "properties": {"a": twice, "b": twice}, "$defs": {"L": {"type": "string"}}}
    assert not for_anthropic(diamond).recursive


def test_alternatives_and_merges() -> None:
    schema = {
        "type": "object",
        "properties": {
            "x": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            "y": {"allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]},
        },
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
    }
    found = for_anthropic(schema).schema
    assert found["properties"]["x"] == {"anyOf": [{"type": "string"}, {"type": "number"}]}
    merged = found["properties"]["y"]
    assert set(merged["properties"]) == {"a", "b"}
    assert set(merged["required"]) == {"a", "b"}
    assert "allOf" not in str(for_openai(schema).schema["properties"])


@pytest.mark.pitfall("SCH-4")
def test_requirements_of_unknown_properties_are_dropped() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "gone"]}
    assert for_anthropic(schema).schema["required"] == ["a"]


def test_dialect_differences() -> None:
    schema = {
        "type": "object",
        "properties": {
            "u": {"type": "string", "format": "uri"},
            "w": {"type": "string", "pattern": r"\bx\b"},
            "l": {"type": "array", "items": {"type": "string"}, "minItems": 3},
            "e": {"type": "STRING", "format": "unknown"},
            "o": {"enum": [{"a": 1}]},
        },
        "required": ["u", "w", "l", "e", "o"],
    }
    ours = for_anthropic(schema).schema["properties"]
    theirs = for_openai(schema).schema["properties"]
    assert ours["u"]["format"] == "uri"
    assert "format" not in theirs["u"]
    assert "pattern" not in ours["w"]
    assert theirs["w"]["pattern"] == r"\bx\b"
    assert "minItems" not in ours["l"]
    assert theirs["l"]["minItems"] == 3
    assert ours["e"]["type"] == "string"
    assert "unknown" in ours["e"]["description"]
    assert "enum" not in ours["o"]


def test_boolean_schemas_and_tuples() -> None:
    schema = {
        "type": "object",
        "properties": {"any": True, "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}},
    }
    found = for_anthropic(schema).schema["properties"]
    assert found["any"]["type"]
    assert found["pair"]["items"] == {"anyOf": [{"type": "string"}, {"type": "number"}]}


@pytest.mark.pitfall("TOOL-29")
def test_tool_schemas_have_an_object_at_the_root() -> None:
    assert tool_input_schema(None) == ({"type": "object", "properties": {}}, None)
    assert tool_input_schema({}) == ({"type": "object", "properties": {}}, None)
    assert tool_input_schema(PERSON) == (PERSON, None)
    assert tool_input_schema({"properties": {}})[0]["type"] == "object"
    merged, changed = tool_input_schema(
        {
            "anyOf": [
                {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            ]
        }
    )
    assert changed
    assert merged["type"] == "object"
    assert list(merged["properties"]) == ["a", "b"]
    assert merged["required"] == ["a"]


_LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "format": "email", "maxLength": 3},
        {"type": "integer", "minimum": 0, "description": "count"},
        {"enum": ["a", 1, None]},
        {"const": "x"},
        {"type": ["string", "null"]},
        {"$ref": "#/$defs/A"},
        {},
        {"not": {"type": "string"}},
        {"type": "string", "nullable": True},
    ]
)


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    named = st.dictionaries(st.sampled_from(["a", "b", "type", "enum", "title"]), inner, max_size=3)
    return st.one_of(
        st.builds(
            lambda properties, extra: {
                "type": "object",
                "properties": properties,
                "required": list(properties)[:1],
                **extra,
            },
            named,
            st.sampled_from([{}, {"additionalProperties": True}, {"additionalProperties": {"type": "string"}}]),
        ),
        st.builds(lambda items: {"type": "array", "items": items, "uniqueItems": True}, inner),
        st.builds(lambda members: {"anyOf": members}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda members: {"allOf": members}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda members: {"oneOf": members, "description": "one"}, st.lists(inner, min_size=1, max_size=2)),
    )


SCHEMAS = st.recursive(_LEAVES, _grown, max_leaves=12)


@pytest.mark.pitfall("SCH-9")
@settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))
@given(SCHEMAS)
def test_adapting_is_pure_and_idempotent(inner: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": inner}, "$defs": {"A": {"type": "string", "minLength": 1}}}
    before = copy.deepcopy(schema)
    for adapt in (for_anthropic, for_openai):
        once = adapt(schema)
        assert schema == before
        assert adapt(schema) == once
        twice = adapt(once.schema)
        assert twice.schema == once.schema
        assert not twice.wrapped


def _objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for member in node for found in _objects(member)]
    if not isinstance(node, dict):
        return []
    kinds = node.get("type")
    here = [node] if "object" in (kinds if isinstance(kinds, list) else [kinds]) else []
    inner = [value for key, value in node.items() if key in ("items", "anyOf", "allOf")]
    inner += list(node.get("properties", {}).values()) + list(node.get("$defs", {}).values())
    return here + _objects(inner)


@settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))
@given(SCHEMAS)
def test_every_object_is_closed_and_openai_requires_everything(inner: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": inner}, "$defs": {"A": {"type": "object"}}}
    for node in _objects(for_anthropic(schema).schema):
        assert node["additionalProperties"] is False
        assert set(node.get("required", [])) <= set(node["properties"])
    for node in _objects(for_openai(schema).schema):
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
