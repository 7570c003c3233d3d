"""Events of the hub to a stream for a client. From an upstream: ``stream``."""

from __future__ import annotations

from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.render import RenderContext
from codenex.protocols.openai_responses.rendering import Rendering
from codenex.wire.sse import named_event

Fields = dict[str, Any]

_Piece = e.TextDelta | e.ReasoningDelta | e.ToolArgumentsDelta
_EMPTY = b'"delta":""'


def _is_like(event: _Piece, after: _Piece) -> bool:
    """Whether a delta goes on with what another one, just before, has added to."""
    if event.index != after.index or not event.text:
        return False
    if isinstance(event, e.ReasoningDelta):
        return isinstance(after, e.ReasoningDelta) and event.segment == after.segment
    return isinstance(event, e.TextDelta) == isinstance(after, e.TextDelta) and not isinstance(after, e.ReasoningDelta)


class StreamEncoder:
    """Events to bytes for a client: named events whose data repeats the name, numbered from 0."""

    __slots__ = ("_after", "_before", "_behind", "_number", "_place", "_rendering")

    def __init__(self, context: RenderContext) -> None:
        self._rendering = Rendering(context)
        self._number = 0
        #: the delta that was written last; another one like it differs in its number and its text alone
        self._after: _Piece | None = None
        #: what stands before the number, between that and the text, and behind that
        self._before = self._place = self._behind = b""

    def send(self, event: e.StreamEvent) -> bytes:
        """Return what the client shall receive now; may be empty."""
        return self.send_all([event])

    def send_all(self, events: list[e.StreamEvent]) -> bytes:
        """Return what the client shall receive of several events."""
        out: list[bytes] = []
        for event in events:
            after = self._after
            if after is not None and isinstance(event, _Piece) and _is_like(event, after):
                out.append(self._more(event))
                continue
            written = self._rendering.push(event)
            out.append(self._bytes(written))
            self._after = None
            if written and isinstance(event, _Piece):
                self._learn(event, written[-1])
        return b"".join(out)

    def _learn(self, event: _Piece, written: Fields) -> None:
        """Let deltas like this one be written without a look at anything else."""
        if not event.text or written.get("delta") != event.text:
            return
        kind = written["type"]
        place, _, behind = json.encode({**written, "type": kind, "delta": ""}).partition(_EMPTY)
        named, _, place = place.partition(b",")
        self._after = event
        self._before = b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), named)
        self._place, self._behind = b"," + place + _EMPTY[:-1], b'"' + behind + b"\n\n"

    def _more(self, event: _Piece) -> bytes:
        """Write a delta like the last one."""
        self._rendering.more(event.text)
        if isinstance(event, e.TextRun | e.ReasoningRun | e.ArgumentsRun):
            inside = b"".join(event.pieces)
        else:
            inside = json.encode(event.text)[1:-1]
        number, self._number = self._number, self._number + 1
        return b"%b%d%b%b%b" % (self._before, number, self._place, inside, self._behind)

    def end(self) -> bytes:
        """Return the terminal event and what has to stand before it."""
        self._after = None
        return self._bytes(self._rendering.end())

    def fail(self, fault: Fault) -> bytes:
        """Return ``response.failed``; nothing may follow it."""
        self._after = None
        return self._bytes(self._rendering.fail(fault))

    def ping(self) -> bytes:
        """Return a comment."""
        return b": keep-alive\n\n"

    def after_ping(self, data: bytes) -> bytes:
        """Return the same: pings begin nothing."""
        return data

    def _bytes(self, events: list[Fields]) -> bytes:
        out: list[bytes] = []
        for event in events:
            kind = event["type"]
            numbered = {"type": kind, "sequence_number": self._number, **event}
            self._number += 1
            out.append(named_event(kind.encode(), json.encode(numbered)))
        return b"".join(out)
