"""Facts about the models behind Google's Code Assist: those of the Gemini API, with fewer ways to bring media."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.models import gemini
from codenex.models.capabilities import Capabilities, capabilities_for

MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-2.5-pro-preview-06-05",
    "gemini-2.5-flash-preview-09-2025",
    "gemini-3-pro-preview",
    "gemini-3-flash-preview",
)


def capabilities(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what the model takes; ``overrides`` are fields of :class:`Capabilities` from the configuration."""
    # Nobody has seen it read public addresses; Google's own client never sends one.
    base = msgspec.structs.replace(gemini.capabilities(model), url_media=frozenset())
    return capabilities_for(base, (), model, overrides)
