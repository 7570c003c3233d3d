"""What Claude models take, by family.

Thinking, effort, sampling and limits from the vendor's documentation and SDK 2.12.0 (November 2026). A name that no
row knows is taken for a compatible server's model: nothing is sent that such a server might refuse.
"""

from __future__ import annotations

from typing import Any

from codenex.models.capabilities import Capabilities, Family, capabilities_for

_SAMPLED = frozenset({"temperature", "top_p", "top_k", "stop"})
#: Since Opus 4.7 only the defaults of temperature, top_p and top_k are taken.
_UNSAMPLED = frozenset({"stop"})
_HOSTED = frozenset({"web_search", "web_fetch", "code_execution"})

BASE = Capabilities(
    sampling=_SAMPLED,
    temperature_limit=1.0,
    thinking=frozenset(),
    efforts=("low", "medium", "high"),
    budget_range=(1024, 32000),
    system_in_middle=False,
    prefill=False,
    forced_tool_choice=True,
    hosted_tools=frozenset(),
    structured_output=False,
    property_names="plain",
    media_kinds=frozenset({"image", "document"}),
    url_media=frozenset({"image", "document"}),
)

#: Names that hosts put before or after the family: ``anthropic.``, ``us.anthropic.``, ``anthropic/``, ``gemini-``.
_HEAD = r"(?:.*[./])?(?:gemini-)?claude-"
_END = r"(?![0-9])"


def _budget(limit: int, **changes: Any) -> dict[str, Any]:
    """A model with manual thinking only."""
    return {
        "max_output_tokens": limit,
        "thinking": frozenset({"budget"}),
        # A quarter is left for the answer itself.
        "budget_range": (1024, limit * 3 // 4),
        "prefill": True,
        "hosted_tools": _HOSTED,
        **changes,
    }


def _adaptive(limit: int, **changes: Any) -> dict[str, Any]:
    """A model with adaptive thinking, effort and no prefill."""
    return {
        "max_output_tokens": limit,
        "thinking": frozenset({"adaptive"}),
        "efforts": ("low", "medium", "high", "xhigh", "max"),
        "sampling": _UNSAMPLED,
        "structured_output": True,
        "hosted_tools": _HOSTED,
        **changes,
    }


def _plain(limit: int) -> dict[str, Any]:
    """A model without thinking."""
    return {"max_output_tokens": limit, "prefill": True}


_BOTH = frozenset({"adaptive", "budget"})
_FOUR_EFFORTS = ("low", "medium", "high", "max")

FAMILIES: tuple[Family, ...] = (
    Family(
        rf"{_HEAD}(?:fable|mythos)-5-[1-9]{_END}",
        _adaptive(128_000, thinking_can_be_off=False, system_in_middle=True, forced_tool_choice=False),
    ),
    Family(
        rf"{_HEAD}(?:fable-5|mythos-(?:5|preview))",
        _adaptive(128_000, thinking_can_be_off=False, system_in_middle=True),
    ),
    Family(rf"{_HEAD}opus-5-5{_END}", _adaptive(128_000, thinking_can_be_off=False, system_in_middle=True)),
    Family(rf"{_HEAD}opus-5(?:$|[^0-9])", _adaptive(128_000, system_in_middle=True)),
    Family(
        rf"{_HEAD}sonnet-5-5{_END}",
        _adaptive(128_000, thinking_off_mode="between_tools", system_in_middle=True),
    ),
    Family(rf"{_HEAD}haiku-5-5{_END}", _adaptive(128_000, system_in_middle=True)),
    Family(rf"{_HEAD}sonnet-5(?:$|[^0-9])", _adaptive(128_000)),
    Family(rf"{_HEAD}opus-4-8{_END}", _adaptive(128_000, system_in_middle=True)),
    Family(rf"{_HEAD}opus-4-7{_END}", _adaptive(128_000)),
    Family(
        rf"{_HEAD}opus-4-6{_END}",
        _adaptive(128_000, thinking=_BOTH, efforts=_FOUR_EFFORTS, sampling=_SAMPLED, one_of_temperature_top_p=True),
    ),
    Family(
        rf"{_HEAD}sonnet-4-6{_END}",
        _adaptive(64_000, thinking=_BOTH, efforts=_FOUR_EFFORTS, sampling=_SAMPLED, one_of_temperature_top_p=True),
    ),
    Family(
        rf"{_HEAD}(?:opus|sonnet|haiku)-4-5{_END}",
        _budget(64_000, one_of_temperature_top_p=True, structured_output=True),
    ),
    Family(rf"{_HEAD}opus-4-1{_END}", _budget(32_000, one_of_temperature_top_p=True, structured_output=True)),
    Family(rf"{_HEAD}(?:opus-4|4-opus)", _budget(32_000)),
    Family(rf"{_HEAD}(?:sonnet-4|4-sonnet)", _budget(64_000)),
    Family(rf"{_HEAD}3-7-sonnet", _budget(64_000)),
    Family(rf"{_HEAD}3-5-", _plain(8_192)),
    Family(rf"{_HEAD}3-", _plain(4_096)),
    # A Claude newer than this table: as the newest ones in what they refuse, silent about what they may want.
    Family(
        rf"{_HEAD}",
        {"max_output_tokens": 64_000, "sampling": _UNSAMPLED, "structured_output": True, "hosted_tools": _HOSTED},
    ),
)


def capabilities(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what the model takes; ``overrides`` are fields of :class:`Capabilities` from the configuration."""
    return capabilities_for(BASE, FAMILIES, model, overrides)
