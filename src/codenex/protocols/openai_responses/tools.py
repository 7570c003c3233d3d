"""Tools and the choice among them: from a client's request to the hub, and from the hub to an upstream."""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from codenex.core import json
from codenex.core.declarations import Declared
from codenex.core.errors import invalid_request
from codenex.core.losses import Losses
from codenex.core.names import NameMap, flattened
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Request, Tool
from codenex.core.reversal import CUSTOM_INPUT, ToolOrigin
from codenex.core.server_tools import leave_out
from codenex.models.capabilities import Capabilities
from codenex.models.strict_schema import qualifies_for_openai, tool_input_schema
from codenex.protocols.openai_responses.fields import Fields
from codenex.protocols.openai_responses.types import (
    BUILTINS,
    CAPABILITIES,
    HOSTED_TOOLS,
    NAME,
    SAME_VENDOR,
    TOOL_SEARCH,
    Builtin,
)

# --- decoding -------------------------------------------------------------------------------------------------------


def decode_tools(tools: list[Any], path: str) -> list[Tool]:
    """Decode definitions; namespaces are taken apart. Raises :class:`~codenex.core.errors.Fault`."""
    out: list[Tool] = []
    for position, tool in enumerate(tools):
        out.extend(_decode_tool(tool, f"{path}[{position}]"))
    return out


def _decode_tool(tool: Any, path: str) -> list[Tool]:
    fields = Fields(tool, path)
    kind = fields.string("type")
    match kind:
        case "function":
            return [_function(fields, tool)]
        case "custom":
            return [_custom(fields)]
        case "namespace":
            return _namespace(fields, tool)
        case "local_shell" | "apply_patch":
            return [_builtin(BUILTINS[kind], fields)]
        case "shell" if _is_local(fields.rest.get("environment")):
            environment = fields.any("environment")
            if environment is not None and environment != {"type": "local"}:
                fields.rest["environment"] = environment
            return [_builtin(BUILTINS[kind], fields)]
        case "tool_search" if fields.rest.get("execution") == "client":
            description, schema = fields.string("description"), fields.object("parameters")
            return [
                FunctionTool(
                    TOOL_SEARCH.name,
                    description if description is not None else TOOL_SEARCH.description,
                    schema if schema is not None else TOOL_SEARCH.schema,
                    extras=fields.extras(),
                )
            ]
        case None if isinstance(fields.rest.get("name"), str):
            return [_function(fields, tool)]
        case None:
            fields.needed("type")
            return []
        case _:
            name = tool.get("name")
            return [HostedTool(NAME, kind, tool, CAPABILITIES.get(kind), name if isinstance(name, str) else None)]


def _function(fields: Fields, tool: dict[str, Any]) -> FunctionTool:
    inner = fields.rest.get("function")
    if isinstance(inner, dict) and "name" not in fields.rest:
        # The nested form of Chat, which clients send here by mistake.
        fields = Fields(inner, fields.at("function"))
    name = fields.needed_string("name")
    if not name:
        raise invalid_request(f"Invalid '{fields.at('name')}': empty string.", param=fields.at("name"))
    description, schema = fields.string("description"), fields.object("parameters")
    return FunctionTool(name, description, schema, fields.boolean("strict"), extras=fields.extras())


def _custom(fields: Fields) -> CustomTool:
    name, description, grammar = fields.needed_string("name"), fields.string("description"), fields.object("format")
    if grammar == {"type": "text"}:
        grammar = None
    return CustomTool(name, description, grammar, extras=fields.extras())


def _namespace(fields: Fields, tool: dict[str, Any]) -> list[Tool]:
    name = fields.needed_string("name")
    declared = decode_tools(fields.objects("tools"), fields.at("tools"))
    members = [member for member in declared if isinstance(member, FunctionTool | CustomTool)]
    if not members or len(members) < len(declared):
        return [HostedTool(NAME, "namespace", tool, None, name)]
    out = [msgspec.structs.replace(member, namespace=name) for member in members]
    if fields.rest:
        # What describes the namespace travels with its first member.
        extras = {**(out[0].extras if out[0].extras is not None else {}), "namespace": fields.rest}
        out[0] = msgspec.structs.replace(out[0], extras=extras)
    return list(out)


def _builtin(builtin: Builtin, fields: Fields) -> FunctionTool:
    return FunctionTool(builtin.name, builtin.description, builtin.schema, extras=fields.extras())


def _is_local(environment: Any) -> bool:
    return environment is None or (isinstance(environment, dict) and environment.get("type") == "local")


def builtin_of(tool: Tool) -> Builtin | None:
    """Return the built-in tool that a function stands for, if it does."""
    if not isinstance(tool, FunctionTool) or tool.namespace is not None:
        return None
    builtin = BUILTINS.get(tool.name)
    if builtin is TOOL_SEARCH:
        return builtin if tool.extras is not None and tool.extras.get("execution") == "client" else None
    return builtin if builtin is not None and tool.schema == builtin.schema else None


def builtins_of(tools: tuple[Tool, ...]) -> dict[str, Builtin]:
    """Return the built-in tools of a request by the name of their function."""
    return {builtin.name: builtin for tool in tools if (builtin := builtin_of(tool)) is not None}


# --- encoding -------------------------------------------------------------------------------------------------------


class Toolbox:
    """The tools of one request as an upstream shall know them, and how to undo it."""

    __slots__ = ("_builtins", "_custom", "_names", "_native", "_own", "_same", "origins")

    def __init__(self, request: Request, capabilities: Capabilities, called: list[tuple[str | None, str]]) -> None:
        """``called`` are namespace and name of the calls in the history, which need names as well."""
        self._own = request.protocol == NAME
        self._same = request.protocol in SAME_VENDOR
        #: the upstream knows more than functions
        self._native = self._own and capabilities.custom_tools
        self._custom = capabilities.custom_tools
        known = request.tools.plain if isinstance(request.tools, Declared) else {}
        declared = [
            (tool.namespace, tool.name)
            for tool in (request.tools if not known else ())
            if isinstance(tool, FunctionTool | CustomTool)
        ]
        names = (self._plain(namespace, name) for namespace, name in (*declared, *called))
        self._names = NameMap(names, fitting=known)
        self._builtins = builtins_of(request.tools) if self._native else {}
        self.origins: dict[str, ToolOrigin] = {}
        for tool in request.tools if not known else ():
            if isinstance(tool, FunctionTool | CustomTool):
                wrapping = isinstance(tool, CustomTool) and not self._custom
                kept = tool.namespace if self._native else None
                target = self.name(tool.namespace, tool.name)
                if target != tool.name or wrapping or (tool.namespace is not None and kept is None):
                    self.origins[target] = ToolOrigin(tool.name, tool.namespace, wrapping)

    def _plain(self, namespace: str | None, name: str) -> str:
        return name if self._native else flattened(namespace, name)

    def name(self, namespace: str | None, name: str) -> str:
        """Return the upstream's name of a tool."""
        return self._names.to_target(self._plain(namespace, name))

    def namespace(self, namespace: str | None) -> str | None:
        """Return the namespace to send beside the name."""
        return namespace if self._native else None

    def builtin(self, name: str | None) -> Builtin | None:
        """Return the built-in tool that a call goes to in its own form."""
        return self._builtins.get(name) if name is not None else None

    @property
    def keeps_custom(self) -> bool:
        """Whether free-text calls stay what they are."""
        return self._custom

    def definitions(
        self, request: Request, capabilities: Capabilities, losses: Losses
    ) -> list[dict[str, Any]] | json.Raw:
        """Return the definitions, without exact doubles. Raises ``unsupported`` for a hosted tool without a twin."""
        tools = request.tools
        if not isinstance(tools, Declared) or not tools.plain:
            return self._definitions(request, capabilities, losses)
        known = tools.rendering(NAME, capabilities, lambda lost: self._definitions(request, capabilities, lost))
        losses.extend(known.losses)
        return known.content

    def _definitions(self, request: Request, capabilities: Capabilities, losses: Losses) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        namespaces: dict[str, dict[str, Any]] = {}
        for position, tool in enumerate(request.tools):
            path = f"tools[{position}]"
            if isinstance(tool, HostedTool):
                hosted = _hosted(tool, capabilities)
                if hosted is None:
                    reason = f"The tool '{tool.type}' is run by its vendor and isn't available at this target."
                    leave_out(tool, request, path, reason, losses)
                elif hosted not in out:
                    out.append(hosted)
                continue
            definition = self._definition(tool, path, losses)
            namespace = self.namespace(tool.namespace)
            if namespace is None:
                if definition not in out:
                    out.append(definition)
                continue
            holder = namespaces.get(namespace)
            if holder is None:
                holder = {"type": "namespace", "name": namespace, "description": "", "tools": []}
                namespaces[namespace] = holder
                out.append(holder)
            described = (tool.extras or {}).get("namespace")
            if isinstance(described, dict):
                holder.update(described)
            if definition not in holder["tools"]:
                holder["tools"].append(definition)
        return out

    def _definition(self, tool: FunctionTool | CustomTool, path: str, losses: Losses) -> dict[str, Any]:
        match tool:
            case FunctionTool():
                builtin = builtin_of(tool) if self._native else None
                if builtin is not None:
                    return _builtin_definition(builtin, tool)
                definition = self._function_definition(tool, path, losses)
            case CustomTool():
                definition = self._custom_definition(tool, losses, path)
            case _:
                assert_never(tool)
        if tool.extras is not None:
            if self._own:
                definition |= {key: value for key, value in tool.extras.items() if key != "namespace"}
            else:
                for key in tool.extras:
                    losses.drop(f"{path}.{key}", "OpenAI's tools have no such field")
        return definition

    def _function_definition(self, tool: FunctionTool, path: str, losses: Losses) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "function", "name": self.name(tool.namespace, tool.name)}
        if tool.description is not None:
            out["description"] = tool.description
        if tool.cache is not None:
            losses.drop("cache_control", "OpenAI caches prompts by itself")
        if self._own:
            if tool.schema is not None:
                out["parameters"] = tool.schema
            if tool.strict is not None:
                out["strict"] = tool.strict
            return out
        out["parameters"], change = tool_input_schema(tool.schema)
        if change is not None:
            losses.adapt(f"{path}.parameters", change)
        strict = tool.strict is True
        if strict and not self._same and not qualifies_for_openai(out["parameters"]):
            losses.adapt(f"{path}.strict", "the schema leaves properties open, which OpenAI's strict mode refuses")
            strict = False
        # Left out, it would mean true here.
        out["strict"] = strict
        return out

    def _custom_definition(self, tool: CustomTool, losses: Losses, path: str) -> dict[str, Any]:
        name = self.name(tool.namespace, tool.name)
        if self._custom:
            out: dict[str, Any] = {"type": "custom", "name": name}
            if tool.description is not None:
                out["description"] = tool.description
            if tool.grammar is not None:
                out["format"] = tool.grammar
            return out
        description = tool.description if tool.description is not None else ""
        if tool.grammar is not None:
            losses.adapt(f"{path}.format", "the grammar is told in the tool's description")
            syntax, definition = tool.grammar.get("syntax", ""), tool.grammar.get("definition", "")
            description = f"{description}\n\nThe input must match this {syntax} grammar:\n{definition}".strip()
        schema = {
            "type": "object",
            "properties": {
                CUSTOM_INPUT: {"type": "string", "description": "The whole input of the tool, as plain text."}
            },
            "required": [CUSTOM_INPUT],
            "additionalProperties": False,
        }
        return {"type": "function", "name": name, "description": description, "parameters": schema, "strict": False}

    def choice(self, request: Request, capabilities: Capabilities, losses: Losses) -> Any:
        """Return ``tool_choice``, or ``None`` to leave it out."""
        choice = request.tool_choice
        if choice is None:
            return None
        if not request.tools:
            losses.drop("tool_choice", "there are no tools to choose from")
            return None
        forced = choice.mode in ("required", "one") or (choice.mode == "allowed" and choice.required)
        if forced and not capabilities.forced_tool_choice:
            losses.approximate("tool_choice", "the model can't be made to call a tool")
            return "auto"
        if choice.raw is not None and self._own and (self._native or not choice.names):
            return choice.raw
        match choice.mode:
            case "auto" | "none" | "required":
                return choice.mode
            case "one" if choice.names:
                hosted = _hosted_choice(choice.names[0], request)
                return hosted if hosted is not None else self._member(choice.names[0], request)
            case "allowed":
                if choice.raw is not None and not self._own:
                    losses.drop("tool_choice.allowed_tools", "hosted tools of another vendor can't be chosen")
                mode = "required" if choice.required else "auto"
                return {
                    "type": "allowed_tools",
                    "mode": mode,
                    "tools": [self._member(n, request) for n in choice.names],
                }
            case _:
                losses.approximate("tool_choice", "a hosted tool of another vendor can't be forced")
                return "auto"

    def _member(self, name: str, request: Request) -> dict[str, Any]:
        for tool in request.tools:
            if isinstance(tool, FunctionTool | CustomTool) and tool.name == name:
                custom = isinstance(tool, CustomTool) and self._custom
                return {"type": "custom" if custom else "function", "name": self.name(tool.namespace, name)}
        return {"type": "function", "name": self.name(None, name)}


def _hosted(tool: HostedTool, capabilities: Capabilities) -> dict[str, Any] | None:
    """Return the definition of a tool that OpenAI runs, or ``None`` for another vendor's without a twin here."""
    if tool.protocol == NAME:
        return tool.raw
    if tool.capability is None or tool.capability not in capabilities.hosted_tools:
        return None
    return HOSTED_TOOLS.get(tool.capability)


def _hosted_choice(name: str, request: Request) -> Any:
    """Return the choice that forces a tool which OpenAI runs for another vendor's of this name; ``None`` for others.

    Such a tool has no name here, and the newer types are no choice by themselves.
    """
    named = [tool for tool in request.tools if name in (tool.name, getattr(tool, "capability", None))]
    if not named or not all(isinstance(tool, HostedTool) and tool.capability in HOSTED_TOOLS for tool in named):
        return None
    if len(named) == len(request.tools):
        return "required"
    types = [{"type": HOSTED_TOOLS[str(getattr(tool, "capability", None))]["type"]} for tool in named]
    return {"type": "allowed_tools", "mode": "required", "tools": types}


def _builtin_definition(builtin: Builtin, tool: FunctionTool) -> dict[str, Any]:
    out: dict[str, Any] = {"type": builtin.name}
    if builtin is TOOL_SEARCH:
        out |= {"execution": "client", "description": tool.description, "parameters": tool.schema}
    elif builtin.name == "shell":
        out["environment"] = {"type": "local"}
    return out | (tool.extras if tool.extras is not None else {})
