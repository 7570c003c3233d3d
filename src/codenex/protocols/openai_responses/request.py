"""Requests: a client's body to the hub, and the hub to an upstream's body."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.declarations import DECLARATIONS
from codenex.core.errors import invalid_request, unsupported
from codenex.core.losses import Losses
from codenex.core.parts import Text, ToolCall
from codenex.core.request import (
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    State,
    Tool,
    Turn,
    leading_system,
)
from codenex.core.reversal import Reversal
from codenex.core.spoke import Encoded
from codenex.core.turns import paired, started_by_user, without_empty
from codenex.core.untranslatable import refuse_untranslatable
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_responses.choices import decode_choice
from codenex.protocols.openai_responses.fields import Fields, refused, unknown_value
from codenex.protocols.openai_responses.input import InputEncoder
from codenex.protocols.openai_responses.options import (
    identity,
    limit,
    output_text,
    reasoning_options,
    sampling,
    with_json_wish,
)
from codenex.protocols.openai_responses.tools import Toolbox, decode_tools
from codenex.protocols.openai_responses.turns import InputDecoder, found_tools
from codenex.protocols.openai_responses.types import NAME

#: Values of ``include`` that this gateway serves without being asked.
_SERVED = frozenset({"reasoning.encrypted_content", "message.output_text.logprobs"})
_LOGPROBS = "message.output_text.logprobs"
#: Fields that mean the same as their absence.
_DEFAULTS: dict[str, Any] = {"background": False, "truncation": "disabled"}
#: Fields of a request that the token counter takes.
_COUNTED = (
    "model",
    "input",
    "instructions",
    "previous_response_id",
    "conversation",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
)

# --- decoding -------------------------------------------------------------------------------------------------------


def decode_request(body: bytes, model: str | None, split: json.Split | None = None) -> Request:
    """Decode ``POST /v1/responses``. Raises :class:`~codenex.core.errors.Fault` (400) that names the field."""
    try:
        reading = DECLARATIONS.read(NAME, body, split, json.decode)
    except json.MalformedJson as error:
        raise invalid_request(f"The body isn't valid JSON: {error}") from None
    fields = Fields(reading.body, "")
    named = fields.string("model")
    losses = Losses()
    turns, found = _turns(fields, losses)
    listed = fields.objects("tools")
    tools = reading.tools(lambda _: tuple(decode_tools(listed, "tools")))
    extras: dict[str, Any] = {}
    searches = [tool for tool in tools if isinstance(tool, HostedTool) and tool.type == "tool_search"]
    if searches:
        # The vendor would search among deferred tools; elsewhere all of them are simply there.
        extras["tool_search"] = searches[-1].raw
        tools = tuple(tool for tool in tools if tool not in searches)
    for tool in found:
        if tool not in tools:
            tools = (*tools, tool)
    choice = decode_choice(fields.any("tool_choice"), "tool_choice")
    include = _include(fields)
    options = _reasoning(fields)
    output, verbosity, text_extras = _text(fields)
    stream = fields.boolean("stream")
    end_user = _end_user(fields)
    metadata = fields.object("metadata")
    top_logprobs = fields.integer("top_logprobs")
    logprobs = True if _LOGPROBS in include or (top_logprobs is not None and top_logprobs > 0) else None
    request = Request(
        protocol=NAME,
        model=model if model is not None else (named if named is not None else ""),
        turns=turns,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        sampling=Sampling(
            temperature=fields.number("temperature"),
            top_p=fields.number("top_p"),
            logprobs=logprobs,
            top_logprobs=top_logprobs if logprobs else None,
        ),
        max_output_tokens=fields.integer("max_output_tokens"),
        reasoning=options,
        output=output,
        verbosity=verbosity,
        stream=bool(stream),
        include_usage=True,
        end_user=end_user,
        metadata=metadata if metadata else None,
        service_tier=fields.string("service_tier"),
        cache_key=fields.string("prompt_cache_key"),
        state=_state(fields),
        losses=losses.values(),
        extras=None,
    )
    if not request.model:
        raise invalid_request("Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    rest = {key: value for key, value in fields.rest.items() if _DEFAULTS.get(key) != value or key not in _DEFAULTS}
    others = [word for word in include if word not in _SERVED]
    if others:
        rest["include"] = others
    if text_extras is not None:
        rest["text"] = text_extras
    rest.update(extras)
    return msgspec.structs.replace(request, extras=rest) if rest else request


def _turns(fields: Fields, losses: Losses) -> tuple[tuple[Turn, ...], list[Tool]]:
    turns: list[Turn] = []
    instructions = fields.string("instructions")
    if instructions is not None:
        turns.append(Turn("system", (Text(instructions),), "instructions"))
    content = fields.any("input")
    found: list[Tool] = []
    if isinstance(content, str):
        turns.append(Turn("user", (Text(content),)))
    elif isinstance(content, list):
        decoder = InputDecoder(losses)
        for position, item in enumerate(content):
            decoder.add(item, f"input[{position}]")
        turns.extend(decoder.turns)
        found = decoder.tools
    elif isinstance(content, dict):
        decoder = InputDecoder(losses)
        decoder.add(content, "input")
        turns.extend(decoder.turns)
        found = decoder.tools
    elif content is not None:
        raise refused("input", "a string or an array of items", content)
    elif not fields.rest.keys() & {"previous_response_id", "prompt", "conversation"}:
        raise invalid_request(
            "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be given.",
            param="input",
            code="missing_required_parameter",
        )
    return tuple(turns), found


def _include(fields: Fields) -> list[str]:
    include = fields.objects("include")
    for position, word in enumerate(include):
        if not isinstance(word, str):
            raise refused(f"include[{position}]", "a string", word)
    return include


def _reasoning(fields: Fields) -> ReasoningOptions | None:
    value = fields.any("reasoning")
    if value is None:
        return None
    options = Fields(value, "reasoning")
    effort, summary = options.string("effort"), options.string("summary")
    older = options.string("generate_summary")
    summary = summary if summary is not None else older
    visible = None if summary is None else summary != "none"
    return ReasoningOptions(effort, visible=visible, summary=summary, raw=options.extras())


def _text(fields: Fields) -> tuple[OutputFormat | None, str | None, dict[str, Any] | None]:
    value = fields.any("text")
    if value is None:
        return None, None, None
    text = Fields(value, "text")
    verbosity = text.string("verbosity")
    wanted = text.any("format")
    return (_format(wanted) if wanted is not None else None), verbosity, text.extras()


def _format(value: Any) -> OutputFormat | None:
    fields = Fields(value, "text.format")
    match fields.needed_string("type"):
        case "text":
            return None
        case "json_object":
            return OutputFormat("json_object")
        case "json_schema":
            inner = fields.rest.get("json_schema")
            if isinstance(inner, dict) and "schema" not in fields.rest:
                # The nested form of Chat, which clients send here by mistake.
                fields = Fields(inner, "text.format.json_schema")
            schema = fields.needed("schema")
            if not isinstance(schema, dict):
                raise refused(fields.at("schema"), "an object", schema)
            name, description = fields.string("name"), fields.string("description")
            return OutputFormat("json_schema", name, description, schema, fields.boolean("strict"))
        case other:
            raise unknown_value("text.format.type", other, "'json_object', 'json_schema', and 'text'")


def _end_user(fields: Fields) -> str | None:
    user = fields.string("user")
    identifier = fields.string("safety_identifier")
    if identifier is None:
        return user
    if user is not None and user != identifier:
        fields.rest["user"] = user
    return identifier


def _state(fields: Fields) -> State | None:
    store, previous = fields.boolean("store"), fields.string("previous_response_id")
    conversation = fields.any("conversation")
    if store is None and previous is None and conversation is None:
        return None
    return State(store, previous, conversation)


# --- encoding -------------------------------------------------------------------------------------------------------


def encode_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode for a Responses server. Raises ``unsupported`` for what the server can't do as the client wants it."""
    fields, toolbox = _encoded(request, capabilities, losses)
    return Encoded(json.encode(fields), Reversal(toolbox.origins))


def encode_count_request(request: Request, capabilities: Capabilities, losses: Losses) -> Encoded:
    """Encode for ``POST /v1/responses/input_tokens``: the same request without what doesn't count."""
    fields, toolbox = _encoded(request, capabilities, Losses())
    return Encoded(json.encode({key: fields[key] for key in _COUNTED if key in fields}), Reversal(toolbox.origins))


def _encoded(request: Request, capabilities: Capabilities, losses: Losses) -> tuple[dict[str, Any], Toolbox]:
    own = request.protocol == NAME
    refuse_untranslatable(request, NAME)
    losses.extend(request.losses)
    turns = request.turns if own else _normalised(request.turns, losses)
    called = [
        (part.namespace, part.name) for turn in turns for part in turn.parts if isinstance(part, ToolCall) and part.name
    ]
    toolbox = Toolbox(request, capabilities, called)
    instructions, turns = _instructions(turns, own)
    encoder = InputEncoder(request, toolbox, capabilities, losses)
    for turn in turns:
        encoder.turn(turn)
    if not own and not encoder.items:
        # Nothing of the conversation could be sent, and OpenAI refuses an empty one.
        for turn in started_by_user((), losses):
            encoder.turn(turn)
    extras = dict(request.extras) if request.extras is not None else {}
    if not own:
        for key in extras:
            losses.drop(key, "Responses has no such field")
        extras = {}

    out: dict[str, Any] = {"model": request.model}
    instructions = with_json_wish(request, instructions, own, losses, capabilities)
    if instructions is not None:
        out["instructions"] = instructions
    continues = own and (request.state is not None or "prompt" in extras)
    if encoder.items or not continues:
        out["input"] = encoder.items
    if request.tools:
        definitions = toolbox.definitions(_declared(request), capabilities, losses)
        if (searching := extras.pop("tool_search", None)) is not None and isinstance(definitions, list):
            definitions.append(searching)
        if definitions:
            out["tools"] = definitions
    choice = toolbox.choice(request, capabilities, losses)
    if choice is not None:
        out["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        if not own and not capabilities.parallel_switch:
            losses.drop("parallel_tool_calls", "the model has no such switch")
        elif own or request.tools:
            out["parallel_tool_calls"] = request.parallel_tool_calls
    include: list[str] = []
    sampling(request, capabilities, losses, out, include)
    limit(request, capabilities, losses, out)
    options = reasoning_options(request, capabilities, losses)
    if options is not None:
        out["reasoning"] = options
    text = output_text(request, capabilities, losses)
    if own and isinstance(rest := extras.pop("text", None), dict):
        text = (text if text is not None else {}) | rest
    if text is not None:
        out["text"] = text
    identity(request, own, losses, out)
    stored = _stored(request, own, losses, out)
    if not stored and (capabilities.thinking or _has_reasoning(encoder.items)):
        include.insert(0, "reasoning.encrypted_content")
    include.extend(extras.pop("include", []))
    if include:
        out["include"] = include
    if request.stream:
        out["stream"] = True
    return out | extras, toolbox


def _normalised(turns: tuple[Turn, ...], losses: Losses) -> tuple[Turn, ...]:
    turns = without_empty(paired(turns, losses))
    if all(turn.role == "system" for turn in turns):
        turns = started_by_user(turns, losses)
    last = turns[-1]
    if last.role == "assistant" and not any(isinstance(part, ToolCall) for part in last.parts):
        losses.approximate("messages", "the last assistant turn is history and not the beginning of the answer")
    return turns


def _instructions(turns: tuple[Turn, ...], own: bool) -> tuple[str | None, tuple[Turn, ...]]:
    if own:
        if turns and turns[0].origin == "instructions":
            return "\n\n".join(_texts(turns[0])), turns[1:]
        return None, turns
    leading, rest = leading_system(turns)
    count = next(
        (i for i, turn in enumerate(leading) if not all(isinstance(p, Text) for p in turn.parts)), len(leading)
    )
    texts = [text for turn in leading[:count] for text in _texts(turn)]
    return ("\n\n".join(texts) if texts else None), (*leading[count:], *rest)


def _texts(turn: Turn) -> list[str]:
    return [part.text for part in turn.parts if isinstance(part, Text)]


def _declared(request: Request) -> Request:
    """Leave out the tools that results of a tool search have brought in: their items still carry them."""
    if request.protocol != NAME:
        return request
    found = found_tools(request.turns)
    return (
        msgspec.structs.replace(request, tools=tuple(t for t in request.tools if t not in found)) if found else request
    )


def _stored(request: Request, own: bool, losses: Losses, out: dict[str, Any]) -> bool:
    state = request.state
    if not own:
        if state is not None:
            if state.previous_response_id is not None or state.conversation is not None:
                raise unsupported("The conversation is stored at another vendor.", param="previous_response_id")
            if state.store:
                losses.drop("store", "translated answers aren't stored at the target")
        out["store"] = False
        return False
    if state is None:
        return True
    if state.store is not None:
        out["store"] = state.store
    if state.previous_response_id is not None:
        out["previous_response_id"] = state.previous_response_id
    if state.conversation is not None:
        out["conversation"] = state.conversation
    return state.store is not False


def _has_reasoning(items: list[dict[str, Any]]) -> bool:
    return any(item.get("type") == "reasoning" and "encrypted_content" in item for item in items)
