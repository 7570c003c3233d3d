"""Whole answers: an upstream's body to events, and an answer to a client's body."""

from __future__ import annotations

from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.answer import Answer, unfold
from codenex.core.errors import Fault, FaultKind
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.protocols.openai_responses.answers import ItemEvents
from codenex.protocols.openai_responses.errors import fault_of
from codenex.protocols.openai_responses.rendering import Rendering
from codenex.protocols.openai_responses.usage import decode_usage


def decode_response(body: bytes) -> list[e.StreamEvent]:
    """Decode a unary answer to the events of a stream.

    Raises :class:`~codenex.core.errors.Fault` for an error inside a 200, a failed answer and nonsense (``upstream``).
    """
    try:
        value = json.decode(body)
    except json.MalformedJson as error:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer isn't JSON: {error}", from_upstream=True) from None
    return response_events(value)


def response_events(value: Any) -> list[e.StreamEvent]:
    """Decode the Response object. Raises as :func:`decode_response`."""
    if isinstance(value, dict) and isinstance(value.get("response"), dict) and "output" not in value:
        value = value["response"]
    check(value)
    items = ItemEvents()
    items.finish(value)
    return items.take()


def check(response: Any) -> None:
    """Raise the fault of something that isn't a whole answer."""
    if not isinstance(response, dict):
        raise Fault(FaultKind.UPSTREAM, "the upstream's answer isn't a Response object", from_upstream=True)
    status = response.get("status")
    if response.get("error") or status == "failed":
        raise fault_of(response)
    if status in ("queued", "in_progress"):
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer isn't finished: {status}", from_upstream=True)
    output = response.get("output")
    # Nothing but nulls is no output either; an empty list is one.
    if not isinstance(output, list) or (output and not any(isinstance(item, dict) for item in output)):
        raise Fault(FaultKind.UPSTREAM, "the upstream's answer isn't a Response object: no output", from_upstream=True)


def encode_response(answer: Answer, context: RenderContext) -> bytes:
    """Render a whole answer: the object that would end its stream."""
    rendering = Rendering(context)
    events = list(unfold(answer))
    # Log-probabilities belong to the text that follows them.
    for event in sorted(events, key=lambda one: not isinstance(one, e.Start | e.LogprobDelta)):
        rendering.push(event)
    rendering.end()
    return json.encode(rendering.final)


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of a unary answer, for accounting of what is passed through."""
    value = json.try_object(body)
    return decode_usage(value.get("usage"), value.get("service_tier")) if value is not None else None
