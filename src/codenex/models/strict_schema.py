"""JSON Schema in the dialects that vendors enforce: Anthropic's structured output and OpenAI's strict mode.

Pure and order-preserving; adapting twice changes nothing more. The walk knows which values are schemas and which are
data, so that a property named ``default`` or ``pattern`` is a property. Constraints that a dialect lacks are told in
the description.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from codenex.core import json
from codenex.models.schema_references import Schema, as_list, as_schema, references_in, target_of, unique
from codenex.models.strict_dialects import ANTHROPIC, OPENAI, Dialect
from codenex.models.tool_schema import tool_input_schema

__all__ = ["Adapted", "for_anthropic", "for_openai", "qualifies_for_openai", "tool_input_schema"]

#: The property that holds a root which is not an object.
ROOT_VALUE = "value"

_DEPTH = 64
_TYPES = ("string", "number", "integer", "boolean", "null")
#: A pattern that needs more than a simple automaton: lookaround, back references, word boundaries, named groups.
_HARD_PATTERN = re.compile(r"\(\?[=!<P]|\\[1-9bBkpP]")
_BESIDE_REFERENCE = frozenset({"$ref", "$defs", "definitions", "title", "description"})
_SILENT = frozenset({"$schema", "$comment", "$id", "$anchor", "id", "enumDescriptions"})


class Adapted(msgspec.Struct, frozen=True):
    """A schema in a dialect.

    ``wrapped``: the root was no object, the value is under ``value`` now. ``recursive``: it refers to itself where the
    dialect forbids that, so it can't be enforced. ``changes`` says in words what was loosened or tightened.
    """

    schema: Schema
    wrapped: bool = False
    recursive: bool = False
    changes: tuple[str, ...] = ()


def for_anthropic(schema: Schema, *, root_object: bool = False) -> Adapted:
    """Adapt a schema for Anthropic's structured output, or for strict tools (``root_object``)."""
    return _adapted(schema, ANTHROPIC, assume_object=root_object)


def for_openai(schema: Schema, *, root_object: bool = False) -> Adapted:
    """Adapt a schema for OpenAI strict mode: objects closed, every property required, optional ones nullable."""
    return _adapted(schema, OPENAI, assume_object=root_object)


def qualifies_for_openai(schema: Schema) -> bool:
    """Whether a schema may be sent with ``strict: true`` as it is."""
    adapted = for_openai(schema)
    return not adapted.wrapped and not adapted.changes and adapted.schema == schema


def _adapted(schema: Schema, dialect: Dialect, *, assume_object: bool) -> Adapted:
    walker = _Walker(schema, dialect)
    root = schema
    reference = root.get("$ref")
    if isinstance(reference, str):
        target = target_of(reference, schema)
        if target is not None and target is not schema:
            root = {**target, **{key: schema[key] for key in ("$defs", "definitions") if key in schema}}
    if assume_object:
        root, change = tool_input_schema(root)
        if change is not None:
            walker.note(change)
    members = root.get("allOf")
    if isinstance(members, list) and "type" not in root:
        root = walker.merged(root, members)
    kind = _lower(root.get("type"))
    is_object = kind == "object" or (kind is None and isinstance(root.get("properties"), dict))
    wrapped = not is_object or any(isinstance(root.get(key), list) for key in ("anyOf", "oneOf"))
    if wrapped:
        definitions: Schema = {key: root[key] for key in ("$defs", "definitions") if key in root}
        inner = {key: value for key, value in root.items() if key not in (*definitions, "$schema")}
        root = {
            "type": "object",
            "properties": {ROOT_VALUE: inner},
            "required": [ROOT_VALUE],
            "additionalProperties": False,
            **definitions,
        }
        if definitions:
            walker.root = {**schema, **definitions}
    adapted = walker.schema(root, 0)
    recursive = not dialect.recursion and walker.recursive()
    return Adapted(adapted, wrapped, recursive, tuple(walker.changes))


def _lower(kind: Any) -> Any:
    if isinstance(kind, str):
        return kind.lower()
    if isinstance(kind, list):
        return [_lower(member) for member in kind]
    return kind


class _Walker:
    def __init__(self, root: Schema, dialect: Dialect) -> None:
        self.root = root
        self.changes: dict[str, None] = {}
        self._dialect = dialect

    def note(self, change: str) -> None:
        self.changes[change] = None

    def schema(self, node: Any, depth: int) -> Schema:
        """Adapt one schema. The keys keep their order; what the dialect lacks ends up in the description."""
        if not isinstance(node, dict):
            self.note("a schema that takes anything was replaced by any primitive value")
            return {"type": list(_TYPES)}
        if depth > _DEPTH:
            self.note("the schema is too deep: the deepest parts take any text")
            return {"type": "string"}
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._reference(reference, node, depth)
        members = node.get("allOf")
        if isinstance(members, list) and (not self._dialect.all_of or any("$ref" in as_schema(m) for m in members)):
            node = self.merged(node, members)
        return self._plain(node, depth)

    def _plain(self, node: Schema, depth: int) -> Schema:
        out: Schema = {}
        told: list[tuple[str, Any]] = []
        nullable = False
        for key, value in node.items():
            handler = _HANDLERS.get(key)
            if handler is not None:
                handler(self, key, value, out, told, depth)
            elif key in _SILENT:
                continue
            elif key == "nullable":
                nullable = value is True
            elif key in self._dialect.keywords:
                out[key] = value
            elif value is not None:
                told.append((key, value))
        self._completed(node, out, depth)
        if nullable:
            out = _nullable(out)
        if told:
            self.note("constraints that the target does not enforce are told in the descriptions")
            out["description"] = _described(out.get("description"), told)
        return out

    def _reference(self, reference: str, node: Schema, depth: int) -> Schema:
        moved = _moved(reference)
        target = target_of(reference, self.root)
        if target is None:
            self.note(f"{reference} leads nowhere: any primitive value stands for it")
            return self._plain({key: value for key, value in node.items() if key != "$ref"}, depth)
        if moved != "#" and not moved.startswith("#/$defs/"):
            return self.schema({**target, **{key: value for key, value in node.items() if key != "$ref"}}, depth + 1)
        out: Schema = {"$ref": moved}
        beside: Schema = {}
        for key, value in node.items():
            if key in ("$defs", "definitions") and isinstance(value, dict):
                out.setdefault("$defs", {}).update(self._map(value, depth))
            elif key in ("title", "description"):
                beside[key] = value
        told = [(key, value) for key, value in node.items() if key not in _BESIDE_REFERENCE and key not in _SILENT]
        if told:
            self.note("constraints that the target does not enforce are told in the descriptions")
            beside["description"] = _described(beside.get("description"), told)
        # A reference stands alone: what is said of this use of it goes around it.
        return {"anyOf": [out], **beside} if beside else out

    def _completed(self, node: Schema, out: Schema, depth: int) -> None:
        """Add what the dialect demands: a type, closed objects, requirements, items."""
        if "type" not in out and "anyOf" not in out and "allOf" not in out and "enum" not in out and "const" not in out:
            if "properties" in out:
                out["type"] = "object"
            elif "items" in out:
                out["type"] = "array"
            elif "$defs" not in out or len(out) > 1:
                out["type"] = list(_TYPES)
                self.note("a schema that takes anything was replaced by any primitive value")
        kinds = out.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "object" in kinds:
            self._closed(node, out)
        if "array" in kinds and "items" not in out:
            out["items"] = {"type": list(_TYPES)} if self._dialect is not ANTHROPIC else {"type": "string"}
            self.note("arrays without a schema for their items take primitive values")

    def _closed(self, node: Schema, out: Schema) -> None:
        properties: dict[str, Any] = out.setdefault("properties", {})
        if node.get("additionalProperties") not in (False, None) or (
            not properties and node.get("additionalProperties") is None
        ):
            self.note("objects take no properties beyond those that are named")
        out["additionalProperties"] = False
        named = as_list(out.get("required"))
        required = [name for name in named if isinstance(name, str) and name in properties]
        if len(required) < len(named):
            self.note("names that are required but not described were left out")
        if self._dialect.all_required:
            for name in properties:
                if name not in required:
                    properties[name] = _nullable(properties[name])
                    self.note("optional properties became required and nullable")
            required = list(properties)
            out["required"] = required
        elif "required" in out:
            out["required"] = required

    def merged(self, node: Schema, members: list[Any]) -> Schema:
        """Merge the members of ``allOf`` into the schema itself; the first of two that disagree wins."""
        out: Schema = {key: value for key, value in node.items() if key != "allOf"}
        queue = [(member, frozenset[str]()) for member in members]
        while queue:
            member, seen = queue.pop(0)
            member = as_schema(member)
            reference = member.get("$ref")
            if isinstance(reference, str):
                target = target_of(reference, self.root) if reference not in seen else None
                if target is not None:
                    queue.insert(0, (target, seen | {reference}))
                member = {key: value for key, value in member.items() if key != "$ref"}
            nested = member.get("allOf")
            if isinstance(nested, list):
                queue[:0] = [(inner, seen) for inner in nested]
            for key, value in member.items():
                if key == "properties" and isinstance(value, dict):
                    out["properties"] = {**value, **as_schema(out.get("properties"))}
                elif key == "required" and isinstance(value, list):
                    out["required"] = unique([*as_list(out.get("required")), *value])
                elif key not in ("allOf", "$defs", "definitions"):
                    out.setdefault(key, value)
        self.note("the members of allOf were merged")
        return out

    # Handlers of the structural keywords. Each takes key, value, the result so far, what is to be told, and the depth.

    def _map(self, value: Any, depth: int) -> Schema:
        return (
            {name: self.schema(member, depth + 1) for name, member in value.items()} if isinstance(value, dict) else {}
        )

    def on_map(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        out[key] = self._map(value, depth)

    def on_definitions(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        out["$defs"] = {**out.get("$defs", {}), **self._map(value, depth)}

    def on_items(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if isinstance(value, list):
            self.on_tuple(key, value, out, told, depth)
        elif isinstance(value, dict) and "items" not in out:
            out["items"] = self.schema(value, depth + 1)

    def on_tuple(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        members = [self.schema(member, depth + 1) for member in value] if isinstance(value, list) else []
        unique = [member for number, member in enumerate(members) if member not in members[:number]]
        if unique:
            out["items"] = unique[0] if len(unique) == 1 else {"anyOf": unique}
        told.append((key, value))

    def on_any_of(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if isinstance(value, list) and value:
            out["anyOf"] = [*out.get("anyOf", []), *(self.schema(member, depth + 1) for member in value)]
            if key == "oneOf":
                self.note("oneOf became anyOf")

    def on_all_of(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if isinstance(value, list) and value:
            out["allOf"] = [self.schema(member, depth + 1) for member in value]

    def on_type(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        out["type"] = _lower(value)

    def on_enum(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        values = value if isinstance(value, list) else [value]
        if values and all(member is None or isinstance(member, str | int | float | bool) for member in values):
            out[key] = value
        else:
            told.append((key, value))

    def on_const(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        self.on_enum(key, value, out, told, depth) if not isinstance(value, list) else told.append((key, value))

    def on_format(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if isinstance(value, str) and value in self._dialect.formats:
            out[key] = value
        else:
            told.append((key, value))

    def on_pattern(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if isinstance(value, str) and (self._dialect.hard_patterns or _HARD_PATTERN.search(value) is None):
            out[key] = value
        else:
            told.append((key, value))

    def on_least_items(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        least = self._dialect.least_items
        if least is None or (isinstance(value, int) and value in least):
            out[key] = value
        else:
            told.append((key, value))

    def on_copied(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        if value is not None:
            out[key] = value

    def on_skipped(self, key: str, value: Any, out: Schema, told: list[tuple[str, Any]], depth: int) -> None:
        """``additionalProperties`` is decided when the object is closed."""

    def recursive(self) -> bool:
        """Whether following references from the root comes back to where it was."""
        found: dict[str, frozenset[str]] = {}

        def reach(reference: str) -> frozenset[str]:
            if reference not in found:
                found[reference] = frozenset()
                target = target_of(reference, self.root)
                found[reference] = frozenset(references_in(target)) if target is not None else frozenset()
            return found[reference]

        for start in references_in(self.root):
            pending, seen = [start], set[str]()
            while pending:
                here = pending.pop()
                if here == "#":
                    return True
                for following in reach(here):
                    if following == start:
                        return True
                    if following not in seen:
                        seen.add(following)
                        pending.append(following)
        return False


_Handler = Callable[[_Walker, str, Any, Schema, list[tuple[str, Any]], int], None]

_HANDLERS: dict[str, _Handler] = {
    "type": _Walker.on_type,
    "properties": _Walker.on_map,
    "$defs": _Walker.on_definitions,
    "definitions": _Walker.on_definitions,
    "items": _Walker.on_items,
    "prefixItems": _Walker.on_tuple,
    "anyOf": _Walker.on_any_of,
    "oneOf": _Walker.on_any_of,
    "allOf": _Walker.on_all_of,
    "enum": _Walker.on_enum,
    "const": _Walker.on_const,
    "format": _Walker.on_format,
    "pattern": _Walker.on_pattern,
    "minItems": _Walker.on_least_items,
    "required": _Walker.on_copied,
    "description": _Walker.on_copied,
    "additionalProperties": _Walker.on_skipped,
}


def _moved(reference: str) -> str:
    prefix = "#/definitions/"
    return "#/$defs/" + reference[len(prefix) :] if reference.startswith(prefix) else reference


def _nullable(schema: Schema) -> Schema:
    """Let a schema take null as well, once."""
    kinds = schema.get("type")
    if isinstance(kinds, str | list):
        listed = [kinds] if isinstance(kinds, str) else kinds
        if "null" in listed:
            return schema
        out = {**schema, "type": [*listed, "null"]}
        if isinstance(out.get("enum"), list) and None not in out["enum"]:
            out["enum"] = [*out["enum"], None]
        if "const" in out:
            return {"anyOf": [schema, {"type": "null"}]}
        return out
    members = schema.get("anyOf")
    if isinstance(members, list):
        if any(as_schema(member).get("type") == "null" for member in members):
            return schema
        return {**schema, "anyOf": [*members, {"type": "null"}]}
    if isinstance(schema.get("enum"), list):
        return schema if None in schema["enum"] else {**schema, "enum": [*schema["enum"], None]}
    return {"anyOf": [schema, {"type": "null"}]}


def _described(description: Any, told: list[tuple[str, Any]]) -> str:
    listed = "{" + ", ".join(f"{key}: {json.encode_text(value)}" for key, value in told) + "}"
    return f"{description}\n\n{listed}" if isinstance(description, str) and description else listed
