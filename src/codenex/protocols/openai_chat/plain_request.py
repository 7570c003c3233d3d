"""The request that is a conversation of plain texts without tools, written without what only others need.

A shortcut past the general encoder, which must make the same of it.
"""

from __future__ import annotations

from typing import Any

from codenex.core.request import NO_SAMPLING, Plain, Request, Sampling
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_chat.history import plain_messages


def plain_body(request: Request, capabilities: Capabilities) -> dict[str, Any] | None:
    """Return the fields of a request with texts, a limit and ordinary sampling, of which nothing is lost; ``None`` for
    any other."""
    turns, sampling = request.turns, request.sampling
    if (
        type(turns) is not Plain
        or turns[0].origin == "developer"
        or request.tools
        or request.tool_choice is not None
        or request.reasoning is not None
        or request.output is not None
        or request.extras
        or request.state is not None
        or request.end_user is not None
        or request.metadata is not None
        or request.service_tier is not None
        or request.cache_key is not None
        or request.verbosity is not None
    ):
        return None
    body: dict[str, Any] = {"model": request.model, "messages": plain_messages(turns)}
    limit, capable = request.max_output_tokens, capabilities.max_output_tokens
    if limit is not None:
        if capable is not None and limit > capable:
            return None
        body[capabilities.output_limit_field] = limit
    if sampling is not NO_SAMPLING:
        temperature, top_p, top_k, allowed = sampling.temperature, sampling.top_p, sampling.top_k, capabilities.sampling
        if sampling != Sampling(temperature, top_p, top_k):
            return None
        if temperature is not None:
            if "temperature" not in allowed or temperature > capabilities.temperature_limit:
                return None
            body["temperature"] = temperature
        if top_p is not None:
            if "top_p" not in allowed or (temperature is not None and capabilities.one_of_temperature_top_p):
                return None
            body["top_p"] = top_p
        if top_k is not None:
            if "top_k" not in allowed:
                return None
            body["top_k"] = top_k
    if request.stream:
        body["stream"] = True
        if capabilities.include_usage_option:
            body["stream_options"] = {"include_usage": True}
    return body
