"""The dialect of ``parameters`` and ``responseSchema``, a message ``Schema`` after OpenAPI 3.0, and the way back.

It has no references, no type lists, no ``const`` and no ``allOf``; numbers in ``enum`` are strings, and ``anyOf``
stands alone.
"""

from __future__ import annotations

import re
from typing import Any

from codenex.core import json
from codenex.models.schema_nodes import (
    ANNOTATIONS,
    INTEGER_KEYWORDS,
    NESTING,
    STRUCTURE,
    Schema,
    as_schema,
    described,
    inferred_type,
    merged_all_of,
    required_names,
    resolved,
    sentence,
    types_of,
    unknown_names,
)

#: References are followed this deep, and this many schemas are written, before a plain object stands for the rest.
REFERENCE_DEPTH = 6
NODE_LIMIT = 1000

#: Fields of the message that are sent (google-genai 3.4.0 also has ``default``, ``example`` and
#: ``additionalProperties``, which servers have refused).
KEYWORDS = frozenset(
    {
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "minProperties",
        "maxProperties",
        "required",
        "propertyOrdering",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "anyOf",
    }
)
FORMATS: dict[str, frozenset[str]] = {
    "integer": frozenset({"int32", "int64"}),
    "number": frozenset({"float", "double", "int32", "int64"}),
    "string": frozenset({"enum", "date-time"}),
}
#: What each branch keeps where a list of types becomes a choice of schemas.
_KEPT_BY_TYPE = {
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required", "minProperties", "maxProperties"),
    "string": ("enum", "format", "pattern", "minLength", "maxLength"),
    "integer": ("minimum", "maximum", "format"),
    "number": ("minimum", "maximum", "format"),
}
_BESIDE_ANY_OF = frozenset({"anyOf", "description", "title", "nullable"})


def to_openapi_subset(schema: Schema) -> tuple[Schema, list[str]]:
    """Return a schema for ``parameters`` or ``responseSchema`` (types in upper case) and notes of what it can't say.

    A note begins with the path of the keyword; what it lost stands in the description.
    """
    writer = _Writer(schema)
    return writer.node(schema, "", (), 0), writer.notes


class _Writer:
    def __init__(self, root: Schema) -> None:
        self.notes: list[str] = []
        self._root = root
        self._count = 0

    def node(self, source: Schema, path: str, followed: tuple[str, ...], depth: int) -> Schema:
        """Write one schema. ``followed`` holds the references inside whose target it stands."""
        self._count += 1
        if self._count > NODE_LIMIT or depth > NESTING:
            return self._cut(source, path, "the schema goes on here")
        while isinstance(reference := source.get("$ref"), str):
            target = resolved(reference, self._root)
            if not isinstance(target, dict):
                return self._cut(source, path, f"{reference} can't be resolved")
            if reference in followed or len(followed) >= REFERENCE_DEPTH:
                return self._cut({**target, **source}, path, f"like {reference}")
            followed = (*followed, reference)
            source = {**target, **{name: value for name, value in source.items() if name != "$ref"}}
        schema, followed = self._flat(source, followed)
        schema = _with_type_branches(schema)
        said: list[str] = []
        out: Schema = {}
        for name, value in schema.items():
            self._keyword(out, name, value, schema, f"{path}.{name}" if path else name, followed, depth, said)
        self._finish(out, schema, path, said)
        nullable = out.pop("nullable", False) or types_of(schema)[1]
        written = described(out, said)
        return {**written, "nullable": True} if nullable else written

    def _cut(self, source: Schema, path: str, reason: str) -> Schema:
        self.notes.append(f"{path}: {reason}")
        text = source.get("description")
        return described({"type": "OBJECT", **({"description": text} if isinstance(text, str) else {})}, [reason])

    def _flat(self, source: Schema, followed: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """Fold ``allOf``; ``anyOf: [X, null]`` is X that may be null, ``oneOf`` is ``anyOf``, one branch is itself."""
        schema, followed = merged_all_of(source, self._root, followed)
        name = next((each for each in ("anyOf", "oneOf") if isinstance(schema.get(each), list)), None)
        if name is None:
            return schema, followed
        branches = [each for each in schema[name] if isinstance(each, dict)]
        kept = [each for each in branches if not _is_null(each)]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        if len(kept) < len(branches):
            rest["nullable"] = True
        if not kept:
            return rest, followed
        if len(kept) == 1:
            branch = kept[0]
            reference = branch.get("$ref")
            if isinstance(reference, str) and reference not in followed:
                target = resolved(reference, self._root)
                if isinstance(target, dict):
                    beside = {key: value for key, value in branch.items() if key != "$ref"}
                    # What the outer schema says of this use goes before what the branch says of itself.
                    return self._flat({**target, **beside, **rest}, (*followed, reference))
            elif reference is None:
                return self._flat({**branch, **rest}, followed)
        order = ["anyOf" if key in ("anyOf", "oneOf") else key for key in schema]
        combined = {**rest, "anyOf": kept}
        return {key: combined[key] for key in dict.fromkeys([*order, *combined]) if key in combined}, followed

    def _keyword(
        self,
        out: Schema,
        name: str,
        value: Any,
        schema: Schema,
        here: str,
        followed: tuple[str, ...],
        depth: int,
        said: list[str],
    ) -> None:
        match name:
            case "type":
                # The word comes at the end, when the values have been seen; this keeps its place.
                out.setdefault(name, "")
            case "nullable":
                pass
            case "properties" if isinstance(value, dict):
                named = {key: child for key, each in value.items() if (child := as_schema(each)) is not None}
                if named:
                    out[name] = {
                        key: self.node(child, f"{here}.{key}", followed, depth + 1) for key, child in named.items()
                    }
            case "required" if isinstance(value, list):
                if unknown := unknown_names(schema, schema.get("properties")):
                    self._tell(name, unknown, here, said)
                if names := required_names(schema, schema.get("properties")):
                    out[name] = names
            case "propertyOrdering" if isinstance(value, list):
                properties = schema.get("properties")
                if isinstance(properties, dict) and (
                    names := [each for each in value if isinstance(each, str) and each in properties]
                ):
                    out[name] = names
            case "anyOf" if isinstance(value, list):
                if "properties" in schema:
                    # Beside properties the branches say which combinations are legal; the dialect takes one of the two.
                    self.notes.append(here)
                else:
                    out[name] = [
                        self.node(child, f"{here}[{i}]", followed, depth + 1)
                        for i, child in enumerate(value)
                        if isinstance(child, dict)
                    ]
            case "items" | "prefixItems" if isinstance(value, list):
                self._tuple(out, value, here, followed, depth, said)
            case "items":
                out[name] = self.node(as_schema(value) or {}, here, followed, depth + 1)
            case "enum" | "const":
                self._values(out, [value] if name == "const" else value, here, said)
            case "additionalProperties" if isinstance(value, dict) and value:
                self._tell(name, value, here, said)
            case "format" if not isinstance(value, str) or value not in FORMATS.get(
                (types_of(schema)[0] or [""])[0], frozenset()
            ):
                self._tell(name, value, here, said)
            case _ if name in INTEGER_KEYWORDS and isinstance(value, str) and value.isdigit():
                out[name] = int(value)
            case _ if name in KEYWORDS and name in STRUCTURE:
                # Its value has not the shape that the cases above want, so there is nothing to keep of it.
                self._tell(name, value, here, said)
            case _ if name in KEYWORDS:
                out[name] = value
            case _ if name not in ANNOTATIONS:
                self._tell(name, value, here, said)
            case _:
                pass

    def _tell(self, name: str, value: Any, here: str, said: list[str]) -> None:
        said.append(sentence(name, value))
        self.notes.append(here)

    def _tuple(
        self, out: Schema, value: list[Any], here: str, followed: tuple[str, ...], depth: int, said: list[str]
    ) -> None:
        branches = [child for each in value if (child := as_schema(each)) is not None]
        written = [self.node(child, here, followed, depth + 1) for child in branches]
        unique = [each for i, each in enumerate(written) if each not in written[:i]]
        if unique:
            out["items"] = unique[0] if len(unique) == 1 else {"anyOf": unique}
        said.append(f"a tuple of {len(branches)}")
        self.notes.append(here)

    def _values(self, out: Schema, values: Any, here: str, said: list[str]) -> None:
        """Write ``enum``, which takes strings that are not empty, beside ``type: STRING``."""
        if not isinstance(values, list):
            self.notes.append(here)
            return
        present = [value for value in values if value is not None]
        if None in values:
            out["nullable"] = True
        if present and all(isinstance(value, bool) for value in present):
            out["type"] = "BOOLEAN"
            if len(present) == 1:
                said.append(f"always {json.encode_text(present[0])}")
                self.notes.append(here)
            return
        texts = [value if isinstance(value, str) else json.encode_text(value) for value in present]
        texts = list(dict.fromkeys(text for text in texts if text))
        if texts:
            out["type"] = "STRING"
            out["enum"] = texts
        if any(not isinstance(value, str) or not value for value in present):
            self.notes.append(here)
        if "" in present:
            said.append("or empty")

    def _finish(self, out: Schema, schema: Schema, path: str, said: list[str]) -> None:
        types, nullable = types_of(schema)
        if len(out.get("anyOf", ())) == 1:
            # The one branch that is left refers to what it stands in.
            branch = out.pop("anyOf")[0]
            out.update({name: value for name, value in branch.items() if name not in out})
        if "anyOf" in out:
            # It stands alone, as older servers want it: only what describes may stand beside it.
            for name in [name for name in out if name not in _BESIDE_ANY_OF]:
                value = out.pop(name)
                if name in INTEGER_KEYWORDS or name in ("minimum", "maximum", "pattern"):
                    self._tell(name, value, f"{path}.{name}".lstrip("."), said)
        elif not out.get("type"):
            word = types[0] if types else inferred_type(out)
            if word is None and nullable:
                word = "null"
            if word is None:
                word = "string"
                self.notes.append(f"{path}: any value; a string is asked for")
            _put_type(out, word.upper())
        if out.get("type") == "ARRAY" and "items" not in out:
            out["items"] = {"type": "STRING"}
            self.notes.append(f"{path}.items: any values; strings are asked for".lstrip("."))


def _with_type_branches(schema: Schema) -> Schema:
    """Turn a list of several types into ``anyOf``."""
    types, nullable = types_of(schema)
    if len(types) < 2 or "anyOf" in schema:
        return schema
    taken = {name for word in types for name in _KEPT_BY_TYPE.get(word, ())} | {"type", "nullable"}
    branches = [
        {"type": word, **{name: schema[name] for name in _KEPT_BY_TYPE.get(word, ()) if name in schema}}
        for word in types
    ]
    rest = {name: value for name, value in schema.items() if name not in taken}
    return {**rest, "anyOf": branches, **({"nullable": True} if nullable else {})}


def _put_type(out: Schema, word: str) -> None:
    """Write the type where the source has it, else first."""
    rest = dict(out)
    out.clear()
    if "type" not in rest:
        out["type"] = word
    out.update({name: (word if name == "type" else value) for name, value in rest.items()})


def _is_null(schema: Schema) -> bool:
    declared = schema.get("type")
    if isinstance(declared, str):
        return declared.lower() == "null"
    return ("const" in schema and schema["const"] is None) or schema.get("enum") == [None] or declared == ["null"]


# --- back to JSON Schema ---

_SNAKE = re.compile(r"_([a-z])")
#: Names of the message in snake_case, for clients that spell them so.
_SNAKE_NAMES = frozenset(
    {
        "any_of",
        "max_items",
        "min_items",
        "max_length",
        "min_length",
        "max_properties",
        "min_properties",
        "property_ordering",
        "additional_properties",
    }
)
_JSON_SCHEMA_NAMES = {"ref": "$ref", "defs": "$defs"}


def from_openapi(schema: Schema) -> Schema:
    """Return a ``Schema`` message (upper- or lower-case types, ``nullable``, numbers in strings) as JSON Schema."""
    return _from_openapi(schema, 0)


def _from_openapi(schema: Schema, depth: int) -> Schema:
    def below(value: Any) -> Any:
        return _from_openapi(value, depth + 1) if isinstance(value, dict) and depth < NESTING else value

    out: Schema = {}
    for given, value in schema.items():
        name = _SNAKE.sub(lambda match: match.group(1).upper(), given) if given in _SNAKE_NAMES else given
        name = _JSON_SCHEMA_NAMES.get(name, name)
        match name:
            case _ if value is None:
                pass
            case "type":
                types, nullable = types_of({"type": value})
                words = [*types, "null"] if nullable else types
                if words:
                    out[name] = words[0] if len(words) == 1 else words
            case "nullable":
                pass
            case "properties" | "$defs" if isinstance(value, dict):
                out[name] = {key: below(each) for key, each in value.items()}
            case "anyOf" if isinstance(value, list):
                out[name] = [below(each) for each in value]
            case "items" | "additionalProperties":
                out[name] = below(value)
            case "example":
                out["examples"] = [value]
            case _ if name in INTEGER_KEYWORDS and isinstance(value, str) and value.isdigit():
                out[name] = int(value)
            case _:
                out[name] = value
    return _made_nullable(out) if schema.get("nullable") is True else out


def _made_nullable(schema: Schema) -> Schema:
    declared = schema.get("type")
    words = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    out = dict(schema)
    if words and "null" not in words:
        out["type"] = [*words, "null"]
    if not words and isinstance(branches := schema.get("anyOf"), list):
        out["anyOf"] = [*branches, {"type": "null"}]
    if isinstance(values := schema.get("enum"), list) and None not in values:
        out["enum"] = [*values, None]
    return out
