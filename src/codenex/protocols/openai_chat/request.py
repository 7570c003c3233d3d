"""Requests of ``POST /v1/chat/completions``: bytes of a client to the hub. The way back: ``encoding``."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.declarations import DECLARATIONS, Reading
from codenex.core.errors import invalid_request
from codenex.core.request import HostedTool, OutputFormat, ReasoningOptions, Request, Sampling, State, Tool
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.messages import MessageDecoder
from codenex.protocols.openai_chat.tools import (
    decode_function_call,
    decode_functions,
    decode_tool_choice,
    decode_tools,
)
from codenex.protocols.openai_chat.types import PROTOCOL

#: Top-level fields that the hub has a place for; all others are extras.
KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
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
        "reasoning_effort",
        "reasoning",
        "thinking",
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


def decode_request(body: bytes, model: str | None) -> Request:
    """Read a request. ``model`` is that of the path, where there is one.

    Raises :class:`~codenex.core.errors.Fault` (400) that names the offending field.
    """
    try:
        reading = DECLARATIONS.read(PROTOCOL, body)
    except json.MalformedJson as error:
        raise invalid_request(f"the body is not a JSON object: {error}") from None
    raw = reading.body
    name = model if model is not None else fields.required_text(raw.get("model"), "model")
    decoder = MessageDecoder()
    turns = decoder.decode(raw.get("messages"))
    legacy = raw.get("functions") is not None or raw.get("function_call") is not None
    choice = decode_tool_choice(raw.get("tool_choice"))
    if choice is None:
        choice = decode_function_call(raw.get("function_call"))
    extras = fields.unknown(raw, KNOWN)
    options = fields.mapping(raw.get("stream_options"), "stream_options") or {}
    unknown_options = fields.unknown(options, frozenset({"include_usage"}))
    if unknown_options:
        extras["stream_options"] = unknown_options
    user = fields.text(raw.get("user"), "user")
    identifier = fields.text(raw.get("safety_identifier"), "safety_identifier")
    if user is not None and identifier is not None and user != identifier:
        extras["safety_identifier"] = identifier
    output = _output(raw.get("response_format"), extras)
    store = fields.boolean(raw.get("store"), "store")
    return Request(
        PROTOCOL,
        name,
        turns,
        _tools(reading),
        choice,
        fields.boolean(raw.get("parallel_tool_calls"), "parallel_tool_calls"),
        _sampling(raw),
        _output_limit(raw),
        _reasoning(raw),
        output,
        fields.text(raw.get("verbosity"), "verbosity"),
        fields.boolean(raw.get("stream"), "stream") is True,
        fields.boolean(options.get("include_usage"), "stream_options.include_usage") is True,
        user if user is not None else identifier,
        fields.mapping(raw.get("metadata"), "metadata"),
        fields.text(raw.get("service_tier"), "service_tier"),
        fields.text(raw.get("prompt_cache_key"), "prompt_cache_key"),
        state=State(store=store) if store is not None else None,
        extras=extras or None,
        legacy_functions=legacy and not reading.declares,
        losses=decoder.losses.values(),
    )


def _tools(reading: Reading) -> tuple[Tool, ...]:
    tools = reading.tools(decode_tools)
    functions = decode_functions(reading.body.get("functions"))
    if functions:
        tools = (*tools, *functions)
    options = fields.mapping(reading.body.get("web_search_options"), "web_search_options")
    if options is None:
        return tools
    return (*tools, HostedTool(PROTOCOL, "web_search_options", options, "web_search"))


def _sampling(raw: dict[str, Any]) -> Sampling:
    stop = raw.get("stop")
    stops: tuple[str, ...] | None = None
    if isinstance(stop, str):
        stops = (stop,)
    elif stop is not None:
        listed = fields.sequence(stop, "stop") or []
        stops = tuple(fields.required_text(item, f"stop[{number}]") for number, item in enumerate(listed)) or None
    bias = fields.mapping(raw.get("logit_bias"), "logit_bias")
    biases: dict[str, float] | None = None
    if bias:
        biases = {key: fields.number(value, f"logit_bias.{key}") or 0 for key, value in bias.items()}
    return Sampling(
        fields.number(raw.get("temperature"), "temperature"),
        fields.number(raw.get("top_p"), "top_p"),
        fields.integer(raw.get("top_k"), "top_k"),
        stops,
        fields.integer(raw.get("n"), "n"),
        fields.integer(raw.get("seed"), "seed"),
        fields.number(raw.get("presence_penalty"), "presence_penalty"),
        fields.number(raw.get("frequency_penalty"), "frequency_penalty"),
        biases,
        fields.boolean(raw.get("logprobs"), "logprobs"),
        fields.integer(raw.get("top_logprobs"), "top_logprobs"),
    )


def _output_limit(raw: dict[str, Any]) -> int | None:
    """Where both fields are given, the newer one counts."""
    limit = fields.integer(raw.get("max_completion_tokens"), "max_completion_tokens")
    return limit if limit is not None else fields.integer(raw.get("max_tokens"), "max_tokens")


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
