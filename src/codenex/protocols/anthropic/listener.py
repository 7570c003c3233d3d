"""What a stream that is passed through tells of itself, heard without decoding most of its events: who answers, whether
content has come, usage, and the end.

It is a shortcut past the decoder and must agree with it: it takes what it is sure of, and whoever listens gives the
rest to the decoder, after what was kept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.finish import FinishDetail, settled
from codenex.core.usage import Usage
from codenex.protocols.anthropic.decoder import TEXT, THINKING, Text, Thinking, piece_of
from codenex.protocols.anthropic.finish import finish_from
from codenex.protocols.anthropic.usage import updated, usage_from
from codenex.wire.lines import CR, LF
from codenex.wire.passing_runs import PassingRuns, learned_in_passing
from codenex.wire.text_runs import TRIES

#: Events and bytes that are kept for a decoder at most: each block of an answer has two, and a signature.
_EVENTS, _BYTES = 64, 64 * 1024
_DELTA = b"event: content_block_delta\ndata: "
_LEAD = len(_DELTA)
_NAME, _DATA = b"event: ", b"\ndata: "
#: Why an answer ends that has no calls, where that needs no explanation.
_ENDS = frozenset(("end_turn", "max_tokens", "stop_sequence"))
#: Blocks that only bring text or reasoning, and what they begin with.
_BLOCKS: tuple[dict[str, Any], ...] = (
    {"type": "text", "text": ""},
    {"type": "thinking", "thinking": ""},
    {"type": "thinking", "thinking": "", "signature": ""},
)


class Listener(msgspec.Struct):
    """Takes whole events of one answer."""

    #: the events so far that tell anything, but for those with nothing but more text
    kept: list[bytes] = []
    content: bool = False
    done: bool = False
    usage: Usage | None = None
    finish: FinishDetail | None = None
    id: str | None = None
    model: str | None = None
    #: usage comes without being asked for
    alone: tuple[tuple[int, int], ...] | None = ()
    _begun: bool = False
    #: the block that is open, and its kind
    _block: int | None = None
    _kind: str = ""
    _usage: dict[str, Any] = {}
    _stop: dict[str, Any] = {}
    _runs: PassingRuns | None = None
    _room: int = _BYTES
    _places: int = _EVENTS
    _tries: int = TRIES

    def take(self, events: bytes) -> bytes:
        """Take events; return those from the first on that only the decoder understands."""
        start, size, runs = 0, len(events), self._runs
        if runs is not None and (start := runs.end(events, 0)) == size:
            return b""
        if CR in events:
            return events[start:]
        while start < size:
            end = events.find(b"\n\n", start)
            event = events[start:end] if end >= 0 else events[start:]
            if event[:_LEAD] == _DELTA:
                if not self._piece(event):
                    return events[start:]
                start += len(event) + 2
                runs = self._runs
                if runs is not None and start < size:
                    start = runs.end(events, start)
                continue
            name, separator, data = event.partition(_DATA)
            if event[:1] == b":" and LF not in event:
                # A comment keeps the connection alive.
                start += len(event) + 2
                continue
            if name[:7] != _NAME or not separator or LF in data or LF in name:
                return events[start:]
            if not self._other(name[7:], data, event):
                return events[start:]
            if self.done:
                return b""
            start += len(event) + 2
        return b""

    def _piece(self, event: bytes) -> bool:
        """Take a piece of a block; return whether it is one of text or reasoning that goes on with what is open."""
        data = event[_LEAD:]
        if LF in data:
            return False
        piece = piece_of(data)
        if piece is None:
            return self._signed(data) and self._keep(event)
        if piece.index != self._block:
            return False
        delta = piece.delta
        if isinstance(delta, Text):
            form, kind, text = TEXT, "text", delta.text
        elif isinstance(delta, Thinking):
            form, kind, text = THINKING, "thinking", delta.thinking
        else:
            return False
        if kind != self._kind or not text:
            return False
        if not self.content:
            if not self._keep(event):
                return False
            self.content = True
        if self._tries:
            self._tries -= 1
            self._runs = learned_in_passing(form, data, _DELTA)
        return True

    def _signed(self, data: bytes) -> bool:
        """Whether these are the data of a signature, at the end of reasoning that has been heard."""
        value = json.try_object(data)
        if value is None or value.get("type") != "content_block_delta" or value.get("index") != self._block:
            return False
        delta = value.get("delta")
        if not isinstance(delta, dict) or delta.get("type") != "signature_delta":
            return False
        return self.content and self._kind == "thinking" and type(value["index"]) is int

    def _keep(self, event: bytes) -> bool:
        """Keep an event for the decoder; return whether there is room for it."""
        self._room -= len(event)
        if not self._places or self._room < 0:
            return False
        self._places -= 1
        self.kept.append(event)
        return True

    def _other(self, name: bytes, data: bytes, event: bytes) -> bool:
        """Take an event that is no piece; return whether it is one that tells what it ordinarily does."""
        try:
            value = json.decode_object(data)
        except json.MalformedJson:
            return False
        if value.get("type") != name.decode(errors="replace"):
            return False
        if name == b"ping":
            return True
        if not self._begun:
            return name == b"message_start" and self._start(value.get("message")) and self._keep(event)
        match name:
            case b"content_block_start":
                return self._open(value.get("index"), value.get("content_block")) and self._keep(event)
            case b"content_block_stop":
                if self._block is None or value.get("index") != self._block:
                    return False
                self._block = self._runs = None
                return self._keep(event)
            case b"message_delta":
                return self._end(value.get("delta"), value.get("usage")) and self._keep(event)
            case b"message_stop":
                return self._over()
            case _:
                return False

    def _start(self, message: Any) -> bool:
        if not isinstance(message, dict) or message.get("content") or message.get("stop_reason") is not None:
            return False
        told, model = message.get("id"), message.get("model")
        if not isinstance(told, str) or not isinstance(model, str) or not told or not model:
            return False
        self._begun, self.id, self.model = True, told, model
        self._usage = updated({}, message.get("usage"))
        if self._usage:
            self.usage = usage_from(self._usage)
        return True

    def _open(self, index: Any, block: Any) -> bool:
        if type(index) is not int or self._block is not None or block not in _BLOCKS:
            return False
        self._block, self._kind, self._tries = index, block["type"], TRIES
        return True

    def _end(self, delta: Any, usage: Any) -> bool:
        if (
            self._block is not None
            or self._stop
            or not isinstance(delta, dict)
            or delta.get("stop_details") is not None
        ):
            return False
        if delta.get("stop_reason") not in _ENDS:
            return False
        self._stop = delta
        if isinstance(usage, dict):
            self._usage = updated(self._usage, usage)
            counted = usage_from(self._usage)
            self.usage = counted if self.usage is None else self.usage.merged(counted)
        return True

    def _over(self) -> bool:
        if not self._stop:
            return False
        detail = finish_from(self._stop.get("stop_reason"), self._stop.get("stop_sequence"), None)
        self.finish = settled(detail, has_tool_calls=False)
        self.content = self.done = True
        return True
