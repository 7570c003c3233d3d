"""JSON Schema in Gemini's two dialects: every row of the keyword table, cycles, names like keywords, purity."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.vendors.checks import Problems
from tests.support.vendors.gemini.schemas import check_schema

from codenex.models.json_schema import from_openapi, to_json_schema_slot, to_openapi_subset, with_lower_types
from codenex.models.openapi_subset import KEYWORDS as SUBSET_KEYWORDS
from codenex.models.openapi_subset import NODE_LIMIT
from codenex.models.schema_slot import KEYWORDS as SLOT_KEYWORDS

Schema = dict[str, Any]

RECURSIVE: Schema = {
    "type": "object",
    "properties": {"tree": {"$ref": "#/$defs/Node"}},
    "required": ["tree"],
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["name", "children"],
        }
    },
}


def obj(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


#: What a keyword becomes in the slot: source → written, paths of the notes.
SLOT: list[tuple[Schema, Schema, list[str]]] = [
    ({"$schema": "x", "$comment": "y", "type": "string"}, {"type": "string"}, []),
    ({"type": ["string", "null"]}, {"type": ["string", "null"]}, []),
    ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}, []),
    ({"const": "a"}, {"enum": ["a"], "type": "string"}, []),
    ({"const": None}, {"type": "null"}, []),
    ({"enum": ["a", 1, None]}, {"enum": ["a", 1], "type": ["string", "integer", "null"]}, []),
    ({"enum": [True, False]}, {"type": "boolean", "description": "(one of: [true,false])"}, ["enum"]),
    ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}, []),
    ({"type": "string", "format": "regex"}, {"type": "string", "description": '(format: "regex")'}, ["format"]),
    (
        {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 2, "description": "Even."},
        {"type": "integer", "description": "Even. (exclusiveMinimum: 0; multipleOf: 2)"},
        ["exclusiveMinimum", "multipleOf"],
    ),
    ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "prefixItems": [{"type": "string"}]}, []),
    ({"type": "array", "minItems": "3"}, {"type": "array", "minItems": 3, "items": {}}, []),
    ({"anyOf": [{"type": "string"}, True, False]}, {"anyOf": [{"type": "string"}, {}]}, []),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}, []),
    (
        {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}], "required": ["b"]},
        {"properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
        [],
    ),
    (
        {"$ref": "#/definitions/A", "description": "Why.", "definitions": {"A": {"type": "string"}}},
        {"anyOf": [{"$ref": "#/$defs/A"}], "description": "Why.", "$defs": {"A": {"type": "string"}}},
        [],
    ),
    (
        {"required": ["gone"], **obj(a={"type": "string"})},
        {**obj(a={"type": "string"}), "description": '(required: ["gone"])'},
        ["required"],
    ),
    (obj(never=False, always=True), obj(always={}), []),
]

#: The same for the subset.
SUBSET: list[tuple[Schema, Schema, list[str]]] = [
    ({"$schema": "x", "type": "string", "title": "T"}, {"type": "STRING", "title": "T"}, []),
    ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}, []),
    (
        {"type": ["string", "integer"], "minimum": 1, "description": "Id."},
        {"description": "Id.", "anyOf": [{"type": "STRING"}, {"type": "INTEGER", "minimum": 1}]},
        [],
    ),
    ({"const": "a"}, {"type": "STRING", "enum": ["a"]}, []),
    ({"const": 3}, {"type": "STRING", "enum": ["3"]}, ["const"]),
    (
        {"type": "integer", "enum": [1, 2, None, ""]},
        {"type": "STRING", "enum": ["1", "2"], "description": "(or empty)", "nullable": True},
        ["enum"],
    ),
    ({"enum": [True]}, {"type": "BOOLEAN", "description": "(always true)"}, ["enum"]),
    (
        {"anyOf": [{"type": "string", "description": "inner"}, {"type": "null"}], "description": "outer"},
        {"type": "STRING", "description": "outer", "nullable": True},
        [],
    ),
    ({"oneOf": [{"type": "string"}, {"type": "number"}]}, {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}, []),
    ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}, []),
    ({"type": "string", "format": "uri"}, {"type": "STRING", "description": '(format: "uri")'}, ["format"]),
    ({"type": "object", "additionalProperties": False}, {"type": "OBJECT"}, []),
    (
        {"type": "object", "patternProperties": {"^x": {}}},
        {"type": "OBJECT", "description": '(patternProperties: {"^x":{}})'},
        ["patternProperties"],
    ),
    ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}, ["items"]),
    (
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "OBJECT", "description": '(additionalProperties: {"type":"string"})'},
        ["additionalProperties"],
    ),
    (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        {
            "type": "ARRAY",
            "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
            "description": "(a tuple of 2)",
        },
        ["prefixItems"],
    ),
    ({"type": "string", "default": "x"}, {"type": "STRING", "description": '(default: "x")'}, ["default"]),
    (
        {"type": "string", "minLength": 1, "maxLength": "3", "pattern": "^a"},
        {"type": "STRING", "minLength": 1, "maxLength": 3, "pattern": "^a"},
        [],
    ),
    ({"type": "null"}, {"type": "NULL", "nullable": True}, []),
    (
        {**obj(a={"$ref": "#/$defs/A", "description": "mine"}), "$defs": {"A": {"type": "string", "title": "A"}}},
        {"type": "OBJECT", "properties": {"a": {"type": "STRING", "title": "A", "description": "mine"}}},
        [],
    ),
    (
        {"properties": {"a": {"type": "string"}}, "required": ["a", "gone"], "propertyOrdering": ["gone", "a"]},
        {
            "type": "OBJECT",
            "properties": {"a": {"type": "STRING"}},
            "required": ["a"],
            "propertyOrdering": ["a"],
            "description": '(required: ["gone"])',
        },
        ["required"],
    ),
]


def notes_of(notes: list[str]) -> list[str]:
    return [note.partition(":")[0] for note in notes]


@pytest.mark.pitfall("SCH-1", "SCH-4", "SCH-8")
@pytest.mark.parametrize(("source", "written", "notes"), SLOT, ids=[str(row[0])[:60] for row in SLOT])
def test_the_slot_says_what_it_can(source: Schema, written: Schema, notes: list[str]) -> None:
    before = copy.deepcopy(source)
    out, found = to_json_schema_slot(source)
    assert (out, notes_of(found)) == (written, notes)
    assert source == before


@pytest.mark.pitfall("SCH-1", "SCH-4", "SCH-5", "SCH-6", "SCH-8", "TOOL-29")
@pytest.mark.parametrize(("source", "written", "notes"), SUBSET, ids=[str(row[0])[:60] for row in SUBSET])
def test_the_subset_says_what_it_can(source: Schema, written: Schema, notes: list[str]) -> None:
    before = copy.deepcopy(source)
    out, found = to_openapi_subset(source)
    assert (out, notes_of(found)) == (written, notes)
    assert source == before


@pytest.mark.pitfall("SCH-3")
@pytest.mark.parametrize("write", [to_json_schema_slot, to_openapi_subset])
def test_properties_named_like_keywords_are_properties(write: Any) -> None:
    names = ["title", "format", "default", "const", "$ref", "type", "enum", "required", "properties", "$schema", "not"]
    out, notes = write({**obj(**{name: {"type": "string"} for name in names}), "required": names})
    assert list(out["properties"]) == names
    assert out["required"] == names
    assert {str(each["type"]).lower() for each in out["properties"].values()} == {"string"}
    assert not notes


@pytest.mark.pitfall("SCH-3")
def test_values_that_look_like_schemas_are_data() -> None:
    source = {"type": "string", "enum": ["a"], "default": {"$ref": "#/x", "type": ["a", "b"]}}
    assert to_json_schema_slot(source)[0]["description"] == '(default: {"$ref":"#/x","type":["a","b"]})'
    assert with_lower_types({"type": "STRING", "enum": ["STRING"]}) == {"type": "string", "enum": ["STRING"]}


@pytest.mark.pitfall("SCH-2")
def test_a_cycle_stays_a_reference_that_is_not_required() -> None:
    out, notes = to_json_schema_slot(RECURSIVE)
    assert out["properties"] == {"tree": {"$ref": "#/$defs/Node"}}
    assert out["required"] == ["tree"]
    assert out["$defs"]["Node"]["required"] == ["name"]
    assert notes == ["$defs.Node.required: children is recursive and can't be required"]


@pytest.mark.pitfall("SCH-2")
def test_a_root_that_holds_itself_is_not_required_in_itself() -> None:
    out, _ = to_json_schema_slot({**obj(next={"$ref": "#"}), "required": ["next"]})
    assert out == obj(next={"$ref": "#"})


@pytest.mark.pitfall("SCH-2")
def test_the_subset_unrolls_a_cycle_once() -> None:
    out, notes = to_openapi_subset(RECURSIVE)
    node = out["properties"]["tree"]
    assert node["properties"]["children"]["items"] == {"type": "OBJECT", "description": "(like #/$defs/Node)"}
    assert node["required"] == ["name", "children"]
    assert len(notes) == 1


@pytest.mark.pitfall("SCH-2")
def test_a_schema_that_grows_by_doubling_is_cut() -> None:
    doubling = {f"D{i}": obj(a={"$ref": f"#/$defs/D{i + 1}"}, b={"$ref": f"#/$defs/D{i + 1}"}) for i in range(30)}
    out, notes = to_openapi_subset({**obj(a={"$ref": "#/$defs/D0"}), "$defs": {**doubling, "D30": {"type": "string"}}})
    assert str(out).count("'type'") <= NODE_LIMIT + 100
    assert notes


@pytest.mark.pitfall("SCH-2")
@pytest.mark.parametrize("write", [to_json_schema_slot, to_openapi_subset])
def test_combined_references_that_lead_to_themselves_end(write: Any) -> None:
    both = {"allOf": [{"$ref": "#"}, {"$ref": "#/$defs/D"}]}
    out, _ = write({**obj(a=both, b=both, c=both), "$defs": {"D": obj(d=both, e=both)}})
    assert len(repr(out)) < 300_000


@pytest.mark.pitfall("SCH-2")
def test_pointers_are_unescaped() -> None:
    source = {**obj(a={"$ref": "#/$defs/a~1b%20c"}), "$defs": {"a/b c": {"type": "integer"}}}
    assert to_openapi_subset(source)[0]["properties"]["a"] == {"type": "INTEGER"}


def test_a_reference_outside_the_definitions_is_resolved_in_the_slot() -> None:
    out, _ = to_json_schema_slot(obj(a={"type": "string"}, b={"$ref": "#/properties/a"}))
    assert out["properties"]["b"] == {"type": "string"}
    out, notes = to_json_schema_slot(obj(b={"$ref": "https://example.com/schema"}))
    assert out["properties"]["b"] == {"type": "object"}
    assert notes


def test_branches_with_references_are_merged() -> None:
    source = {
        "allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}],
        "$defs": {"A": {**obj(a={"type": "string"}), "required": ["a"]}, "B": obj(b={"type": "string"})},
    }
    out, _ = to_json_schema_slot(source)
    assert list(out["properties"]) == ["a", "b"]
    assert out["required"] == ["a"]


def test_schemas_are_never_read_too_deep() -> None:
    deep: Schema = {"type": "string"}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    assert to_json_schema_slot(deep)[1]
    assert to_openapi_subset(deep)[1]
    assert from_openapi(deep)


@pytest.mark.pitfall("SMP-11")
def test_the_message_comes_back_as_json_schema() -> None:
    message = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True, "enum": ["A"]},
            "list": {"type": "ARRAY", "min_items": "1", "items": {"type": "INTEGER"}},
            "any": {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
        },
        "property_ordering": ["type"],
        "required": ["type"],
    }
    assert from_openapi(message) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["A", None]},
            "list": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
            "any": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        },
        "propertyOrdering": ["type"],
        "required": ["type"],
    }


_leaves = st.sampled_from(
    [
        {"type": "string", "minLength": 2, "format": "uri"},
        {"type": ["integer", "null"], "exclusiveMinimum": 1},
        {"enum": ["a", 2, None]},
        {"const": "x"},
        {"$ref": "#/$defs/D"},
        {"$ref": "#", "description": "again"},
        {"type": "array"},
        {},
        True,
        False,
    ]
)
_names = st.sampled_from(["a", "type", "title", "properties", "required"])
_combined = ("anyOf", "oneOf", "allOf", "prefixItems")


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(_names, inner, max_size=2),
                "required": st.lists(_names, max_size=2),
            }
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.dictionaries(st.sampled_from(_combined), st.lists(inner, min_size=1, max_size=2), min_size=1, max_size=1),
        st.fixed_dictionaries({"type": st.just("object"), "not": inner, "$schema": st.just("x")}),
    )


_schemas = st.recursive(_leaves, _larger, max_leaves=5)
_roots = st.fixed_dictionaries(
    {
        "type": st.just("object"),
        "properties": st.dictionaries(_names, _schemas, max_size=2),
        "$defs": st.fixed_dictionaries({"D": _schemas}),
    }
)


def _keywords(schema: Any, found: set[str]) -> set[str]:
    if isinstance(schema, dict):
        found |= set(schema)
        for name, value in schema.items():
            inner = list(value.values()) if name in ("properties", "$defs") else value
            for child in inner if isinstance(inner, list) else [inner]:
                _keywords(child, found)
    return found


@pytest.mark.pitfall("SCH-9")
@settings(max_examples=max(1000, settings.default.max_examples))
@given(_roots)
def test_the_slot_is_closed_and_stable(schema: Schema) -> None:
    before = copy.deepcopy(schema)
    once, _ = to_json_schema_slot(schema)
    twice, _ = to_json_schema_slot(once)
    assert schema == before
    assert repr(once) == repr(twice)
    assert _keywords(once, set()) <= SLOT_KEYWORDS


@pytest.mark.pitfall("SCH-2")
def test_a_type_beside_a_reference_to_itself_is_kept() -> None:
    definition = {"allOf": [{"type": "string", "minLength": 2}, {"anyOf": [{"$ref": "#/$defs/D"}]}]}
    root = {"type": "object", "properties": {"a": {"$ref": "#/$defs/D"}}, "$defs": {"D": definition}}
    written, _ = to_openapi_subset(root)
    assert written["properties"]["a"] == {"type": "STRING", "minLength": 2, "description": "(like #/$defs/D)"}


@pytest.mark.pitfall("SCH-9")
@settings(max_examples=max(1000, settings.default.max_examples))
@given(_roots)
def test_the_subset_is_closed_and_stable(schema: Schema) -> None:
    before = copy.deepcopy(schema)
    once, _ = to_openapi_subset(schema)
    twice, _ = to_openapi_subset(once)
    problems = Problems()
    check_schema(problems, "schema", once)
    assert schema == before
    assert not problems
    assert repr(once) == repr(twice)
    assert _keywords(once, set()) <= SUBSET_KEYWORDS
