"""A stream of chunks from an upstream to events. To a client: ``emission``."""

from __future__ import annotations

import re
from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.protocols.openai_chat.chunks import ChunkReader
from codenex.protocols.openai_chat.emission import StreamEncoder
from codenex.protocols.openai_chat.errors import in_band_fault
from codenex.protocols.openai_chat.plain import TEXT
from codenex.protocols.openai_chat.response import decode_body
from codenex.wire.json_array import is_cut
from codenex.wire.opening import Opening
from codenex.wire.sse import ERROR_FIELD, EVENT_LIMIT, Frame, SseDecoder
from codenex.wire.text_runs import Run, RunDecoder

__all__ = ["StreamDecoder", "StreamEncoder"]

_DONE = b"[DONE]"
#: Half of a character outside the basic plane, written as an escape without its other half.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class StreamDecoder(RunDecoder):
    """Reads a stream of chunks, or a whole JSON body that came in its place."""

    def __init__(self) -> None:
        super().__init__(TEXT, SseDecoder(errors=True))
        self._reader = ChunkReader()
        self._opening = Opening()
        #: the body so far, where it is JSON and not a stream
        self._body: bytearray | None = None

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` or an error has been seen."""
        return self._reader.done

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; return the events that they complete."""
        if self._reader.done:
            return []
        data = self._opening.feed(data)
        if self._opening.first in (b"{", b"[") and self._body is None:
            self._body = bytearray()
        if self._body is not None:
            self._body += data
            if len(self._body) > EVENT_LIMIT:
                self._reader.fail(Fault(FaultKind.UPSTREAM, "the upstream's answer is too large", from_upstream=True))
            return self._reader.assembly.take()
        try:
            self._events(data)
        except Fault as fault:
            self._reader.fail(fault)
        return self._reader.assembly.take()

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes. Half an event is a truncation, whatever came before it."""
        if self._reader.done:
            return []
        if self._body is not None:
            return self._whole(bytes(self._body))
        self._take(self._frames.eof(), last=True)
        if self._reader.is_finished:
            self._reader.end()
        else:
            self._truncated()
        return self._reader.assembly.take()

    def _truncated(self, told: str = "the upstream ended the stream before the answer was complete") -> None:
        self._reader.fail(Fault(FaultKind.UPSTREAM_TRUNCATED, told, from_upstream=True))

    def _whole(self, body: bytes) -> list[e.StreamEvent]:
        if is_cut(body):
            self._truncated()
            return self._reader.assembly.take()
        try:
            events = decode_body(body)
        except Fault as fault:
            events = [e.Error(fault)]
        self._reader.done = True
        return events

    def _take(self, frames: list[Frame], *, last: bool = False) -> None:
        for frame in frames:
            if self._reader.done:
                return
            if not frame.event and self._reader.take_plain(frame.data):
                if self._runs is None:
                    self._learn(frame.data)
                continue
            data = frame.data.strip()
            if not data:
                continue
            if data == _DONE:
                self._reader.end()
                continue
            value = _parsed(data)
            if frame.event == ERROR_FIELD:
                # No client knows this field: where the bytes pass on as they are, it has to be told again.
                fault = in_band_fault(value, event=True) if isinstance(value, dict) else None
                self._truncated(fault.message if fault is not None else data.decode("utf-8", "replace"))
                return
            if isinstance(value, list) and value and isinstance(value[0], dict) and "error" in value[0]:
                value = value[0]
            if isinstance(value, dict):
                self._object(value, named_error=frame.event == b"error")
                if self._runs is None and not frame.event:
                    self._learn(frame.data)
            elif not last:
                told = "the upstream sent an event that is no JSON object"
                self._reader.fail(Fault(FaultKind.UPSTREAM, told, from_upstream=True))
            elif not _DONE.startswith(data):
                self._truncated()

    def _is_plain(self) -> bool:
        return self._reader.is_plain

    def _take_run(self, run: Run) -> None:
        self._reader.take_run(run)

    def _object(self, value: dict[str, Any], *, named_error: bool) -> None:
        if not named_error:
            self._reader.take(value)
        elif (fault := in_band_fault(value, event=True)) is not None:
            self._reader.fail(fault)


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
