"""Sampling fields: from a client, and fitted to what the model takes."""

from __future__ import annotations

from typing import Any

from codenex.core.losses import Losses
from codenex.core.request import NO_SAMPLING, Sampling
from codenex.models.capabilities import Capabilities
from codenex.protocols.anthropic.reasoning import Thinking
from codenex.protocols.anthropic.types import a_list, a_text, optional_integer, optional_number

_FIELDS = frozenset({"temperature", "top_p", "top_k", "stop_sequences"})


def sampling_from(body: dict[str, Any]) -> Sampling:
    """Decode the fields of a request. Raises a fault (400)."""
    if body.keys().isdisjoint(_FIELDS):
        return NO_SAMPLING
    return Sampling(
        optional_number(body, "temperature") if "temperature" in body else None,
        optional_number(body, "top_p") if "top_p" in body else None,
        optional_integer(body, "top_k") if "top_k" in body else None,
        _stops(body["stop_sequences"]) if "stop_sequences" in body else None,
    )


def _stops(raw: Any) -> tuple[str, ...] | None:
    if raw is None:
        return None
    if isinstance(raw, str):
        return (raw,)
    return tuple(a_text(stop, f"stop_sequences[{number}]") for number, stop in enumerate(a_list(raw, "stop_sequences")))


def put_sampling(
    body: dict[str, Any], sampling: Sampling, thinking: Thinking, capabilities: Capabilities, losses: Losses
) -> None:
    """Write the sampling fields into a request's body."""
    # What no Anthropic model takes, unless its value changes nothing; a seed always says something.
    for name, value in (
        ("seed", None if sampling.seed is None else True),
        ("presence_penalty", sampling.presence_penalty),
        ("frequency_penalty", sampling.frequency_penalty),
        ("logit_bias", sampling.logit_bias),
        ("logprobs", sampling.logprobs),
        ("top_logprobs", sampling.top_logprobs),
    ):
        if value:
            losses.drop(name, "the target has no such field")
    temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
    taken = capabilities.sampling
    if temperature is not None and temperature > capabilities.temperature_limit:
        temperature = capabilities.temperature_limit
        losses.approximate("temperature", f"the target takes at most {temperature:g}")
    if thinking.thinking is not None and thinking.active:
        # With thinking only the default temperature is taken, no top_k, and top_p not below 0.95.
        temperature = _unless(temperature, temperature != 1, "temperature", "not possible with thinking", losses)
        top_k = _unless(top_k, True, "top_k", "not possible with thinking", losses)
        top_p = _unless(top_p, top_p is not None and top_p < 0.95, "top_p", "not possible with thinking", losses)
    refused = "the target model refuses it"
    if temperature is not None and "temperature" not in taken:
        temperature = _unless(temperature, True, "temperature", refused, losses)
    if top_p is not None and "top_p" not in taken:
        top_p = _unless(top_p, True, "top_p", refused, losses)
    if top_k is not None and "top_k" not in taken:
        top_k = _unless(top_k, True, "top_k", refused, losses)
    if capabilities.one_of_temperature_top_p and temperature is not None:
        top_p = _unless(top_p, True, "top_p", "the target model takes either temperature or top_p", losses)
    if temperature is not None:
        body["temperature"] = temperature
    if top_p is not None:
        body["top_p"] = top_p
    if top_k is not None:
        body["top_k"] = top_k
    if not sampling.stop:
        return
    stops = [stop for stop in sampling.stop if stop.strip()]
    if len(stops) < len(sampling.stop):
        losses.drop("stop", "the target refuses stop sequences of white space only")
    if stops and "stop" not in taken:
        losses.drop("stop", refused)
    elif stops:
        body["stop_sequences"] = stops


def _unless(value: Any, refused: bool, name: str, reason: str, losses: Losses) -> Any:
    if value is None or not refused:
        return value
    losses.drop(name, reason)
    return None
