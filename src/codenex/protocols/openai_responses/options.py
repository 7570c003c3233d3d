"""Sampling, reasoning, form of the text, limits and identity: options of the hub to an upstream's fields."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.parts import Text
from codenex.core.request import OutputFormat, Request
from codenex.models.capabilities import Capabilities
from codenex.models.strict_schema import qualifies_for_openai
from codenex.models.tool_schema import answer_schema
from codenex.protocols.openai_responses.types import LEAST_OUTPUT_TOKENS, NAME, SAME_VENDOR

#: Sampling fields that Responses lacks, by the word of the hub and the common word.
_MISSING = {
    "top_k": "top_k",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logit_bias": "logit_bias",
}
#: Longest identifier of an end user.
_IDENTIFIER_LIMIT = 64
#: Efforts from little to much.
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
#: Largest thinking budget in tokens of an effort.
_BUDGETS = ((512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))


def sampling(
    request: Request, capabilities: Capabilities, losses: Losses, out: dict[str, Any], include: list[str]
) -> None:
    """Write how tokens are drawn. Raises ``unsupported`` for several choices."""
    wanted = request.sampling
    own = request.protocol == NAME
    for name, word in _MISSING.items():
        if getattr(wanted, name) is not None:
            losses.drop(word, "Responses has no such field")
    if wanted.choices is not None and wanted.choices > 1:
        raise unsupported("Responses gives one answer per request: n must be 1.", param="n")
    temperature, top_p = wanted.temperature, wanted.top_p
    if temperature is not None and "temperature" not in capabilities.sampling:
        losses.drop("temperature", "the model refuses it")
        temperature = None
    if top_p is not None and "top_p" not in capabilities.sampling:
        losses.drop("top_p", "the model refuses it")
        top_p = None
    if temperature is not None and temperature > capabilities.temperature_limit:
        losses.approximate("temperature", f"at most {capabilities.temperature_limit}")
        temperature = capabilities.temperature_limit
    if temperature is not None and top_p is not None and capabilities.one_of_temperature_top_p:
        losses.drop("top_p", "the model refuses it beside temperature")
        top_p = None
    if temperature is not None:
        out["temperature"] = temperature
    if top_p is not None:
        out["top_p"] = top_p
    if wanted.logprobs:
        if "logprobs" not in capabilities.sampling:
            losses.drop("logprobs", "the model refuses it")
            return
        include.append("message.output_text.logprobs")
        if wanted.top_logprobs is not None:
            out["top_logprobs"] = wanted.top_logprobs
    elif wanted.top_logprobs is not None and own:
        out["top_logprobs"] = wanted.top_logprobs


def reasoning_options(request: Request, capabilities: Capabilities, losses: Losses) -> dict[str, Any] | None:
    """Return ``reasoning``, or ``None`` to leave it out."""
    options = request.reasoning
    if options is None:
        return None
    out: dict[str, Any] = {}
    if request.protocol == NAME:
        if options.effort is not None:
            out["effort"] = options.effort
        if options.summary is not None:
            out["summary"] = options.summary
        return out | (options.raw if options.raw is not None else {})
    if "effort" not in capabilities.thinking:
        if options.effort not in (None, "none", "auto") or options.budget not in (None, 0, -1) or options.visible:
            losses.drop("reasoning", "the model doesn't think, or can't be told how much")
        return None
    effort = options.effort
    if effort is None:
        effort = _effort_of(options.budget)
        if effort is not None:
            losses.approximate("reasoning.budget", f"the target takes levels: {effort}")
    if effort is not None and effort != "auto":
        out["effort"] = _fitting(effort, capabilities, losses)
    if options.summary is not None:
        out["summary"] = options.summary
    elif options.visible:
        out["summary"] = "auto"
    return out if out else None


def _effort_of(budget: int | None) -> str | None:
    if budget is None or budget < 0:
        return None
    if budget == 0:
        return "none"
    return next((effort for most, effort in _BUDGETS if budget <= most), "xhigh")


def _fitting(effort: str, capabilities: Capabilities, losses: Losses) -> str:
    if effort in capabilities.efforts or effort not in _EFFORTS:
        return effort
    if effort == "none" and capabilities.thinking_can_be_off and not capabilities.efforts:
        return effort
    position = _EFFORTS.index(effort)
    known = [one for one in capabilities.efforts if one in _EFFORTS]
    if not known:
        return effort
    nearest = min(known, key=lambda one: (abs(_EFFORTS.index(one) - position), _EFFORTS.index(one)))
    losses.approximate("reasoning_effort", f"the model knows {', '.join(capabilities.efforts)}")
    return nearest


def output_text(request: Request, capabilities: Capabilities, losses: Losses) -> dict[str, Any] | None:
    """Return ``text``: format and verbosity share it."""
    out: dict[str, Any] = {}
    output = request.output
    own = request.protocol == NAME
    if output is not None:
        if output.kind == "json_object" or (output.kind == "json_schema" and output.schema is None):
            out["format"] = {"type": "json_object"}
        elif output.kind == "json_schema" and (own or not _is_told(request, capabilities)):
            out["format"] = _schema_format(output, losses, same=request.protocol in SAME_VENDOR)
    if request.verbosity is not None:
        out["verbosity"] = request.verbosity
    return out if out else None


def _schema_format(output: OutputFormat, losses: Losses, *, same: bool) -> dict[str, Any]:
    schema = output.schema
    out: dict[str, Any] = {
        "type": "json_schema",
        "name": output.name if output.name is not None else "response",
        "schema": schema if same or schema is None else answer_schema(schema),
    }
    if output.description is not None:
        out["description"] = output.description
    strict = output.strict
    if strict and not same and schema is not None and not qualifies_for_openai(schema):
        losses.adapt("response_format.strict", "the schema leaves properties open, which OpenAI's strict mode refuses")
        strict = False
    if strict is not None:
        out["strict"] = strict
    return out


def _is_told(request: Request, capabilities: Capabilities) -> bool:
    """Whether a schema has to be told in words: the target has no structured output, or its root is no object."""
    if not capabilities.structured_output:
        return True
    schema = request.output.schema if request.output is not None else None
    return schema is not None and request.protocol not in SAME_VENDOR and answer_schema(schema) is None


def with_json_wish(
    request: Request, instructions: str | None, own: bool, losses: Losses, capabilities: Capabilities
) -> str | None:
    """Return the instructions with a wish for JSON where the format alone won't do.

    OpenAI refuses ``json_object`` unless the word JSON occurs in the conversation.
    """
    output = request.output
    if output is None or own:
        return instructions
    wish: str | None = None
    if output.kind == "json_schema" and _is_told(request, capabilities):
        wish = f"Answer with JSON only, matching this JSON Schema:\n{json.encode_text(output.schema)}"
    elif output.kind == "json_object" or (output.kind == "json_schema" and output.schema is None):
        said = (part.text for turn in request.turns for part in turn.parts if isinstance(part, Text))
        if not any("json" in text.lower() for text in said):
            wish = "Answer with JSON only."
    if wish is None:
        return instructions
    losses.adapt("response_format", "the wish for JSON is told in the instructions")
    return wish if instructions is None else f"{instructions}\n\n{wish}"


def limit(request: Request, capabilities: Capabilities, losses: Losses, out: dict[str, Any]) -> None:
    """Write the length of the answer."""
    tokens = request.max_output_tokens
    if tokens is None:
        return
    if tokens < LEAST_OUTPUT_TOKENS:
        losses.approximate("max_tokens", f"OpenAI takes no less than {LEAST_OUTPUT_TOKENS}")
        tokens = LEAST_OUTPUT_TOKENS
    most = capabilities.max_output_tokens
    if most is not None and tokens > most:
        losses.approximate("max_tokens", f"the model writes at most {most} tokens")
        tokens = most
    out["max_output_tokens"] = tokens


def identity(request: Request, own: bool, losses: Losses, out: dict[str, Any]) -> None:
    """Write who asks, and how it is billed and cached."""
    user = request.end_user
    if user is not None:
        if own or (len(user) <= _IDENTIFIER_LIMIT and not user.lstrip().startswith("{")):
            out["safety_identifier"] = user
        else:
            losses.drop("user", "an id of another vendor's device or session")
    if request.metadata is not None:
        if own:
            out["metadata"] = request.metadata
        else:
            spelled = {
                key: value if isinstance(value, str) else json.encode_text(value)
                for key, value in request.metadata.items()
            }
            kept = dict(list(spelled.items())[:16])
            if len(kept) < len(spelled):
                losses.drop("metadata", "OpenAI keeps at most 16 pairs")
            out["metadata"] = {key[:64]: value[:512] for key, value in kept.items()}
    if request.service_tier is not None:
        if request.protocol in SAME_VENDOR:
            out["service_tier"] = request.service_tier
        else:
            losses.drop("service_tier", "another vendor's tiers")
    if request.cache_key is not None:
        out["prompt_cache_key"] = request.cache_key
    if request.cache is not None:
        losses.drop("cache_control", "OpenAI caches prompts by itself")
