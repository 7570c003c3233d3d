"""Requests of ``POST /v1/chat/completions``: the hub to the bytes for an upstream. Nothing unknown is forwarded."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.request import NO_SAMPLING, Request, State
from codenex.core.reversal import NO_REVERSAL
from codenex.core.spoke import Encoded
from codenex.core.untranslatable import refuse_untranslatable
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_chat import options
from codenex.protocols.openai_chat.definitions import encode_tools
from codenex.protocols.openai_chat.history import encode_turns
from codenex.protocols.openai_chat.plain_request import plain_body
from codenex.protocols.openai_chat.target import SAME_VENDOR, Target
from codenex.protocols.openai_chat.types import PROTOCOL

#: Extras that are written beside fields of their own.
_PLACED = frozenset({"stream_options", "response_format"})


def encode_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Render a request for a model with ``capabilities``.

    Raises ``unsupported`` where the target could not serve it without betraying the client.
    """
    plain = plain_body(request, capabilities)
    if plain is not None:
        return Encoded(json.encode(plain), NO_REVERSAL)
    target = Target(request, capabilities, losses)
    if request.state is not None:
        _refuse_state(request.state)
    if request.extras:
        refuse_untranslatable(request, PROTOCOL)
    # What is absent, as most of this is, needs no look.
    effort = options.effort_for(target) if request.reasoning is not None or request.tools else None
    form: dict[str, Any] = {}
    instruction: str | None = None
    if request.output is not None:
        form, instruction = options.response_format(target)
    messages = encode_turns(target)
    if instruction is not None:
        losses.adapt("response_format", "an instruction was added")
        messages = _instructed(messages, instruction, capabilities)
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if request.tools or request.tool_choice is not None:
        body |= encode_tools(target)
    if request.max_output_tokens is not None:
        options.put_limit(body, target)
    if request.sampling is not NO_SAMPLING:
        options.put_sampling(body, target, effort)
    if request.reasoning is not None or effort is not None:
        body |= options.reasoning(target, effort)
    body |= form
    if request.stream:
        body |= _stream(target)
    if (
        request.end_user is not None
        or request.cache_key is not None
        or request.metadata is not None
        or request.service_tier is not None
        or request.state is not None
        or request.verbosity is not None
    ):
        body |= _vendor_fields(target)
    if request.extras:
        body |= _extras(target, request.extras)
    return Encoded(json.encode(body), target.reversal())


def _refuse_state(state: State) -> None:
    for name, value in (
        ("previous_response_id", state.previous_response_id),
        ("conversation", state.conversation),
    ):
        if value is not None:
            raise unsupported(f"the target keeps no conversations: '{name}' can't be resolved", param=name)


def _instructed(messages: list[dict[str, Any]], instruction: str, capabilities: Capabilities) -> list[dict[str, Any]]:
    """Put an instruction after the leading system messages, into the one there is where only one is taken."""
    count = 0
    while count < len(messages) and messages[count]["role"] in ("system", "developer"):
        count += 1
    if count and not capabilities.system_in_middle and isinstance(messages[0]["content"], str):
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{instruction}"}
        return [first, *messages[1:]]
    return [*messages[:count], {"role": "system", "content": instruction}, *messages[count:]]


def _stream(target: Target) -> dict[str, Any]:
    """Ask for a stream, and always for its usage: what the client did not ask for is left out of its answer."""
    extra = (target.request.extras or {}).get("stream_options") if target.same else None
    choices: dict[str, Any] = {"include_usage": True} if target.capabilities.include_usage_option else {}
    if isinstance(extra, dict):
        choices.update(extra)
    return {"stream": True, **({"stream_options": choices} if choices else {})}


def _vendor_fields(target: Target) -> dict[str, Any]:
    """Render fields that mean something to one vendor: kept within the protocol and between OpenAI's two, else lost."""
    request, losses, at_openai = target.request, target.losses, target.capabilities.developer_role
    out: dict[str, Any] = {}
    both = target.same and "safety_identifier" in (request.extras or {})
    kept = target.same or (request.protocol in SAME_VENDOR and at_openai)
    given: tuple[tuple[str, Any], ...] = (
        ("safety_identifier" if at_openai and not both else "user", request.end_user),
        ("metadata", request.metadata),
        ("service_tier", request.service_tier),
        ("prompt_cache_key", request.cache_key),
        ("store", request.state.store if request.state is not None and target.same else None),
    )
    for name, value in given:
        if value is None:
            continue
        if kept or (name == "prompt_cache_key" and at_openai):
            out[name] = value
        elif name != "prompt_cache_key" or request.protocol in SAME_VENDOR:
            # A key from elsewhere was derived from the conversation: no client has asked for it.
            losses.drop("user" if name == "safety_identifier" else name, "it is meant for another vendor")
    if request.verbosity is not None:
        if at_openai or target.same:
            out["verbosity"] = request.verbosity
        else:
            losses.drop("verbosity", "the target does not take it")
    return out


def _extras(target: Target, extras: dict[str, Any]) -> dict[str, Any]:
    target.dropped_extras(extras, "")
    if not target.same:
        return {}
    out = {key: value for key, value in extras.items() if key not in _PLACED}
    form = extras.get("response_format")
    if isinstance(form, dict) and "type" in form:
        out["response_format"] = form
    return out
