"""The end of another's answer that was passed through and broke off: it stays the answer that began."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.render import RenderContext
from codenex.protocols.openai_responses.body import response_body
from codenex.protocols.openai_responses.errors import stream_error
from codenex.wire.sse import SseDecoder, named_event

_KIND = "response.failed"


def fail_after(fault: Fault, context: RenderContext, response_id: str, last: bytes) -> bytes:
    """Return ``response.failed`` for the answer with this id. ``last`` are the last events that were sent, whose
    numbers it goes on from: the official SDKs refuse an answer that changes its id, and check the order."""
    body: dict[str, Any] = response_body(context, "failed", [], error=stream_error(fault))
    body["id"] = response_id
    event = {"type": _KIND, "sequence_number": _last_number(last) + 1, "response": body}
    return named_event(_KIND.encode(), json.encode(event))


def _last_number(events: bytes) -> int:
    number = -1
    for frame in SseDecoder().feed(events):
        told = (json.try_object(frame.data) or {}).get("sequence_number")
        number = told if isinstance(told, int) else number
    return number
