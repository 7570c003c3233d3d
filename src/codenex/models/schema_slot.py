"""The dialect of ``parametersJsonSchema`` and ``responseJsonSchema``: JSON Schema with a listed set of keywords.

References stay; a schema with ``$ref`` may hold nothing else, and a cycle may only go through properties that are not
required.
"""

from __future__ import annotations

from typing import Any

from codenex.models.schema_nodes import (
    ANNOTATIONS,
    INTEGER_KEYWORDS,
    NESTING,
    STRUCTURE,
    Schema,
    as_schema,
    described,
    merged_all_of,
    pointer,
    references,
    required_names,
    resolved,
    sentence,
    type_of_value,
    types_of,
    unknown_names,
)

#: Keywords that Google lists for the slot (google-genai 3.4.0).
KEYWORDS = frozenset(
    {
        "$id",
        "$defs",
        "$ref",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "enum",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "anyOf",
        "oneOf",
        "properties",
        "additionalProperties",
        "required",
        "propertyOrdering",
    }
)
FORMATS = frozenset(
    {
        "date-time",
        "time",
        "date",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uuid",
        "uri",
        "int32",
        "int64",
        "float",
        "double",
        "enum",
    }
)
#: So many schemas are written before a plain object stands for the rest.
NODE_LIMIT = 5000


def to_json_schema_slot(schema: Schema) -> tuple[Schema, list[str]]:
    """Return a schema for ``parametersJsonSchema`` or ``responseJsonSchema`` and the notes of what could not be said.

    A note begins with the path of the keyword; what it lost stands in the description.
    """
    writer = _Writer(schema)
    return writer.node(schema, "", ("#",), 0), writer.notes


class _Writer:
    def __init__(self, root: Schema) -> None:
        self.notes: list[str] = []
        self._root = root
        self._reachable: dict[str, set[str]] = {}
        self._count = 0

    def node(self, source: Schema, path: str, context: tuple[str, ...], depth: int) -> Schema:
        """Write one schema. ``context`` holds the references inside whose target it stands."""
        self._count += 1
        if depth > NESTING or self._count > NODE_LIMIT:
            self.notes.append(f"{path}: the schema goes on here")
            return {"type": "object"}
        schema, followed = merged_all_of(source, self._root, context)
        context = (*(reference for reference in followed if reference != context[-1]), context[-1])
        said: list[str] = []
        out: Schema = {}
        for name, value in schema.items():
            self._keyword(out, name, value, schema, f"{path}.{name}" if path else name, context, depth, said)
        if schema.get("nullable") is True and "type" not in out and isinstance(branches := out.get("anyOf"), list):
            out["anyOf"] = [*branches, {"type": "null"}]
        if out.get("type") == "array" and "items" not in out and "prefixItems" not in out:
            out["items"] = {}
        return self._reference_alone(described(out, said), path)

    def _keyword(
        self,
        out: Schema,
        name: str,
        value: Any,
        schema: Schema,
        here: str,
        context: tuple[str, ...],
        depth: int,
        said: list[str],
    ) -> None:
        match name:
            case "type":
                _put_types(out, *types_of(schema))
            case "properties" if isinstance(value, dict):
                named = {key: child for key, each in value.items() if (child := as_schema(each)) is not None}
                out[name] = {key: self.node(child, f"{here}.{key}", context, depth + 1) for key, child in named.items()}
            case "required" if isinstance(value, list):
                if names := self._requirable(schema, here, context, said):
                    out[name] = names
            case "$defs" | "definitions" if isinstance(value, dict):
                kept = out.setdefault("$defs", {})
                for key, each in value.items():
                    inside = (*context, pointer(name, key))
                    kept[key] = self.node(as_schema(each) or {}, f"{here}.{key}", inside, depth + 1)
            case "$ref" if isinstance(value, str):
                self._refer(out, value, here, context, depth)
            case "prefixItems" | "items" | "anyOf" | "oneOf" if isinstance(value, list):
                branches = [child for each in value if (child := as_schema(each)) is not None]
                if branches:
                    out["prefixItems" if name == "items" else name] = [
                        self.node(child, f"{here}[{i}]", context, depth + 1) for i, child in enumerate(branches)
                    ]
            case "items":
                out[name] = self.node(as_schema(value) or {}, here, context, depth + 1)
            case "additionalProperties":
                out[name] = self.node(value, here, context, depth + 1) if isinstance(value, dict) else bool(value)
            case "enum" | "const":
                self._values(out, [value] if name == "const" else value, schema, here, said)
            case "format" if not isinstance(value, str) or value not in FORMATS:
                self._tell(name, value, here, said)
            case "minimum" | "maximum" if not isinstance(value, int | float) or isinstance(value, bool):
                self._tell(name, value, here, said)
            case _ if name in INTEGER_KEYWORDS & KEYWORDS and isinstance(value, str) and value.isdigit():
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

    def _values(self, out: Schema, values: Any, schema: Schema, here: str, said: list[str]) -> None:
        """Write ``enum``, which takes strings and numbers; of other values the type or the description tells."""
        if not isinstance(values, list):
            self.notes.append(here)
            return
        kept = [value for value in values if isinstance(value, str | int | float) and not isinstance(value, bool)]
        types, nullable = types_of(schema)
        if kept:
            out["enum"] = kept
        others = [value for value in values if (value is not None and value not in kept) or isinstance(value, bool)]
        if others:
            said.append(sentence("one of", values))
            self.notes.append(here)
        found = list(dict.fromkeys(word for value in values if (word := type_of_value(value)) is not None))
        _put_types(out, types if types else found, nullable or None in values)

    def _reference_alone(self, out: Schema, path: str) -> Schema:
        if "$ref" not in out:
            return out
        inner = {name: value for name, value in out.items() if name.startswith("$") and name != "$defs"}
        outer = {name: value for name, value in out.items() if name not in inner}
        if not outer:
            return inner
        if outer.pop("anyOf", None) is not None:
            self.notes.append(f"{path}.anyOf".lstrip("."))
        return {"anyOf": [inner], **outer}

    def _refer(self, out: Schema, reference: str, here: str, context: tuple[str, ...], depth: int) -> None:
        if reference == "#" or reference.startswith("#/$defs/"):
            out["$ref"] = reference
            return
        if reference.startswith("#/definitions/"):
            out["$ref"] = "#/$defs/" + reference.removeprefix("#/definitions/")
            return
        target = resolved(reference, self._root)
        if isinstance(target, dict) and reference not in context:
            for name, value in self.node(target, here, (*context, reference), depth + 1).items():
                out.setdefault(name, value)
        else:
            self.notes.append(f"{here}: {reference} can't be resolved")
            out.setdefault("type", "object")

    def _requirable(self, schema: Schema, here: str, context: tuple[str, ...], said: list[str]) -> list[str]:
        """Return the required names that are properties, without those through which a schema contains itself."""
        properties = schema.get("properties")
        kept = []
        if unknown := unknown_names(schema, properties):
            self._tell("required", unknown, here, said)
        for name in required_names(schema, properties):
            child = properties[name] if isinstance(properties, dict) else None
            if any(context[-1] in self._reached(reference) for reference in references(child)):
                self.notes.append(f"{here}: {name} is recursive and can't be required")
            else:
                kept.append(name)
        return kept

    def _reached(self, reference: str) -> set[str]:
        """Return all references that one leads to, itself among them."""
        seen = self._reachable.get(reference)
        if seen is None:
            seen, todo = set(), [reference]
            while todo:
                current = todo.pop()
                if current not in seen:
                    seen.add(current)
                    todo.extend(references(resolved(current, self._root)))
            self._reachable[reference] = seen
        return seen


def _put_types(out: Schema, types: list[str], nullable: bool) -> None:
    words = [*types, "null"] if nullable else types
    if words:
        out["type"] = words[0] if len(words) == 1 else words
