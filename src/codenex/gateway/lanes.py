"""The two ways of a stream through the gateway: its bytes as they are, or through the hub. Both are pure: bytes
in, bytes out.

A lane tells the relay when the first content has come, when the answer is over and when the upstream failed; it
holds no policy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from codenex.core import events as e
from codenex.core.envelope import sealed_event
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail
from codenex.core.reversal import Reversal, Reverser
from codenex.core.spoke import StreamDecoder, StreamEncoder
from codenex.core.usage import Usage
from codenex.wire.sse import SseDecoder, last_boundary


class Observation:
    """What a lane has seen of an answer: for the relay, the usage record and the access log."""

    __slots__ = ("content", "done", "fault", "finish", "model", "told", "usage")

    def __init__(self) -> None:
        self.content = False
        self.done = False
        self.fault: Fault | None = None
        #: the lane's own bytes have told the client about the fault
        self.told = False
        self.usage: Usage | None = None
        self.finish: FinishDetail | None = None
        self.model: str | None = None

    def see(self, event: e.StreamEvent) -> None:
        """Take note of one event."""
        if isinstance(event, e.CONTENT_EVENTS):
            self.content = True
        match event:
            case e.UsageSnapshot(usage=usage) | e.Start(usage=Usage() as usage):
                self.usage = usage if self.usage is None else self.usage.merged(usage)
            case e.Finish(detail=detail):
                self.finish = detail
            case e.Error(fault=fault):
                self.fault = fault
            case _:
                pass
        if isinstance(event, e.Start):
            self.model = event.model


class Lane(Protocol):
    """One attempt's way from upstream bytes to client bytes."""

    seen: Observation

    @property
    def fail(self) -> Callable[[Fault], bytes] | None:
        """Renders an error after what this lane has sent; ``None`` where any encoder of the protocol can."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take upstream bytes; return what the client may have of them: whole events only."""
        ...

    def eof(self) -> bytes:
        """End of the upstream's bytes; a truncated answer sets ``seen.fault``."""
        ...


class PassthroughLane:
    """Relays the bytes of whole events and reads a copy. Half an event at a cut is held back and never sent."""

    __slots__ = ("_decoder", "_tail", "seen")

    fail = None

    def __init__(self, decoder: StreamDecoder) -> None:
        self.seen = Observation()
        self._decoder = decoder
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """Return the whole events so far. After the terminal event nothing more comes out."""
        if self.seen.done:
            return b""
        self._observe(self._decoder.feed(data))
        held = self._tail + data if self._tail else data
        cut = last_boundary(held)
        self._tail = held[cut:]
        return held[:cut] if self._tail else held

    def eof(self) -> bytes:
        """Return a last event that lacks only its blank line; anything else that is left is dropped."""
        if self.seen.done:
            return b""
        self._observe(self._decoder.eof())
        tail, self._tail = self._tail, b""
        if tail.strip() and self.seen.fault is None:
            return tail.rstrip(b"\r\n") + b"\n\n"
        return b""

    def _observe(self, events: list[e.StreamEvent]) -> None:
        seen = self.seen
        for event in events:
            seen.see(event)
        seen.done = self._decoder.done
        seen.told = seen.fault is not None and seen.fault.kind is not FaultKind.UPSTREAM_TRUNCATED


class ArrayLane:
    """Relays event data of the same protocol as elements of one JSON array, byte for byte."""

    __slots__ = ("_decoder", "_fail", "_first", "_frames", "seen")

    def __init__(self, decoder: StreamDecoder, fail: Callable[[Fault], bytes]) -> None:
        self.seen = Observation()
        self._fail = fail
        self._decoder = decoder
        self._frames = SseDecoder()
        self._first = True

    def feed(self, data: bytes) -> bytes:
        """Return the elements so far."""
        if self.seen.done:
            return b""
        self._observe(self._decoder.feed(data))
        return self._elements([frame.data for frame in self._frames.feed(data)])

    def eof(self) -> bytes:
        """Return the last element and the end of the array."""
        rest = self._elements([frame.data for frame in self._frames.eof()])
        if not self.seen.done:
            self._observe(self._decoder.eof())
        if self.seen.fault is not None:
            return rest
        self.seen.done = True
        return rest + (b"[]" if self._first else b"]")

    def fail(self, fault: Fault) -> bytes:
        """Return the error as the last element of the array."""
        if fault is self.seen.fault and fault.kind is not FaultKind.UPSTREAM_TRUNCATED:
            # The vendor's own error is an element already.
            return b"]"
        alone = self._fail(fault)
        return alone if self._first else b",\r\n" + alone.lstrip()[1:]

    def _elements(self, elements: list[bytes]) -> bytes:
        out = bytearray()
        for element in elements:
            out += (b"[" if self._first else b",\r\n") + element
            self._first = False
        return bytes(out)

    def _observe(self, events: list[e.StreamEvent]) -> None:
        seen = self.seen
        for event in events:
            seen.see(event)
        # The end of the array is still to come, so that the answer is not over with its last element.
        seen.told = False


class TranslationLane:
    """Upstream bytes to hub events to client bytes."""

    __slots__ = ("_decoder", "_encoder", "_key", "_model", "_reverser", "_scope", "seen")

    def __init__(
        self,
        decoder: StreamDecoder,
        encoder: StreamEncoder,
        reversal: Reversal,
        *,
        key: bytes,
        model: str,
        scope: str,
    ) -> None:
        self.seen = Observation()
        self._decoder = decoder
        self._encoder = encoder
        self._reverser = Reverser(reversal) if reversal else None
        self._key, self._model, self._scope = key, model, scope

    @property
    def fail(self) -> Callable[[Fault], bytes]:
        """The encoder that knows what has been sent."""
        return self._encoder.fail

    def feed(self, data: bytes) -> bytes:
        """Return what the new events mean to the client."""
        return b"" if self.seen.done else self.send(self._decoder.feed(data))

    def eof(self) -> bytes:
        """Return the end of the answer, or set ``seen.fault`` where the upstream never gave one."""
        return b"" if self.seen.done else self.send(self._decoder.eof())

    def send(self, events: list[e.StreamEvent]) -> bytes:
        """Return the client's form of hub events."""
        seen = self.seen
        out: list[bytes] = []
        for event in events:
            seen.see(event)
            if isinstance(event, e.Error):
                # The relay decides whether this becomes another attempt or the protocol's error event.
                return b"".join(out)
            for mapped in self._mapped(event):
                out.append(self._encoder.send(mapped))
        if self._decoder.done and seen.fault is None:
            out.append(self._encoder.end())
            seen.done = True
        return b"".join(out)

    def _mapped(self, event: e.StreamEvent) -> list[e.StreamEvent]:
        event = sealed_event(event, self._key, self._model, self._scope)
        return [event] if self._reverser is None else self._reverser.push(event)


def truncated() -> Fault:
    """Build the fault of a stream that ended without its terminal event."""
    return Fault(FaultKind.UPSTREAM_TRUNCATED, "the upstream ended its answer before it was complete")
