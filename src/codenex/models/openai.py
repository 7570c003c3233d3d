"""Facts about OpenAI's model families and about the hosts that speak its two protocols.

A record is put together from four layers, later ones winning: the protocol's base, the host, the model's family, the
configuration. ``extras`` of a record hold facts that only these two protocols know:

- ``sampling_without_effort``: sampling fields that are taken as soon as the effort is ``none``;
- ``tools_need_effort``: with tools, ``omitted`` (the effort must be left out) or ``none`` (it must be sent as such);
- ``stop_limit``: most stop sequences; ``call_id_length``: exact length of call ids, alphanumeric;
- ``cache_breakpoints``: ``prompt_cache_breakpoint`` on parts is known;
- ``text_lists``: false where content has to be one string; ``cache_control``: Anthropic's markers are understood;
- ``google_signatures``: ``extra_content.google.thought_signature`` comes back; ``seed_field``: its name;
- ``reasoning_object``: effort goes into ``reasoning.effort``; ``reasoning_history_refused``: unknown fields are a 400.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codenex.models.capabilities import Capabilities, Family, capabilities_for

_COMMON = frozenset({"temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty"})
_CHAT_SAMPLING = _COMMON | {"logit_bias", "logprobs", "choices"}
_WITHOUT_EFFORT = ("temperature", "top_p", "logprobs")

#: OpenAI Chat on a server about which nothing is known.
CHAT_BASE = Capabilities(
    sampling=_CHAT_SAMPLING,
    thinking=frozenset({"effort"}),
    efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
    output_limit_field="max_tokens",
    url_media=frozenset({"image", "video"}),
)

#: OpenAI Responses on a server about which nothing is known. The protocol has no stops, seed, penalties or choices.
RESPONSES_BASE = Capabilities(
    sampling=frozenset({"temperature", "top_p", "logprobs"}),
    thinking=frozenset({"effort"}),
    efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
    developer_role=True,
    custom_tools=True,
    media_kinds=frozenset({"image", "document"}),
    url_media=frozenset({"image", "document"}),
)

_CLOSED = {"reasoning_history_refused": True, "stop_limit": 4}
_OPENAI_HOST: dict[str, Any] = {
    "developer_role": True,
    "output_limit_field": "max_completion_tokens",
    "custom_tools": True,
    "media_kinds": frozenset({"image", "document", "audio"}),
    "url_media": frozenset({"image"}),
    "extras": _CLOSED,
}

#: What is known of hosts behind Chat: a pattern of the host name (its end, after a dot or the beginning) and changes.
CHAT_HOSTS: tuple[Family, ...] = (
    Family(r"api\.openai\.com", _OPENAI_HOST),
    Family(r"openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com", _OPENAI_HOST),
    Family(
        r"openrouter\.ai",
        {
            "sampling": _CHAT_SAMPLING | {"top_k"},
            "reasoning_echo": "reasoning_details",
            "url_media": frozenset({"image", "document", "video"}),
            "extras": {"cache_control": True, "reasoning_object": True},
        },
    ),
    Family(
        r"deepseek\.com",
        {
            "sampling": _COMMON - {"seed"} | {"logprobs"},
            "structured_output": False,
            "reasoning_echo": "reasoning_content",
            "thinking": frozenset(),
            "media_kinds": frozenset(),
            "extras": {"text_lists": False},
        },
    ),
    Family(
        r"mistral\.ai",
        {
            "sampling": _COMMON | {"choices"},
            "include_usage_option": False,
            "thinking": frozenset({"effort"}),
            "efforts": ("none", "high"),
            "media_kinds": frozenset({"image", "document", "audio"}),
            "extras": {"call_id_length": 9, "seed_field": "random_seed"},
        },
    ),
    Family(r"moonshot\.(cn|ai)", {"reasoning_echo": "reasoning_content", "thinking": frozenset()}),
    Family(
        r"groq\.com",
        {"sampling": _COMMON, "reasoning_echo": "reasoning", "output_limit_field": "max_completion_tokens"},
    ),
    Family(r"x\.ai", {"thinking": frozenset({"effort"}), "efforts": ("low", "medium", "high")}),
    Family(
        r"googleapis\.com",
        {
            "sampling": frozenset({"temperature", "top_p", "stop", "choices"}),
            "extras": {"google_signatures": True},
        },
    ),
    Family(r"perplexity\.ai", {"sampling": frozenset({"temperature", "top_p"}), "thinking": frozenset()}),
)

#: What is known of hosts behind Responses.
RESPONSES_HOSTS: tuple[Family, ...] = (
    Family(
        r"api\.openai\.com|openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com",
        {"hosted_tools": frozenset({"web_search", "code_execution"})},
    ),
)


def _reasoning(
    efforts: tuple[str, ...], *, custom_tools: bool = True, parallel: bool = True, tools: str | None = None
) -> dict[str, Any]:
    extras: dict[str, Any] = {} if tools is None else {"tools_need_effort": tools}
    if "none" in efforts:
        extras["sampling_without_effort"] = _WITHOUT_EFFORT
    return {
        "sampling": frozenset({"seed", "choices"}),
        "thinking": frozenset({"effort"}),
        "thinking_can_be_off": "none" in efforts,
        "efforts": efforts,
        "custom_tools": custom_tools,
        "parallel_switch": parallel,
        "output_limit_field": "max_completion_tokens",
        "extras": extras,
    }


_O_SERIES = _reasoning(("low", "medium", "high"), custom_tools=False, parallel=False)
_GPT_5 = _reasoning(("minimal", "low", "medium", "high"))
_GPT_5_1 = _reasoning(("none", "low", "medium", "high"))
_GPT_5_2 = _reasoning(("none", "low", "medium", "high", "xhigh"))
_GPT_5_4 = _reasoning(("none", "low", "medium", "high", "xhigh"), tools="omitted")
_GPT_5_6 = _reasoning(("none", "low", "medium", "high", "xhigh", "max"), tools="none")
_GPT_5_6["extras"]["cache_breakpoints"] = True
_PLAIN: dict[str, Any] = {"thinking": frozenset(), "custom_tools": False}

#: Families by model name, most particular first. They hold wherever the model runs under its own name.
FAMILIES: tuple[Family, ...] = (
    Family(r"gpt-5(\.\d+)?-chat", {"thinking": frozenset(), "custom_tools": False}),
    Family(r"gpt-5-search", {**_PLAIN, "hosted_tools": frozenset({"web_search"})}),
    Family(r"gpt-5\.[6-9]|gpt-5\.\d\d|gpt-[6-9]", {**_GPT_5_6, "max_output_tokens": 128_000}),
    Family(r"gpt-5\.[45]", {**_GPT_5_4, "max_output_tokens": 128_000}),
    Family(r"gpt-5\.[23]", {**_GPT_5_2, "max_output_tokens": 128_000}),
    Family(r"gpt-5\.1", {**_GPT_5_1, "max_output_tokens": 128_000}),
    Family(r"gpt-5", {**_GPT_5, "max_output_tokens": 128_000}),
    Family(r"o[134](-|$)", {**_O_SERIES, "max_output_tokens": 100_000}),
    # By Chat these search, and no others do.
    Family(
        r"gpt-4o(-mini)?-search", {**_PLAIN, "max_output_tokens": 16_384, "hosted_tools": frozenset({"web_search"})}
    ),
    Family(r"gpt-4o-audio", {**_PLAIN, "max_output_tokens": 16_384}),
    Family(r"gpt-4\.1", {**_PLAIN, "max_output_tokens": 32_768}),
    Family(r"gpt-4o|chatgpt-4o", {**_PLAIN, "max_output_tokens": 16_384}),
    Family(r"gpt-4-|gpt-3\.5", {**_PLAIN, "max_output_tokens": 4_096}),
    Family(r"gpt-4", {**_PLAIN, "max_output_tokens": 8_192}),
    Family(r"gpt-oss", {"efforts": ("low", "medium", "high"), "thinking_can_be_off": False}),
    Family(r"(.*/)?deepseek|(.*/)?kimi|(.*/)?glm-[45]|(.*/)?minimax", {"reasoning_echo": "reasoning_content"}),
    Family(r"grok-4", {"sampling": frozenset({"temperature", "top_p", "seed", "choices", "logprobs"})}),
)

#: Facts about a family that come from the Chat endpoint rather than from the model.
_CHAT_ONLY = frozenset({"tools_need_effort"})


def chat_capabilities(model: str, host: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what ``model`` takes by Chat on ``host`` (a host name or a base URL). Sources: vendors' references."""
    by_host = _on_host(CHAT_BASE, CHAT_HOSTS, host)
    return _completed(by_host, capabilities_for(by_host, FAMILIES, model), overrides)


def responses_capabilities(model: str, host: str, overrides: dict[str, Any] | None = None) -> Capabilities:
    """Return what ``model`` takes by Responses on ``host`` (name or base URL), without facts of Chat alone."""
    by_host = _on_host(RESPONSES_BASE, RESPONSES_HOSTS, host)
    by_model = capabilities_for(by_host, FAMILIES, model)
    extras = {key: value for key, value in (by_model.extras or {}).items() if key not in _CHAT_ONLY}
    by_model = msgspec.structs.replace(
        by_model,
        sampling=by_model.sampling & RESPONSES_BASE.sampling,
        reasoning_echo=None,
        extras=extras or None,
    )
    return _completed(by_host, by_model, overrides)


def _on_host(base: Capabilities, hosts: tuple[Family, ...], host: str) -> Capabilities:
    # A whole base URL is taken as well: what counts is between the scheme and the port or path.
    name = host.lower().rpartition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    for row in hosts:
        if re.search(rf"(^|\.)({row.pattern})$", name) is not None:
            return msgspec.structs.replace(base, **row.changes)
    return base


def _completed(by_host: Capabilities, by_model: Capabilities, overrides: dict[str, Any] | None) -> Capabilities:
    """Join the two layers' ``extras`` (a family replaces whole fields elsewhere) and apply the configuration."""
    extras = {**(by_host.extras or {}), **(by_model.extras or {})}
    joined = msgspec.structs.replace(by_model, extras=extras or None)
    # What a host says about these does not depend on the names of its models.
    if not by_host.custom_tools:
        joined = msgspec.structs.replace(joined, custom_tools=False)
    if by_host.reasoning_echo is not None:
        joined = msgspec.structs.replace(joined, reasoning_echo=by_host.reasoning_echo)
    return capabilities_for(joined, (), "", overrides)
