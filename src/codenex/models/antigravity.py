"""Facts about the models behind Antigravity: their names there, and what differs from the same models elsewhere.

Google's own ids change often. The table is a beginning: what an account lists decides which of several ids is meant,
and ``aliases`` of an account go before it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from codenex.models import anthropic, gemini
from codenex.models.capabilities import Capabilities, capabilities_for

#: Public name → ids that have meant it, the likeliest first.
IDS: dict[str, tuple[str, ...]] = {
    "gemini-2.5-computer-use-preview-10-2025": ("rev19-uic3-1p",),
    "gemini-3-pro-image-preview": ("gemini-3-pro-image",),
    "gemini-3-pro-preview": ("gemini-3-pro-high", "gemini-3-pro-low"),
    "gemini-3.1-pro-preview": ("gemini-3.1-pro-high", "gemini-3.1-pro-low"),
    "gemini-3-flash-preview": ("gemini-3-flash", "gemini-3-flash-agent"),
    "gemini-2.5-flash": ("gemini-2.5-flash", "gemini-2.5-flash-thinking"),
}
#: What Claude models are called in public: ``gemini-claude-…``.
CLAUDE_PREFIX = "gemini-"
MODELS = (
    "gemini-2.5-computer-use-preview-10-2025",
    "gemini-3-pro-image-preview",
    "gemini-3-pro-preview",
    "gemini-3-flash-preview",
    "gemini-2.5-flash",
    "gemini-claude-sonnet-4-5",
    "gemini-claude-sonnet-4-5-thinking",
    "gemini-claude-opus-4-5-thinking",
)
#: Ids that are listed and meant for the vendor's own editor.
_INTERNAL = ("chat_", "tab_")

#: Tokens that a thinking Claude may think, there.
_CLAUDE_BUDGET = (1024, 64_000)
_CLAUDE_OUTPUT = 64_000
_BUDGET = (1024, 100_000)


def id_of(model: str, listed: Collection[str] = ()) -> str:
    """Return the id that Antigravity knows a model by; of several the first that the account lists."""
    if is_claude(model):
        return model.removeprefix(CLAUDE_PREFIX)
    candidates = IDS.get(model, (model,))
    return next((candidate for candidate in candidates if candidate in listed), candidates[0])


def public_name(id: str) -> str | None:
    """Return the name under which an id is offered; ``None`` where it is not for clients."""
    if id.startswith(_INTERNAL):
        return None
    if id.startswith("claude-"):
        return CLAUDE_PREFIX + id
    return next((name for name, ids in IDS.items() if id in ids), id)


def is_claude(model: str) -> bool:
    """Whether a name or id is a Claude model's."""
    return model.removeprefix(CLAUDE_PREFIX).startswith("claude-")


def makes_images(model: str) -> bool:
    """Whether a name or id is that of a model that draws."""
    return "-image" in model


def thinks(model: str) -> bool:
    """Whether a thinking configuration is taken."""
    return model.startswith(("gemini-3", "gemini-2.5-")) or model.endswith("-thinking")


def only_streams(model: str) -> bool:
    """Whether whole answers are made of a stream, because the unary method fails or is cut short."""
    return is_claude(model) or model.startswith(("gemini-3-pro", "gemini-3.1-flash-image"))


def capabilities(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what the model takes there; ``overrides`` are fields of :class:`Capabilities` from the configuration."""
    if is_claude(model):
        known = anthropic.capabilities(model.removeprefix(CLAUDE_PREFIX))
        base = msgspec.structs.replace(
            _BASE,
            max_output_tokens=min(known.max_output_tokens or _CLAUDE_OUTPUT, _CLAUDE_OUTPUT),
            sampling=frozenset({"temperature", "top_p", "top_k", "stop"}),
            temperature_limit=1.0,
            thinking=frozenset({"budget"}) if thinks(model) else frozenset(),
            thinking_can_be_off=True,
            budget_range=_CLAUDE_BUDGET,
            efforts=(),
            hosted_tools=frozenset(),
            tools_with_structured_output=False,
            media_in_results=False,
            extras={"thought_signatures": False, "validated_mode": True, "mixed_tools": False},
        )
    else:
        known = gemini.capabilities(model)
        base = msgspec.structs.replace(
            known,
            json_schema_slot=False,
            url_media=frozenset(),
            budget_range=(max(known.budget_range[0], _BUDGET[0]), min(known.budget_range[1], _BUDGET[1])),
            thinking=known.thinking if thinks(model) else frozenset(),
        )
        if makes_images(model):
            base = msgspec.structs.replace(base, thinking=frozenset(), hosted_tools=frozenset())
    return capabilities_for(base, (), model, overrides)


_BASE = msgspec.structs.replace(gemini.BASE, json_schema_slot=False, url_media=frozenset())
