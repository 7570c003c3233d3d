"""Which conversation a request belongs to: what its client says, or how it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from codenex.core import json
from codenex.gateway.edits import Head
from codenex.gateway.routes import ANTHROPIC, CHAT, GEMINI, RESPONSES

#: Headers in which clients name their conversation: Claude Code (whose subagents have conversations of their own),
#: Codex CLI, and anybody who asks this gateway.
_HEADERS = ("x-codenex-session", "x-claude-code-session-id", "session-id", "session_id")
_SUBAGENT = "x-claude-code-agent-id"
#: Where the turns are.
_TURNS = {CHAT: "messages", RESPONSES: "input", ANTHROPIC: "messages", GEMINI: "contents"}
_ANSWERS = frozenset({"assistant", "model"})
#: Moves from turn to turn, and says nothing.
_MARK = "cache_control"


class Identity(msgspec.Struct, frozen=True):
    """The name of a conversation, and whether anything may have been answered in it."""

    name: str
    goes_on: bool


class _Turn(msgspec.Struct):
    role: Any = None
    type: Any = None
    content: msgspec.Raw = msgspec.Raw()
    parts: msgspec.Raw = msgspec.Raw()


_decode_turns = msgspec.json.Decoder(list[_Turn]).decode


def identity_of(protocol: str, header: Callable[[str], str | None], head: Head) -> Identity | None:
    """Return the conversation of a request, ``None`` where nothing tells it."""
    for name in _HEADERS:
        value = header(name)
        if value:
            return Identity(f"{name} {value} {header(_SUBAGENT) or ''}", goes_on=True)
    try:
        fields = head.fields
        user = _user_of(fields) if protocol == ANTHROPIC else None
        if user is not None:
            return Identity(f"user {user}", goes_on=True)
        beginning, goes_on = _beginning(fields.get(_TURNS.get(protocol, "")))
        cache_key = fields.get("prompt_cache_key") if protocol in (CHAT, RESPONSES) else None
    except (json.MalformedJson, msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if beginning is None:
        return None
    if cache_key is not None:
        return Identity(f"cache {bytes(cache_key).decode()} {beginning}", goes_on=True)
    return Identity(f"turn {beginning}", goes_on)


def _user_of(fields: dict[str, msgspec.Raw]) -> str | None:
    """Return Anthropic's ``metadata.user_id`` where it names a session, as Claude Code's does."""
    raw = fields.get("metadata")
    if raw is None:
        return None
    metadata = json.decode(raw)
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) and "session" in user else None


def _beginning(raw: msgspec.Raw | None) -> tuple[str | None, bool]:
    """Return the first thing that the user said, as text, and whether there is an answer."""
    if raw is None:
        return None, False
    if bytes(memoryview(raw)[:1]) == b'"':
        return bytes(raw).decode(), False
    turns = _decode_turns(raw)
    first = next((turn for turn in turns if turn.role == "user"), None)
    if first is None:
        return None, False
    said = json.decode(bytes(first.content) or bytes(first.parts) or b"null")
    return json.encode(_unmarked(said)).decode(), any(turn.role in _ANSWERS for turn in turns)


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name != _MARK}
    return value
