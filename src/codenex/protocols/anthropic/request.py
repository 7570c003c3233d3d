"""Requests: the client's bytes to the hub, and the hub to a body for an Anthropic upstream."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.declarations import DECLARATIONS
from codenex.core.errors import invalid_request, unsupported
from codenex.core.losses import Losses
from codenex.core.parts import Opaque, Part, Text, ToolCall
from codenex.core.request import NO_SAMPLING, Request, State, Turn
from codenex.core.spoke import Encoded
from codenex.core.turns import CONTINUED
from codenex.core.untranslatable import refuse_untranslatable
from codenex.models.capabilities import Capabilities
from codenex.models.strict_allowance import Allowance
from codenex.protocols.anthropic.blocks import cache_of, parts_of
from codenex.protocols.anthropic.content import ContentEncoder, cache_control
from codenex.protocols.anthropic.conversation import arranged, finished, thinking_is_missing
from codenex.protocols.anthropic.output import output_for, output_from
from codenex.protocols.anthropic.plain import plain_request
from codenex.protocols.anthropic.reasoning import Thinking, reasoning_from, thinking_for
from codenex.protocols.anthropic.sampling import put_sampling, sampling_from
from codenex.protocols.anthropic.tools import (
    ToolNames,
    choice_from,
    choice_object,
    history_tools,
    servers_from,
    tool_objects,
    tools_from,
)
from codenex.protocols.anthropic.turns import usual_turns
from codenex.protocols.anthropic.types import (
    ATTRIBUTION,
    DEFAULT_MAX_TOKENS,
    NAME,
    REQUEST_KEYS,
    a_list,
    a_text,
    an_object,
    optional_flag,
    optional_integer,
    optional_text,
    rest_of,
)

#: At most this many cache breakpoints are taken, the automatic one included.
BREAKPOINTS = 4

#: Keys of a request that the token counter refuses.
_UNCOUNTED = frozenset(
    {"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier", "container"}
)

#: Client identities that mean something to Anthropic only: Claude Code's JSON object and its older joined form.
_VENDOR_USER = re.compile(r"\s*\{|user_[0-9a-f]{16,}_account_")
_SESSION = re.compile(r'(?:"session_id"\s*:\s*"|_session_)([0-9A-Za-z-]{8,64})')


# From the client


def decode_request(body: bytes, model: str | None = None, split: json.Split | None = None) -> Request:
    """Decode ``POST /v1/messages``. Raises a fault (400) that names the field."""
    plain = plain_request(body, split)
    return plain if plain is not None else _request(body, model, split, counting=False)


def decode_count_request(body: bytes, model: str | None = None) -> Request:
    """Decode ``POST /v1/messages/count_tokens``, a request without a limit. Raises a fault (400)."""
    return _request(body, model, None, counting=True)


def _request(data: bytes, path_model: str | None, split: json.Split | None, *, counting: bool) -> Request:
    turns: list[Turn] | None = None
    if split is not None and "messages" in split:
        turns = usual_turns(split["messages"])
        if turns is not None:
            split = {name: raw for name, raw in split.items() if name != "messages"}
    try:
        reading = DECLARATIONS.read(NAME, data, split)
    except json.MalformedJson as error:
        raise invalid_request(f"the request body is not a JSON object: {error}") from None
    body = reading.body
    model = body.get("model")
    if type(model) is not str:
        model = optional_text(body, "model", "")
        model = model if model is not None else path_model
    if model is None:
        raise invalid_request("model: Field required", param="model")
    if turns is None and ("messages" not in body or body["messages"] is None):
        raise invalid_request("messages: Field required", param="messages")
    max_tokens = body.get("max_tokens")
    if max_tokens is not None and type(max_tokens) is not int:
        max_tokens = optional_integer(body, "max_tokens")
    if not counting and max_tokens is None:
        raise invalid_request("max_tokens: Field required", param="max_tokens")
    if max_tokens is not None and max_tokens < 0:
        raise invalid_request("max_tokens: must not be negative", param="max_tokens")
    extras = rest_of(body, REQUEST_KEYS)
    tools = reading.tools(tools_from) if reading.declares else ()
    if "mcp_servers" in body:
        tools = (*tools, *servers_from(body["mcp_servers"]))
    choice, parallel = choice_from(body["tool_choice"], tools) if "tool_choice" in body else (None, None)
    output_config: dict[str, Any] = {}
    if "output_config" in body and body["output_config"] is not None:
        output_config = an_object(body["output_config"], "output_config")
        extras = _with(extras, "output_config", rest_of(output_config, {"effort", "format"}))
    end_user, cache_key, more = _identity(body["metadata"]) if "metadata" in body else (None, None, None)
    if more is not None:
        extras = _with(extras, "metadata", more)
    hint, more = cache_of(body) if "cache_control" in body else (None, None)
    if more is not None:
        extras = _with(extras, "cache_control", more)
    system = _system_turns(body["system"]) if "system" in body else ()
    return Request(
        protocol=NAME,
        model=model,
        turns=(*system, *turns) if turns is not None else _turns(system, body["messages"]),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        sampling=sampling_from(body),
        max_output_tokens=max_tokens,
        reasoning=reasoning_from(body.get("thinking"), optional_text(output_config, "effort", "output_config"))
        if "thinking" in body or output_config
        else None,
        output=output_from(output_config.get("format"), body.get("output_format"))
        if "output_format" in body or output_config
        else None,
        stream="stream" in body and optional_flag(body, "stream") is True,
        include_usage=True,
        end_user=end_user,
        service_tier=optional_text(body, "service_tier", "") if "service_tier" in body else None,
        cache_key=cache_key,
        cache=hint,
        state=_continued(body["thread"]) if "thread" in body else None,
        extras=extras,
    )


def _with(extras: dict[str, Any] | None, key: str, value: Any) -> dict[str, Any] | None:
    return extras if value is None else {**(extras if extras is not None else {}), key: value}


def _continued(thread: Any) -> State | None:
    """A conversation that the vendor holds: what came before is elsewhere, so no other vendor can serve it."""
    previous = thread.get("previous_message_id") if isinstance(thread, dict) else None
    return State(previous_response_id=previous) if isinstance(previous, str) else None


def _identity(raw: Any) -> tuple[str | None, str | None, dict[str, Any] | None]:
    """Return the end user, a key for the conversation's prompt cache, and what else ``metadata`` says.

    An identity that only Anthropic understands (device, account, session) stays with the extras, so that no other
    vendor sees it.
    """
    if raw is None:
        return None, None, None
    metadata = an_object(raw, "metadata")
    user = optional_text(metadata, "user_id", "metadata")
    if user is None:
        return None, None, rest_of(metadata, {"user_id"})
    if _VENDOR_USER.match(user) is None:
        return user, None, rest_of(metadata, {"user_id"})
    session = _SESSION.search(user)
    return None, session.group(1) if session is not None else None, rest_of(metadata, frozenset())


def _system_turns(raw: Any) -> tuple[Turn, ...]:
    if raw is None:
        return ()
    parts = tuple(map(_system_part, parts_of(raw, "system")))
    return (Turn("system", parts, "system"),) if parts else ()


def _system_part(part: Part) -> Part:
    if type(part) is Text and part.text[:1] in "xX" and ATTRIBUTION.match(part.text) is not None:
        # It changes with every request: sent to another vendor it would only spoil the prompt cache.
        return Opaque(
            NAME, "text", {"type": "text", "text": part.text, **(part.extras if part.extras is not None else {})}
        )
    return part


def _turns(system: tuple[Turn, ...], raw: Any) -> tuple[Turn, ...]:
    turns: list[Turn] = [*system]
    for number, given in enumerate(raw if type(raw) is list else a_list(raw, "messages")):
        if type(given) is dict and len(given) == 2 and "role" in given and "content" in given:
            # A role and a content and nothing else: what nearly all turns are, so the shortest way is theirs.
            said, content = given["role"], given["content"]
            if said == "user" or said == "assistant":
                if type(content) is str:
                    turns.append(Turn(said, (Text(content),)))
                else:
                    turns.append(Turn(said, parts_of(content, f"messages[{number}].content")))
                continue
        path = f"messages[{number}]"
        message = an_object(given, path)
        role = a_text(message.get("role"), f"{path}.role")
        if role not in ("user", "assistant", "system"):
            raise invalid_request(f"{path}.role: must be user, assistant or system", param=f"{path}.role")
        if "content" not in message:
            raise invalid_request(f"{path}.content: Field required", param=f"{path}.content")
        parts = parts_of(message["content"], f"{path}.content")
        turns.append(
            Turn(
                role,  # type: ignore[arg-type]
                parts,
                "system" if role == "system" else None,
                extras=rest_of(message, {"role", "content"}),
            )
        )
    return tuple(turns)


# To the upstream


def encode_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode for an Anthropic upstream. Raises ``unsupported`` where the client's intent would be betrayed."""
    return _encoded(request, capabilities, losses, counting=False)


def encode_count_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode for the token counter: the same prompt without what only generation needs."""
    return _encoded(request, capabilities, losses, counting=True)


def _encoded(request: Request, capabilities: Capabilities, losses: Losses, *, counting: bool) -> Encoded:
    own = request.protocol == NAME
    _refuse(request)
    if request.extras:
        refuse_untranslatable(request, NAME)
    names = ToolNames(request)
    limit = _max_tokens(request, capabilities, losses)
    thinking = thinking_for(request.reasoning, request.protocol, limit, capabilities, losses)
    system, turns = arranged(request, capabilities, losses)
    choice = choice_object(request, names, capabilities, losses)
    thinking = _compatible(thinking, choice, turns, losses)
    output = request.output if request.output is not None and request.output.kind != "text" else None
    allowance = Allowance()
    schema, instruction = (None, None) if output is None else output_for(output, capabilities, losses, allowance)
    turns = finished(turns, capabilities, losses, prefill_possible=schema is None and not thinking.manual)
    encoder = ContentEncoder(own, names, capabilities, losses)

    body: dict[str, Any] = {"model": request.model, "max_tokens": thinking.max_tokens}
    if system or instruction is not None:
        instructions = _system_blocks(system, instruction, encoder, losses)
        if instructions:
            body["system"] = instructions
    tools, servers = tool_objects(request, names, capabilities, losses, allowance) if request.tools else ([], [])
    if not tools and _calls_tools(turns):
        tools = history_tools(request, names)
        if tools:
            losses.adapt("tools", "the history calls tools that are not declared: they were declared by name")
    if tools:
        body["tools"] = tools
    if choice is not None:
        if tools:
            body["tool_choice"] = choice
        elif request.tool_choice is not None:
            losses.drop("tool_choice", "there is no tool to choose")
    body["messages"] = _messages(turns, encoder, losses, own=own)
    if servers:
        body["mcp_servers"] = servers
    if thinking.thinking is not None:
        body["thinking"] = thinking.thinking
    config: dict[str, Any] = {}
    if thinking.effort is not None:
        config["effort"] = thinking.effort
    if schema is not None:
        config["format"] = {"type": "json_schema", "schema": schema}
    if config:
        body["output_config"] = config
    if request.sampling is not NO_SAMPLING:
        put_sampling(body, request.sampling, thinking, capabilities, losses)
    _put_identity(body, request, losses, own=own)
    if request.cache is not None:
        body["cache_control"] = cache_control(request.cache, request.extras if own else None)
    if request.stream:
        body["stream"] = True
    if request.extras is not None:
        _put_extras(body, request.extras, losses, own=own)
    if not own and (encoder.marks or request.cache is not None or (tools and type(tools) is list)):
        _limit_breakpoints(body, losses)
    if counting:
        body = {key: value for key, value in body.items() if key not in _UNCOUNTED}
    return Encoded(json.encode(body), names.reversal())


def _calls_tools(turns: tuple[Turn, ...]) -> bool:
    for turn in turns:
        for part in turn.parts:
            if type(part) is ToolCall:
                return True
    return False


def _refuse(request: Request) -> None:
    state = request.state
    if (
        state is not None
        and request.protocol != NAME
        and (state.previous_response_id is not None or state.conversation is not None)
    ):
        raise unsupported(
            "the target keeps no conversations: send the whole history",
            param="previous_response_id" if state.previous_response_id is not None else "conversation",
        )
    if request.sampling.choices is not None and request.sampling.choices > 1:
        raise unsupported("the target gives one answer per request", param="n")


def _max_tokens(request: Request, capabilities: Capabilities, losses: Losses) -> int:
    limit, known = request.max_output_tokens, capabilities.max_output_tokens
    if limit is None:
        return known if known is not None else DEFAULT_MAX_TOKENS
    if known is not None and limit > known:
        losses.approximate("max_tokens", f"the target model answers with at most {known} tokens")
        return known
    return limit if request.protocol == NAME else max(limit, 1)


def _compatible(thinking: Thinking, choice: dict[str, Any] | None, turns: tuple[Turn, ...], losses: Losses) -> Thinking:
    """Switch manual thinking off where the rest of the request forbids it."""
    if thinking.thinking is None or not thinking.manual:
        return thinking
    if choice is not None and choice["type"] in ("any", "tool"):
        losses.drop("reasoning", "thinking with a budget excludes forced tool calls")
        return msgspec.structs.replace(thinking, thinking=None)
    if thinking_is_missing(turns):
        losses.drop("reasoning", "the tool loop in progress began without thinking of the target's vendor")
        return msgspec.structs.replace(thinking, thinking=None)
    return thinking


def _system_blocks(
    parts: tuple[Part, ...], instruction: str | None, encoder: ContentEncoder, losses: Losses
) -> str | list[dict[str, Any]]:
    texts = tuple([part for part in parts if type(part) is Text or type(part) is Opaque])
    if len(texts) != len(parts):
        losses.drop("system", "system prompts hold text only")
    if instruction is not None:
        texts = (*texts, Text(instruction))
    return encoder.content(texts, "system")


def _messages(turns: tuple[Turn, ...], encoder: ContentEncoder, losses: Losses, *, own: bool) -> list[dict[str, Any]]:
    """Encode the turns. One whose content the target can't take at all is left out, and its neighbours are joined."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        message = _message(turn, encoder, losses, own=own)
        if not message["content"]:
            continue
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"] = [*_listed(messages[-1]["content"]), *_listed(message["content"])]
        else:
            messages.append(message)
    if not messages or messages[0]["role"] != "user":
        messages.insert(0, {"role": "user", "content": CONTINUED if messages else "."})
    return messages


def _listed(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _message(turn: Turn, encoder: ContentEncoder, losses: Losses, *, own: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": encoder.content(turn.parts, turn.role)}
    if turn.name is not None:
        losses.drop("messages.name", "the target has no such field")
    if turn.phase is not None:
        losses.drop("messages.phase", "the target has no such field")
    if turn.extras is not None:
        for key, value in turn.extras.items():
            if own:
                message[key] = value
            else:
                losses.drop(f"messages.{key}", "the target has no such field")
    return message


def _put_identity(body: dict[str, Any], request: Request, losses: Losses, *, own: bool) -> None:
    if request.end_user is not None:
        body["metadata"] = {"user_id": request.end_user}
    if request.metadata:
        losses.drop("metadata", "the target has no free metadata")
    if request.service_tier is not None:
        if own:
            body["service_tier"] = request.service_tier
        elif request.service_tier not in ("auto", "default"):
            losses.drop("service_tier", "service tiers of different vendors are not comparable")
    if request.verbosity is not None:
        losses.drop("verbosity", "the target has no such field")
    if request.cache_key is not None and not own:
        losses.drop("prompt_cache_key", "the target has no such field")


def _put_extras(body: dict[str, Any], extras: dict[str, Any], losses: Losses, *, own: bool) -> None:
    for key, value in extras.items():
        if not own:
            losses.drop(key, "the target has no such field")
        elif key in ("metadata", "output_config") and isinstance(value, dict):
            body[key] = {**body.get(key, {}), **value}
        elif key != "cache_control":
            body[key] = value


def _limit_breakpoints(body: dict[str, Any], losses: Losses) -> None:
    """Keep the last breakpoints where a client of another protocol set more than the target takes."""
    holders: list[dict[str, Any]] = []
    for group in (body.get("tools", []), body.get("system", []), *(m["content"] for m in body["messages"])):
        if isinstance(group, list):
            for block in group:
                inner = block.get("content")
                holders.extend(piece for piece in inner if "cache_control" in piece) if isinstance(
                    inner, list
                ) else None
                if "cache_control" in block:
                    holders.append(block)
    excess = len(holders) + ("cache_control" in body) - BREAKPOINTS
    for holder in holders[: max(excess, 0)]:
        del holder["cache_control"]
        losses.drop("cache_control", f"the target takes at most {BREAKPOINTS} cache breakpoints")
