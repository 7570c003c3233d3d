"""What the Claude Code CLI takes, whatever the model behind it: it knows the models itself."""

from __future__ import annotations

from typing import Any

from codenex.models.capabilities import Capabilities, capabilities_for

CAPABILITIES = Capabilities(
    # The CLI lowers it to what the model has.
    max_output_tokens=128_000,
    # Stop sequences are looked for in the answer.
    sampling=frozenset({"stop"}),
    temperature_limit=1.0,
    thinking=frozenset({"adaptive", "budget"}),
    efforts=("low", "medium", "high", "xhigh", "max"),
    budget_range=(1024, 64_000),
    system_in_middle=False,
    prefill=False,
    hosted_tools=frozenset(),
    property_names="plain",
    media_kinds=frozenset({"image", "document"}),
    url_media=frozenset({"image", "document"}),
)


def capabilities(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what the CLI takes; ``overrides`` are fields of :class:`Capabilities` from the configuration."""
    return capabilities_for(CAPABILITIES, (), model, overrides)
