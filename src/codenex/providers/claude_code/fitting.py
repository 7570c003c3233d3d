"""What of an Anthropic request the CLI takes: the rest is told to the model, or left out, and each is a loss. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.models.media_size import image_dimensions

#: Top-level keys that reach the model; the CLI has no way to say others.
_TAKEN = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "stop_sequences",
        "stream",
    }
)
_HAS_NONE = "the Claude Code CLI has no such setting"

#: Pixels of a picture's longer edge that the CLI sends on as they are.
_EDGE = 2000

ONE_CALL = "Call at most one tool at a time."
ANY_TOOL = "You must answer this by calling at least one of your tools."
NO_TOOL = "Don't call any tool now: answer in text."


def fitted(body: bytes, model: str, losses: Losses) -> bytes:
    """Return the request as the CLI can carry it out. Raises ``unsupported`` where nothing would be left of its
    sense."""
    request = json.decode_object(body)
    if request["messages"][-1]["role"] != "user":
        raise unsupported("messages: the Claude Code CLI can't go on with an answer that was begun", param="messages")
    for key in [key for key in request if key not in _TAKEN]:
        del request[key]
        losses.drop(key, _HAS_NONE)
    tools = _functions(request.pop("tools", None) or [], losses)
    told = _told(request, tools, losses)
    if tools:
        request["tools"] = tools
    if told:
        request["system"] = [*_blocks(request.get("system")), *({"type": "text", "text": text} for text in told)]
    _guard_commands(request, losses)
    if any(map(_too_large, _media(request["messages"]))):
        losses.approximate("messages", f"the Claude Code CLI makes pictures beyond {_EDGE} pixels smaller")
    if _without_cache_marks(request):
        losses.drop("cache_control", "the Claude Code CLI sets its own marks for the prompt cache")
    return json.encode(request)


def _functions(tools: list[dict[str, Any]], losses: Losses) -> list[dict[str, Any]]:
    """Return the tools that clients run."""
    functions: list[dict[str, Any]] = []
    for number, tool in enumerate(tools):
        path = f"tools[{number}]"
        if tool.get("type", "custom") != "custom":
            losses.drop(path, f"the Claude Code CLI offers no tool of the type {str(tool['type'])[:64]!r}")
            continue
        for key in tool.keys() - {"type", "name", "description", "input_schema", "cache_control"}:
            losses.drop(f"{path}.{key}", _HAS_NONE)
        functions.append({key: tool[key] for key in ("name", "description", "input_schema") if key in tool})
    if tools and not functions:
        raise unsupported("tools: the Claude Code CLI can't run its vendor's tools for clients", param="tools")
    return functions


def _told(request: dict[str, Any], tools: list[dict[str, Any]], losses: Losses) -> list[str]:
    """Return what the model is told in place of ``tool_choice``. Without a history of calls, no tools at all stand for
    ``none``; what of a choice the answer can be held to stays in the request."""
    choice = request.pop("tool_choice", None) or {}
    told = []
    match choice.get("type"):
        case "any":
            told.append(ANY_TOOL)
        case "tool":
            told.append(f"You must answer this by calling the tool {choice.get('name')}.")
        case "none" if tools and not _calls(request):
            tools.clear()
        case "none" if tools:
            told.append(NO_TOOL)
    if told:
        losses.approximate("tool_choice", "the choice is told to the model and not enforced")
    if choice.get("disable_parallel_tool_use") is True and tools:
        # Told, so that the model plans for it; a further call is left out of the answer.
        told.append(ONE_CALL)
        request["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        losses.adapt("parallel_tool_calls", "the model is told to make one call, and further ones are left out")
    return told


def _calls(request: dict[str, Any]) -> bool:
    return any(block.get("type") == "tool_use" for message in request["messages"] for block in _blocks(message))


def _blocks(holder: Any) -> list[dict[str, Any]]:
    """Return the blocks of a message or of a system prompt."""
    content = holder.get("content") if isinstance(holder, dict) else holder
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in content or [] if isinstance(block, dict)]


def _guard_commands(request: dict[str, Any], losses: Losses) -> None:
    """Put a line feed before what a user's text begins with, where older CLIs would run it as a command of theirs."""
    for message in request["messages"]:
        if message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            message["content"] = _guarded(content, losses)
            continue
        for block in content or []:
            if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
                block["text"] = _guarded(block["text"], losses)


def _guarded(text: str, losses: Losses) -> str:
    # A name of a command may stand behind characters that don't show, which a lenient reader takes for blanks.
    if not text.lstrip().lstrip("\ufeff\u200b\u200c\u200d\u2060\u00ad").startswith("/") or text.startswith("\n"):
        return text
    losses.adapt("messages", "a line feed was put before a text that begins with a slash: it is no command")
    return "\n" + text


def _media(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the inline pictures of messages, also those of results."""
    for part in content if isinstance(content, list) else ():
        source = part.get("source")
        if part.get("type") == "image" and isinstance(source, dict) and isinstance(source.get("data"), str):
            yield source
        yield from _media(part.get("content"))


def _too_large(source: dict[str, Any]) -> bool:
    size = image_dimensions(source["data"])
    return size is not None and max(size) > _EDGE


def _without_cache_marks(value: Any) -> bool:
    """Remove ``cache_control`` from blocks, also within results of tools; say whether there was any."""
    found = False
    if isinstance(value, dict):
        # The arguments of a call and the schema of a tool are the client's own.
        inner = [value[key] for key in ("messages", "system", "content") if key in value]
        found = value.pop("cache_control", None) is not None
    else:
        inner = value if isinstance(value, list) else []
    for part in inner:
        found = _without_cache_marks(part) or found
    return found
