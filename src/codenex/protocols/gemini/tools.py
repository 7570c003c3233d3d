"""Tools and the choice among them: declarations and Google's own tools to the hub and back."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.declarations import Declared
from codenex.core.errors import invalid_request
from codenex.core.losses import Losses
from codenex.core.names import NameMap, flattened
from codenex.core.parts import ToolCall, ToolResult
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Request, Tool, ToolChoice
from codenex.core.reversal import CUSTOM_INPUT, Reversal, ToolOrigin
from codenex.core.server_tools import leave_out
from codenex.models.capabilities import Capabilities
from codenex.models.json_schema import from_openapi, to_json_schema_slot, to_openapi_subset, with_lower_types
from codenex.protocols.gemini.fields import as_list, as_object, canonical, rest_of, text_field
from codenex.protocols.gemini.types import (
    CALLING_FIELDS,
    DECLARATION_FIELDS,
    HOSTED_CAPABILITIES,
    HOSTED_TOOLS,
    NAME,
    TOOL_CONFIG_FIELDS,
    TOOL_FIELDS,
    Object,
)

#: Google's rule for names: a letter or underscore first, then also digits, dots, colons and dashes.
_FIRST = r"[a-zA-Z_]"
_ILLEGAL = r"[^a-zA-Z0-9_.:-]"
_NAME_LIMIT, _OWN_NAME_LIMIT = 64, 128


# --- from the client ---


def decode_tools(value: Any) -> tuple[Tool, ...]:
    """Decode ``tools``: each entry holds declarations, tools of Google's, or both."""
    tools: list[Tool] = []
    for position, item in enumerate(as_list(value, "tools")):
        path = f"tools[{position}]"
        entry = canonical(as_object(item, path), TOOL_FIELDS)
        for kind, content in entry.items():
            if kind == "functionDeclarations":
                for number, declaration in enumerate(as_list(content, f"{path}.{kind}")):
                    tools.append(_declaration(declaration, f"{path}.{kind}[{number}]"))
            else:
                tools.append(HostedTool(NAME, kind, {kind: content}, HOSTED_CAPABILITIES.get(kind)))
    return tuple(tools)


def _declaration(value: Any, path: str) -> FunctionTool:
    declaration = canonical(as_object(value, path), DECLARATION_FIELDS)
    name = text_field(declaration, "name", path)
    if not name:
        raise invalid_request(f"{path}.name: the name is missing", param=f"{path}.name")
    schema: Object | None = None
    if "parametersJsonSchema" in declaration:
        schema = with_lower_types(as_object(declaration["parametersJsonSchema"], f"{path}.parametersJsonSchema"))
    elif "parameters" in declaration:
        schema = from_openapi(as_object(declaration["parameters"], f"{path}.parameters"))
    return FunctionTool(
        name,
        text_field(declaration, "description", path),
        schema,
        extras=rest_of(declaration, frozenset({"name", "description", "parameters", "parametersJsonSchema"})),
    )


def decode_tool_config(
    value: Any, tools: tuple[Tool, ...]
) -> tuple[ToolChoice | None, tuple[Tool, ...], Object | None]:
    """Decode ``toolConfig`` to the choice, the tools (VALIDATED makes them strict) and what the hub has no name for."""
    config = canonical(as_object(value, "toolConfig"), TOOL_CONFIG_FIELDS)
    rest = rest_of(config, frozenset({"functionCallingConfig"})) or {}
    path = "toolConfig.functionCallingConfig"
    calling = canonical(as_object(config.get("functionCallingConfig", {}), path), CALLING_FIELDS)
    if inner := rest_of(calling, frozenset({"mode", "allowedFunctionNames"})):
        rest["functionCallingConfig"] = inner
    mode = (text_field(calling, "mode", path) or "").upper()
    names = tuple(
        str(name) for name in as_list(calling.get("allowedFunctionNames", []), f"{path}.allowedFunctionNames")
    )
    choice: ToolChoice | None = None
    match mode:
        case "AUTO":
            choice = ToolChoice("auto")
        case "NONE":
            choice = ToolChoice("none")
        case "ANY":
            choice = (
                ToolChoice("required")
                if not names
                else ToolChoice("one", names)
                if len(names) == 1
                else ToolChoice("allowed", names, required=True)
            )
        case "VALIDATED":
            choice = ToolChoice("allowed", names) if names else ToolChoice("auto")
            tools = tuple(
                msgspec.structs.replace(tool, strict=True) if isinstance(tool, FunctionTool) else tool for tool in tools
            )
        case "" | "MODE_UNSPECIFIED":
            pass
        case _:
            raise invalid_request(f"{path}.mode: {mode!r} is unknown", param=f"{path}.mode")
    return choice, tools, rest if rest else None


# --- to the model ---


def name_map(request: Request) -> NameMap:
    """Return the map of all tool names of a request, declared or only in its history."""
    known = request.tools.plain if isinstance(request.tools, Declared) else {}
    names = [
        flattened(tool.namespace, tool.name)
        for tool in (request.tools if not known else ())
        if isinstance(tool, FunctionTool | CustomTool)
    ]
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                names.append(flattened(part.namespace, part.name))
            elif isinstance(part, ToolResult) and part.name:
                names.append(part.name)
    limit = _OWN_NAME_LIMIT if request.protocol == NAME else _NAME_LIMIT
    return NameMap(names, limit, _FIRST, _ILLEGAL, fitting=known)


def encode_tools(
    request: Request, capabilities: Capabilities, names: NameMap, losses: Losses
) -> list[Object] | list[json.Raw]:
    """Encode the tools: all declarations in one entry, each of Google's own tools in another."""
    tools = request.tools
    if not isinstance(tools, Declared) or not tools.plain:
        return _entries(request, capabilities, names, losses)
    known = tools.rendering(NAME, capabilities, lambda lost: _entries(request, capabilities, names, lost)[0])
    losses.extend(known.losses)
    return [known.content]


def _entries(request: Request, capabilities: Capabilities, names: NameMap, losses: Losses) -> list[Object]:
    entries: list[Object] = []
    declarations: list[Object] = []
    seen: set[str] = set()
    alone = not (capabilities.extras or {}).get("mixed_tools")
    functions = any(not isinstance(tool, HostedTool) for tool in request.tools)
    for position, tool in enumerate(request.tools):
        path = f"tools[{position}]"
        match tool:
            case FunctionTool() | CustomTool():
                name = names.to_target(flattened(tool.namespace, tool.name))
                if name in seen:
                    losses.drop(path, f"a second tool named {tool.name}")
                    continue
                seen.add(name)
                if not declarations:
                    entries.append({"functionDeclarations": declarations})
                declarations.append(
                    _function(tool, name, capabilities, request.protocol, path, losses)
                    if isinstance(tool, FunctionTool)
                    else _custom(tool, name, capabilities, path, losses)
                )
            case HostedTool() if tool.protocol == NAME:
                entries.append(tool.raw)
            case HostedTool():
                kind = HOSTED_TOOLS.get(tool.capability) if tool.capability in capabilities.hosted_tools else None
                if kind is None:
                    leave_out(tool, request, path, f"Gemini has no tool like {tool.type}", losses)
                elif alone and functions:
                    reason = "this model can't use functions and search or code tools in one request"
                    leave_out(tool, request, path, reason, losses)
                else:
                    losses.adapt(path, f"{tool.type} became Google's {kind}; its settings don't carry over")
                    entries.append({kind: {}})
    return entries


def _function(
    tool: FunctionTool, name: str, capabilities: Capabilities, protocol: str, path: str, losses: Losses
) -> Object:
    declaration: Object = {"name": name}
    if tool.description is not None:
        declaration["description"] = tool.description
    if tool.schema is not None:
        declaration.update(_parameters(tool.schema, capabilities, path, losses))
    if tool.cache is not None:
        losses.drop("cache_control", "Gemini caches by itself")
    for key, value in (tool.extras or {}).items():
        if protocol == NAME:
            declaration[key] = value
        else:
            losses.drop(f"{path}.{key}", "Gemini has no such field")
    return declaration


def _parameters(schema: Object, capabilities: Capabilities, path: str, losses: Losses) -> Object:
    # Parameters are an object whatever the schema says or leaves out.
    rooted = schema if schema.get("type") is not None or "$ref" in schema else {"type": "object", **schema}
    if capabilities.json_schema_slot:
        written, notes = to_json_schema_slot(rooted)
        slot = "parametersJsonSchema"
    else:
        written, notes = to_openapi_subset(rooted)
        slot = "parameters"
        if not written.get("properties"):
            # An object without properties is refused there; no parameters say the same.
            return {}
    for note in notes:
        place, _, reason = note.partition(": ")
        losses.approximate(f"{path}.parameters.{place}".rstrip("."), reason or "moved into the description")
    return {slot: written}


def _custom(tool: CustomTool, name: str, capabilities: Capabilities, path: str, losses: Losses) -> Object:
    losses.adapt(path, "a free-text tool became a function with one string parameter")
    sentences = [tool.description] if tool.description else []
    if tool.grammar is not None:
        definition = tool.grammar.get("definition")
        form = definition if isinstance(definition, str) else json.encode_text(tool.grammar)
        sentences.append(f"The input must follow this {tool.grammar.get('syntax', 'grammar')} grammar:\n{form}")
    for key in tool.extras or {}:
        losses.drop(f"{path}.{key}", "Gemini has no such field")
    schema: Object = {"type": "object", "properties": {CUSTOM_INPUT: {"type": "string"}}, "required": [CUSTOM_INPUT]}
    return {"name": name, "description": "\n\n".join(sentences), **_parameters(schema, capabilities, path, losses)}


def reversal_of(request: Request, names: NameMap) -> Reversal:
    """Return what has to be undone in the answer: names that changed, namespaces, free text."""
    if isinstance(request.tools, Declared) and request.tools.plain:
        return Reversal()
    origins: dict[str, ToolOrigin] = {}
    for tool in request.tools:
        if isinstance(tool, HostedTool):
            continue
        target = names.to_target(flattened(tool.namespace, tool.name))
        custom = isinstance(tool, CustomTool)
        if custom or tool.namespace is not None or target != tool.name:
            origins.setdefault(target, ToolOrigin(tool.name, tool.namespace, custom))
    return Reversal(origins)


def encode_tool_config(
    request: Request, tools: list[Object] | list[json.Raw], capabilities: Capabilities, names: NameMap, losses: Losses
) -> Object:
    """Encode the choice among ``tools``, as they are sent; empty where there is nothing to say."""
    config: Object = {}
    functions = [tool for tool in request.tools if not isinstance(tool, HostedTool)]
    if functions:
        calling = _calling(request, capabilities, names, losses)
        if calling:
            config["functionCallingConfig"] = calling
        if len(tools) > 1 and request.protocol != NAME:
            config["includeServerSideToolInvocations"] = True
    elif request.tool_choice is not None and request.tool_choice.mode not in ("auto", "none"):
        losses.drop("tool_choice", "there is no function to choose")
    if request.parallel_tool_calls is False:
        losses.drop("parallel_tool_calls", "Gemini can't be kept from calling several functions at once")
    if request.protocol == NAME:
        for key, value in ((request.extras or {}).get("toolConfig") or {}).items():
            own = config.get(key)
            config[key] = {**own, **value} if isinstance(own, dict) and isinstance(value, dict) else value
    return config


def _calling(request: Request, capabilities: Capabilities, names: NameMap, losses: Losses) -> Object:
    choice = request.tool_choice
    validated = bool((capabilities.extras or {}).get("validated_mode"))
    strict = any(isinstance(tool, FunctionTool) and tool.strict for tool in request.tools)
    targets = _chosen(choice, request.tools, names) if choice is not None else []
    if choice is not None and choice.mode in ("one", "allowed") and not targets:
        if not any(isinstance(tool, HostedTool) for tool in request.tools):
            raise invalid_request(f"tool_choice: no tool is named {', '.join(choice.names)}", param="tool_choice")
        losses.approximate("tool_choice", "a tool that Google runs can't be forced")
        return {"mode": "AUTO"}
    match choice.mode if choice is not None else None:
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case "one":
            return {"mode": "ANY", "allowedFunctionNames": targets}
        case "allowed" if choice is not None and choice.required:
            return {"mode": "ANY", "allowedFunctionNames": targets}
        case "allowed" if validated:
            return {"mode": "VALIDATED", "allowedFunctionNames": targets}
        case "allowed":
            losses.approximate("tool_choice", "this model can't be restricted to some functions without forcing a call")
            return {"mode": "AUTO"}
        case mode:
            # A forced call wins over strictness, which has no place beside it.
            if strict and validated:
                return {"mode": "VALIDATED"}
            if strict:
                losses.drop("tools.strict", "this model has no strict function calls")
            return {"mode": "AUTO"} if mode == "auto" else {}


def _chosen(choice: ToolChoice, tools: tuple[Tool, ...], names: NameMap) -> list[str]:
    """Return the targets' names of the functions that a choice names, with or without their namespace."""
    chosen: list[str] = []
    for tool in tools:
        if isinstance(tool, FunctionTool | CustomTool):
            full = flattened(tool.namespace, tool.name)
            if full in choice.names or tool.name in choice.names:
                chosen.append(names.to_target(full))
    return list(dict.fromkeys(chosen))
