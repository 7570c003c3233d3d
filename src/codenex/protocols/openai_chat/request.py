"""Requests of ``POST /v1/chat/completions``: bytes of a client to the hub. The way back: ``encoding``."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.declarations import DECLARATIONS, Reading
from codenex.core.errors import invalid_request
from codenex.core.request import NO_SAMPLING, HostedTool, OutputFormat, ReasoningOptions, Request, Sampling, State, Tool
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.messages import MessageDecoder
from codenex.protocols.openai_chat.tools import (
    decode_function_call,
    decode_functions,
    decode_tool_choice,
    decode_tools,
)
from codenex.protocols.openai_chat.types import PROTOCOL

_REASONED = frozenset({"reasoning_effort", "reasoning", "thinking"})
_SAMPLED = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "n",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
    }
)
#: Top-level fields that the hub has a place for; all others are extras.
KNOWN = (
    frozenset(
        {
            "model",
            "messages",
            "max_tokens",
            "max_completion_tokens",
            "tools",
            "functions",
            "tool_choice",
            "function_call",
            "parallel_tool_calls",
            "web_search_options",
            "response_format",
            "verbosity",
            "stream",
            "stream_options",
            "user",
            "safety_identifier",
            "metadata",
            "service_tier",
            "prompt_cache_key",
            "store",
        }
    )
    | _REASONED
    | _SAMPLED
)

_STREAM_OPTIONS = frozenset({"include_usage"})


def decode_request(body: bytes, model: str | None, split: json.Split | None = None) -> Request:
    """Read a request. ``model`` is that of the path, where there is one.

    Raises :class:`~codenex.core.errors.Fault` (400) that names the offending field.
    """
    try:
        reading = DECLARATIONS.read(PROTOCOL, body, split)
    except json.MalformedJson as error:
        raise invalid_request(f"the body is not a JSON object: {error}") from None
    raw = reading.body
    name = model if model is not None else fields.required_text(raw.get("model"), "model")
    decoder = MessageDecoder()
    turns = decoder.decode(raw.get("messages"))
    # Of the other fields most are absent in most requests: only what is there is looked at.
    legacy, choice = False, None
    if "functions" in raw or "function_call" in raw:
        legacy = raw.get("functions") is not None or raw.get("function_call") is not None
    if "tool_choice" in raw or legacy:
        choice = decode_tool_choice(raw.get("tool_choice"))
        if choice is None:
            choice = decode_function_call(raw.get("function_call"))
    extras = {} if raw.keys() <= KNOWN else fields.unknown(raw, KNOWN)
    include_usage: Any = None
    if "stream_options" in raw:
        options = fields.mapping(raw["stream_options"], "stream_options") or {}
        unknown_options = fields.unknown(options, _STREAM_OPTIONS)
        if unknown_options:
            extras["stream_options"] = unknown_options
        include_usage = options.get("include_usage")
    user = fields.text(raw["user"], "user") if "user" in raw else None
    if "safety_identifier" in raw:
        identifier = fields.text(raw["safety_identifier"], "safety_identifier")
        if user is not None and identifier is not None and user != identifier:
            extras["safety_identifier"] = identifier
        user = user if user is not None else identifier
    output = _output(raw["response_format"], extras) if "response_format" in raw else None
    store = fields.boolean(raw["store"], "store") if "store" in raw else None
    return Request(
        PROTOCOL,
        name,
        turns,
        _tools(reading),
        choice,
        fields.boolean(raw["parallel_tool_calls"], "parallel_tool_calls") if "parallel_tool_calls" in raw else None,
        NO_SAMPLING if raw.keys().isdisjoint(_SAMPLED) else _sampling(raw),
        _output_limit(raw),
        None if raw.keys().isdisjoint(_REASONED) else _reasoning(raw),
        output,
        fields.text(raw["verbosity"], "verbosity") if "verbosity" in raw else None,
        "stream" in raw and fields.boolean(raw["stream"], "stream") is True,
        include_usage is not None and fields.boolean(include_usage, "stream_options.include_usage") is True,
        user,
        fields.mapping(raw["metadata"], "metadata") if "metadata" in raw else None,
        fields.text(raw["service_tier"], "service_tier") if "service_tier" in raw else None,
        fields.text(raw["prompt_cache_key"], "prompt_cache_key") if "prompt_cache_key" in raw else None,
        state=State(store=store) if store is not None else None,
        extras=extras or None,
        legacy_functions=legacy and not reading.declares,
        losses=decoder.losses.values(),
    )


def _tools(reading: Reading) -> tuple[Tool, ...]:
    tools = reading.tools(decode_tools) if reading.declares else ()
    if "functions" in reading.body:
        tools = (*tools, *decode_functions(reading.body["functions"]))
    if "web_search_options" not in reading.body:
        return tools
    options = fields.mapping(reading.body["web_search_options"], "web_search_options")
    if options is None:
        return tools
    return (*tools, HostedTool(PROTOCOL, "web_search_options", options, "web_search"))


def _sampling(raw: dict[str, Any]) -> Sampling:
    stops: tuple[str, ...] | None = None
    if "stop" in raw:
        stop = raw["stop"]
        if isinstance(stop, str):
            stops = (stop,)
        elif stop is not None:
            listed = fields.sequence(stop, "stop") or []
            stops = tuple([fields.required_text(item, f"stop[{number}]") for number, item in enumerate(listed)]) or None
    biases: dict[str, float] | None = None
    if "logit_bias" in raw and (bias := fields.mapping(raw["logit_bias"], "logit_bias")):
        biases = {key: fields.number(value, f"logit_bias.{key}") or 0 for key, value in bias.items()}
    return Sampling(
        fields.number(raw["temperature"], "temperature") if "temperature" in raw else None,
        fields.number(raw["top_p"], "top_p") if "top_p" in raw else None,
        fields.integer(raw["top_k"], "top_k") if "top_k" in raw else None,
        stops,
        fields.integer(raw["n"], "n") if "n" in raw else None,
        fields.integer(raw["seed"], "seed") if "seed" in raw else None,
        fields.number(raw["presence_penalty"], "presence_penalty") if "presence_penalty" in raw else None,
        fields.number(raw["frequency_penalty"], "frequency_penalty") if "frequency_penalty" in raw else None,
        biases,
        fields.boolean(raw["logprobs"], "logprobs") if "logprobs" in raw else None,
        fields.integer(raw["top_logprobs"], "top_logprobs") if "top_logprobs" in raw else None,
    )


def _output_limit(raw: dict[str, Any]) -> int | None:
    """Where both fields are given, the newer one counts."""
    limit = None
    if "max_completion_tokens" in raw:
        limit = fields.integer(raw["max_completion_tokens"], "max_completion_tokens")
    if limit is None and "max_tokens" in raw:
        limit = fields.integer(raw["max_tokens"], "max_tokens")
    return limit


def _reasoning(raw: dict[str, Any]) -> ReasoningOptions | None:
    """Read ``reasoning_effort`` and the objects ``reasoning`` (OpenRouter) and ``thinking`` (DeepSeek, GLM)."""
    effort = fields.text(raw.get("reasoning_effort"), "reasoning_effort")
    own = fields.mapping(raw.get("reasoning"), "reasoning")
    thinking = fields.mapping(raw.get("thinking"), "thinking")
    if effort is None and own is None and thinking is None:
        return None
    budget: int | None = None
    visible: bool | None = None
    summary: str | None = None
    adaptive = False
    if own is not None:
        inner = fields.text(own.get("effort"), "reasoning.effort")
        effort = effort if effort is not None else inner
        budget = fields.integer(own.get("max_tokens"), "reasoning.max_tokens")
        summary = fields.text(own.get("summary"), "reasoning.summary")
        if own.get("enabled") is False and effort is None:
            effort = "none"
        if isinstance(own.get("exclude"), bool):
            visible = not own["exclude"]
    if thinking is not None:
        kind = fields.text(thinking.get("type"), "thinking.type")
        if budget is None:
            budget = fields.integer(thinking.get("budget_tokens"), "thinking.budget_tokens")
        if kind == "disabled" and effort is None:
            effort = "none"
        adaptive = kind in ("adaptive", "auto") or (kind == "enabled" and budget is None and effort is None)
    given = {key: value for key, value in (("reasoning", own), ("thinking", thinking)) if value is not None}
    return ReasoningOptions(effort, budget, visible, summary, adaptive, given or None)


def _output(value: Any, extras: dict[str, Any]) -> OutputFormat | None:
    form = fields.mapping(value, "response_format")
    if form is None:
        return None
    kind = fields.required_text(form.get("type"), "response_format.type")
    match kind:
        case "text":
            return OutputFormat("text")
        case "json_object":
            return OutputFormat("json_object")
        case "json_schema":
            path = "response_format.json_schema"
            inner = fields.mapping(form.get("json_schema"), path)
            if inner is None:
                # Flat, as in Responses.
                inner = form if form.get("schema") is not None else fields.required_mapping(None, path)
            unknown = fields.unknown(inner, frozenset({"name", "description", "schema", "strict", "type"}))
            if unknown:
                extras["response_format"] = {"json_schema": unknown}
            return OutputFormat(
                "json_schema",
                fields.text(inner.get("name"), f"{path}.name"),
                fields.text(inner.get("description"), f"{path}.description"),
                fields.mapping(inner.get("schema"), f"{path}.schema"),
                fields.boolean(inner.get("strict"), f"{path}.strict"),
            )
        case _:
            extras["response_format"] = form
            return None
