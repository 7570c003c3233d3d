"""A stream from Google to events: server-sent ones or one JSON array. To a client: ``emission``."""

from __future__ import annotations

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.protocols.gemini.chunks import ChunkReader
from codenex.wire.json_array import JsonArrayDecoder
from codenex.wire.opening import Opening
from codenex.wire.run_decoder import RunDecoder
from codenex.wire.sse import Frame, SseDecoder


class StreamDecoder(RunDecoder):
    """Decodes server-sent events, a JSON array, or a single JSON object in place of a stream. A finish reason is no
    end: some hosts write one on every chunk."""

    def __init__(self) -> None:
        super().__init__(SseDecoder())
        self._reader = ChunkReader()
        self._opening = Opening()
        self._beginning = True
        self._array: JsonArrayDecoder | None = None
        self._object = False

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; return the events that they complete."""
        if self.done:
            return []
        if self._beginning:
            data = self._opening.feed(data)
            if not data:
                return []
            self._beginning = False
            if self._opening.first in (b"[", b"{"):
                self._array = JsonArrayDecoder()
                self._object = self._opening.first == b"{"
        try:
            if self._array is None:
                self._events(data)
            else:
                for element in self._array.feed(data):
                    self._read(element)
        except Fault as fault:
            self._reader.fail(fault)
        self.done = self._reader.failed
        return self._reader.take()

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes. A chunk that has begun and not ended is a truncation, whatever came before it."""
        if self.done:
            return []
        if self._array is not None and self._array.open:
            self._reader.truncated()
        elif self._array is None and not self._beginning:
            self._take(self._frames.eof(), last=True)
        self.done = True
        self._reader.end(whole=self._object and self._reader.started)
        return self._reader.take()

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        if data[:1] == b"{" or data.strip() not in (b"", b"[DONE]"):
            self._read(data)

    def _take(self, frames: list[Frame], *, last: bool = False) -> None:
        for frame in frames:
            if frame.data.strip() not in (b"", b"[DONE]"):
                self._read(frame.data, last=last)

    def _read(self, data: bytes, *, last: bool = False) -> None:
        if self._reader.failed or self._reader.read_plain(data):
            return
        try:
            value = json.decode(data)
        except json.MalformedJson as error:
            if last:
                self._reader.truncated()
            else:
                told = f"the upstream sent broken JSON: {error}"
                self._reader.fail(Fault(FaultKind.UPSTREAM, told, from_upstream=True))
        else:
            self._reader.read(value)
        self.done = self._reader.failed
