"""Tool definitions and tool choice, both ways, and the names under which the target knows them."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import json
from codenex.core.declarations import Declared
from codenex.core.errors import invalid_request
from codenex.core.losses import Losses
from codenex.core.names import NameMap, flattened
from codenex.core.parts import ToolCall
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Request, Tool, ToolChoice
from codenex.core.reversal import CUSTOM_INPUT, NO_REVERSAL, Reversal, ToolOrigin
from codenex.core.server_tools import leave_out
from codenex.models.capabilities import Capabilities
from codenex.models.strict_allowance import Allowance
from codenex.models.strict_schema import for_anthropic, tool_input_schema
from codenex.protocols.anthropic.blocks import cache_of
from codenex.protocols.anthropic.content import cache_control
from codenex.protocols.anthropic.types import (
    HOSTED_TOOLS,
    MCP_SERVER,
    NAME,
    a_list,
    a_text,
    an_object,
    capability_of,
    optional_flag,
    optional_text,
    rest_of,
)

_FUNCTION_KEYS = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})


def tools_from(value: Any) -> tuple[Tool, ...]:
    """Decode ``tools``. Raises a fault (400)."""
    tools: list[Tool] = []
    for number, raw in enumerate(a_list(value, "tools") if value is not None else ()):
        path = f"tools[{number}]"
        tool = an_object(raw, path)
        kind = optional_text(tool, "type", path)
        if kind is None or kind == "custom":
            tools.append(_function(tool, path))
        else:
            name = tool.get("name")
            tools.append(HostedTool(NAME, kind, tool, capability_of(kind), name if isinstance(name, str) else None))
    return tuple(tools)


def servers_from(value: Any) -> tuple[Tool, ...]:
    """Decode ``mcp_servers``. Raises a fault (400)."""
    servers: list[Tool] = []
    for number, raw in enumerate(a_list(value, "mcp_servers") if value is not None else ()):
        server = an_object(raw, f"mcp_servers[{number}]")
        name = server.get("name")
        servers.append(HostedTool(NAME, MCP_SERVER, server, "mcp", name if isinstance(name, str) else None))
    return tuple(servers)


def _function(tool: dict[str, Any], path: str) -> FunctionTool:
    hint, more = cache_of(tool)
    extras = rest_of(tool, _FUNCTION_KEYS)
    if more is not None:
        extras = {**(extras if extras is not None else {}), "cache_control": more}
    schema = tool.get("input_schema")
    return FunctionTool(
        a_text(tool.get("name"), f"{path}.name"),
        optional_text(tool, "description", path),
        an_object(schema, f"{path}.input_schema") if schema is not None else None,
        optional_flag(tool, "strict", path),
        cache=hint,
        extras=extras,
    )


def choice_from(raw: Any, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, bool | None]:
    """Decode ``tool_choice`` to the choice and whether parallel calls are allowed. Raises a fault (400)."""
    if raw is None:
        return None, None
    if isinstance(raw, str):
        raw = {"type": raw}
    choice = an_object(raw, "tool_choice")
    parallel = {True: False, False: True, None: None}[optional_flag(choice, "disable_parallel_tool_use", "tool_choice")]
    match choice.get("type"):
        case "auto":
            return ToolChoice("auto"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "tool":
            name = a_text(choice.get("name"), "tool_choice.name")
            hosted = any(isinstance(tool, HostedTool) and tool.name == name for tool in tools)
            return ToolChoice("one", (name,), raw=choice if hosted else None), parallel
        case other:
            raise invalid_request(f"tool_choice.type: unknown choice {other!r}", param="tool_choice.type")


class ToolNames:
    """The names by which the target knows the client's tools: short enough, in its alphabet, namespaces flattened."""

    __slots__ = ("_custom", "_keys", "_known", "_limit", "_plain")

    def __init__(self, request: Request) -> None:
        self._keys: dict[str, tuple[str, str | None]] = {}
        self._custom: set[str] = set()
        #: names that are the same at the target, whatever else is called
        self._plain = request.tools.plain if type(request.tools) is Declared else {}
        for tool in request.tools if not self._plain else ():
            if type(tool) is FunctionTool or type(tool) is CustomTool:
                key = self._key(tool.name, tool.namespace)
                if type(tool) is CustomTool:
                    self._custom.add(key)
        for turn in request.turns:
            for part in turn.parts:
                if type(part) is ToolCall and (part.namespace is not None or part.name not in self._plain):
                    self._key(part.name, part.namespace)
        # The vendor takes 128 characters from its own clients; compatible servers often stop at the documented 64.
        self._limit = 128 if request.protocol == NAME else 64
        self._known: NameMap | None = None

    def _map(self) -> NameMap:
        """Return the names at the target, made of all that were declared beforehand."""
        if self._known is None:
            self._known = NameMap(self._keys, limit=self._limit, fitting=self._plain)
        return self._known

    def _key(self, name: str, namespace: str | None) -> str:
        if namespace is None and name in self._plain:
            return name
        key = flattened(namespace, name)
        if key in self._plain or self._keys.setdefault(key, (name, namespace)) != (name, namespace):
            key = f"{namespace or ''}.{name}"
            self._keys[key] = (name, namespace)
        return key

    def target(self, name: str, namespace: str | None = None) -> str:
        """Return the target's name of a tool."""
        if namespace is None and name in self._plain:
            return name
        return self._map().to_target(self._key(name, namespace))

    def reversal(self) -> Reversal:
        """Return what has to be undone in the answer."""
        if not self._keys:
            return NO_REVERSAL
        names = self._map()
        origins: dict[str, ToolOrigin] = {}
        for key, (name, namespace) in self._keys.items():
            target, custom = names.to_target(key), key in self._custom
            if target != name or namespace is not None or custom:
                origins[target] = ToolOrigin(name, namespace, custom)
        return Reversal(tools=origins)


def tool_objects(
    request: Request, names: ToolNames, capabilities: Capabilities, losses: Losses, allowance: Allowance
) -> tuple[list[dict[str, Any]] | json.Raw, list[dict[str, Any]]]:
    """Encode ``tools`` and ``mcp_servers``. Raises ``unsupported`` for a tool that only another vendor runs."""
    tools, choice = request.tools, request.tool_choice
    if (
        not isinstance(tools, Declared)
        or not tools.plain
        # Of both there is a number that the whole request may have.
        or tools.strict
        or tools.cached
        or (choice is not None and choice.mode == "allowed")
    ):
        return _tool_objects(request, names, capabilities, losses, allowance)
    known = tools.rendering(
        NAME, capabilities, lambda lost: _tool_objects(request, names, capabilities, lost, allowance)[0]
    )
    losses.extend(known.losses)
    return known.content, []


def _tool_objects(
    request: Request, names: ToolNames, capabilities: Capabilities, losses: Losses, allowance: Allowance
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    own = request.protocol == NAME
    allowed = _allowed(request.tool_choice, losses)
    tools: list[dict[str, Any]] = []
    servers: list[dict[str, Any]] = []
    for number, tool in enumerate(request.tools):
        path = f"tools[{number}]"
        if allowed is not None and _label(tool) not in allowed:
            continue
        match tool:
            case FunctionTool():
                encoded = _function_object(tool, names, path, capabilities, losses, own=own, allowance=allowance)
            case CustomTool():
                encoded = _custom_object(tool, names, path, losses)
            case HostedTool() if tool.protocol == NAME:
                if tool.type == MCP_SERVER:
                    servers.append(tool.raw)
                    continue
                encoded = tool.raw
            case HostedTool():
                hosted = _hosted_object(tool, path, capabilities, losses)
                if hosted is None:
                    reason = f"the target cannot run the hosted tool {tool.type!r}"
                    leave_out(tool, request, path, reason, losses)
                    continue
                encoded = hosted
            case _:
                assert_never(tool)
        if encoded not in tools:
            tools.append(encoded)
    return tools, servers


def _label(tool: Tool) -> str:
    """Return what a choice calls a tool: its name, or its type where the vendor gave it none."""
    return tool.type if isinstance(tool, HostedTool) and tool.name is None else str(tool.name)


def _allowed(choice: ToolChoice | None, losses: Losses) -> frozenset[str] | None:
    if choice is None or choice.mode != "allowed":
        return None
    losses.adapt("tool_choice", "the allowed subset is expressed by leaving the other tools out")
    return frozenset(choice.names)


def _function_object(
    tool: FunctionTool,
    names: ToolNames,
    path: str,
    capabilities: Capabilities,
    losses: Losses,
    *,
    own: bool,
    allowance: Allowance,
) -> dict[str, Any]:
    encoded: dict[str, Any] = {"name": names.target(tool.name, tool.namespace)}
    if tool.description is not None:
        encoded["description"] = tool.description
    schema = tool.schema
    strict = tool.strict is True
    if strict and not capabilities.structured_output:
        losses.drop(f"{path}.strict", "the target does not enforce this tool's schema")
        strict = False
    if own and not strict:
        encoded["input_schema"] = schema if schema is not None else {"type": "object", "properties": {}}
    elif strict and schema is not None:
        adapted = for_anthropic(schema, root_object=True)
        if adapted.recursive or adapted.wrapped or not allowance.takes_tool(adapted.schema):
            why = "it is recursive, has no object at its root, or leaves too much open"
            losses.drop(f"{path}.strict", f"the schema can't be enforced: {why}")
            strict = False
            encoded["input_schema"] = tool_input_schema(schema)[0]
        else:
            encoded["input_schema"] = adapted.schema
            for change in adapted.changes:
                losses.adapt(f"{path}.parameters", change)
    else:
        encoded["input_schema"], reason = tool_input_schema(schema)
        if reason is not None:
            losses.adapt(f"{path}.parameters", reason)
    if strict:
        encoded["strict"] = True
    elif own and tool.strict is False:
        encoded["strict"] = False
    _put_extras(encoded, tool.extras, tool, path, losses, own=own)
    return encoded


def _put_extras(
    encoded: dict[str, Any],
    extras: dict[str, Any] | None,
    tool: FunctionTool,
    path: str,
    losses: Losses,
    *,
    own: bool,
) -> None:
    control = cache_control(tool.cache, extras if own else None)
    if control is not None:
        encoded["cache_control"] = control
    for key, value in (extras if extras is not None else {}).items():
        if not own:
            losses.drop(f"{path}.{key}", "the target has no such field")
        elif key != "cache_control":
            encoded[key] = value


def _custom_object(tool: CustomTool, names: ToolNames, path: str, losses: Losses) -> dict[str, Any]:
    """Wrap a free-text tool as a function with one string; the grammar can only be told, not enforced."""
    pieces = [tool.description] if tool.description else []
    grammar = tool.grammar
    if grammar is not None and grammar.get("type") != "text":
        losses.approximate(f"{path}.format", "the grammar is told to the model and not enforced")
        source = grammar.get("grammar") if isinstance(grammar.get("grammar"), dict) else grammar
        syntax, definition = source.get("syntax", "grammar"), source.get("definition")  # type: ignore[union-attr]
        if isinstance(definition, str):
            pieces.append(f"The {CUSTOM_INPUT} must match this {syntax} grammar:\n{definition}")
    losses.adapt(path, "free-text input travels as a JSON string")
    for key in tool.extras if tool.extras is not None else {}:
        losses.drop(f"{path}.{key}", "the target has no such field")
    return {
        "name": names.target(tool.name, tool.namespace),
        **({"description": "\n\n".join(pieces)} if pieces else {}),
        "input_schema": {
            "type": "object",
            "properties": {CUSTOM_INPUT: {"type": "string", "description": "The tool's whole input as plain text."}},
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        },
    }


#: Settings of other vendors' search tools that have a twin here.
_SEARCH_FIELDS = frozenset({"type", "user_location", "filters"})


def _hosted_object(tool: HostedTool, path: str, capabilities: Capabilities, losses: Losses) -> dict[str, Any] | None:
    """Return the target's own tool of the same meaning, or ``None`` where it has none."""
    capability = tool.capability
    if capability is None or capability not in capabilities.hosted_tools or capability not in HOSTED_TOOLS:
        return None
    encoded = dict(HOSTED_TOOLS[capability])
    raw = tool.raw
    if capability == "web_search":
        filters = raw.get("filters")
        if isinstance(filters, dict):
            for ours, theirs in (("allowed_domains", "allowed_domains"), ("blocked_domains", "blocked_domains")):
                if isinstance(filters.get(theirs), list) and filters[theirs]:
                    encoded[ours] = filters[theirs]
        location = raw.get("user_location")
        if isinstance(location, dict):
            place = location["approximate"] if isinstance(location.get("approximate"), dict) else location
            known = {
                key: place[key] for key in ("city", "region", "country", "timezone") if isinstance(place.get(key), str)
            }
            if known:
                encoded["user_location"] = {"type": "approximate", **known}
    for key, value in raw.items():
        if value and key not in _SEARCH_FIELDS and key != tool.type:
            losses.drop(f"{path}.{key}", "the target's tool has no such setting")
    return encoded


def history_tools(request: Request, names: ToolNames) -> list[dict[str, Any]]:
    """Define the tools that the history calls, for a request without tools: the target insists on them."""
    found: dict[str, dict[str, Any]] = {}
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                name = names.target(part.name, part.namespace)
                found.setdefault(name, {"name": name, "input_schema": {"type": "object", "properties": {}}})
    return list(found.values())


def choice_object(
    request: Request, names: ToolNames, capabilities: Capabilities, losses: Losses
) -> dict[str, Any] | None:
    """Encode the choice together with the parallel switch, which needs an explicit choice here."""
    choice = request.tool_choice
    encoded: dict[str, Any] | None = None
    if choice is not None:
        match choice.mode:
            case "auto":
                encoded = {"type": "auto"}
            case "none":
                encoded = {"type": "none"}
            case "required":
                encoded = {"type": "any"}
            case "one":
                encoded = {"type": "tool", "name": _chosen(choice, request, names)}
            case "allowed":
                encoded = {"type": "any" if choice.required else "auto"}
        if encoded["type"] in ("any", "tool") and not capabilities.forced_tool_choice:
            losses.approximate("tool_choice", "the target refuses forced tool calls: the model chooses")
            encoded = {"type": "auto"}
    if request.parallel_tool_calls is False and (encoded is None or encoded["type"] != "none"):
        encoded = {**(encoded if encoded is not None else {"type": "auto"}), "disable_parallel_tool_use": True}
    elif request.parallel_tool_calls is True and request.protocol == NAME and encoded is not None:
        encoded["disable_parallel_tool_use"] = False
    return encoded


def _chosen(choice: ToolChoice, request: Request, names: ToolNames) -> str:
    name = choice.names[0] if choice.names else ""
    for tool in request.tools:
        match tool:
            case HostedTool() if tool.protocol == NAME and tool.name == name:
                return name
            case HostedTool() if tool.protocol != NAME and name in (tool.type, tool.name, tool.capability):
                return str(HOSTED_TOOLS[tool.capability]["name"]) if tool.capability in HOSTED_TOOLS else name
            case FunctionTool() | CustomTool() if tool.name == name:
                return names.target(tool.name, tool.namespace)
            case _:
                continue
    return names.target(name)
