"""The tools that a client offered, and calls of them: which one reads, runs or edits is told by what they look like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.arguments import example
from tests.support.scenario import ToolCall
from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.framing import Json

PATH_NAMES: Final = ("file_path", "absolute_path", "path", "filename")
COMMAND_NAMES: Final = ("command", "cmd")
PATCH_NAMES: Final = ("input", "patch")
READERS: Final = re.compile(r"(?i)(.*[_.])?read(_?file)?")
RUNNERS: Final = re.compile(r"(?i)(.*[_.])?(bash|shell|exec_command|run_shell_command|local_shell)")
PATCHERS: Final = re.compile(r"(?i)(.*[_.])?apply_patch")


class NoSuchTool(LookupError):
    """The client offered nothing for the task."""


@dataclass(frozen=True)
class Tool:
    """A tool as offered. Without a schema it takes free text; ``namespace`` is the group that holds it."""

    name: str
    schema: Json | None
    namespace: str | None = None

    @property
    def properties(self) -> Mapping[str, Any]:
        return (self.schema or {}).get("properties") or {}

    def one_of(self, names: tuple[str, ...]) -> str | None:
        """The first of the names that is a parameter."""
        return next((name for name in names if name in self.properties), None)

    def call(self, id: str, **known: Any) -> ToolCall:
        """A call with these arguments; what else is required gets a value that the schema accepts."""
        assert self.schema is not None
        arguments = {**example(self.schema), **known}
        return ToolCall(id, self.name, json.dumps(arguments), namespace=self.namespace)


class Toolbox:
    """``Toolbox("anthropic", body)``: what the request offers. Every method raises ``NoSuchTool``."""

    def __init__(self, protocol: ProtocolName, body: Json) -> None:
        self.tools = list(_offered(protocol, body))

    def read(self, id: str, path: str) -> ToolCall:
        """Read a file; by a command where there is no tool for it."""
        for tool in self.tools:
            name = tool.one_of(PATH_NAMES)
            if READERS.fullmatch(tool.name) and name is not None:
                return tool.call(id, **{name: path})
        return self.run(id, f"cat {path}")

    def run(self, id: str, command: str) -> ToolCall:
        """Run a command line."""
        for tool in self.tools:
            name = tool.one_of(COMMAND_NAMES)
            if RUNNERS.fullmatch(tool.name) and name is not None:
                as_list = tool.properties[name].get("type") in ("array", "ARRAY")
                return tool.call(id, **{name: ["bash", "-lc", command] if as_list else command})
        raise NoSuchTool(f"nothing runs a command in {self.names}")

    def edit(self, id: str, path: str, old: str, new: str) -> ToolCall:
        """Replace a line of a file by another."""
        for tool in self.tools:
            name = tool.one_of(PATH_NAMES)
            if name is not None and {"old_string", "new_string"} <= set(tool.properties):
                return tool.call(id, **{name: path, "old_string": old, "new_string": new})
            if PATCHERS.fullmatch(tool.name):
                patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch\n"
                if tool.schema is None:
                    return ToolCall(id, tool.name, patch, custom=True, namespace=tool.namespace)
                only = tool.one_of(PATCH_NAMES)
                if only is not None:
                    return tool.call(id, **{only: patch})
        raise NoSuchTool(f"nothing edits a file in {self.names}")

    @property
    def names(self) -> list[str]:
        return [tool.name for tool in self.tools]


def _offered(protocol: ProtocolName, body: Json) -> Iterator[Tool]:
    for name, schema in DIALECTS[protocol].tools(body):
        yield Tool(name, schema)
    if protocol != "openai_responses":
        return
    for tool in body.get("tools") or []:
        if tool.get("type") == "custom":
            yield Tool(tool["name"], None)
        for inner in tool.get("tools") or [] if tool.get("type") == "namespace" else []:
            yield Tool(inner["name"], inner.get("parameters") or {}, tool["name"])
