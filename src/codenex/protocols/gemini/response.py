"""Whole answers: Google's to events, and the hub's answer to JSON for a Google client."""

from __future__ import annotations

from codenex.core import events as e
from codenex.core import json
from codenex.core.answer import Answer, Choice
from codenex.core.errors import Fault, FaultKind
from codenex.core.parts import Reasoning, Refusal, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.protocols.gemini.answer import (
    CitedTexts,
    candidate_end,
    encode_part,
    is_blocked,
    is_cut,
    loaded,
    spoken_refusal,
)
from codenex.protocols.gemini.carriage import Carrier
from codenex.protocols.gemini.chunks import ChunkReader
from codenex.protocols.gemini.finish import encode_block
from codenex.protocols.gemini.types import NAME, Object
from codenex.protocols.gemini.usage import decode_usage, encode_usage


def decode_response(body: bytes) -> list[e.StreamEvent]:
    """Return the events of a unary answer. Raises the fault of an error in it; ``upstream`` where it is no answer."""
    try:
        value = json.decode(body)
    except json.MalformedJson as error:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer is not JSON: {error}", from_upstream=True) from None
    reader = ChunkReader()
    reader.read(value)
    reader.end(whole=True)
    events = reader.take()
    for event in events:
        if isinstance(event, e.Error):
            raise event.fault
    return events


def encode_response(answer: Answer, context: RenderContext) -> bytes:
    """Return the JSON of a whole answer. What the client has no place for goes to the context's losses."""
    body: Object = {}
    feedback: object = None
    candidates: list[Object] = []
    for choice in answer.choices if answer.choices else (Choice(0),):
        parts, texts = _parts(choice, answer.protocol, context)
        if choice.finish is not None and is_blocked(choice.finish, has_content=bool(parts)):
            feedback = encode_block(choice.finish)
            continue
        if answer.protocol == NAME and choice.extras is not None:
            feedback = choice.extras.get("promptFeedback", feedback)
        end = candidate_end(
            choice.index,
            choice.finish,
            choice.extras,
            choice.logprobs,
            texts,
            answer.protocol,
            has_content=bool(parts),
            cut=any(is_cut(part) for part in choice.parts),
        )
        content = parts or spoken_refusal(choice.finish, has_content=False) or [{"text": ""}]
        candidates.append({"content": {"parts": content, "role": "model"}, **end})
    if candidates:
        body["candidates"] = candidates
    if feedback is not None:
        body["promptFeedback"] = feedback
    usage = encode_usage(answer.usage, answer.protocol)
    if usage is not None:
        body["usageMetadata"] = usage
    body["modelVersion"] = context.requested_model
    body["responseId"] = context.id
    if answer.protocol == NAME:
        body.update(answer.extras or {})
    return json.encode(body)


def _parts(choice: Choice, protocol: str, context: RenderContext) -> tuple[list[Object], CitedTexts]:
    """Return a candidate's parts, and its texts that have sources."""
    parts: list[Object] = []
    texts: CitedTexts = []
    carrier = Carrier()
    for given in choice.parts:
        part = carrier.shown(given) if isinstance(given, Reasoning) else given
        wire = encode_part(part, protocol, context.losses)
        if wire is None:
            continue
        if isinstance(part, Text | Refusal):
            carrier.passed(part.text)
        if isinstance(part, Text) and part.citations:
            texts.append((len(parts), part.text, part.citations))
        parts.append(loaded(wire, carrier) if isinstance(part, ToolCall) else wire)
    load = carrier.load()
    if load is not None:
        parts.append({"text": "", "thoughtSignature": load})
    if choice.refusal_logprobs:
        context.losses.drop("logprobs.refusal", "Gemini's clients know no log-probabilities of refusals")
    return parts, texts


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of a whole answer, for answers that are passed through."""
    source = json.try_object(body)
    if source is None:
        return None
    inner = source.get("response")
    if isinstance(inner, dict):
        source = inner
    return decode_usage(source.get("usageMetadata", source.get("usage_metadata")))
