"""``usageMetadata`` to the hub's buckets and back, by formula.

Google counts cached tokens inside ``promptTokenCount``; what its tools read and what the model thought stand beside
prompt and candidates (but some hosts count thoughts among the candidates, which the total shows).
"""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.usage import Usage, add, less
from codenex.protocols.gemini.fields import camel
from codenex.protocols.gemini.types import NAME, Object


def _count(metadata: Object, name: str) -> int | None:
    value = metadata.get(name)
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


class _Counts(msgspec.Struct, rename="camel"):
    """Google's names of them."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


#: What Google writes, of which no name has another spelling.
_USUAL = frozenset(
    {
        *_Counts.__struct_encode_fields__,
        "promptTokensDetails",
        "cacheTokensDetails",
        "candidatesTokensDetails",
        "toolUsePromptTokensDetails",
        "serviceTier",
        "trafficType",
    }
)


def decode_usage(value: Any) -> Usage | None:
    """Return the usage of a ``usageMetadata`` object, or ``None`` where it counts nothing."""
    if not isinstance(value, dict):
        return None
    metadata = value if value.keys() <= _USUAL else {camel(name): field for name, field in value.items()}
    try:
        counts = msgspec.convert(metadata, _Counts)
    except msgspec.ValidationError:
        counts = _Counts(*(_count(metadata, name) for name in _Counts.__struct_encode_fields__))
    prompt, cached, tool = (
        counts.prompt_token_count,
        counts.cached_content_token_count,
        counts.tool_use_prompt_token_count,
    )
    candidates, thoughts, total = counts.candidates_token_count, counts.thoughts_token_count, counts.total_token_count
    if prompt is None and candidates is None and thoughts is None and total is None:
        return None
    # Zero counts are left out on the wire.
    text = candidates if candidates is not None else 0
    if thoughts and total is not None and add(prompt, candidates, tool) == total:
        text = max(0, text - thoughts)
    tier = metadata.get("serviceTier", metadata.get("trafficType"))
    return Usage(
        input_uncached=less(prompt, cached),
        input_cache_read=cached,
        input_tool=tool,
        output_text=text,
        output_reasoning=thoughts,
        service_tier=tier if isinstance(tier, str) else None,
        raw=value,
    )


def encode_usage(usage: Usage | None, protocol: str) -> Object | None:
    """Return ``usageMetadata``; Google's own comes back as it was. Unknown counts are left out."""
    if usage is None:
        return None
    if protocol == NAME and usage.raw is not None:
        return usage.raw
    counts = {
        "promptTokenCount": add(usage.input_uncached, usage.input_cache_read, usage.input_cache_write),
        "cachedContentTokenCount": usage.input_cache_read if usage.input_cache_read else None,
        "candidatesTokenCount": usage.output_text,
        "toolUsePromptTokenCount": usage.input_tool,
        "thoughtsTokenCount": usage.output_reasoning if usage.output_reasoning else None,
        "totalTokenCount": usage.total,
    }
    out = {name: count for name, count in counts.items() if count is not None}
    return out if out else None
