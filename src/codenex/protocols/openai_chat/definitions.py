"""Tool definitions and the choice among them, to the wire. From the wire: ``tools``."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import json
from codenex.core.declarations import Declared
from codenex.core.errors import unsupported
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Tool
from codenex.core.reversal import CUSTOM_INPUT
from codenex.core.server_tools import leave_out
from codenex.models.strict_schema import qualifies_for_openai, tool_input_schema
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.attachments import cache_fields
from codenex.protocols.openai_chat.target import SAME_VENDOR, Target
from codenex.protocols.openai_chat.types import PROTOCOL

Options = dict[str, Any]


def encode_tools(target: Target) -> Options:
    """Render tool definitions, the choice among them and the switch for parallel calls."""
    out: Options = {}
    listed = _listed(target, out)
    if listed:
        out["tools"] = listed
    elif not out:
        if target.request.tool_choice is not None and target.request.tool_choice.mode != "none":
            target.losses.drop("tool_choice", "there are no tools")
        return out
    if listed:
        out.update(_choice(target, out))
        parallel = target.request.parallel_tool_calls
        if parallel is not None:
            if target.capabilities.parallel_switch:
                out["parallel_tool_calls"] = parallel
            elif not parallel:
                target.losses.drop("parallel_tool_calls", "the target has no switch for it")
    return out


def _listed(target: Target, out: Options) -> list[Options] | json.Raw:
    """Return the definitions. Those of tools that came before are known, unless the choice leaves some of them out."""
    tools, choice = target.request.tools, target.request.tool_choice
    if not isinstance(tools, Declared) or not tools.plain or (choice is not None and choice.mode == "allowed"):
        return _rendered(target, out)
    known = tools.rendering(
        PROTOCOL, target.capabilities, lambda losses: _rendered(Target(target.request, target.capabilities, losses), {})
    )
    target.losses.extend(known.losses)
    return known.content


def _rendered(target: Target, out: Options) -> list[Options]:
    listed: list[Options] = []
    for position, tool in enumerate(target.request.tools):
        rendered = _tool(tool, target, f"tools[{position}]", out)
        if rendered is not None and rendered not in listed:
            listed.append(rendered)
    return listed


def _tool(tool: Tool, target: Target, path: str, out: Options) -> Options | None:
    match tool:
        case FunctionTool():
            return _function(tool, target, path)
        case CustomTool():
            return _custom(tool, target, path)
        case HostedTool():
            return _hosted(tool, target, path, out)
        case _:
            assert_never(tool)


def _function(tool: FunctionTool, target: Target, path: str) -> Options:
    target.dropped_extras(tool.extras, path)
    extras = tool.extras if target.same else None
    inner: Options = {"name": target.tool_name(tool.namespace, tool.name)}
    if tool.description is not None:
        inner["description"] = tool.description
    strict = tool.strict
    if target.same:
        if tool.schema is not None:
            inner["parameters"] = tool.schema
    else:
        inner["parameters"], change = tool_input_schema(tool.schema)
        if change is not None:
            target.losses.approximate(f"{path}.parameters", change)
        if strict and target.request.protocol not in SAME_VENDOR and not qualifies_for_openai(inner["parameters"]):
            target.losses.approximate(f"{path}.strict", "strict mode does not take the schema")
            strict = False
    if strict is not None:
        inner["strict"] = strict
    inner.update(fields.restored(extras, "function."))
    cache = cache_fields(tool.cache, target, f"{path}.cache_control") if tool.cache is not None else {}
    if "prompt_cache_breakpoint" in cache:
        cache = {}
        target.losses.drop(f"{path}.cache_control", "the target caches tools by itself")
    return {"type": "function", "function": inner, **cache, **fields.restored(extras)}


def _custom(tool: CustomTool, target: Target, path: str) -> Options:
    target.dropped_extras(tool.extras, path)
    extras = tool.extras if target.same else None
    name = target.tool_name(tool.namespace, tool.name)
    if target.capabilities.custom_tools:
        inner: Options = {"name": name}
        if tool.description is not None:
            inner["description"] = tool.description
        if tool.grammar is not None:
            body = {key: value for key, value in tool.grammar.items() if key in ("syntax", "definition")}
            inner["format"] = {"type": "grammar", "grammar": body}
        inner.update(fields.restored(extras, "custom."))
        return {"type": "custom", "custom": inner, **fields.restored(extras)}
    target.losses.adapt(path, "a tool with free text is sent as a function with one string")
    described = tool.description or ""
    if tool.grammar is not None:
        grammar = f"The input follows this {tool.grammar.get('syntax', 'formal')} grammar:\n"
        described = f"{described}\n\n{grammar}{tool.grammar.get('definition', '')}".strip()
    schema = {
        "type": "object",
        "properties": {CUSTOM_INPUT: {"type": "string", "description": "The whole input as plain text."}},
        "required": [CUSTOM_INPUT],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, **({"description": described} if described else {}), "parameters": schema},
    }


def _hosted(tool: HostedTool, target: Target, path: str, out: Options) -> Options | None:
    if tool.protocol == PROTOCOL and target.same:
        if tool.type == "web_search_options":
            out["web_search_options"] = tool.raw
            return None
        return tool.raw
    if tool.capability == "web_search" and "web_search" in target.capabilities.hosted_tools:
        target.losses.adapt(path, "the target's own web search stands for it")
        out["web_search_options"] = {}
        return None
    leave_out(tool, target.request, path, f"the target has no tool of type '{tool.type}'", target.losses)
    return None


def _choice(target: Target, out: Options) -> Options:
    choice = target.request.tool_choice
    if choice is None:
        return {}
    forced = choice.mode in ("required", "one") or (choice.mode == "allowed" and choice.required)
    if forced and not target.capabilities.forced_tool_choice:
        target.losses.approximate("tool_choice", "the target can't be forced to call a tool")
        return {"tool_choice": "auto"}
    match choice.mode:
        case "auto" | "none" | "required":
            return {"tool_choice": choice.mode}
        case "one":
            if not choice.names:
                if choice.raw is not None and target.same:
                    return {"tool_choice": choice.raw}
                raise unsupported("the target can't be forced to call this tool", param="tool_choice")
            if _is_hosted(choice.names[0], target):
                target.losses.adapt("tool_choice", "a model with web search searches without being told")
                return {}
            return {"tool_choice": _member(choice.names[0], target)}
        case "allowed":
            if choice.raw is not None and target.same:
                return {"tool_choice": choice.raw}
            return _allowed(choice.names, choice.required, target, out)
        case _:
            assert_never(choice.mode)


def _allowed(names: tuple[str, ...], required: bool, target: Target, out: Options) -> Options:
    """Restrict the choice; a target that can't is given the allowed tools only."""
    mode = "required" if required else "auto"
    members = [_member(name, target) for name in names]
    if target.capabilities.developer_role or target.same:
        return {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": members}}}
    target.losses.adapt("tool_choice", "tools that are not allowed are not sent")
    kept = {member[member["type"]]["name"] for member in members}
    out["tools"] = [tool for tool in out["tools"] if tool.get(tool["type"], {}).get("name") in kept]
    if not out["tools"]:
        del out["tools"]
        return {}
    return {"tool_choice": mode}


def _is_hosted(name: str, target: Target) -> bool:
    """Whether a choice names a tool that its vendor runs, and no function of the client's."""
    named = [tool for tool in target.request.tools if name in (tool.name, getattr(tool, "capability", None))]
    return bool(named) and all(isinstance(tool, HostedTool) for tool in named)


def _member(name: str, target: Target) -> Options:
    custom = target.capabilities.custom_tools and any(
        isinstance(tool, CustomTool) and tool.name == name for tool in target.request.tools
    )
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": target.named(name)}}
