"""Token usage, both ways: the vendor's object to disjoint buckets and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from codenex.core.usage import Usage, add, less

_BUCKETS = (
    "input_uncached",
    "input_cache_read",
    "input_cache_write_5m",
    "input_cache_write_1h",
    "output_text",
    "output_reasoning",
)


_UNKNOWN = Usage()


def usage_from(raw: dict[str, Any]) -> Usage:
    """Decode a usage object; absent and null counts stay unknown, output includes thinking.

    Where an answer took several runs of models (compaction, fallback), the object's own counts leave some out: what it
    cost is the sum of all runs.
    """
    runs = raw.get("iterations")
    counted = [_counts(run) for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
    known = _counts(raw)
    if len(counted) < 2:
        return known
    sums = {name: add(*(getattr(run, name) for run in counted)) for name in _BUCKETS}
    return msgspec.structs.replace(known, cost=msgspec.structs.replace(known, **sums))


_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Creation(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count | None = None
    ephemeral_1h_input_tokens: _Count | None = None


class _Details(msgspec.Struct):
    thinking_tokens: _Count | None = None


class _Usual(msgspec.Struct):
    """A usage object as the vendor writes it."""

    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    cache_creation: _Creation | None = None
    output_tokens_details: _Details | None = None


def _read(raw: dict[str, Any]) -> _Usual:
    """Read the counts; hosts that write them in another form are understood as well."""
    try:
        return msgspec.convert(raw, _Usual)
    except msgspec.ValidationError:
        pass
    creation, details = raw.get("cache_creation"), raw.get("output_tokens_details")
    by_lifetime = creation if isinstance(creation, dict) else {}
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else None
    return _Usual(
        _count(raw.get("input_tokens")),
        _count(raw.get("output_tokens")),
        _count(raw.get("cache_creation_input_tokens")),
        _count(raw.get("cache_read_input_tokens")),
        _Creation(
            _count(by_lifetime.get("ephemeral_5m_input_tokens")), _count(by_lifetime.get("ephemeral_1h_input_tokens"))
        ),
        _Details(_count(thinking)),
    )


def _counts(raw: dict[str, Any]) -> Usage:
    known = _read(raw)
    written, creation, details = known.cache_creation_input_tokens, known.cache_creation, known.output_tokens_details
    short = creation.ephemeral_5m_input_tokens if creation is not None else None
    long = creation.ephemeral_1h_input_tokens if creation is not None else None
    if written is not None and (written > 0 or short is None):
        # The total may be corrected at the end of a stream, where the split isn't repeated.
        short = written if long is None else less(written, long)
    thinking = details.thinking_tokens if details is not None else None
    tools, tier = raw.get("server_tool_use"), raw.get("service_tier")
    calls = (
        {name: count for name, value in tools.items() if (count := _count(value)) is not None}
        if isinstance(tools, dict)
        else None
    )
    return Usage(
        input_uncached=known.input_tokens,
        input_cache_read=known.cache_read_input_tokens,
        input_cache_write_5m=short,
        input_cache_write_1h=long,
        output_text=known.output_tokens if thinking is None else less(known.output_tokens, thinking),
        output_reasoning=thinking,
        server_tools=calls if calls else None,
        service_tier=tier if isinstance(tier, str) else None,
        raw=raw,
    )


def updated(raw: dict[str, Any], later: Any) -> dict[str, Any]:
    """Overwrite a usage object by what a later one states: counts in a stream are cumulative."""
    if not isinstance(later, dict):
        return raw
    return {**raw, **{key: value for key, value in later.items() if value is not None}}


def totals(usage: Usage, estimate: Callable[[], int] | None) -> tuple[int, int, int, int]:
    """Return the tokens of input, written to a cache, read from one, and of output; input that is not known at all is
    estimated."""
    written = (usage.input_cache_write_5m or 0) + (usage.input_cache_write_1h or 0)
    output = (usage.output_text or 0) + (usage.output_reasoning or 0)
    given = (usage.input_uncached or 0) + (usage.input_tool or 0)
    if not given and usage.input_uncached is None and usage.input_tool is None and usage.input_total is None:
        given = 0 if estimate is None else estimate()
    return given, written, usage.input_cache_read or 0, output


def usage_object(
    usage: Usage | None, *, estimate: Callable[[], int] | None = None, own: bool = False
) -> dict[str, Any]:
    """Encode usage; every count that clients insist on is an integer. ``own`` keeps the vendor's further fields."""
    known = usage if usage is not None else _UNKNOWN
    given, written, read, output = totals(known, estimate)
    counts: dict[str, Any] = {
        "input_tokens": given,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    }
    if known.input_cache_write_5m is not None or known.input_cache_write_1h is not None:
        counts["cache_creation"] = {
            "ephemeral_5m_input_tokens": known.input_cache_write_5m or 0,
            "ephemeral_1h_input_tokens": known.input_cache_write_1h or 0,
        }
    if known.output_reasoning is not None:
        counts["output_tokens_details"] = {"thinking_tokens": known.output_reasoning}
    if known.server_tools:
        searches, fetches = (known.server_tools.get(f"web_{name}_requests", 0) for name in ("search", "fetch"))
        if searches or fetches or own:
            counts["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": fetches}
    return {**known.raw, **counts} if own and known.raw is not None else counts


#: Keys of the usage object that the last event of a stream carries.
_FINAL = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
    "iterations",
    "fallback_credit",
)


def final_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a usage object that belongs into ``message_delta``."""
    return {key: usage[key] for key in _FINAL if key in usage}


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value if value > 0 else 0
    if isinstance(value, bool) or value is None:
        return None
    try:
        return max(int(float(value)), 0)
    except (TypeError, ValueError, OverflowError):
        return None
