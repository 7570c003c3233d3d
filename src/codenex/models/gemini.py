"""Facts about Google's models behind the Gemini API: limits, thinking controls, what each generation takes.

``extras`` of the capabilities hold what only this protocol asks: ``thought_signatures`` (a call of the current turn
without its signature is refused), ``validated_mode`` (function calling mode VALIDATED) and ``mixed_tools`` (Google's
tools beside functions). Sources: ai.google.dev model pages and the thinking guide, November 2026; names are matched
from the beginning.
"""

from __future__ import annotations

from typing import Any

from codenex.models.capabilities import Capabilities, Family, capabilities_for

#: Input limit of every current text model, in tokens.
INPUT_LIMIT = 1_048_576
OUTPUT_LIMIT = 65_536

_SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "logprobs", "choices"}
)
#: Models that ignore the shape of the distribution, and by announcement will refuse it.
_FIXED_SAMPLING = _SAMPLING - {"temperature", "top_p", "top_k"}

#: What an unknown name of a Gemini endpoint is taken for: the current generation, with nothing it could refuse.
BASE = Capabilities(
    max_output_tokens=OUTPUT_LIMIT,
    sampling=_SAMPLING,
    temperature_limit=2.0,
    thinking=frozenset({"level"}),
    thinking_can_be_off=False,
    efforts=("low", "high"),
    budget_range=(128, 32768),
    system_in_middle=False,
    prefill=True,
    parallel_switch=False,
    hosted_tools=frozenset({"web_search", "code_execution", "web_fetch"}),
    call_ids=True,
    media_in_results=True,
    json_schema_slot=True,
    # Public addresses are read since January 2026, from the 2.5 generation on.
    url_media=frozenset({"image", "document", "audio", "video"}),
    extras={"thought_signatures": True, "validated_mode": True, "mixed_tools": True},
)

_SECOND: dict[str, Any] = {
    "call_ids": False,
    "media_in_results": False,
    "url_media": frozenset(),
    "tools_with_structured_output": False,
    "extras": {"thought_signatures": False, "validated_mode": True, "mixed_tools": False},
}
_BUDGET: dict[str, Any] = {**_SECOND, "thinking": frozenset({"budget"}), "efforts": ()}
_NO_THINKING: dict[str, Any] = {"thinking": frozenset(), "efforts": (), "thinking_can_be_off": True}
_EARLY: dict[str, Any] = {
    **_SECOND,
    **_NO_THINKING,
    "max_output_tokens": 8192,
    "json_schema_slot": False,
    "property_names": "identifier",
    "url_media": frozenset(),
    "extras": {"thought_signatures": False, "validated_mode": False, "mixed_tools": False},
}

_LOW_TO_HIGH = ("low", "medium", "high")
_MINIMAL_TO_HIGH = ("minimal", *_LOW_TO_HIGH)

FAMILIES: tuple[Family, ...] = (
    Family(r"gemini-(?:1|2\.0)", _EARLY),
    Family(r"gemini-2\.5-(?:flash|pro)[a-z-]*(?:image|tts)", {**_SECOND, **_NO_THINKING, "max_output_tokens": 32768}),
    Family(r"gemini-2\.5-pro", {**_BUDGET, "budget_range": (128, 32768)}),
    Family(r"gemini-2\.5-flash-lite", {**_BUDGET, "budget_range": (512, 24576), "thinking_can_be_off": True}),
    Family(r"gemini-2\.5-flash", {**_BUDGET, "budget_range": (1, 24576), "thinking_can_be_off": True}),
    Family(r"gemini-3-pro-image", {"efforts": ("low", "high"), "max_output_tokens": 32768}),
    Family(r"gemini-3-pro", {"efforts": ("low", "high")}),
    Family(r"gemini-3(?:\.[0-9]+)?-pro", {"efforts": _LOW_TO_HIGH}),
    # From 3.7 on the lowest level is low.
    Family(r"gemini-3\.(?:[7-9]|[1-9][0-9])-flash", {"efforts": _LOW_TO_HIGH, "sampling": _FIXED_SAMPLING}),
    Family(r"gemini-3\.(?:5-flash-lite|6-flash)", {"efforts": _MINIMAL_TO_HIGH, "sampling": _FIXED_SAMPLING}),
    Family(r"gemini-3(?:\.[0-5])?-flash", {"efforts": _MINIMAL_TO_HIGH}),
    Family(r"gemini-flash(?:-lite)?-latest", {"efforts": _LOW_TO_HIGH, "sampling": _FIXED_SAMPLING}),
    Family(r"gemini-pro-latest", {"efforts": _LOW_TO_HIGH}),
    Family(r"gemini-(?:[4-9]|[1-9][0-9])", {"efforts": _LOW_TO_HIGH, "sampling": _FIXED_SAMPLING}),
    Family(r"gemma-", {**_EARLY, "hosted_tools": frozenset()}),
)


def capabilities(model: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what a model takes; the name may carry the prefix ``models/``."""
    return capabilities_for(BASE, FAMILIES, model.rpartition("models/")[2] or model, overrides)
