"""The stream decoder: bytes of an Anthropic upstream, cut anywhere, to events."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.protocols.anthropic.message import MessageReader
from codenex.wire.json_array import is_cut
from codenex.wire.opening import Opening
from codenex.wire.run_decoder import RunDecoder
from codenex.wire.sse import EVENT_LIMIT, Frame, SseDecoder
from codenex.wire.text_runs import Form


class Text(msgspec.Struct, forbid_unknown_fields=True, tag="text_delta"):
    """A piece of text."""

    text: str


class Thinking(msgspec.Struct, forbid_unknown_fields=True, tag="thinking_delta"):
    """A piece of reasoning."""

    thinking: str


class _Input(msgspec.Struct, forbid_unknown_fields=True, tag="input_json_delta"):
    partial_json: str


class Piece(msgspec.Struct, forbid_unknown_fields=True):
    """An event that only brings a piece of a block."""

    type: Literal["content_block_delta"]
    index: int
    delta: Text | Thinking | _Input


_decode = msgspec.json.Decoder(Piece).decode


def piece_of(data: bytes) -> Piece | None:
    """Return an event that only brings a piece of a block."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _text_of(data: bytes) -> str | None:
    event = piece_of(data)
    return event.delta.text if event is not None and isinstance(event.delta, Text) else None


def _thinking_of(data: bytes) -> str | None:
    event = piece_of(data)
    return event.delta.thinking if event is not None and isinstance(event.delta, Thinking) else None


def _input_of(data: bytes) -> str | None:
    event = piece_of(data)
    return event.delta.partial_json if event is not None and isinstance(event.delta, _Input) else None


_PADDED, _PADDING = b"} ", rb"(?<=\}) +(?=\}\n\n)"
TEXT = Form(b"text", _text_of, _PADDED, _PADDING)
THINKING = Form(b"thinking", _thinking_of, _PADDED, _PADDING)
_INPUT = Form(b"partial_json", _input_of, _PADDED, _PADDING)
_DELTA = b"content_block_delta"


class AnthropicStreamDecoder(RunDecoder):
    """Decodes server-sent events, or a JSON body that came in place of them."""

    def __init__(self) -> None:
        super().__init__(SseDecoder())
        self._reader = MessageReader()
        self._opening = Opening()
        self._beginning = True
        self._body: bytearray | None = None
        self._latest = -1
        #: the block that the form which flows goes on with
        self._target = -1

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; return the events that they complete."""
        if self.done:
            return []
        if self._beginning:
            data = self._opening.feed(data)
            self._beginning = not self._opening.first
            if self._opening.first == b"{":
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
        return self._reader.take()

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes: without ``message_stop`` the answer is cut off."""
        if self.done:
            return []
        if self._body is not None:
            read_body(bytes(self._body), self._reader)
        else:
            self._take(self._frames.eof(), last=True)
            self._reader.truncated()
        self.done = True
        return self._reader.take()

    def _fail(self, fault: Fault) -> None:
        self._reader.fail(fault)
        self.done = True

    def _take(self, frames: list[Frame], *, last: bool = False) -> None:
        for frame in frames:
            if self.done:
                return
            if frame.event != _DELTA or not self._piece(frame.data):
                self._any(frame.event, frame.data, last=last)

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        if name != _DELTA or not self._piece(data):
            self._any(name, data)
        elif self._flow is not None:
            self._learn(data, lead)

    def _piece(self, data: bytes) -> bool:
        """Take a piece of a block; false where the event is anything else."""
        event = piece_of(data)
        if event is None:
            return False
        delta, index, reader = event.delta, event.index, self._reader
        if isinstance(delta, Text):
            form, sink = TEXT, reader.text(index, delta.text)
        elif isinstance(delta, Thinking):
            form, sink = THINKING, reader.thinking(index, delta.thinking)
        else:
            form, sink = _INPUT, reader.input(index, delta.partial_json)
        if sink is None:
            return False
        self._latest = index
        if form is not self._flow or index != self._target:
            self._flow, self._target, self._sink, self._runs = form, index, sink, None
        return True

    def _any(self, event: bytes, data: bytes, *, last: bool = False) -> None:
        name = event.decode(errors="replace")
        data = data.strip()
        if not data or data == b"[DONE]" or name == "ping":
            self._reader.ping()
            return
        try:
            value = json.decode_object(data)
        except json.MalformedJson as error:
            if last:
                # Half an event at the end of the bytes.
                return
            told = f"the upstream sent an event that is not JSON: {error}"
            self._fail(Fault(FaultKind.UPSTREAM, told, from_upstream=True))
            return
        self._flow = None
        kind = value.get("type")
        self._event(kind if isinstance(kind, str) else name, value)
        self.done = self._reader.done

    def _event(self, kind: str, value: dict[str, Any]) -> None:
        reader = self._reader
        match kind:
            case "message_start":
                message = value.get("message")
                reader.start(message if isinstance(message, dict) else {})
            case "content_block_start":
                reader.begin(self._index(value), value.get("content_block"))
            case "content_block_delta":
                reader.delta(self._index(value), value.get("delta"))
            case "content_block_stop":
                reader.finish(self._index(value))
            case "message_delta":
                reader.update(value.get("delta"), value.get("usage"), value)
            case "message_stop":
                reader.stop()
            case "ping":
                reader.ping()
            case "error":
                reader.error(value)
            case "message" if isinstance(value.get("content"), list):
                # A whole message in one event, as some hosts fake a stream.
                reader.message(value)
            case _ if isinstance(value.get("error"), dict):
                reader.error(value)
            case _:
                reader.raw(kind, value)

    def _index(self, value: dict[str, Any]) -> int:
        index = value.get("index")
        if isinstance(index, int) and not isinstance(index, bool):
            self._latest = index
        elif value.get("type") == "content_block_start":
            self._latest += 1
        return self._latest


def read_body(body: bytes, reader: MessageReader) -> None:
    """Read a whole answer, or the error that came in its place."""
    try:
        value = json.decode_object(body)
    except json.MalformedJson as error:
        if is_cut(body):
            reader.truncated()
        else:
            reader.fail(Fault(FaultKind.UPSTREAM, f"the upstream's answer is not JSON: {error}", from_upstream=True))
        return
    reader.message(value)
