"""The choice among tools, from a client's request to the hub. The way back: ``tools``."""

from __future__ import annotations

from typing import Any

from codenex.core.request import ToolChoice
from codenex.protocols.openai_responses.fields import Fields, refused

_MODES = frozenset({"auto", "none", "required"})


def decode_choice(choice: Any, path: str) -> ToolChoice | None:
    """Decode ``tool_choice``. Raises :class:`~codenex.core.errors.Fault`."""
    if choice is None:
        return None
    if isinstance(choice, str):
        return _mode(choice, path)
    fields = Fields(choice, path)
    kind = fields.needed_string("type")
    if kind in _MODES and not fields.rest:
        return _mode(kind, path)
    match kind:
        case "function" | "custom":
            inner = fields.rest.get(kind)
            name = (Fields(inner, fields.at(kind)) if isinstance(inner, dict) else fields).needed_string("name")
            return ToolChoice("one", (name,))
        case "allowed_tools":
            nested = fields.rest.get("allowed_tools")
            inner_fields = Fields(nested, fields.at(kind)) if isinstance(nested, dict) else fields
            members = inner_fields.objects("tools")
            names = tuple(member["name"] for member in members if _is_named(member))
            raw = None if len(names) == len(members) else choice
            return ToolChoice("allowed", names, inner_fields.string("mode") == "required", raw)
        case "local_shell" | "shell" | "apply_patch" | "tool_search":
            return ToolChoice("one", (kind,), raw=choice)
        case _:
            return ToolChoice("one", raw=choice)


def _is_named(member: Any) -> bool:
    return (
        isinstance(member, dict)
        and member.get("type") in ("function", "custom")
        and isinstance(member.get("name"), str)
    )


def _mode(mode: str, path: str) -> ToolChoice:
    match mode:
        case "auto" | "none" | "required":
            return ToolChoice(mode)
        case "any":
            return ToolChoice("required")
        case _:
            raise refused(path, "one of 'none', 'auto' and 'required'", mode)
