"""What encoding a request carries along: the request, what the target takes, losses, names and ids."""

from __future__ import annotations

import re
from typing import Any

from codenex.core.declarations import Declared
from codenex.core.identifiers import digest, fitted_call_id
from codenex.core.losses import Losses
from codenex.core.names import NameMap, flattened
from codenex.core.parts import ToolCall
from codenex.core.request import CustomTool, FunctionTool, Plain, Request
from codenex.core.reversal import NO_REVERSAL, Reversal, ToolOrigin
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_chat.types import PROTOCOL

#: Protocols whose file ids, tiers, metadata and identifiers mean the same here.
SAME_VENDOR = frozenset({PROTOCOL, "openai-responses"})

#: Where each protocol keeps its turns and tools, for the paths of losses.
_TURNS = {"openai-responses": "input[]", "gemini": "contents[]"}


class Target:
    """The target of one request and everything decided once for it."""

    __slots__ = (
        "_by_tool",
        "_id_length",
        "_names",
        "_origins",
        "_wrapped",
        "call_ids",
        "capabilities",
        "losses",
        "plain",
        "request",
        "same",
    )

    def __init__(self, request: Request, capabilities: Capabilities, losses: Losses) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = losses
        #: the request came by this protocol: extras and opaque parts go back as they were
        self.same = request.protocol == PROTOCOL
        extras = capabilities.extras
        self._id_length: int | None = extras["call_id_length"] if extras and "call_id_length" in extras else None
        #: ids of calls at the target, by the client's
        self.call_ids: dict[str, str] = {}
        self._by_tool: dict[tuple[str | None, str], str] = {}
        self._origins: dict[str, tuple[str | None, str]] = {}
        self._wrapped: set[tuple[str | None, str]] = set()
        self._names: NameMap | None = None
        tools = request.tools
        #: names of tools that are the same at the target, whatever else is called
        self.plain: dict[str, str] = {}
        if type(tools) is Declared and tools.plain:
            self.plain = tools.plain
        else:
            for tool in tools:
                if type(tool) is FunctionTool or type(tool) is CustomTool:
                    self._declare(tool.namespace, tool.name)
                    if type(tool) is CustomTool and not capabilities.custom_tools:
                        self._wrapped.add((tool.namespace, tool.name))
        for turn in request.turns if type(request.turns) is not Plain else ():
            for part in turn.parts:
                if type(part) is ToolCall and (part.namespace is not None or part.name not in self.plain):
                    self._declare(part.namespace, part.name)

    def fact(self, name: str, default: Any = None) -> Any:
        """Return a fact of the capabilities that only this protocol knows."""
        extras = self.capabilities.extras
        return extras.get(name, default) if extras else default

    def path(self, field: str) -> str:
        """Return the path of something in the source's turns, as near as the hub knows it."""
        return f"{_TURNS.get(self.request.protocol, 'messages[]')}.{field}"

    def dropped_extras(self, extras: dict[str, Any] | None, container: str) -> None:
        """Note the loss of unknown fields; in the own protocol they are kept instead."""
        if extras and not self.same:
            for key in extras:
                self.losses.drop(f"{container}.{key}" if container else key, "unknown to the target's protocol")

    def tool_name(self, namespace: str | None, name: str) -> str:
        """Return the target's name for a tool."""
        return self._map().to_target(self._declare(namespace, name))

    def named(self, name: str) -> str:
        """Return the target's name for a tool of which only the name is given, as in a tool choice."""
        if name in self.plain:
            return name
        for namespace, own in self._by_tool:
            if own == name and namespace is None:
                return self.tool_name(None, name)
        found = next((key for key in self._by_tool if key[1] == name), (None, name))
        return self.tool_name(*found)

    def wraps(self, namespace: str | None, name: str) -> bool:
        """Whether a custom tool is sent as a function with one string."""
        return (namespace, name) in self._wrapped

    def call_id(self, original: str) -> str:
        """Return a call's id in the target's alphabet, the same for call and result."""
        if self._id_length is None:
            fitted = self.call_ids[original] = fitted_call_id(original)
            return fitted
        if re.fullmatch(rf"[a-zA-Z0-9]{{{self._id_length}}}", original) is not None:
            return original
        return digest("call", original, length=self._id_length)

    def reversal(self) -> Reversal:
        """Return what the answer has to undo."""
        if not self._origins:
            return NO_REVERSAL
        names = self._map()
        tools: dict[str, ToolOrigin] = {}
        for flat, (namespace, name) in self._origins.items():
            sent = names.to_target(flat)
            custom = (namespace, name) in self._wrapped
            if sent != name or namespace is not None or custom:
                tools[sent] = ToolOrigin(name, namespace, custom)
        return Reversal(tools)

    def _map(self) -> NameMap:
        """Return the names at the target, made of all that were declared beforehand."""
        if self._names is None:
            self._names = NameMap(self._origins, fitting=self.plain)
        return self._names

    def _declare(self, namespace: str | None, name: str) -> str:
        if namespace is None and name in self.plain:
            return name
        key = (namespace, name)
        flat = self._by_tool.get(key)
        if flat is None:
            flat = flattened(namespace, name)
            if flat in self.plain or self._origins.get(flat, key) != key:
                # Two tools that become one name by flattening: the later one is told apart by a hash.
                flat = f"{flat}__{digest('tool', namespace or '', name, length=8)}"
            self._by_tool[key] = flat
            self._origins[flat] = key
        return flat
