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
from codenex.wire.sse import EVENT_LIMIT, Frame, SseDecoder
from codenex.wire.text_runs import Form, Run, RunDecoder


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text_delta"]
    text: str


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["content_block_delta"]
    index: int
    delta: _Delta


_decode = msgspec.json.Decoder(_Event).decode


def _text_of(data: bytes) -> str | None:
    """Return the text of an event that only brings some."""
    try:
        return _decode(data).delta.text
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


_TEXT = Form(b"text", _text_of, b"} ", rb"(?<=\}) +(?=\}\n\n)", name=b"event: content_block_delta\n")


class AnthropicStreamDecoder(RunDecoder):
    """Decodes server-sent events, or a JSON body that came in place of them."""

    def __init__(self) -> None:
        super().__init__(_TEXT, SseDecoder())
        self._reader = MessageReader()
        self._opening = Opening()
        self._body: bytearray | None = None
        self._latest = -1
        #: the block whose text has the form that is known
        self._text = -1

    @property
    def done(self) -> bool:
        """Whether ``message_stop`` or an error has been seen."""
        return self._reader.done

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; return the events that they complete."""
        if self.done:
            return []
        data = self._opening.feed(data)
        if self._opening.first == b"{" and self._body is None:
            self._body = bytearray()
        if self._body is not None:
            self._body += data
            if len(self._body) > EVENT_LIMIT:
                self._reader.fail(Fault(FaultKind.UPSTREAM, "the upstream's answer is too large", from_upstream=True))
            return self._reader.take()
        try:
            self._events(data)
        except Fault as fault:
            self._reader.fail(fault)
        return self._reader.take()

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes: without ``message_stop`` the answer is cut off."""
        if self.done:
            return []
        if self._body is not None:
            read_body(bytes(self._body), self._reader)
            return self._reader.take()
        self._take(self._frames.eof(), last=True)
        self._reader.truncated()
        return self._reader.take()

    def _take(self, frames: list[Frame], *, last: bool = False) -> None:
        for frame in frames:
            if self.done:
                return
            self._frame(frame, last=last)

    def _frame(self, frame: Frame, *, last: bool) -> None:
        name = frame.event.decode(errors="replace")
        data = frame.data.strip()
        if not data or data == b"[DONE]" or name == "ping":
            self._reader.ping()
            return
        try:
            value = json.decode_object(data)
        except json.MalformedJson as error:
            if last:
                # Half an event at the end of the bytes.
                return
            self._reader.fail(
                Fault(FaultKind.UPSTREAM, f"the upstream sent an event that is not JSON: {error}", from_upstream=True)
            )
            return
        kind = value.get("type")
        if kind == "content_block_start":
            # Each block has a form of its own.
            self._runs = None
        self._event(kind if isinstance(kind, str) else name, value)
        if self._runs is None and name == "content_block_delta":
            self._text = self._latest
            self._learn(frame.data)

    def _is_plain(self) -> bool:
        return self._reader.is_open_text(self._text)

    def _take_run(self, run: Run) -> None:
        self._latest = self._text
        self._reader.run(self._text, run.text, run.pieces)

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
