"""The root of a schema: every vendor wants a plain object of a tool, and OpenAI of an answer as well."""

from __future__ import annotations

from codenex.models.schema_nodes import TYPES, with_lower_types
from codenex.models.schema_references import Schema, as_list, as_schema, resolved, unique

#: ``allOf`` within ``allOf`` that is followed; references may lead in a circle.
_DEPTH = 16


def tool_input_schema(schema: Schema | None) -> tuple[Schema, str | None]:
    """Return a tool's schema with a plain object at its root, and in words what of its meaning changed."""
    if schema is None or not schema:
        return {"type": "object", "properties": {}}, None
    change = None
    schema = _spelled(schema)
    if any(isinstance(schema.get(key), list) for key in ("anyOf", "oneOf", "allOf")):
        schema, change = _merged_root(schema), "the alternatives at the root of the schema were merged into one object"
    kind = schema.get("type")
    if kind != "object":
        if kind is not None and (not isinstance(kind, str | list) or "object" not in kind):
            change = "arguments are an object, whatever the schema says"
        schema = {"type": "object", **{key: value for key, value in schema.items() if key != "type"}}
    return schema, change


def answer_schema(schema: Schema) -> Schema | None:
    """Return an answer's schema that says at its root that it is an object; ``None`` where it is anything else."""
    schema = _spelled(schema)
    if schema.get("type") == "object":
        return schema
    return {"type": "object", **schema} if _is_object(resolved(schema, schema), schema) else None


def _is_object(node: Schema, root: Schema, depth: int = 0) -> bool:
    kind = node.get("type")
    if kind is not None:
        return bool(kind == "object")
    return "properties" in node or (
        depth < _DEPTH
        and any(_is_object(resolved(as_schema(member), root), root, depth + 1) for member in as_list(node.get("allOf")))
    )


def _spelled(schema: Schema) -> Schema:
    """Return a schema with types as JSON Schema spells them; Google's clients also write ``OBJECT``."""
    kind = schema.get("type")
    return with_lower_types(schema) if isinstance(kind, str) and kind not in TYPES else schema


def _merged_root(schema: Schema) -> Schema:
    """Merge alternatives at a root into one object: all properties, required where every alternative requires it."""
    root = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf", "required")}
    properties = dict(root.get("properties")) if isinstance(root.get("properties"), dict) else {}  # type: ignore[arg-type]
    required = unique(as_list(schema.get("required")))
    for key in ("allOf", "anyOf", "oneOf"):
        members = [resolved(member, schema) for member in as_list(schema.get(key)) if isinstance(member, dict)]
        needs: list[list[str]] = []
        for member in members:
            found = member.get("properties")
            for name, value in found.items() if isinstance(found, dict) else ():
                properties.setdefault(name, value)
            needs.append(unique(as_list(member.get("required"))))
        for name in needs[0] if needs else []:
            if all(name in need for need in needs) and name not in required:
                required.append(name)
        if key == "allOf":
            required.extend(name for need in needs for name in need if name not in required)
    root["properties"] = properties
    if required:
        root["required"] = list(dict.fromkeys(required))
    return root
