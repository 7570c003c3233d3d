"""Instances made from schemas are valid, judged by the jsonschema package."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.providers.demo.arguments import SpokenValues
from codenex.providers.demo.schema_instance import instance

TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "left": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["value", "left", "children"],
    "additionalProperties": False,
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "empty": {},
    "string": {"type": "string"},
    "lengths": {"type": "string", "minLength": 30, "maxLength": 32},
    "short": {"type": "string", "maxLength": 1},
    "nullable types": {"type": ["null", "integer"], "minimum": 7},
    "exclusive": {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    "negative": {"type": "number", "maximum": -2.5},
    "narrow": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    "multiple": {"type": "number", "multipleOf": 0.25, "minimum": 1.1},
    "whole multiple": {"type": "integer", "multipleOf": 7, "minimum": 8},
    "boolean": {"type": "boolean"},
    "const": {"const": {"a": [1, None]}},
    "enum": {"enum": [None, "b", 3]},
    "typed enum": {"type": "integer", "enum": ["x", 3]},
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3},
    "no items": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    "unique": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    "unique numbers": {
        "type": "array",
        "items": {"type": "integer", "minimum": 9, "maximum": 12},
        "minItems": 4,
        "uniqueItems": True,
    },
    "prefix": {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "contains": {"type": "array", "contains": {"const": 5}, "minContains": 2, "minItems": 3},
    "closed": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
        "required": ["b", "a"],
        "additionalProperties": False,
    },
    "unlisted required": {"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}},
    "pattern properties": {
        "type": "object",
        "patternProperties": {"^x-[a-z]{3}$": {"type": "integer"}},
        "additionalProperties": False,
        "minProperties": 1,
    },
    "map": {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 2},
    "names": {"type": "object", "propertyNames": {"pattern": "^[a-z]{4}$"}, "minProperties": 1},
    "most": {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {}},
        "required": ["c"],
        "maxProperties": 2,
    },
    "reference": {
        "$defs": {"na/me ~": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
        "type": "array",
        "items": {"$ref": "#/$defs/na~1me%20~0"},
    },
    "anchor": {"$defs": {"x": {"$anchor": "here", "type": "integer"}}, "$ref": "#here"},
    "reference with siblings": {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 40},
    "tree": TREE,
    "optional recursion": {"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}},
    "mutual recursion": {
        "$defs": {
            "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}},
            "b": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]},
        },
        "$ref": "#/$defs/a",
    },
    "any of": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]},
    "one of overlapping": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    "one of objects": {
        "type": "object",
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
            {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["kind", "y"]},
        ],
    },
    "all of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
            {"properties": {"a": {"type": "integer", "minimum": 3}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "not": {"type": "string", "not": {"const": "demo"}},
    "condition": {
        "type": "object",
        "properties": {"country": {"enum": ["US", "DE"]}},
        "required": ["country"],
        "if": {"properties": {"country": {"const": "DE"}}},
        "then": {"required": ["plz"], "properties": {"plz": {"type": "string", "minLength": 5}}},
        "else": {"required": ["zip"], "properties": {"zip": {"type": "integer"}}},
    },
    "dependent": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "dependentRequired": {"a": ["c"]},
    },
    "dependent schema": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "dependentSchemas": {"a": {"required": ["b"]}},
    },
    "pydantic optional": {
        "properties": {
            "name": {"title": "Name", "type": "string"},
            "age": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": None, "title": "Age"},
        },
        "required": ["name"],
        "title": "Person",
        "type": "object",
    },
    "nested choices": {
        "anyOf": [
            {"oneOf": [{"type": "integer", "minimum": 5}, {"type": "integer", "maximum": 5}], "multipleOf": 5},
            {"type": "boolean"},
        ]
    },
    "many items": {"type": "array", "items": {"type": "object", "required": ["id"]}, "minItems": 50},
}

FORMATS = (
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uuid",
    "regex",
    "json-pointer",
)
PATTERNS = (
    r"^\d{3}-\d{4}$",
    r"^[A-Z]{2,4}$",
    r"^(foo|bar)[0-9]+$",
    r"^\w+@\w+\.com$",
    r"^[^a]b?$",
    r"^a{3,}$",
    r"\.txt$",
    r"^(?:x|y){2}$",
    r"^[\w.-]{5}$",
    r"^\S+\s\S+$",
    r"^#[0-9a-fA-F]{6}$",
    r"^(?P<year>\d{4})-(0[1-9]|1[0-2])$",
    r"^[a-z0-9-]+$",
    r"^\+?[1-9]\d{1,14}$",
)


def assert_valid(schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(
        value
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_full_instances_are_valid(name: str) -> None:
    assert_valid(SCHEMAS[name], instance(SCHEMAS[name]))


@pytest.mark.parametrize("name", SCHEMAS)
def test_sparse_instances_with_spoken_values_are_valid(name: str) -> None:
    values = SpokenValues('Tell "Ann" 3 or 7.5 things about US, DE in New York, x and b')
    assert_valid(SCHEMAS[name], instance(SCHEMAS[name], values, full=False))


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form: str) -> None:
    schema = {"type": "array", "items": {"type": "string", "format": form}, "minItems": 3, "uniqueItems": True}
    assert_valid(schema, instance(schema))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("variant", range(3))
def test_patterns(pattern: str, variant: int) -> None:
    schema = {"type": "array", "items": {"type": "string", "pattern": pattern}, "minItems": variant + 1}
    assert_valid(schema, instance(schema))


def test_a_pattern_reaches_a_minimal_length() -> None:
    schema = {"type": "string", "pattern": "^[a-z]+$", "minLength": 60}
    assert_valid(schema, instance(schema))


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(a)\1", "(", "[", "a{", "*", "\\", "(?", "x" * 2000, "(" * 500])
def test_patterns_beyond_the_subset_give_some_string(pattern: str) -> None:
    assert isinstance(instance({"type": "string", "pattern": pattern}), str)


def test_upper_case_types_and_nullable_as_gemini_writes_them() -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "nullable": True}}, "required": ["n"]}
    assert isinstance(instance(schema)["n"], int)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 3},
        {"type": "array", "minItems": 10**9, "items": {"type": "integer"}},
        {"type": "string", "minLength": 10**9},
        {"type": "object", "minProperties": 10**9},
        {"$ref": "#/nowhere"},
        {"$ref": 5, "type": 7, "enum": [], "required": "x", "properties": [], "minimum": "3"},
        {"type": "integer", "minimum": 3, "maximum": 1},
        {"not": {}},
        {"type": ["widget"]},
    ],
)
def test_hopeless_schemas_end_quickly(schema: dict[str, Any]) -> None:
    instance(schema)


scalars = st.one_of(
    st.builds(
        lambda low, width: {"type": "integer", "minimum": low, "maximum": low + width},
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, width: {"type": "string", "minLength": low, "maxLength": low + width},
        st.integers(0, 20),
        st.integers(0, 9),
    ),
    st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1, None]}, {"const": 0}, {"type": "number"}, {}]
    ),
)


def _object(properties: dict[str, Any], required: int, closed: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)[:required]}
    return {**schema, "additionalProperties": False} if closed else schema


schemas = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(
            _object, st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4), st.integers(0, 4), st.booleans()
        ),
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"$defs": {"x": {"type": "string"}}, "allOf": [one]}, inner),
    ),
    max_leaves=12,
)


@given(schemas, st.booleans())
@settings(max_examples=150, deadline=None)
def test_random_schemas(schema: dict[str, Any], full: bool) -> None:
    assert_valid(schema, instance(schema, SpokenValues("5 a Paris"), full=full))
