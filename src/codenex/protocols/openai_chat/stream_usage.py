"""Usage of a stream that is passed through: the upstream tells it only where it is asked to, in a chunk of its own that
a client that didn't ask must not see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from codenex.core import json

_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)
_NO_CHOICES, _SPACED = b'"choices":[]', b'"choices": []'


def usage_option(fields: Mapping[str, json.Raw]) -> dict[str, Any]:
    """Return the change to a request's top level that asks for usage; nothing where the client asks for it itself, or
    where its options are nothing that could be added to."""
    raw = fields.get("stream_options")
    options = None if raw is None else json.decode(raw)
    if options is None:
        return {"stream_options": {"include_usage": True}}
    if not isinstance(options, dict) or options.get("include_usage") is True:
        return {}
    return {"stream_options": {**options, "include_usage": True}}


def without_usage(events: bytes) -> bytes:
    """Return whole events without the chunk that has usage and no choice."""
    if _NO_CHOICES not in events and _SPACED not in events:
        return events
    return b"".join(event for event in _EVENT.findall(events) if not is_usage_alone(event))


def is_usage_alone(event: bytes) -> bool:
    """Whether an event is the chunk that has usage and no choice."""
    if _NO_CHOICES not in event and _SPACED not in event:
        return False
    chunk = json.try_object(event.partition(b"data:")[2].strip())
    return chunk is not None and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)
