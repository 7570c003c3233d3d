"""References inside a JSON Schema: following them, and finding all of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

Schema = dict[str, Any]

_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a schema that is a reference; one that leads nowhere is itself."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found = target_of(reference, root)
    return found if found is not None else schema


def target_of(reference: str, root: Schema) -> Schema | None:
    """Follow a local JSON pointer."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    node: Any = root
    for piece in reference[2:].split("/"):
        name = unquote(piece).replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
    return node if isinstance(node, dict) else None


def references_in(node: Any) -> list[str]:
    """Return every reference in a schema, leaving out its definitions' own (they are reached by reference)."""
    out: list[str] = []
    pending = [node]
    while pending:
        here = pending.pop()
        if not isinstance(here, dict):
            continue
        if isinstance(here.get("$ref"), str):
            out.append(here["$ref"])
        for key in ("properties", "patternProperties", "dependentSchemas"):
            pending.extend(as_schema(here.get(key)).values())
        for key in _SCHEMA_LISTS:
            members = here.get(key)
            pending.extend(members if isinstance(members, list) else ())
        for key in _SCHEMAS:
            member = here.get(key)
            pending.extend(member if isinstance(member, list) else (member,))
    return out


def as_list(value: Any) -> list[Any]:
    """Return a list; anything else is an empty one."""
    return value if isinstance(value, list) else []


def unique(names: list[Any]) -> list[str]:
    """Return the names among the members, each once."""
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def as_schema(value: Any) -> Schema:
    """Return a schema that is an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}
