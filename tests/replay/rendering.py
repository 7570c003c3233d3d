"""What the gateway makes of an upstream's bytes for a client, by its own lanes but without sockets."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from tests.replay.spokes import spoke_of
from tests.support.runs import spread
from tests.support.vendors.dialects import ProtocolName

from codenex.core.answer import Answer, Choice, fold, unfold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.envelope import sealed_event
from codenex.core.errors import Fault
from codenex.core.events import StreamEvent
from codenex.core.parts import Text
from codenex.core.render import RenderContext
from codenex.core.reversal import Reversal
from codenex.core.stream_validator import StreamValidator
from codenex.gateway.lanes import ArrayLane, Observation, PassthroughLane, TranslationLane

ID: Final = "0123456789abcdef0123456789abcdef"
MODEL: Final = "asked-model"
UPSTREAM_MODEL: Final = "upstream-model"
KEY: Final = bytes(32)
SCOPE: Final = "scope"
ASKED: Final[dict[ProtocolName, dict[str, Any]]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "?"}], "stream_options": {"include_usage": True}},
    "openai_responses": {"input": "?"},
    "anthropic": {"max_tokens": 4096, "messages": [{"role": "user", "content": "?"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "?"}]}]},
}
"""The least request of a client of each protocol, as an answer's encoder is told of it."""


def context(client: ProtocolName, *, stream: bool, array: bool = False) -> RenderContext:
    """What the gateway hands to the encoders of an answer."""
    body = {"model": MODEL, **ASKED[client]}
    if stream and client != "gemini":
        body["stream"] = True
    request = spoke_of(client).decode_request(json.dumps(body).encode(), MODEL)
    request = msgspec.structs.replace(request, stream=stream)
    echo = {name: value for name, value in body.items() if name != "input"}
    return RenderContext(
        ID, 1_790_000_000, MODEL, request, echo, request.include_usage, estimate=lambda: 7, array_stream=array
    )


def events_of(protocol: ProtocolName, raw: bytes, *, stream: bool, piece: int = 0) -> list[StreamEvent]:
    """The hub's events of an answer, fed in pieces of this size (0: at once)."""
    if not stream:
        return spoke_of(protocol).decode_response(raw)
    decoder = spoke_of(protocol).stream_decoder()
    size = piece or len(raw)
    out: list[StreamEvent] = []
    for start in range(0, len(raw), size):
        out += decoder.feed(raw[start : start + size])
    return spread([*out, *decoder.eof()])


def validate(events: list[StreamEvent]) -> None:
    """Raise :class:`~codenex.core.stream_validator.InvalidStream` for events out of order."""
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()


def whole(protocol: ProtocolName, events: list[StreamEvent], client: ProtocolName) -> bytes:
    """The answer for a client that wants it whole."""
    sealed = [sealed_event(event, KEY, UPSTREAM_MODEL, SCOPE) for event in events]
    return spoke_of(client).encode_response(fold(sealed), context(client, stream=False))


def streamed(protocol: ProtocolName, events: list[StreamEvent], client: ProtocolName, *, array: bool = False) -> bytes:
    """The answer for a client that wants a stream."""
    around = context(client, stream=True, array=array)
    losses = AnswerLosses(spoke_of(client).name, around.losses)
    encoder = spoke_of(client).stream_encoder(around)
    lane = TranslationLane(_Played(events), encoder, Reversal(), losses, key=KEY, model=UPSTREAM_MODEL, scope=SCOPE)
    return lane.feed(b"x") + lane.eof()


class _Played:
    """A decoder whose events are known beforehand."""

    def __init__(self, events: list[StreamEvent]) -> None:
        self._events = events
        self.done = False

    def feed(self, data: bytes) -> list[StreamEvent]:
        self.done = True
        return self._events

    def eof(self) -> list[StreamEvent]:
        return []


def passed(protocol: ProtocolName, raw: bytes, piece: int) -> tuple[bytes, Observation]:
    """A stream as it reaches a client of the vendor's own protocol, and what the gateway saw of it on the way."""
    lane = PassthroughLane(spoke_of(protocol).stream_decoder)
    out = b"".join(lane.feed(raw[start : start + piece]) for start in range(0, len(raw), piece))
    return out + lane.eof(), lane.seen


def passed_as_array(raw: bytes, piece: int) -> bytes:
    """A Gemini stream of events as it reaches a client that wants one JSON array."""
    encoder = spoke_of("gemini").stream_encoder(context("gemini", stream=True, array=True))
    lane = ArrayLane(spoke_of("gemini").stream_decoder(), encoder.fail)
    return b"".join(lane.feed(raw[start : start + piece]) for start in range(0, len(raw), piece)) + lane.eof()


def failed(client: ProtocolName, fault: Fault, *, begun: bool) -> bytes:
    """A stream that ends in an error, before or after its first words."""
    encoder = spoke_of(client).stream_encoder(context(client, stream=True))
    said = Answer("x", "id", "m", None, (Choice(0, (Text("Hello"),)),))
    out = b"".join(map(encoder.send, unfold(said))) if begun else b""
    return out + encoder.fail(fault)
