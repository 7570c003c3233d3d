"""One request as the CLI takes it: how it is started, what it is told first, and the lines of the conversation. Pure.

Nothing that a client writes is ever part of the command line: texts, tools and schemas go over standard input, the
model's name and the length of the answer by the environment. The flags of thinking come from fixed sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.names import NameMap

#: The one server that the client's tools are offered by, and how the model then knows them.
SERVER = "t"
PREFIX = f"mcp__{SERVER}__"
#: The tool by which the CLI lets the model give an answer that follows a schema.
STRUCTURED = "StructuredOutput"

#: Non-interactive, with events as they come; none of the host's tools, settings, servers or sessions.
_FLAGS = (
    "-p",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    "--tools=",
    "--setting-sources=",
    "--strict-mcp-config",
    "--no-session-persistence",
    "--permission-mode=dontAsk",
)
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
#: The vendor takes names of 128 characters.
_NAME_LIMIT = 128 - len(PREFIX)


class Line(msgspec.Struct, frozen=True):
    """One line of the conversation. ``role`` says what the CLI does with it: nothing (assistant), an empty result
    (user), or the answer (asking)."""

    role: str
    content: Any


class Invocation(msgspec.Struct, frozen=True):
    """``flags`` and ``variables`` start the program; the rest is said over its standard input."""

    flags: tuple[str, ...]
    variables: dict[str, str]
    system: tuple[str, ...]
    lines: tuple[Line, ...]
    tools: tuple[dict[str, Any], ...] = ()
    schema: dict[str, Any] | None = None
    stops: tuple[str, ...] = ()
    one_call: bool = False
    #: the model's names of tools → the client's
    names: dict[str, str] = {}


def invocation(body: bytes) -> Invocation:
    """Read a request that :func:`~codenex.providers.claude_code.fitting.fitted` has made."""
    request = json.decode_object(body)
    tools = request.get("tools") or []
    names = _names(request, tools)
    config = request.get("output_config") or {}
    schema = (config.get("format") or {}).get("schema")
    variables = {"ANTHROPIC_MODEL": str(request["model"])}
    if request.get("max_tokens"):
        variables["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(int(request["max_tokens"]))
    # A model that answers in prose is asked once more for the form.
    turns = "--max-turns=1" if schema is None else "--max-turns=2"
    return Invocation(
        flags=(*_FLAGS, turns, *_thinking(request.get("thinking"), config.get("effort"))),
        variables=variables,
        system=tuple(_texts(request.get("system"))),
        lines=tuple(_lines(request["messages"], names)),
        tools=tuple(_tool(tool, names) for tool in tools),
        schema=schema,
        stops=tuple(request.get("stop_sequences") or ()),
        one_call=(request.get("tool_choice") or {}).get("disable_parallel_tool_use") is True,
        names={PREFIX + names.to_target(tool["name"]): tool["name"] for tool in tools},
    )


def _thinking(thinking: dict[str, Any] | None, effort: Any) -> Iterator[str]:
    match thinking:
        case {"type": "enabled", "budget_tokens": int(budget)}:
            yield f"--max-thinking-tokens={budget}"
        case {"type": "adaptive"}:
            yield "--thinking=adaptive"
        case _:
            # Who doesn't ask for thinking gets none: it would use up the length of the answer.
            yield "--thinking=disabled"
    if effort in _EFFORTS:
        yield f"--effort={effort}"


def _names(request: dict[str, Any], tools: list[dict[str, Any]]) -> NameMap:
    called = [
        block["name"]
        for message in request["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_use"
    ]
    return NameMap([*(tool["name"] for tool in tools), *called], limit=_NAME_LIMIT)


def _tool(tool: dict[str, Any], names: NameMap) -> dict[str, Any]:
    offered = {"name": names.to_target(tool["name"]), "inputSchema": tool.get("input_schema") or {"type": "object"}}
    return {**offered, "description": tool["description"]} if tool.get("description") else offered


def _texts(system: Any) -> Iterator[str]:
    if isinstance(system, str):
        yield system
        return
    for block in system or []:
        if isinstance(block.get("text"), str):
            yield block["text"]


def _lines(messages: list[dict[str, Any]], names: NameMap) -> Iterator[Line]:
    last = len(messages) - 1
    for number, message in enumerate(messages):
        content = message["content"]
        if message["role"] == "user":
            yield Line("asking" if number == last else "user", content)
            continue
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        yield Line("assistant", [_renamed(block, names) for block in content])


def _renamed(block: dict[str, Any], names: NameMap) -> dict[str, Any]:
    if block.get("type") != "tool_use":
        return block
    return {**block, "name": PREFIX + names.to_target(block["name"])}
