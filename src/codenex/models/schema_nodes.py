"""JSON Schema as a tree of schemas: which keywords hold schemas and which hold data, references, ``allOf``, types.

What the dialects of :mod:`codenex.models.json_schema` share. All functions are pure and keep the order of keys. A
property named ``title`` or a default that looks like a schema is data and left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from codenex.core import json

Schema = dict[str, Any]

#: Deeper than this no schema is read.
NESTING = 40

MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
SINGLES = frozenset(
    {
        "items",
        "additionalProperties",
        "additionalItems",
        "not",
        "if",
        "then",
        "else",
        "contains",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
#: Keywords whose values are whole numbers, which protobuf's JSON writes as strings.
INTEGER_KEYWORDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
#: Keywords that constrain nothing: a dialect without them loses nothing.
ANNOTATIONS = frozenset(
    {
        "$schema",
        "$comment",
        "$vocabulary",
        "$id",
        "$anchor",
        "$dynamicAnchor",
        "$recursiveAnchor",
        "$defs",
        "definitions",
        "additionalProperties",
        "enumDescriptions",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "xml",
        "externalDocs",
        "example",
        "title",
        "nullable",
        "strict",
    }
)
_STRUCTURE = frozenset({"type", "properties", "items", "required", "enum", "const", "anyOf", "oneOf", "$ref"})
#: A sentence in a description quotes no more of a value than this.
_QUOTED = 200


def children(schema: Schema) -> Iterator[Schema]:
    """Return the schemas directly below a schema."""
    for name, value in schema.items():
        if name in MAPS and isinstance(value, dict):
            found = list(value.values())
        elif isinstance(value, list) and (name in LISTS or name == "items"):
            found = value
        elif name in SINGLES:
            found = [value]
        else:
            continue
        yield from (child for child in found if isinstance(child, dict))


def mapped(schema: Schema, change: Callable[[Schema], Schema], depth: int = 0) -> Schema:
    """Return a schema with every schema in it changed, the innermost first; booleans in place of schemas stay."""
    if depth > NESTING:
        return schema

    def below(value: Any) -> Any:
        return mapped(value, change, depth + 1) if isinstance(value, dict) else value

    out: Schema = {}
    for name, value in schema.items():
        if name in MAPS and isinstance(value, dict):
            out[name] = {key: below(each) for key, each in value.items()}
        elif isinstance(value, list) and (name in LISTS or name == "items"):
            out[name] = [below(each) for each in value]
        elif name in SINGLES:
            out[name] = below(value)
        else:
            out[name] = value
    return change(out)


def types_of(schema: Schema) -> tuple[list[str], bool]:
    """Return the types of a schema in lower case without ``null``, and whether it may be null."""
    declared = schema.get("type")
    words = declared if isinstance(declared, list) else [declared]
    types = [word.lower() for word in words if isinstance(word, str) and word.lower() in TYPES]
    nullable = "null" in types or schema.get("nullable") is True
    return [word for word in dict.fromkeys(types) if word != "null"], nullable


def with_lower_types(schema: Schema) -> Schema:
    """Return a schema whose types are spelled as JSON Schema wants it; Google's clients also write ``STRING``."""

    def lower(node: Schema) -> Schema:
        declared = node.get("type")
        if isinstance(declared, str) and declared not in TYPES and declared.lower() in TYPES:
            return {**node, "type": declared.lower()}
        if isinstance(declared, list):
            words = [word.lower() if isinstance(word, str) and word.lower() in TYPES else word for word in declared]
            return node if words == declared else {**node, "type": words}
        return node

    return mapped(schema, lower)


def type_of_value(value: Any) -> str | None:
    """Return the type of a value of ``enum`` or ``const``; ``None`` for null, lists and objects."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            return None


def inferred_type(schema: Schema) -> str | None:
    """Return the type that a schema without one means by its other keywords."""
    if "properties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = schema.get("enum")
    return type_of_value(values[0]) if isinstance(values, list) and values else None


def as_schema(value: Any) -> Schema | None:
    """Return a sub-schema as an object; ``true`` is the empty schema and ``false``, which nothing fits, is ``None``."""
    if isinstance(value, dict):
        return value
    return None if value is False else {}


def described(schema: Schema, sentences: list[str]) -> Schema:
    """Return the schema with sentences added to its description, each once."""
    known = schema.get("description")
    text = known if isinstance(known, str) else ""
    fresh = [sentence for sentence in dict.fromkeys(sentences) if sentence not in text]
    if not fresh:
        return schema
    addition = "; ".join(fresh)
    return {**schema, "description": f"{text} ({addition})" if text else f"({addition})"}


def sentence(keyword: str, value: Any) -> str:
    """Return a keyword and its value as a description says them."""
    text = json.encode_text(value)
    return f"{keyword}: {text if len(text) <= _QUOTED else text[:_QUOTED] + '…'}"


#: Keywords that hold schemas or names; whoever reads them relies on the shape of their values.
STRUCTURE = frozenset(
    {"properties", "$defs", "definitions", "required", "propertyOrdering", "anyOf", "oneOf", "allOf", "prefixItems"}
)


def required_names(schema: Schema, properties: Any) -> list[str]:
    """Return the required names that are properties (and can have a value), each once."""
    names = schema.get("required")
    if not isinstance(names, list) or not isinstance(properties, dict):
        return []
    known = [name for name in names if isinstance(name, str) and properties.get(name, False) is not False]
    return list(dict.fromkeys(known))


def unknown_names(schema: Schema, properties: Any) -> list[Any]:
    """Return what is required but no property that could have a value."""
    names = schema.get("required")
    known = required_names(schema, properties)
    return [name for name in names if name not in known] if isinstance(names, list) else []


def pointer(*steps: str) -> str:
    """Return the local reference for keys from the root on."""
    return "/".join(["#", *(step.replace("~", "~0").replace("/", "~1") for step in steps)])


def resolved(reference: str, root: Schema) -> Any:
    """Return what a local reference (``#/$defs/x``, with escapes) points to, or ``None``."""
    if not reference.startswith("#"):
        return None
    target: Any = root
    for step in reference[1:].split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and name in target:
            target = target[name]
        elif isinstance(target, list) and name.isdigit() and int(name) < len(target):
            target = target[int(name)]
        else:
            return None
    return target


def references(value: Any) -> set[str]:
    """Return all ``$ref`` in a schema, its definitions left out."""
    found: set[str] = set()
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        schema, depth = todo.pop()
        if not isinstance(schema, dict) or depth > NESTING:
            continue
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found.add(reference)
        bare = {name: each for name, each in schema.items() if name not in ("$defs", "definitions")}
        todo.extend((child, depth + 1) for child in children(bare))
    return found


def merged_all_of(schema: Schema, root: Schema, followed: tuple[str, ...] = ()) -> tuple[Schema, tuple[str, ...]]:
    """Fold ``allOf`` into its schema: properties and required are united, otherwise the outer keyword wins.

    Returns the schema and ``followed`` with the references that were replaced on the way; one that is there already
    leads to itself and adds nothing.
    """
    branches = schema.get("allOf")
    if not isinstance(branches, list):
        return schema, followed
    outer = {name: value for name, value in schema.items() if name != "allOf"}
    alone = len(branches) == 1 and not _STRUCTURE & set(outer)
    parts: list[Schema] = []
    seen = followed
    for branch in branches:
        if not isinstance(branch, dict):
            continue
        if not alone:
            branch, inside = _replaced(branch, root, followed)
            seen = (*seen, *inside)
        part, seen = merged_all_of(branch, root, seen)
        parts.append(part)
    united: Schema = {}
    for part in [*parts, outer]:
        for name, value in part.items():
            before = united.get(name)
            if name in MAPS and isinstance(before, dict) and isinstance(value, dict):
                united[name] = {**before, **value}
            elif name == "required" and isinstance(before, list) and isinstance(value, list):
                united[name] = list(dict.fromkeys([*before, *value]))
            else:
                united[name] = value
    inner = [name for part in parts for name in part if name not in outer]
    order = [name for key in schema for name in (inner if key == "allOf" else [key])]
    return {name: united[name] for name in dict.fromkeys(order)}, tuple(dict.fromkeys(seen))


def _replaced(branch: Schema, root: Schema, followed: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
    """Replace the references of a branch that has to be merged with others."""
    inside: tuple[str, ...] = ()
    while isinstance(reference := branch.get("$ref"), str):
        target = resolved(reference, root)
        beside = {name: value for name, value in branch.items() if name != "$ref"}
        if reference in followed or reference in inside or not isinstance(target, dict):
            return beside, inside
        inside = (*inside, reference)
        branch = {**target, **beside}
    return branch, inside
