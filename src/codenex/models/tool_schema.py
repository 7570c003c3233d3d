"""The root of a tool's schema, which every vendor wants to be a plain object."""

from __future__ import annotations

from codenex.models.schema_references import Schema, resolved


def tool_input_schema(schema: Schema | None) -> tuple[Schema, bool]:
    """Return a tool's schema with a plain object at its root, and whether alternatives there were merged."""
    if schema is None or not schema:
        return {"type": "object", "properties": {}}, False
    merged = False
    if any(isinstance(schema.get(key), list) for key in ("anyOf", "oneOf", "allOf")):
        schema, merged = _merged_root(schema), True
    if schema.get("type") != "object":
        schema = {"type": "object", **{key: value for key, value in schema.items() if key != "type"}}
    return schema, merged


def _merged_root(schema: Schema) -> Schema:
    """Merge alternatives at a root into one object: all properties, required where every alternative requires it."""
    root = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf", "required")}
    properties = dict(root.get("properties")) if isinstance(root.get("properties"), dict) else {}  # type: ignore[arg-type]
    required = [name for name in schema.get("required", []) if isinstance(name, str)]
    for key in ("allOf", "anyOf", "oneOf"):
        members = [resolved(member, schema) for member in schema.get(key, []) if isinstance(member, dict)]
        needs: list[list[str]] = []
        for member in members:
            found = member.get("properties")
            for name, value in found.items() if isinstance(found, dict) else ():
                properties.setdefault(name, value)
            needs.append([name for name in member.get("required", []) if isinstance(name, str)])
        for name in needs[0] if needs else []:
            if all(name in need for need in needs) and name not in required:
                required.append(name)
        if key == "allOf":
            required.extend(name for need in needs for name in need if name not in required)
    root["properties"] = properties
    if required:
        root["required"] = list(dict.fromkeys(required))
    return root
