"""Names of tools' parameters that a target does not take, replaced in schemas and in the history's calls, and what puts
them back in the answer. Derived from the names alone, so that every turn of a conversation gives the same.

Anthropic refuses property keys beyond letters, digits and ``_.-``; Google's ``parameters`` take identifiers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from codenex.core.declarations import Declared
from codenex.core.names import NameMap, flattened
from codenex.core.parts import Part, ToolCall
from codenex.core.request import FunctionTool, Request, Tool
from codenex.core.reversal import PropertyNames, replaced_keys
from codenex.models.schema_nodes import NESTING, Schema, children, mapped

Alphabet = Literal["any", "plain", "identifier"]

#: What a name may begin with, and what it may not hold, by the fact's word.
_ALPHABETS = {"plain": (r"[a-zA-Z0-9_.-]", r"[^a-zA-Z0-9_.-]"), "identifier": (r"[a-zA-Z_]", r"[^a-zA-Z0-9_]")}
_LIMIT = 64


def with_fitting_names(request: Request, alphabet: Alphabet) -> tuple[Request, PropertyNames]:
    """Return the request with names of parameters that the target takes, and what has to be put back: for each tool
    (its name with its namespace in front) the client's names by the target's."""
    if alphabet == "any":
        return request, {}
    known = request.tools if isinstance(request.tools, Declared) else None
    if known is not None and alphabet in known.fitting:
        return request, {}
    first, illegal = _ALPHABETS[alphabet]
    back: dict[str, dict[str, str]] = {}
    for tool in request.tools:
        if isinstance(tool, FunctionTool) and tool.schema is not None:
            changed = NameMap(_properties(tool.schema, 0), _LIMIT, first, illegal).changed()
            if changed:
                back[flattened(tool.namespace, tool.name)] = changed
    if not back:
        if known is not None:
            known.fitting |= {alphabet}
        return request, {}
    forth = {tool: {name: fitted for fitted, name in names.items()} for tool, names in back.items()}
    tools = tuple(_declared(tool, forth) for tool in request.tools)
    turns = tuple(
        msgspec.structs.replace(turn, parts=tuple(_called(part, forth) for part in turn.parts))
        for turn in request.turns
    )
    return msgspec.structs.replace(request, tools=tools, turns=turns), back


def _properties(schema: Schema, depth: int) -> Iterator[str]:
    if depth > NESTING:
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        yield from properties
    for child in children(schema):
        yield from _properties(child, depth + 1)


def _declared(tool: Tool, forth: dict[str, dict[str, str]]) -> Tool:
    if not isinstance(tool, FunctionTool) or tool.schema is None:
        return tool
    names = forth.get(flattened(tool.namespace, tool.name))
    return tool if names is None else msgspec.structs.replace(tool, schema=_renamed(tool.schema, names))


def _renamed(schema: Any, names: dict[str, str]) -> Schema:
    def change(node: Schema) -> Schema:
        out = dict(node)
        properties = out.get("properties")
        if isinstance(properties, dict):
            out["properties"] = {names.get(name, name): value for name, value in properties.items()}
        for keyword in ("required", "propertyOrdering"):
            listed = out.get(keyword)
            if isinstance(listed, list):
                out[keyword] = [names.get(name, name) if isinstance(name, str) else name for name in listed]
        return out

    return mapped(schema, change)


def _called(part: Part, forth: dict[str, dict[str, str]]) -> Part:
    if not isinstance(part, ToolCall):
        return part
    names = forth.get(flattened(part.namespace, part.name))
    if names is None:
        return part
    return msgspec.structs.replace(part, arguments=replaced_keys(part.arguments, names))
