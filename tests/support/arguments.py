"""Arguments that a JSON Schema accepts: what the scripted vendor calls a tool with."""

from __future__ import annotations

from typing import Any, Final

DEPTH: Final = 6

SIMPLE: Final[dict[str, Any]] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
    "array": [],
    "object": {},
}


def example(schema: object, root: object = None, depth: int = 0) -> Any:
    """A value for the schema, in either dialect: JSON Schema, or the upper-case types of OpenAPI at Google.

    Required properties are given, others left out. A recursion ends in an empty value at ``DEPTH``.
    """
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return "text"
    if "$ref" in schema:
        return example(_resolved(root, str(schema["$ref"])), root, depth + 1) if depth < DEPTH else {}
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return example(schema[keyword][0], root, depth + 1)
    if schema.get("allOf"):
        merged: dict[str, Any] = {}
        for member in schema["allOf"]:
            merged.update(member)
        return example(merged, root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = str(kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        properties = schema.get("properties") or {}
        wanted = schema.get("required") or []
        return {name: example(properties.get(name, {}), root, depth + 1) for name in wanted}
    if kind == "array" and schema.get("minItems"):
        return [example(schema.get("items", {}), root, depth + 1)] * int(schema["minItems"])
    if kind in ("integer", "number") and "minimum" in schema:
        return schema["minimum"]
    if kind == "string":
        return str(SIMPLE["string"]).ljust(int(schema.get("minLength", 0)), "x")
    return SIMPLE.get(kind, "text")


def _resolved(root: object, reference: str) -> object:
    value: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            value = value.get(step.replace("~1", "/").replace("~0", "~"), {})
    return value
