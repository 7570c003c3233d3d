"""A stream of chunks from an upstream to events. To a client: ``emission``."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.protocols.openai_chat.choice import Flow
from codenex.protocols.openai_chat.chunks import ChunkReader
from codenex.protocols.openai_chat.emission import StreamEncoder
from codenex.protocols.openai_chat.errors import in_band_fault
from codenex.protocols.openai_chat.response import decode_body
from codenex.wire.json_array import is_cut
from codenex.wire.opening import Opening
from codenex.wire.run_decoder import RunDecoder
from codenex.wire.sse import ERROR_FIELD, EVENT_LIMIT, Frame, SseDecoder

__all__ = ["StreamDecoder", "StreamEncoder"]

_DONE = b"[DONE]"
#: Half of a character outside the basic plane, written as an escape without its other half.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class StreamDecoder(RunDecoder):
    """Reads a stream of chunks, or a whole JSON body that came in its place."""

    def __init__(self) -> None:
        super().__init__(SseDecoder(errors=True))
        self._reader = ChunkReader()
        self._opening = Opening()
        self._beginning = True
        #: the body so far, where it is JSON and not a stream
        self._body: bytearray | None = None
        #: what the form that flows goes on with
        self._target: Hashable = None

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; return the events that they complete."""
        if self.done:
            return []
        if self._beginning:
            data = self._opening.feed(data)
            self._beginning = not self._opening.first
            if self._opening.first in (b"{", b"["):
                self._body = bytearray()
        if self._body is not None:
            self._body += data
            if len(self._body) > EVENT_LIMIT:
                self._fail(Fault(FaultKind.UPSTREAM, "the upstream's answer is too large", from_upstream=True))
        else:
            try:
                self._events(data)
            except Fault as fault:
                self._fail(fault)
        assembly = self._reader.assembly
        events, assembly.out = assembly.out, []
        return events

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes. Half an event is a truncation, whatever came before it."""
        if self.done:
            return []
        if self._body is not None:
            return self._whole(bytes(self._body))
        self._take(self._frames.eof(), last=True)
        if self._reader.is_finished:
            self._end()
        else:
            self._truncated()
        return self._reader.assembly.take()

    def _end(self) -> None:
        self._reader.end()
        self.done = True

    def _fail(self, fault: Fault) -> None:
        self._reader.fail(fault)
        self.done = True

    def _truncated(self, told: str = "the upstream ended the stream before the answer was complete") -> None:
        self._fail(Fault(FaultKind.UPSTREAM_TRUNCATED, told, from_upstream=True))

    def _whole(self, body: bytes) -> list[e.StreamEvent]:
        if is_cut(body):
            self._truncated()
            return self._reader.assembly.take()
        try:
            events = decode_body(body)
        except Fault as fault:
            events = [e.Error(fault)]
        self.done = True
        return events

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        if name or data[:1] != b"{" or not self._reader.take_plain(data):
            self._any(name, data)
        elif self._reader.flow is None:
            self._flow = None
        else:
            self._flowing(self._reader.flow)
            self._learn(data, lead)

    def _take(self, frames: list[Frame], *, last: bool = False) -> None:
        for frame in frames:
            if self.done:
                return
            if frame.event or frame.data[:1] != b"{" or not self._reader.take_plain(frame.data):
                self._any(frame.event, frame.data, last=last)
            else:
                self._flowing(self._reader.flow)

    def _flowing(self, flow: Flow | None) -> None:
        """Let runs be taken by what flows now."""
        if flow is None:
            self._flow = None
            return
        self._flow, target, self._sink = flow
        if target != self._target:
            self._target, self._runs = target, None

    def _any(self, name: bytes, data: bytes, *, last: bool = False) -> None:
        data = data.strip()
        if not data:
            return
        if data == _DONE:
            self._end()
            return
        value = _parsed(data)
        if name == ERROR_FIELD:
            # No client knows this field: where the bytes pass on as they are, it has to be told again.
            fault = in_band_fault(value, event=True) if isinstance(value, dict) else None
            self._truncated(fault.message if fault is not None else data.decode("utf-8", "replace"))
            return
        if isinstance(value, list) and value and isinstance(value[0], dict) and "error" in value[0]:
            value = value[0]
        if isinstance(value, dict):
            self._object(value, named_error=name == b"error")
        elif not last:
            told = "the upstream sent an event that is no JSON object"
            self._fail(Fault(FaultKind.UPSTREAM, told, from_upstream=True))
        elif not _DONE.startswith(data):
            self._truncated()

    def _object(self, value: dict[str, Any], *, named_error: bool) -> None:
        reader = self._reader
        if not named_error:
            reader.take(value)
        elif (fault := in_band_fault(value, event=True)) is not None:
            reader.fail(fault)
        self.done = reader.done
        self._flowing(reader.flow)


def _parsed(data: bytes) -> Any:
    try:
        return json.decode(data)
    except json.MalformedJson:
        pass
    try:
        # A server that cuts text between the halves of a surrogate pair sends what no strict parser takes.
        return json.decode(_LONE_SURROGATE.sub(rb"\\ufffd", data))
    except json.MalformedJson:
        return None
