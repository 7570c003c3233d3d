"""Whole answers: the upstream's JSON to events, and an answer to a message object for an Anthropic client."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.answer import Answer, Choice, fault_of
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.parts import Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.protocols.anthropic.answer import BlockEncoder
from codenex.protocols.anthropic.decoder import AnthropicStreamDecoder, read_body
from codenex.protocols.anthropic.encoder import MALFORMED, message_head
from codenex.protocols.anthropic.finish import stop_fields
from codenex.protocols.anthropic.message import MessageReader
from codenex.protocols.anthropic.types import ENDING_KEYS, NAME
from codenex.protocols.anthropic.usage import usage_from, usage_object
from codenex.wire.opening import Opening


def decode_response(body: bytes) -> list[e.StreamEvent]:
    """Return the events of a whole answer, or of a stream that came in its place. Raises a fault (``upstream``)."""
    if Opening().feed(body).startswith((b"event:", b"data:", b":", b"id:", b"retry:")):
        decoder = AnthropicStreamDecoder()
        events = [*decoder.feed(body), *decoder.eof()]
    else:
        reader = MessageReader()
        read_body(body, reader)
        events = reader.take()
    fault = fault_of(events)
    if fault is not None:
        raise fault
    return events


class _Said(msgspec.Struct, tag="text"):
    text: str


class _Counts(msgspec.Struct):
    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int


class _Message(msgspec.Struct):
    """The message that most translated ones are, in the order in which it is written."""

    id: str
    type: str
    role: str
    model: str
    content: tuple[_Said]
    stop_reason: str
    stop_sequence: None
    usage: _Counts | dict[str, Any]


#: How most answers end.
_ENDINGS = {FinishReason.STOP: "end_turn", FinishReason.LENGTH: "max_tokens"}


def _plain_message(answer: Answer, context: RenderContext) -> _Message | None:
    """Return the message of another vendor's answer that is one text with a usual end. A shortcut past what follows,
    that must agree with it; ``None`` stands for any other answer."""
    if len(answer.choices) != 1:
        return None
    choice, usage = answer.choices[0], answer.usage
    if len(choice.parts) != 1 or choice.finish is None or choice.logprobs or choice.refusal_logprobs:
        return None
    part, reason = choice.parts[0], choice.finish.reason
    if (
        type(part) is not Text
        or not part.text
        or part.citations
        or part.signature is not None
        or part.extras is not None
        or reason not in _ENDINGS
    ):
        return None
    counts = _counts(usage) if usage is not None else None
    if counts is None:
        counts = usage_object(usage, estimate=context.estimate)
    said, ending, model = (_Said(part.text),), _ENDINGS[reason], context.requested_model
    return _Message("msg_" + context.id, "message", "assistant", model, said, ending, None, counts)


def _counts(usage: Usage) -> _Counts | dict[str, Any] | None:
    """Return counts of which none has parts; ``None`` for others."""
    given = usage.input_uncached
    if (
        given is None
        or usage.input_tool is not None
        or usage.input_cache_write_5m is not None
        or usage.input_cache_write_1h is not None
        or usage.output_reasoning is not None
        or usage.server_tools
    ):
        return None
    return _Counts(given, 0, usage.input_cache_read or 0, usage.output_text or 0)


def encode_response(answer: Answer, context: RenderContext) -> bytes:
    """Return the message object. Raises a fault where the answer is an error: a tool call that can't be read."""
    own = answer.protocol == NAME
    if not own:
        plain = _plain_message(answer, context)
        if plain is not None:
            return json.encode(plain)
    return json.encode(_message(answer, context, own=own))


def _message(answer: Answer, context: RenderContext, *, own: bool) -> dict[str, Any]:
    choice = answer.choices[0] if answer.choices else Choice(0)
    encoder = BlockEncoder(answer.protocol, context.id, context.losses)
    if len(answer.choices) > 1:
        encoder.unplaced("choices")
    if choice.logprobs or choice.refusal_logprobs:
        encoder.unplaced("logprobs")
    content: list[dict[str, Any]] = []
    calls = cut = 0
    for position, part in enumerate(choice.parts):
        if type(part) is Text and part.text and not part.citations and part.signature is None and part.extras is None:
            content.append({"type": "text", "text": part.text})
            continue
        blocks = encoder.blocks(part, position)
        if isinstance(part, ToolCall) and part.name:
            calls += bool(blocks)
            cut += not blocks
        content.extend(blocks)
    detail = choice.finish if choice.finish is not None else FinishDetail(FinishReason.OTHER)
    fields = stop_fields(settled(detail, has_tool_calls=calls > 0, cut=cut > 0))
    if fields is None:
        raise MALFORMED
    start = e.Start(answer.protocol, answer.id, answer.model, answer.created, None, answer.extras)
    message = {
        **message_head(start, context),
        "content": content,
        "stop_reason": fields.stop_reason,
        "stop_sequence": fields.stop_sequence,
        "usage": usage_object(answer.usage, estimate=context.estimate, own=own),
    }
    if fields.stop_details is not None:
        message["stop_details"] = fields.stop_details
    if own and choice.extras is not None:
        message.update({key: choice.extras[key] for key in ENDING_KEYS if key in choice.extras})
    return message


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of a whole answer, where it states any."""
    value = json.try_object(body)
    usage = value.get("usage") if value is not None else None
    return usage_from(usage) if isinstance(usage, dict) and usage else None
