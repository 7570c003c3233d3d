"""The two ways of a stream through the gateway: its bytes as they are, or through the hub. Both are pure: bytes
in, bytes out.

A lane tells the relay when the first content has come, when the answer is over and when the upstream failed; it
holds no policy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.answer_losses import AnswerLosses
from codenex.core.envelope import sealed_event
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail
from codenex.core.reversal import Reversal, Reverser
from codenex.core.spoke import Listener, StreamDecoder, StreamEncoder
from codenex.core.usage import Usage
from codenex.wire.json_array import JsonArrayDecoder
from codenex.wire.opening import Opening
from codenex.wire.sse import EVENT_LIMIT, SseDecoder, event_too_large, last_boundary


class Observation(msgspec.Struct):
    """What a lane has seen of an answer: for the relay, the usage record and the access log."""

    content: bool = False
    done: bool = False
    fault: Fault | None = None
    #: the lane's own bytes have told the client about the fault
    told: bool = False
    usage: Usage | None = None
    finish: FinishDetail | None = None
    model: str | None = None
    #: the upstream's id of the answer
    id: str | None = None

    def see(self, event: e.StreamEvent) -> None:
        """Take note of one event."""
        if type(event) in e.CONTENT_EVENTS:
            self.content = True
            if type(event) is e.Finish:
                self.finish = event.detail
        elif type(event) is e.UsageSnapshot:
            self.usage = event.usage if self.usage is None else self.usage.merged(event.usage)
        elif type(event) is e.Start:
            self.model, self.id, usage = event.model, event.id, event.usage
            if usage is not None:
                self.usage = usage if self.usage is None else self.usage.merged(usage)
        elif type(event) is e.Error:
            self.fault = event.fault


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


class PassthroughLane(msgspec.Struct, eq=False):
    """Relays the bytes of whole events and reads a copy. Half an event at a cut is held back and never sent.

    ``listener`` reads the copy as far as it understands it, and a decoder from there on. Once content has come,
    ``skim`` leaves out of that copy what tells nothing about usage, end or failure. ``hide`` leaves out of whole events
    what the client didn't ask for; ``closing`` ends an answer that is whole but for it; ``fail_after`` renders an error
    after an answer with this id and these last events.
    """

    decoder: Callable[[], StreamDecoder]
    skim: Callable[[bytes], bytes] | None = None
    hide: Callable[[bytes], bytes] | None = None
    closing: bytes = b""
    fail_after: Callable[[Fault, str, bytes], bytes] | None = None
    listener: Listener | None = None
    seen: Observation = msgspec.field(default_factory=Observation)
    _made: StreamDecoder | None = None
    _last: bytes = b""
    #: how many events the listener had kept when what it knows was last taken over
    _heard: int = 0
    _tail: bytearray = msgspec.field(default_factory=bytearray)

    @property
    def fail(self) -> Callable[[Fault], bytes] | None:
        """The error of an answer that has begun, where it has to name it."""
        if self.fail_after is None or self.seen.id is None:
            return None
        render, response_id = self.fail_after, self.seen.id
        return lambda fault: render(fault, response_id, self._last)

    def feed(self, data: bytes) -> bytes:
        """Return the whole events so far. After the terminal event nothing more comes out."""
        if self.seen.done:
            return b""
        tail = self._tail
        if tail or data[-2:] != b"\n\n":
            # Only the new bytes are searched: an event may be large and come in many pieces.
            searched = max(0, len(tail) - 3)
            tail += data
            cut = last_boundary(tail, searched)
            if not cut:
                if len(tail) > EVENT_LIMIT:
                    # It is never whole, and so not for the decoder, which would hold it twice more.
                    tail.clear()
                    self.seen.fault = event_too_large()
                return b""
            data = bytes(tail[:cut])
            del tail[:cut]
        listener, seen = self.listener, self.seen
        if listener is None:
            self._observe(data)
        else:
            rest = listener.take(data)
            heard = len(listener.kept)
            if heard != self._heard or rest or listener.done:
                # Else it was more text and nothing else.
                self._heard = heard
                seen.content, seen.done, seen.usage = listener.content, listener.done, listener.usage
                seen.finish, seen.id, seen.model = listener.finish, listener.id, listener.model
            if rest:
                self._observe(rest)
        if self.fail_after is not None:
            before = data.rfind(b"\n\n", 0, -2)
            self._last = data if before < 0 else data[before + 2 :]
        # The vendor's own error event tells the client, if it is among what goes out now.
        if seen.fault is not None:
            seen.told = True
        if self.hide is None:
            return data
        alone = None if self.listener is None else self.listener.alone
        if alone is None:
            return self.hide(data)
        # From the last one on: what is before it stays where it is.
        for start, end in alone[::-1] if alone else ():
            data = data[:start] + data[end:]
        return data

    def eof(self) -> bytes:
        """Return a last event that lacks only its blank line, and the end of an answer that lacks only that; anything
        else that is left is dropped."""
        if self.seen.done:
            return b""
        tail = bytes(self._tail)
        self._tail.clear()
        if tail:
            self._take(self._decoder().feed(tail))
        ended = self._decoder().done
        self._take(self._decoder().eof())
        if self.seen.fault is not None:
            return b""
        out = tail.rstrip(b"\r\n") + b"\n\n" if _is_whole(tail) else b""
        if self.hide is not None:
            out = self.hide(out)
        return out if ended else out + self.closing

    def _decoder(self) -> StreamDecoder:
        """Return the decoder, which knows what the listener has heard."""
        if self._made is None:
            self._made = self.decoder()
            listener, self.listener = self.listener, None
            if listener is not None and listener.kept:
                self.seen.usage = None
                self._take(self._made.feed(b"\n\n".join([*listener.kept, b""])))
        return self._made

    def _observe(self, events: bytes) -> None:
        decoder, skim = self._decoder(), self.skim
        if skim is None:
            self._take(decoder.feed(events))
            return
        if not self.seen.content:
            events = self._without_beginning(events)
        rest = (events if self.skim is None else skim(events)) if events else b""
        if rest:
            self._take(self._decoder().feed(rest))

    def _without_beginning(self, events: bytes) -> bytes:
        """Take events one by one until content has come; return the others, which need not all be decoded."""
        start = 0
        while start < len(events):
            end = events.find(b"\n\n", start) + 2
            if end < 2:
                end = len(events)
            self._take(self._decoder().feed(events[start:end]))
            start = end
            if self.seen.content:
                break
        return events[start:]

    def _take(self, events: list[e.StreamEvent]) -> None:
        for event in events:
            self.seen.see(event)
            if type(event) is e.PartStart and event.choice:
                # Of several choices the first may begin late, with a chunk that looks like any other piece of text.
                self.skim = None
        self.seen.done = self._decoder().done


class ArrayLane:
    """Relays event data of the same protocol as elements of one JSON array, byte for byte. What is no JSON object is
    no element, so that the array stays one whatever the upstream sends."""

    __slots__ = ("_array", "_decoder", "_error_sent", "_fail", "_first", "_frames", "_opening", "seen")

    def __init__(self, decoder: StreamDecoder, fail: Callable[[Fault], bytes]) -> None:
        self.seen = Observation()
        self._fail = fail
        self._decoder = decoder
        self._opening = Opening()
        self._frames: SseDecoder | None = None
        #: reads an upstream that answers with an array or an object itself
        self._array: JsonArrayDecoder | None = None
        self._first = True
        self._error_sent = False

    def feed(self, data: bytes) -> bytes:
        """Return the elements so far."""
        if self.seen.done:
            return b""
        self._observe(self._decoder.feed(data))
        return self._joined(self._elements(data))

    def eof(self) -> bytes:
        """Return the last element and the end of the array."""
        if self.seen.done:
            return b""
        self._observe(self._decoder.eof())
        rest = self._joined([] if self._frames is None else [frame.data for frame in self._frames.eof()])
        if self.seen.fault is not None:
            return rest
        self.seen.done = True
        return rest + (b"[]" if self._first else b"]")

    def fail(self, fault: Fault) -> bytes:
        """Return the error as the last element of the array."""
        if self._error_sent:
            # The vendor's own error is an element already.
            return b"]"
        alone = self._fail(fault)
        return alone if self._first else b",\r\n" + alone.lstrip()[1:]

    def _elements(self, data: bytes) -> list[bytes]:
        if self._frames is None and self._array is None:
            data = self._opening.feed(data)
            if not data:
                return []
            if self._opening.first in (b"[", b"{"):
                self._array = JsonArrayDecoder()
            else:
                self._frames = SseDecoder()
        try:
            if self._array is not None:
                return self._array.feed(data)
            return [frame.data for frame in self._frames.feed(data)] if self._frames is not None else []
        except Fault:
            # Too large: the decoder has met the same, and says so in its events.
            return []

    def _joined(self, elements: list[bytes]) -> bytes:
        out = bytearray()
        for element in elements:
            value = json.try_object(element)
            if value is None:
                continue
            self._error_sent = self._error_sent or "error" in value
            out += (b"[" if self._first else b",\r\n") + element
            self._first = False
        return bytes(out)

    def _observe(self, events: list[e.StreamEvent]) -> None:
        # The end of the array is still to come, so that neither the last element nor an error ends the answer.
        for event in events:
            self.seen.see(event)


class TranslationLane:
    """Upstream bytes to hub events to client bytes."""

    __slots__ = ("_decoder", "_encoder", "_key", "_losses", "_model", "_plain", "_reverser", "_scope", "seen")

    def __init__(
        self,
        decoder: StreamDecoder,
        encoder: StreamEncoder,
        reversal: Reversal,
        losses: AnswerLosses,
        *,
        key: bytes,
        model: str,
        scope: str,
    ) -> None:
        self.seen = Observation()
        self._decoder = decoder
        self._encoder = encoder
        self._losses = losses
        self._reverser = Reverser(reversal) if reversal else None
        #: events that the client has as they are, and that tell nothing but content
        self._plain = e.PLAIN_EVENTS if reversal else e.PLAIN_EVENTS | e.ARGUMENT_EVENTS
        self._key, self._model, self._scope = key, model, scope

    @property
    def fail(self) -> Callable[[Fault], bytes]:
        """The encoder that knows what has been sent."""
        return self._encoder.fail

    def feed(self, data: bytes) -> bytes:
        """Return what the new events mean to the client."""
        if self.seen.done:
            return b""
        events = self._decoder.feed(data)
        match events:
            case [event] if type(event) in self._plain and not self._decoder.done:
                self.seen.content = True
                return self._encoder.send_all(events)
        return self._told(events)

    def eof(self) -> bytes:
        """Return the end of the answer, or set ``seen.fault`` where the upstream never gave one."""
        return b"" if self.seen.done else self._told(self._decoder.eof())

    def _told(self, events: list[e.StreamEvent]) -> bytes:
        """Return the client's form of hub events, and the end where they end the answer."""
        events = self._settled(events)
        out = self._encoder.send_all(events) if events else b""
        if self._decoder.done and self.seen.fault is None:
            out += self._encoder.end()
            self.seen.done = True
        return out

    def _settled(self, events: list[e.StreamEvent]) -> list[e.StreamEvent]:
        """Take note of events; return them as the client shall have them, up to an error."""
        seen, plain, reverser = self.seen, self._plain, self._reverser
        out: list[e.StreamEvent] = []
        for event in events:
            kind = type(event)
            if kind in plain:
                seen.content = True
            else:
                if kind is e.PartStart:
                    # Nothing of it is to be noted.
                    seen.content = True
                elif kind is e.PartStop:
                    seen.content = True
                    self._losses.see(event)
                    event = sealed_event(event, self._key, self._model, self._scope)
                else:
                    seen.see(event)
                    if kind is e.Error:
                        break
                    self._losses.see(event)
                    if kind is e.SignatureSet:
                        event = sealed_event(event, self._key, self._model, self._scope)
                if reverser is not None:
                    out += reverser.push(event)
                    continue
            out.append(event)
        return out


def _is_whole(tail: bytes) -> bool:
    """Whether what is left of a stream is an event that lacks only its blank line."""
    decoder = SseDecoder()
    frames = [*decoder.feed(tail), *decoder.eof()]
    return bool(frames) and all(frame.data.strip() == b"[DONE]" or _is_json(frame.data) for frame in frames)


def _is_json(data: bytes) -> bool:
    try:
        json.decode(data)
    except json.MalformedJson:
        return False
    return True


def truncated() -> Fault:
    """Build the fault of a stream that ended without its terminal event."""
    return Fault(FaultKind.UPSTREAM_TRUNCATED, "the upstream ended its answer before it was complete")
