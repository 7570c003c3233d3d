"""Tool definitions and tool choice, from the wire: ``tools`` and the legacy ``functions``."""

from __future__ import annotations

from typing import Any

from codenex.core.parts import CacheHint
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.content import decode_cache
from codenex.protocols.openai_chat.types import PROTOCOL

_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_CUSTOM = frozenset({"name", "description", "format"})
_OUTER = frozenset({"type", "function", "custom", "cache_control", "prompt_cache_breakpoint"})

#: Meaning of tools that vendors run, by the words that clients of this protocol use for them.
HOSTED: dict[str, str] = {
    "web_search": "web_search",
    "web_search_preview": "web_search",
    "web_search_options": "web_search",
    "openrouter:web_search": "web_search",
    "googleSearch": "web_search",
    "google_search": "web_search",
    "urlContext": "web_fetch",
    "url_context": "web_fetch",
    "codeExecution": "code_execution",
    "code_execution": "code_execution",
    "code_interpreter": "code_execution",
    "file_search": "file_search",
    "image_generation": "image_generation",
    "computer_use_preview": "computer",
    "mcp": "mcp",
}

_MODES: dict[str, ToolChoice] = {
    "auto": ToolChoice("auto"),
    "none": ToolChoice("none"),
    "required": ToolChoice("required"),
    "any": ToolChoice("required"),
}


def decode_tools(value: Any) -> tuple[Tool, ...]:
    """Read ``tools``."""
    tools = fields.sequence(value, "tools")
    return tuple(_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools or ()))


def decode_functions(value: Any) -> tuple[Tool, ...]:
    """Read the legacy ``functions``."""
    functions = fields.sequence(value, "functions")
    return tuple(
        _function(fields.required_mapping(function, f"functions[{number}]"), f"functions[{number}]", {}, None)
        for number, function in enumerate(functions or ())
    )


def decode_tool_choice(value: Any) -> ToolChoice | None:
    """Read ``tool_choice`` in all its shapes, Responses' flat one and Anthropic's included."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in _MODES:
            raise fields.wrong("tool_choice", "'none', 'auto', 'required' or an object")
        return _MODES[value]
    choice = fields.required_mapping(value, "tool_choice")
    kind = fields.required_text(choice.get("type"), "tool_choice.type")
    match kind:
        case "auto" | "none" | "required" | "any":
            return _MODES[kind]
        case "function" | "custom" | "tool":
            return ToolChoice("one", (_named(choice, kind, "tool_choice"),))
        case "allowed_tools":
            allowed = fields.mapping(choice.get("allowed_tools"), "tool_choice.allowed_tools") or choice
            members = fields.sequence(allowed.get("tools"), "tool_choice.allowed_tools.tools") or []
            return _allowed(allowed, members, choice)
        case _:
            return ToolChoice("one", raw=choice)


def decode_function_call(value: Any) -> ToolChoice | None:
    """Read the legacy ``function_call``: ``auto``, ``none`` or a name."""
    if value is None:
        return None
    if isinstance(value, str):
        if value not in ("auto", "none"):
            raise fields.wrong("function_call", "'none', 'auto' or an object")
        return _MODES[value]
    choice = fields.required_mapping(value, "function_call")
    return ToolChoice("one", (fields.required_text(choice.get("name"), "function_call.name"),))


def _allowed(allowed: dict[str, Any], members: list[Any], choice: dict[str, Any]) -> ToolChoice:
    names: list[str] = []
    hosted = False
    for number, member in enumerate(members):
        path = f"tool_choice.allowed_tools.tools[{number}]"
        entry = fields.required_mapping(member, path)
        kind = fields.required_text(entry.get("type"), f"{path}.type")
        if kind in ("function", "custom"):
            names.append(_named(entry, kind, path))
        else:
            hosted = True
    mode = fields.text(allowed.get("mode"), "tool_choice.allowed_tools.mode")
    return ToolChoice("allowed", tuple(names), mode == "required", choice if hosted else None)


def _named(choice: dict[str, Any], kind: str, path: str) -> str:
    nested = choice.get(kind)
    if isinstance(nested, dict):
        return fields.required_text(nested.get("name"), f"{path}.{kind}.name")
    if isinstance(choice.get("name"), str):
        return str(choice["name"])
    raise fields.missing(f"{path}.{kind}.name")


def _tool(value: Any, path: str) -> Tool:
    tool = fields.required_mapping(value, path)
    kind = fields.text(tool.get("type"), f"{path}.type")
    cache = decode_cache(tool, path)
    if kind == "function" or (kind is None and "function" in tool):
        if tool.get("function") is None and isinstance(tool.get("name"), str):
            # Flat, as in Responses: clients mix the two up.
            return _function({key: item for key, item in tool.items() if key not in _OUTER}, path, {}, cache)
        inner = fields.required_mapping(tool.get("function"), f"{path}.function")
        return _function(inner, f"{path}.function", fields.unknown(tool, _OUTER), cache, "function.")
    if kind == "custom":
        body = tool if isinstance(tool.get("name"), str) else tool.get("custom")
        return _custom(fields.required_mapping(body, f"{path}.custom"), f"{path}.custom", fields.unknown(tool, _OUTER))
    if kind is None and "input_schema" in tool:
        flat = {key: item for key, item in tool.items() if key not in ("input_schema", "cache_control")}
        return _function({**flat, "parameters": tool["input_schema"]}, path, {}, cache)
    if kind is None:
        # Gemini's tools have no type: the only key is it.
        named = next((key for key in tool if key in HOSTED), None)
        if named is None:
            raise fields.missing(f"{path}.type")
        kind = named
    return HostedTool(PROTOCOL, kind, tool, HOSTED.get(kind), fields.text(tool.get("name"), f"{path}.name"))


def _function(
    inner: dict[str, Any], path: str, outer: dict[str, Any], cache: CacheHint | None, prefix: str = ""
) -> FunctionTool:
    return FunctionTool(
        fields.required_text(inner.get("name"), f"{path}.name"),
        fields.text(inner.get("description"), f"{path}.description"),
        fields.mapping(inner.get("parameters"), f"{path}.parameters"),
        fields.boolean(inner.get("strict"), f"{path}.strict"),
        cache=cache,
        extras={**outer, **fields.unknown(inner, _FUNCTION, prefix)} or None,
    )


def _custom(inner: dict[str, Any], path: str, outer: dict[str, Any]) -> CustomTool:
    form = fields.mapping(inner.get("format"), f"{path}.format")
    grammar: dict[str, Any] | None = None
    if form is not None and form.get("type") == "grammar":
        nested = form.get("grammar")
        body = nested if isinstance(nested, dict) else form
        grammar = {"type": "grammar", **{key: body[key] for key in ("syntax", "definition") if key in body}}
    extras = {**outer, **fields.unknown(inner, _CUSTOM | {"type"}, "custom.")}
    return CustomTool(
        fields.required_text(inner.get("name"), f"{path}.name"),
        fields.text(inner.get("description"), f"{path}.description"),
        grammar,
        extras={key: item for key, item in extras.items() if key not in _CUSTOM} or None,
    )
