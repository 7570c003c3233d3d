"""Token usage of Chat: hub buckets ↔ ``usage``, with the variants of compatible servers."""

from __future__ import annotations

from typing import Any

from codenex.core.usage import Usage, less

#: Where servers put the tokens that were read from a cache, in order of trust.
_CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("cached_tokens",),
    ("prompt_cache_hit_tokens",),
    ("cache_read_input_tokens",),
)
_CACHE_WRITE = (("prompt_tokens_details", "cache_write_tokens"), ("cache_creation_input_tokens",))
_REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),
)
_SERVER_TOOLS = (
    (("server_tool_use_details", "web_search_requests"), "web_search_requests"),
    (("num_search_queries",), "web_search_requests"),
)

#: What OpenAI itself sends; servers that send more are searched for it.
_OWN_KEYS = frozenset(
    ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details")
)


def decode_usage(raw: Any, service_tier: Any = None) -> Usage | None:
    """Read a ``usage`` object; ``None`` where there is none. Counts that a server does not give stay unknown."""
    if not isinstance(raw, dict):
        return None
    if _OWN_KEYS.issuperset(raw):
        # Few calls: every answer comes by here.
        try:
            prompt, completion = raw["prompt_tokens"], raw["completion_tokens"]
        except KeyError:
            prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
        if type(prompt) is not int or type(completion) is not int or prompt < 0 or completion < 0:
            prompt, completion = _count(prompt), _count(completion)
        if "prompt_tokens_details" in raw or "completion_tokens_details" in raw:
            cached, written, reasoning = _details(raw)
            plain = cached is None and written is None and reasoning is None
        else:
            cached = written = reasoning = None
            plain = True
        if plain:
            tier = service_tier if isinstance(service_tier, str) else None
            return Usage(prompt, None, None, None, None, completion, None, None, tier, None, raw)
        tools = None
    else:
        prompt = _first(raw, ("prompt_tokens",), ("input_tokens",))
        completion = _first(raw, ("completion_tokens",), ("output_tokens",))
        cached, written = _first(raw, *_CACHED), _first(raw, *_CACHE_WRITE)
        reasoning = _first(raw, *_REASONING)
        tools = {name: count for path, name in _SERVER_TOOLS if (count := _at(raw, path))} or None
    if not reasoning or _reasoning_is_beside(raw, prompt, completion, reasoning):
        output_text = completion
    else:
        output_text = less(completion, reasoning)
        if completion is not None and reasoning is not None:
            reasoning = min(reasoning, completion)
    if cached and prompt is not None:
        cached = min(cached, prompt)
    if written and prompt is not None:
        written = min(written, prompt - (cached or 0))
    tier = service_tier
    if not isinstance(tier, str):
        tier = raw["service_tier"] if "service_tier" in raw else None  # noqa: SIM401
    return Usage(
        input_uncached=less(prompt, cached, written) if cached or written else prompt,
        input_cache_read=cached,
        input_cache_write_5m=written,
        output_text=output_text,
        output_reasoning=reasoning,
        server_tools=tools,
        service_tier=tier if isinstance(tier, str) else None,
        raw=raw,
    )


def _details(raw: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return the tokens that were read from a cache, written to one, and spent on reasoning."""
    cached = written = reasoning = None
    if type(of_prompt := raw.get("prompt_tokens_details")) is dict:
        cached = _count(of_prompt["cached_tokens"]) if "cached_tokens" in of_prompt else None
        written = _count(of_prompt["cache_write_tokens"]) if "cache_write_tokens" in of_prompt else None
    if type(of_completion := raw.get("completion_tokens_details")) is dict:
        reasoning = _count(of_completion["reasoning_tokens"]) if "reasoning_tokens" in of_completion else None
    return cached, written, reasoning


def is_placeholder(raw: Any) -> bool:
    """Whether a ``usage`` object says nothing: servers send zeros before they know."""
    return isinstance(raw, dict) and not any(
        _at(raw, (name,)) for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """Render the buckets: ``prompt_tokens`` is all input, ``completion_tokens`` all output."""
    read, written = usage.input_cache_read or 0, (usage.input_cache_write_5m or 0) + (usage.input_cache_write_1h or 0)
    prompt = (usage.input_uncached or 0) + read + written + (usage.input_tool or 0)
    completion = (usage.output_text or 0) + (usage.output_reasoning or 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": read,
            "cache_write_tokens": written,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.output_reasoning or 0},
    }


def is_known(usage: Usage | None) -> bool:
    """Whether there is any count to tell a client."""
    return usage is not None and (
        usage.input_uncached is not None
        or usage.output_text is not None
        or usage.output_reasoning is not None
        or usage.input_total is not None
    )


def _reasoning_is_beside(
    raw: dict[str, Any], prompt: int | None, completion: int | None, reasoning: int | None
) -> bool:
    """Whether reasoning is not part of ``completion_tokens`` (xAI): the total tells, or more reasoning than output."""
    if not reasoning or completion is None:
        return False
    total = _at(raw, ("total_tokens",))
    if total is not None and prompt is not None and total == prompt + completion + reasoning:
        return True
    return reasoning > completion and (total is None or prompt is None or total != prompt + completion)


def _first(raw: dict[str, Any], *paths: tuple[str, ...]) -> int | None:
    return next((count for path in paths if (count := _at(raw, path)) is not None), None)


def _at(raw: dict[str, Any], path: tuple[str, ...]) -> int | None:
    value: Any = raw
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return _count(value)


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value if value > 0 else 0
    return max(0, int(value)) if isinstance(value, float) else None
