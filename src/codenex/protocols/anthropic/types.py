"""The vocabulary of Anthropic Messages: known keys, block types, hosted tools, and checked access to decoded JSON.

Read from the official SDK 2.12.0 (November 2026). Whatever is not named here is carried as an extra, never rejected.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from codenex.core.errors import invalid_request

NAME: Literal["anthropic"] = "anthropic"
VENDOR: Literal["anthropic"] = "anthropic"

#: What a request without a limit gets when nothing is known about the model.
DEFAULT_MAX_TOKENS = 8192

#: Top-level request keys that the hub has names for.
REQUEST_KEYS = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "stream",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "service_tier",
        "cache_control",
        "mcp_servers",
    }
)

#: Keys of a message object that the hub has names for; the rest of the top level is kept in ``Start.extras``.
MESSAGE_KEYS = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage"}
)

#: Keys of a message object that a stream may state at its end as well.
ENDING_KEYS = ("container", "context_management", "input_transformations")

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

#: Prefix of a tool's ``type`` → shared meaning. Longer prefixes stand before those that they contain.
HOSTED_CAPABILITIES: tuple[tuple[str, str], ...] = (
    ("web_search_", "web_search"),
    ("web_fetch_", "web_fetch"),
    ("code_execution_", "code_execution"),
    ("computer_toolset_", "computer_toolset"),
    ("browser_toolset_", "browser_toolset"),
    ("computer_", "computer"),
    ("bash_", "bash"),
    ("text_editor_", "text_editor"),
    ("memory_", "memory"),
    ("tool_search_tool_", "tool_search"),
    ("advisor_", "advisor"),
    ("mcp_toolset", "mcp"),
    (MCP_SERVER := "mcp_server", "mcp"),
)

#: Shared meaning → the version of the vendor's own tool that is generally available, without a beta header.
HOSTED_TOOLS: dict[str, dict[str, Any]] = {
    "web_search": {"type": "web_search_20250305", "name": "web_search"},
    "web_fetch": {"type": "web_fetch_20250910", "name": "web_fetch"},
    "code_execution": {"type": "code_execution_20250825", "name": "code_execution"},
}

#: Citations whose form this protocol knows.
CITATION_TYPES = frozenset(
    {
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    }
)

#: Claude Code's first system block, which changes with each request and means something to Anthropic only.
ATTRIBUTION = re.compile(r"x-anthropic-billing-header\s*:", re.IGNORECASE)


def capability_of(tool_type: str) -> str | None:
    """Return the shared meaning of a tool that the vendor runs or has trained, by its versioned type."""
    return next((meaning for prefix, meaning in HOSTED_CAPABILITIES if tool_type.startswith(prefix)), None)


def is_server_block(block_type: str) -> bool:
    """Whether a block belongs to a tool that the vendor runs."""
    return block_type in ("server_tool_use", "mcp_tool_use", "mcp_tool_result") or (
        block_type.endswith("_tool_result") and block_type != "tool_result"
    )


def an_object(value: Any, path: str) -> dict[str, Any]:
    """Return a JSON object. Raises a fault (400) naming ``path`` otherwise."""
    if not isinstance(value, dict):
        raise invalid_request(f"{path}: an object is required", param=path)
    return value


def a_list(value: Any, path: str) -> list[Any]:
    """Return a JSON array. Raises a fault (400) naming ``path`` otherwise."""
    if not isinstance(value, list):
        raise invalid_request(f"{path}: an array is required", param=path)
    return value


def a_text(value: Any, path: str) -> str:
    """Return a string. Raises a fault (400) naming ``path`` otherwise."""
    if not isinstance(value, str):
        raise invalid_request(f"{path}: a string is required", param=path)
    return value


def optional_text(source: dict[str, Any], key: str, path: str) -> str | None:
    """Return a string or ``None`` where it is absent or null."""
    value = source.get(key)
    return None if value is None else a_text(value, f"{path}.{key}" if path else key)


def optional_number(source: dict[str, Any], key: str) -> float | None:
    """Return a number; numbers in strings are taken, as some clients send them."""
    value = source.get(key)
    if value is None or type(value) is float or type(value) is int:
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise invalid_request(f"{key}: a number is required", param=key) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_request(f"{key}: a number is required", param=key)
    return value


def optional_integer(source: dict[str, Any], key: str, path: str = "") -> int | None:
    """Return a whole number; ``1024.0`` and ``"1024"`` are taken, as some clients send them."""
    value = source.get(key)
    if value is None or type(value) is int:
        return value
    name = f"{path}.{key}" if path else key
    number = optional_number({name: value}, name)
    if number is None:
        return None
    if number != number or number in (float("inf"), float("-inf")) or int(number) != number:
        raise invalid_request(f"{name}: a whole number is required", param=name)
    return int(number)


def optional_flag(source: dict[str, Any], key: str, path: str = "") -> bool | None:
    """Return a boolean or ``None``."""
    value = source.get(key)
    if value is None or isinstance(value, bool):
        return value
    name = f"{path}.{key}" if path else key
    raise invalid_request(f"{name}: a boolean is required", param=name)


def rest_of(source: dict[str, Any], known: frozenset[str] | set[str]) -> dict[str, Any] | None:
    """Return the keys that are not ``known`` and not null, or ``None`` where there are none."""
    if source.keys() <= known:
        return None
    rest = {key: value for key, value in source.items() if key not in known and value is not None}
    return rest if rest else None
