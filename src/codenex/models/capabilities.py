"""What a target takes: one record, filled from family tables and overridable in configuration."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec


class Capabilities(msgspec.Struct, frozen=True):
    """What a model behind a protocol and a host accepts. Defaults are the most common case; limits are in tokens."""

    #: default and upper bound of the answer's length, where known
    max_output_tokens: int | None = None
    #: sampling fields that are taken: temperature, top_p, top_k, stop, seed, presence_penalty, frequency_penalty,
    #: logit_bias, logprobs, choices
    sampling: frozenset[str] = frozenset(
        {
            "temperature",
            "top_p",
            "top_k",
            "stop",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "choices",
        }
    )
    temperature_limit: float = 2.0
    #: temperature and top_p together are refused
    one_of_temperature_top_p: bool = False
    #: how thinking is asked for: not at all, by token budget, by adaptive mode with effort, by level
    thinking: frozenset[Literal["budget", "adaptive", "effort", "level"]] = frozenset()
    thinking_can_be_off: bool = True
    #: the word for "off" where it is not ``disabled``
    thinking_off_mode: str = "disabled"
    efforts: tuple[str, ...] = ("low", "medium", "high")
    budget_range: tuple[int, int] = (1024, 32768)
    #: fields of history reasoning that an OpenAI-compatible host wants back (``reasoning_content``), else ``None``
    reasoning_echo: str | None = None
    system_in_middle: bool = True
    developer_role: bool = False
    prefill: bool = True
    forced_tool_choice: bool = True
    parallel_switch: bool = True
    custom_tools: bool = False
    hosted_tools: frozenset[str] = frozenset()
    structured_output: bool = True
    tools_with_structured_output: bool = True
    #: OpenAI Chat: ``max_completion_tokens`` or the legacy ``max_tokens``
    output_limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    #: Gemini: ids in functionCall and functionResponse, media inside functionResponse, JSON-Schema slots
    call_ids: bool = True
    media_in_results: bool = True
    json_schema_slot: bool = True
    #: names of tools' parameters: any; letters, digits and ``_.-``; identifiers
    property_names: Literal["any", "plain", "identifier"] = "any"
    #: media by URL can be sent as such
    url_media: frozenset[str] = frozenset({"image", "document"})
    media_kinds: frozenset[str] = frozenset({"image", "document", "audio", "video"})
    include_usage_option: bool = True
    extras: dict[str, Any] | None = None


class Family(msgspec.Struct, frozen=True):
    """A row of a family table: model names that match ``pattern`` (from the beginning, case-insensitive) get
    ``changes``."""

    pattern: str
    changes: dict[str, Any]


def capabilities_for(
    base: Capabilities, families: tuple[Family, ...], model: str, overrides: dict[str, Any] | None = None
) -> Capabilities:
    """Return the base record with the first matching family's changes and the configured overrides applied.

    Overrides come from files, with lists where a field is a set; their ``extras`` join those that are known.
    """
    changes: dict[str, Any] = {}
    for family in families:
        if re.match(family.pattern, model, re.IGNORECASE) is not None:
            changes.update(family.changes)
            break
    if overrides:
        typed = msgspec.convert(overrides, Capabilities)
        extras = {**(changes.get("extras", base.extras) or {}), **(typed.extras or {})}
        changes.update({name: getattr(typed, name) for name in overrides if name in Capabilities.__struct_fields__})
        changes["extras"] = extras or None
    return msgspec.structs.replace(base, **changes) if changes else base
