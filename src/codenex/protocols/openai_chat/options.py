"""Options of a request, to the wire: sampling, limits, effort and output format."""

from __future__ import annotations

import re
from typing import Any, assert_never

from codenex.core import json
from codenex.core.losses import Losses
from codenex.core.request import OutputFormat, ReasoningOptions
from codenex.models.strict_schema import for_openai, qualifies_for_openai
from codenex.models.tool_schema import answer_schema
from codenex.protocols.openai_chat.target import SAME_VENDOR, Target

Options = dict[str, Any]

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
#: Efforts from the least to the most.
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
#: Budgets of thinking tokens, up to which a level stands for them.
BUDGETS = ((0, "none"), (512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))


# --- sampling and limits ------------------------------------------------------------------------------------------


def put_sampling(body: Options, target: Target, effort: str | None) -> None:
    """Write what the model takes of the sampling fields; ``effort`` is the one that is sent."""
    given, capabilities, losses = target.request.sampling, target.capabilities, target.losses
    allowed = capabilities.sampling
    if effort == "none":
        allowed = allowed | set(target.fact("sampling_without_effort", ()))
    # Field by field, without a call for those that are absent, as most are.
    if given.temperature is not None and _takes("temperature", allowed, losses):
        body["temperature"] = given.temperature
    if given.top_p is not None and _takes("top_p", allowed, losses):
        body["top_p"] = given.top_p
    if given.top_k is not None and _takes("top_k", allowed, losses):
        body["top_k"] = given.top_k
    if given.seed is not None and _takes("seed", allowed, losses):
        body[target.fact("seed_field", "seed")] = given.seed
    if given.presence_penalty is not None and _takes("presence_penalty", allowed, losses):
        body["presence_penalty"] = given.presence_penalty
    if given.frequency_penalty is not None and _takes("frequency_penalty", allowed, losses):
        body["frequency_penalty"] = given.frequency_penalty
    if given.logit_bias is not None and _takes("logit_bias", allowed, losses):
        body["logit_bias"] = given.logit_bias
    if given.choices is not None:
        if "choices" in allowed:
            body["n"] = given.choices
        elif given.choices != 1:
            losses.drop("n", "the target does not take it")
    if "temperature" in body:
        if body["temperature"] > capabilities.temperature_limit:
            body["temperature"] = capabilities.temperature_limit
            losses.approximate("temperature", f"the target takes at most {capabilities.temperature_limit}")
        if capabilities.one_of_temperature_top_p and "top_p" in body:
            del body["top_p"]
            losses.drop("top_p", "the target takes temperature or top_p")
    if given.stop is not None:
        body.update(_stop(given.stop, target, "stop" in allowed))
    if given.logprobs is None and given.top_logprobs is None:
        return
    for name, value in (("logprobs", given.logprobs), ("top_logprobs", given.top_logprobs)):
        if value is None:
            continue
        if "logprobs" in allowed:
            body[name] = value
        elif value:
            losses.drop(name, "the target does not take it")


def _takes(name: str, allowed: frozenset[str], losses: Losses) -> bool:
    if name in allowed:
        return True
    losses.drop(name, "the target does not take it")
    return False


def _stop(stop: tuple[str, ...], target: Target, allowed: bool) -> Options:
    if not stop:
        return {}
    if not allowed:
        target.losses.drop("stop", "the target does not take it")
        return {}
    limit = target.fact("stop_limit", None)
    if limit is not None and len(stop) > limit:
        target.losses.approximate("stop", f"the target takes {limit} stop sequences")
        stop = stop[:limit]
    return {"stop": list(stop)}


def put_limit(body: Options, target: Target) -> None:
    """Write the limit of the answer's length, at most what the model can."""
    limit, capable = target.request.max_output_tokens, target.capabilities.max_output_tokens
    if limit is None:
        return
    if capable is not None and limit > capable:
        target.losses.approximate("max_tokens", f"the target writes at most {capable} tokens")
        limit = capable
    body[target.capabilities.output_limit_field] = limit


# --- reasoning ----------------------------------------------------------------------------------------------------


def effort_for(target: Target) -> str | None:
    """Return the effort to send: the asked one or the nearest that the model has."""
    options, losses = target.request.reasoning, target.losses
    level = _level(options, target)
    if target.same and options is not None and options.raw is not None:
        return level
    if level is not None and "effort" not in target.capabilities.thinking:
        if level != "none":
            losses.drop("reasoning_effort", "the target has no switch for it")
        level = None
    if level is not None:
        fitted = nearest(level, target.capabilities.efforts)
        if fitted != level:
            losses.approximate("reasoning_effort", f"the target knows no effort {level}: {fitted} is sent")
        level = fitted
    if target.request.tools:
        rule = target.fact("tools_need_effort", None)
        if rule == "omitted" and level not in (None, "none"):
            losses.drop("reasoning_effort", "the target takes no effort together with tools")
            level = None
        elif rule == "none" and level != "none":
            if level is not None:
                losses.approximate("reasoning_effort", "the target takes tools without reasoning only")
            level = "none"
    return level


def nearest(level: str, efforts: tuple[str, ...]) -> str:
    """Return the effort that is nearest to ``level``; of two equally near ones the higher."""
    if level in efforts or level not in LEVELS:
        return level
    wanted = LEVELS.index(level)
    known = [effort for effort in efforts if effort in LEVELS]
    return min(known, key=lambda effort: (abs(LEVELS.index(effort) - wanted), -LEVELS.index(effort)), default=level)


def level_of_budget(budget: int) -> str | None:
    """Return the level for a budget of thinking tokens; ``None`` for a dynamic one (-1)."""
    if budget < 0:
        return None
    return next((level for limit, level in BUDGETS if budget <= limit), "xhigh")


def _level(options: ReasoningOptions | None, target: Target) -> str | None:
    if options is None:
        return None
    if options.effort is not None:
        return None if options.effort == "auto" else options.effort
    if options.budget is None:
        return None
    level = level_of_budget(options.budget)
    kept = target.same and options.raw is not None
    if level is not None and not kept and "effort" in target.capabilities.thinking:
        target.losses.approximate("reasoning.budget", f"the target takes levels: {level}")
    return level


def reasoning(target: Target, effort: str | None) -> Options:
    """Render how much to think. Within the protocol the hosts' own objects go back as they were."""
    options = target.request.reasoning
    if options is None and effort is None:
        return {}
    raw = options.raw if options is not None and target.same else None
    if raw:
        own = dict(raw)
        inner = own.get("reasoning")
        told = isinstance(inner, dict) and "effort" in inner
        if (
            effort is not None
            and options is not None
            and options.effort is not None
            and not told
            and "thinking" not in own
        ):
            own["reasoning_effort"] = effort
        return own
    if options is not None:
        if options.summary is not None:
            target.losses.drop("reasoning.summary", "the target decides on the form of readable reasoning")
        if options.visible is False and not target.fact("reasoning_object", False):
            target.losses.drop("reasoning.visible", "the target decides whether reasoning is shown")
    if not target.fact("reasoning_object", False):
        return {"reasoning_effort": effort} if effort is not None else {}
    chosen: Options = {"effort": effort} if effort is not None else {}
    if options is not None and options.visible is False:
        chosen["exclude"] = True
    return {"reasoning": chosen} if chosen else {}


# --- output format ------------------------------------------------------------------------------------------------


def response_format(target: Target) -> tuple[Options, str | None]:
    """Render the form of the answer, and an instruction to add where the target needs it in words."""
    output = target.request.output
    if output is None:
        return {}, None
    match output.kind:
        case "text":
            return {"response_format": {"type": "text"}} if target.same else {}, None
        case "json_object":
            told = target.same or _mentions_json(target)
            return {"response_format": {"type": "json_object"}}, None if told else "Answer with a JSON object."
        case "json_schema":
            return _json_schema(output, target)
        case _:
            assert_never(output.kind)


def _json_schema(output: OutputFormat, target: Target) -> tuple[Options, str | None]:
    schema = output.schema
    if not target.capabilities.structured_output:
        target.losses.approximate("response_format", "the target knows no schema: it is told in words")
        words = "Answer with a JSON object that follows this JSON Schema, and nothing else:\n"
        return {"response_format": {"type": "json_object"}}, words + json.encode_text(
            schema if schema is not None else {}
        )
    foreign = target.request.protocol not in SAME_VENDOR and schema is not None
    rooted = answer_schema(schema) if foreign and schema is not None else schema
    if foreign and rooted is None and target.capabilities.developer_role:
        target.losses.approximate("response_format", "the root of the schema is no object: it is told in words")
        words = "Answer with JSON that follows this JSON Schema, and nothing else:\n"
        return {}, words + json.encode_text(schema)
    name = _ILLEGAL.sub("_", output.name)[:64] if output.name else ""
    form: Options = {"name": name or "response"}
    if output.description is not None:
        form["description"] = output.description
    if schema is not None:
        form["schema"] = schema
    if output.strict is not None:
        form["strict"] = output.strict
    if foreign and schema is not None:
        form["schema"], form["strict"] = _strict_form(rooted if rooted is not None else schema, target)
    extras = (target.request.extras or {}).get("response_format") if target.same else None
    unknown = extras.get("json_schema") if isinstance(extras, dict) else None
    return {"response_format": {"type": "json_schema", "json_schema": {**form, **(unknown or {})}}}, None


def _strict_form(schema: Options, target: Target) -> tuple[Options, bool]:
    """Return a schema that other vendors always enforce, as strict as this vendor's dialect can have it."""
    if qualifies_for_openai(schema):
        return schema, True
    adapted = for_openai(schema)
    tightened = any("required" in change or "beyond" in change for change in adapted.changes)
    if adapted.wrapped or adapted.recursive or tightened or not target.capabilities.developer_role:
        # Strict mode would change what the schema means; without it the model still sees the schema.
        target.losses.approximate("response_format", "the schema is a hint: strict mode does not take it")
        return schema, False
    for change in adapted.changes:
        target.losses.adapt("response_format", change)
    return adapted.schema, True


def _mentions_json(target: Target) -> bool:
    """Whether a message has the word that this vendor demands beside ``json_object``."""
    texts = (getattr(part, "text", None) for turn in target.request.turns for part in turn.parts)
    return any(isinstance(text, str) and "json" in text.lower() for text in texts)
