"""A client's request to the hub, and the hub's request to Google."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.declarations import DECLARATIONS, Reading
from codenex.core.errors import Fault, invalid_request, unsupported
from codenex.core.losses import Losses
from codenex.core.request import Request, State, Tool, ToolChoice
from codenex.core.spoke import Encoded
from codenex.core.untranslatable import refuse_untranslatable
from codenex.models.capabilities import Capabilities
from codenex.protocols.gemini.content import decode_contents, decode_system
from codenex.protocols.gemini.fields import as_object, bool_field, canonical, rest_of, text_field
from codenex.protocols.gemini.generation import Generation, decode_generation, encode_generation
from codenex.protocols.gemini.tools import (
    decode_tool_config,
    decode_tools,
    encode_tool_config,
    encode_tools,
    name_map,
    reversal_of,
)
from codenex.protocols.gemini.turns import encode_turns
from codenex.protocols.gemini.types import NAME, REQUEST_FIELDS, Object, bare_model

_READ = frozenset(
    {
        "model",
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "serviceTier",
        "store",
        "generateContentRequest",
    }
)


def decode_request(body: bytes, model: str | None, split: json.Split | None = None) -> Request:
    """Decode a request body; the model of the path wins over one in the body. Raises ``invalid_request``."""
    try:
        reading = DECLARATIONS.read(NAME, body, split)
    except json.MalformedJson as error:
        raise _malformed(error) from None
    source = canonical(reading.body, REQUEST_FIELDS)
    return _decoded(source, model, reading)


def decode_count_request(body: bytes, model: str | None) -> Request:
    """Decode a request to count tokens: ``contents`` and the rest, or all of it in ``generateContentRequest``."""
    outer = _read(body)
    if "generateContentRequest" in outer:
        inner = canonical(as_object(outer["generateContentRequest"], "generateContentRequest"), REQUEST_FIELDS)
        outer = {**{name: value for name, value in outer.items() if name != "generateContentRequest"}, **inner}
    return _decoded(outer, model, None)


def _read(body: bytes) -> Object:
    try:
        return canonical(json.decode_object(body), REQUEST_FIELDS)
    except json.MalformedJson as error:
        raise _malformed(error) from None


def _malformed(error: json.MalformedJson) -> Fault:
    return invalid_request(f"the body is not a JSON object: {error}")


def _decoded(source: Object, model: str | None, reading: Reading | None) -> Request:
    name = model if model else text_field(source, "model", "")
    if not name:
        raise invalid_request("model: the model is missing", param="model")
    turns = decode_contents(source["contents"]) if "contents" in source else ()
    if not turns:
        raise invalid_request("contents: at least one content is expected", param="contents")
    if "systemInstruction" in source:
        turns = (*decode_system(source["systemInstruction"]), *turns)
    tools: tuple[Tool, ...] = ()
    if reading is not None:
        tools = reading.tools(decode_tools)
    elif "tools" in source:
        tools = decode_tools(source["tools"])
    choice: ToolChoice | None = None
    extras: dict[str, Any] = rest_of(source, _READ) or {}
    if "toolConfig" in source:
        choice, tools, rest = decode_tool_config(source["toolConfig"], tools)
        if rest is not None:
            extras["toolConfig"] = rest
    generation = decode_generation(source["generationConfig"]) if "generationConfig" in source else Generation()
    if generation.extras is not None:
        extras["generationConfig"] = generation.extras
    store = bool_field(source, "store", "")
    return Request(
        NAME,
        bare_model(name),
        turns,
        tools,
        choice,
        sampling=generation.sampling,
        max_output_tokens=generation.max_output_tokens,
        reasoning=generation.reasoning,
        output=generation.output,
        service_tier=text_field(source, "serviceTier", ""),
        state=State(store=store) if store is not None else None,
        extras=extras if extras else None,
    )


def encode_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode a request for Google; model and streaming are in the path (:func:`~.types.generate_path`).

    Raises ``unsupported`` for what can't be asked of Gemini without betraying the client.
    """
    own = request.protocol == NAME
    state = request.state
    refuse_untranslatable(request, NAME)
    if state is not None and (state.previous_response_id is not None or state.conversation is not None):
        name = "previous_response_id" if state.previous_response_id is not None else "conversation"
        raise unsupported(f"{name}: Gemini keeps no conversations", param=name)
    names = name_map(request)
    system, contents = encode_turns(request, capabilities, names, losses)
    generation, instruction = encode_generation(request, capabilities, losses)
    if instruction is not None:
        system.append({"text": instruction})
    body: Object = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    tools = encode_tools(request, capabilities, names, losses)
    if tools:
        body["tools"] = tools
    if config := encode_tool_config(request, tools, capabilities, names, losses):
        body["toolConfig"] = config
    if generation:
        body["generationConfig"] = generation
    if own:
        if request.service_tier is not None:
            body["serviceTier"] = request.service_tier
        if state is not None and state.store is not None:
            body["store"] = state.store
    _put_extras(body, request, losses)
    return Encoded(json.encode(body), reversal_of(request, names))


#: Fields of the hub that have no twin here, by the word that clients know them by.
_DROPPED = {
    "verbosity": "verbosity",
    "end_user": "user",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "cache_key": "prompt_cache_key",
    "cache": "cache_control",
}


def _put_extras(body: Object, request: Request, losses: Losses) -> None:
    if request.protocol == NAME:
        for key, value in (request.extras or {}).items():
            if key not in ("toolConfig", "generationConfig"):
                body[key] = value
        return
    for key in request.extras or {}:
        losses.drop(key, "Gemini has no such field")
    for field, name in _DROPPED.items():
        if getattr(request, field) is not None:
            losses.drop(name, "Gemini has no such field")


def encode_count_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode a request to count tokens, in the form that takes instructions and tools as well."""
    encoded = encode_request(request, capabilities, losses)
    inner = json.decode_object(encoded.body)
    return Encoded(
        json.encode({"generateContentRequest": {"model": f"models/{request.model}", **inner}}), encoded.reversal
    )
