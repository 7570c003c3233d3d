"""``generationConfig`` to the hub and back: sampling, limits, thinking, the form of the answer."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.request import CustomTool, FunctionTool, OutputFormat, ReasoningOptions, Request, Sampling
from codenex.models.capabilities import Capabilities
from codenex.models.json_schema import from_openapi, to_json_schema_slot, to_openapi_subset, with_lower_types
from codenex.protocols.gemini.fields import (
    as_list,
    as_object,
    bool_field,
    canonical,
    integer_field,
    number_field,
    rest_of,
    text_field,
)
from codenex.protocols.gemini.types import GENERATION_FIELDS, NAME, THINKING_FIELDS, Object

_PATH = "generationConfig"

#: Fields that the hub has a name for.
_READ = frozenset(
    {
        "candidateCount",
        "frequencyPenalty",
        "logprobs",
        "maxOutputTokens",
        "presencePenalty",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseSchema",
        "seed",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    }
)

#: Effort → budget in tokens, and back by the upper bounds (the customary table; -1 lets the model decide).
BUDGETS = {
    "none": 0,
    "auto": -1,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 131072,
}
EFFORT_BOUNDS = ((512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))
#: Effort → the levels that come nearest, best first. A model has some of them.
LEVELS: dict[str, tuple[str, ...]] = {
    "none": ("minimal", "low"),
    "minimal": ("minimal", "low"),
    "low": ("low", "minimal"),
    "medium": ("medium", "high"),
    "high": ("high", "medium"),
    "xhigh": ("xhigh", "high", "medium"),
    "max": ("max", "xhigh", "high", "medium"),
}

_STOP_LIMIT = 5


class Generation(msgspec.Struct, frozen=True):
    """What ``generationConfig`` says, in the hub's words; ``extras`` is the rest of it."""

    sampling: Sampling = Sampling()
    max_output_tokens: int | None = None
    reasoning: ReasoningOptions | None = None
    output: OutputFormat | None = None
    extras: Object | None = None


# --- from the client ---


_OUTPUT = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema"})


def decode_generation(value: Any) -> Generation:
    """Decode ``generationConfig``."""
    config = canonical(as_object(value, _PATH), GENERATION_FIELDS)
    stops: list[Any] | None = None
    if "stopSequences" in config:
        stop = config["stopSequences"]
        stops = [stop] if isinstance(stop, str) else as_list(stop, f"{_PATH}.stopSequences")
    sampling = Sampling(
        temperature=number_field(config, "temperature", _PATH) if "temperature" in config else None,
        top_p=number_field(config, "topP", _PATH) if "topP" in config else None,
        top_k=integer_field(config, "topK", _PATH) if "topK" in config else None,
        stop=tuple([str(each) for each in stops]) if stops is not None else None,
        choices=integer_field(config, "candidateCount", _PATH) if "candidateCount" in config else None,
        seed=integer_field(config, "seed", _PATH) if "seed" in config else None,
        presence_penalty=number_field(config, "presencePenalty", _PATH) if "presencePenalty" in config else None,
        frequency_penalty=number_field(config, "frequencyPenalty", _PATH) if "frequencyPenalty" in config else None,
        logprobs=bool_field(config, "responseLogprobs", _PATH) if "responseLogprobs" in config else None,
        top_logprobs=integer_field(config, "logprobs", _PATH) if "logprobs" in config else None,
    )
    extras = rest_of(config, _READ) or {}
    output: OutputFormat | None = None
    if not config.keys().isdisjoint(_OUTPUT):
        output, untold = _output(config)
        extras.update(untold)
    reasoning: ReasoningOptions | None = None
    if "thinkingConfig" in config:
        path = f"{_PATH}.thinkingConfig"
        thinking = canonical(as_object(config["thinkingConfig"], path), THINKING_FIELDS)
        level = (text_field(thinking, "thinkingLevel", path) or "").lower()
        reasoning = ReasoningOptions(
            effort=level if level and level != "thinking_level_unspecified" else None,
            budget=integer_field(thinking, "thinkingBudget", path),
            visible=bool_field(thinking, "includeThoughts", path),
        )
        if rest := rest_of(thinking, THINKING_FIELDS):
            extras["thinkingConfig"] = rest
    return Generation(
        sampling,
        integer_field(config, "maxOutputTokens", _PATH),
        reasoning,
        output,
        extras if extras else None,
    )


def _output(config: Object) -> tuple[OutputFormat | None, Object]:
    """Return the form of the answer, and the fields that have no twin elsewhere (``text/x.enum``)."""
    media_type = text_field(config, "responseMimeType", _PATH)
    schema: Object | None = None
    if "responseJsonSchema" in config:
        schema = with_lower_types(as_object(config["responseJsonSchema"], f"{_PATH}.responseJsonSchema"))
    elif "responseSchema" in config:
        schema = from_openapi(as_object(config["responseSchema"], f"{_PATH}.responseSchema"))
    if media_type not in (None, "application/json", "text/plain"):
        names = ("responseMimeType", "responseSchema", "responseJsonSchema")
        return None, {name: config[name] for name in names if name in config}
    if schema is not None:
        return OutputFormat("json_schema", schema=schema), {}
    if media_type == "application/json":
        return OutputFormat("json_object"), {}
    return (OutputFormat() if media_type is not None else None), {}


# --- to the model ---


def encode_generation(request: Request, capabilities: Capabilities, losses: Losses) -> tuple[Object, str | None]:
    """Encode ``generationConfig``; beside it comes an instruction where the form of the answer can't be set."""
    config: Object = {}
    _put_sampling(config, request, capabilities, losses)
    limit = request.max_output_tokens
    if limit is not None:
        bound = capabilities.max_output_tokens
        if bound is not None and limit > bound:
            losses.approximate("max_output_tokens", f"the model writes {bound} tokens at most")
            limit = bound
        config["maxOutputTokens"] = max(1, limit)
    thinking = encode_thinking(request, capabilities, losses)
    if thinking:
        config["thinkingConfig"] = thinking
    instruction = _put_output(config, request, capabilities, losses)
    if request.protocol == NAME:
        for key, value in ((request.extras or {}).get(_PATH) or {}).items():
            own = config.get(key)
            config[key] = {**own, **value} if isinstance(own, dict) and isinstance(value, dict) else value
    return config, instruction


#: Field of the hub → name on the wire, for those that need nothing but renaming.
_PLAIN = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}


def _put_sampling(config: Object, request: Request, capabilities: Capabilities, losses: Losses) -> None:
    sampling = request.sampling
    for name, key in _PLAIN.items():
        value = getattr(sampling, name)
        if value is None:
            continue
        if name not in capabilities.sampling:
            losses.drop(name, "the model does not take it")
            continue
        if name == "temperature" and value > capabilities.temperature_limit:
            losses.approximate(name, f"the highest temperature is {capabilities.temperature_limit:g}")
            value = capabilities.temperature_limit
        config[key] = value
    if sampling.stop:
        _put_stops(config, sampling.stop, capabilities, losses)
    if sampling.choices is not None and (sampling.choices != 1 or request.protocol == NAME):
        if "choices" not in capabilities.sampling and sampling.choices > 1:
            raise unsupported("n: the model gives one answer at a time", param="n")
        config["candidateCount"] = sampling.choices
    if sampling.logit_bias:
        losses.drop("logit_bias", "Gemini has no such field")
    if sampling.logprobs is not None or sampling.top_logprobs is not None:
        if "logprobs" not in capabilities.sampling:
            losses.drop("logprobs", "the model does not take it")
            return
        if sampling.logprobs is not None:
            config["responseLogprobs"] = sampling.logprobs
        if sampling.top_logprobs is not None and sampling.logprobs is not False:
            config["logprobs"] = sampling.top_logprobs


def _put_stops(config: Object, stops: tuple[str, ...], capabilities: Capabilities, losses: Losses) -> None:
    if "stop" not in capabilities.sampling:
        losses.drop("stop", "the model does not take it")
        return
    if len(stops) > _STOP_LIMIT:
        losses.approximate("stop", f"Gemini takes {_STOP_LIMIT} stop sequences: the first ones are kept")
    config["stopSequences"] = list(stops[:_STOP_LIMIT])


def encode_thinking(request: Request, capabilities: Capabilities, losses: Losses) -> Object:
    """Encode how much to think; never a level and a budget together, which is refused."""
    options = request.reasoning
    if options is None:
        return {}
    for key in options.raw or {}:
        losses.drop(f"reasoning.{key}", "Gemini has no such field")
    if not capabilities.thinking:
        if options.effort not in (None, "none", "auto") or options.budget not in (None, 0, -1):
            losses.drop("reasoning", "the model does not think")
        return {}
    own = request.protocol == NAME
    out: Object = {}
    if options.visible is not None or not own:
        asked = options.visible if options.visible is not None else _asks(options)
        if asked or own:
            out["includeThoughts"] = asked
    if "level" in capabilities.thinking and not (own and options.budget is not None and options.effort is None):
        effort = options.effort if options.effort is not None else effort_of(options.budget)
        if effort not in (None, "auto") and effort is not None:
            out["thinkingLevel"] = _level(effort, capabilities.efforts, losses).upper()
    else:
        budget = _budget(options, capabilities, losses)
        if budget is not None:
            out["thinkingBudget"] = budget
    return out


def _asks(options: ReasoningOptions) -> bool:
    if options.effort == "none" or options.budget == 0:
        return False
    return options.effort is not None or options.budget is not None or options.summary is not None or options.adaptive


def effort_of(budget: int | None) -> str | None:
    """Return the effort that a budget in tokens amounts to."""
    if budget is None:
        return None
    if budget <= 0:
        return "none" if budget == 0 else "auto"
    return next((effort for bound, effort in EFFORT_BOUNDS if budget <= bound), "xhigh")


def _level(effort: str, offered: tuple[str, ...], losses: Losses) -> str:
    candidates = LEVELS.get(effort, ())
    level = next((word for word in candidates if word in offered), offered[-1] if offered else "high")
    if level != effort:
        losses.approximate("reasoning.effort", f"{effort} became {level}, the nearest level of the model")
    return level


def _budget(options: ReasoningOptions, capabilities: Capabilities, losses: Losses) -> int | None:
    lowest, highest = capabilities.budget_range
    budget = options.budget
    if budget is None:
        if options.effort is None:
            return -1 if options.adaptive else None
        budget = BUDGETS.get(options.effort, BUDGETS["high"])
        if options.effort in ("xhigh", "max"):
            budget = highest
    if budget < 0:
        return -1
    if budget == 0 and capabilities.thinking_can_be_off:
        return 0
    fitted = min(max(budget, lowest), highest)
    if fitted != budget and options.effort not in ("minimal", "xhigh", "max"):
        losses.approximate("reasoning", f"a budget of {budget} became {fitted}, within the model's range")
    return fitted


def _put_output(config: Object, request: Request, capabilities: Capabilities, losses: Losses) -> str | None:
    output = request.output
    if output is None:
        return None
    if output.kind == "text":
        if request.protocol == NAME:
            config["responseMimeType"] = "text/plain"
        return None
    functions = any(isinstance(tool, FunctionTool | CustomTool) for tool in request.tools)
    if functions and not capabilities.tools_with_structured_output and request.protocol != NAME:
        losses.adapt("response_format", "this model can't combine functions with a set form: it is asked in words")
        return _in_words(output)
    config["responseMimeType"] = "application/json"
    if output.kind == "json_object" or output.schema is None:
        return None
    if capabilities.json_schema_slot:
        schema, notes = to_json_schema_slot(output.schema)
        config["responseJsonSchema"] = schema
    else:
        schema, notes = to_openapi_subset(output.schema)
        config["responseSchema"] = schema
    for note in notes:
        place, _, reason = note.partition(": ")
        losses.approximate(f"response_format.schema.{place}".rstrip("."), reason or "moved into the description")
    if output.description:
        losses.drop("response_format.description", "Gemini has no such field")
    return None


def _in_words(output: OutputFormat) -> str:
    if output.schema is None:
        return "Answer with a single JSON object and nothing else."
    schema = json.encode_text(output.schema)
    return f"Answer with JSON that conforms to this schema, and with nothing else:\n{schema}"
