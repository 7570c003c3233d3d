"""What the options of a request are called in each protocol: by meaning, written down from the vendors' references.

The gateway's own tables are not looked at, so that a forgotten field there is seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.support.vendors.dialects import ProtocolName

NO_OPTION: Final = ""
"""Meaning of fields that carry the conversation itself, or say how the answer travels."""

OPTIONS: Final[Mapping[ProtocolName, Mapping[str, str]]] = {
    "openai_chat": {
        "model": NO_OPTION,
        "messages": NO_OPTION,
        "stream": NO_OPTION,
        "stream_options": NO_OPTION,
        "tools": "tools",
        "functions": "tools",
        "web_search_options": "tools",
        "tool_choice": "choice",
        "function_call": "choice",
        "parallel_tool_calls": "parallel",
        "max_tokens": "limit",
        "max_completion_tokens": "limit",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop": "stop",
        "n": "alternatives",
        "seed": "seed",
        "presence_penalty": "presence",
        "frequency_penalty": "frequency",
        "logit_bias": "bias",
        "logprobs": "logprobs",
        "top_logprobs": "logprobs",
        "reasoning_effort": "effort",
        "reasoning": "effort",
        "thinking": "effort",
        "response_format": "format",
        "verbosity": "verbosity",
        "metadata": "metadata",
        "user": "user",
        "safety_identifier": "user",
        "service_tier": "tier",
        "prompt_cache_key": "cache key",
        "store": "store",
    },
    "openai_responses": {
        "model": NO_OPTION,
        "input": NO_OPTION,
        "instructions": NO_OPTION,
        "stream": NO_OPTION,
        "stream_options": NO_OPTION,
        "tools": "tools",
        "tool_choice": "choice",
        "parallel_tool_calls": "parallel",
        "max_output_tokens": "limit",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_logprobs": "logprobs",
        "reasoning.effort": "effort",
        "reasoning.summary": "show",
        "text.format": "format",
        "text.verbosity": "verbosity",
        "metadata": "metadata",
        "user": "user",
        "safety_identifier": "user",
        "service_tier": "tier",
        "prompt_cache_key": "cache key",
        "store": "store",
        "include": "include",
    },
    "anthropic": {
        "model": NO_OPTION,
        "messages": NO_OPTION,
        "system": NO_OPTION,
        "stream": NO_OPTION,
        "tools": "tools",
        "mcp_servers": "tools",
        "tool_choice": "choice",
        "max_tokens": "limit",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop_sequences": "stop",
        "thinking": "effort",
        "output_config.effort": "effort",
        "output_config.format": "format",
        "metadata": "user",
        "service_tier": "tier",
        "cache_control": "cache",
    },
    "gemini": {
        "model": NO_OPTION,
        "contents": NO_OPTION,
        "systemInstruction": NO_OPTION,
        "tools": "tools",
        "toolConfig": "choice",
        "generationConfig.maxOutputTokens": "limit",
        "generationConfig.temperature": "temperature",
        "generationConfig.topP": "top_p",
        "generationConfig.topK": "top_k",
        "generationConfig.stopSequences": "stop",
        "generationConfig.candidateCount": "alternatives",
        "generationConfig.seed": "seed",
        "generationConfig.presencePenalty": "presence",
        "generationConfig.frequencyPenalty": "frequency",
        "generationConfig.responseLogprobs": "logprobs",
        "generationConfig.logprobs": "logprobs",
        "generationConfig.responseMimeType": "format",
        "generationConfig.responseSchema": "format",
        "generationConfig.responseJsonSchema": "format",
        "generationConfig.thinkingConfig.thinkingBudget": "effort",
        "generationConfig.thinkingConfig.thinkingLevel": "effort",
        "generationConfig.thinkingConfig.includeThoughts": "show",
        "serviceTier": "tier",
        "store": "store",
        "labels": "metadata",
        "cachedContent": "cache",
    },
}

HOLDERS: Final[Mapping[ProtocolName, frozenset[str]]] = {
    "openai_chat": frozenset(),
    "openai_responses": frozenset({"reasoning", "text"}),
    "anthropic": frozenset({"output_config"}),
    "gemini": frozenset({"generationConfig", "generationConfig.thinkingConfig"}),
}
"""Fields that only hold options."""

HARMLESS: Final[Mapping[ProtocolName, tuple[tuple[str, Any], ...]]] = {
    "openai_chat": (
        ("n", 1),
        ("store", False),
        ("parallel_tool_calls", True),
        ("tool_choice", "auto"),
        ("function_call", "auto"),
        ("response_format", {"type": "text"}),
        ("logprobs", False),
        ("service_tier", "auto"),
        ("reasoning_effort", "none"),  # models that don't think by themselves need not be told
    ),
    "openai_responses": (
        ("store", False),
        ("store", True),  # what becomes of stored answers is told by their id
        ("parallel_tool_calls", True),
        ("tool_choice", "auto"),
        ("text.format", {"type": "text"}),
        ("truncation", "disabled"),
        ("background", False),
        ("service_tier", "auto"),
        ("include", ["reasoning.encrypted_content"]),
    ),
    "anthropic": (
        ("tool_choice", {"type": "auto"}),
        ("thinking", {"type": "disabled"}),
        # The model decides, as it does without being told.
        ("thinking", {"type": "adaptive"}),
        ("thinking", {"type": "adaptive", "display": "summarized"}),
        ("thinking", {"type": "adaptive", "display": "omitted"}),
        ("service_tier", "auto"),
    ),
    "gemini": (
        ("generationConfig.candidateCount", 1),
        ("generationConfig.responseMimeType", "text/plain"),
        ("toolConfig", {"functionCallingConfig": {"mode": "AUTO"}}),
        ("generationConfig.thinkingConfig.includeThoughts", False),
    ),
}
"""Values that say no more than leaving the field out."""

AS_GIVEN: Final = frozenset({"limit", "temperature", "top_p", "top_k", "stop", "seed", "presence", "frequency"})
"""Meanings whose value arrives as it was given, or is told to be another."""

SHOWN_ANYWAY: Final = frozenset({"openai_chat", "anthropic"})
"""Protocols that show the thinking there is without a switch of its own."""


def _twins(options: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {meaning: tuple(name for name, own in options.items() if own == meaning) for meaning in options.values()}


TWINS: Final[Mapping[ProtocolName, Mapping[str, tuple[str, ...]]]] = {
    protocol: {**_twins(options), **({"parallel": ("tool_choice",)} if protocol == "anthropic" else {})}
    for protocol, options in OPTIONS.items()
}
"""Meaning → the fields that have it."""
