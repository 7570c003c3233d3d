"""What a protocol offers: the six translations, its paths, lists and credentials. Each folder under ``protocols``
fills one in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from codenex.core.answer import Answer
from codenex.core.embeddings import EmbeddingAnswer, EmbeddingRequest
from codenex.core.errors import Fault
from codenex.core.events import StreamEvent
from codenex.core.finish import FinishDetail
from codenex.core.json import Raw, Split
from codenex.core.losses import Losses
from codenex.core.render import RenderContext
from codenex.core.request import Request
from codenex.core.reversal import Reversal
from codenex.core.text_stream import TextStream
from codenex.core.usage import Usage


class Encoded(msgspec.Struct, frozen=True):
    """A request in a target's form: the JSON body, and what has to be undone in the answer."""

    body: bytes
    reversal: Reversal = Reversal()


class ErrorBody(msgspec.Struct, frozen=True):
    """An error in a protocol's form: HTTP status, further headers (lower-case names) and the JSON body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Glance(msgspec.Struct, frozen=True):
    """What accounting needs of a whole answer that is passed through."""

    usage: Usage | None
    finish: FinishDetail


class Listener(Protocol):
    """Hears what an ordinary stream tells of itself, as its decoder would. ``kept`` are the events that a decoder has
    to be given where it has to go on, each without its blank line. ``finish`` is known at the end (``done``). ``alone``
    tells of the events that were taken last where those are that ``without_usage`` leaves out; ``None`` where it isn't
    known."""

    kept: list[bytes]
    content: bool
    done: bool
    usage: Usage | None
    finish: FinishDetail | None
    id: str | None
    model: str | None
    alone: tuple[tuple[int, int], ...] | None

    def take(self, events: bytes) -> bytes:
        """Take whole events; return those from the first one on that only the decoder understands."""
        ...


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model in a list. ``created`` is in seconds since 1970, limits are in tokens."""

    id: str
    owned_by: str = "codenex"
    display_name: str | None = None
    created: int = 0
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    #: gives vectors, and no text
    embeds: bool = False


class StreamDecoder(Protocol):
    """Upstream bytes to events. After an ``Error`` event or the terminal event of the protocol, more input yields
    nothing."""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes; return the events that they complete. Never raises: nonsense becomes an ``Error`` event."""
        ...

    def eof(self) -> list[StreamEvent]:
        """End of the bytes. Where the protocol's terminal event is missing, the last event is an ``Error``
        (``upstream_truncated``)."""
        ...

    @property
    def done(self) -> bool:
        """Whether the terminal event (or an error) has been seen."""
        ...


class StreamEncoder(Protocol):
    """Events to bytes for a client. A legal stream comes out whatever legal order of events goes in."""

    def send(self, event: StreamEvent) -> bytes:
        """Return what the client shall receive now; may be empty."""
        ...

    def send_all(self, events: list[StreamEvent]) -> bytes:
        """Return what the client shall receive of several events: the same as one by one."""
        ...

    def end(self) -> bytes:
        """Return the terminal bytes, after the last event."""
        ...

    def fail(self, fault: Fault) -> bytes:
        """Return the protocol's in-band error; nothing may follow it."""
        ...

    def ping(self) -> bytes:
        """Return a keep-alive that every client of the protocol ignores."""
        ...

    def after_ping(self, data: bytes) -> bytes:
        """Return the beginning of an answer, which another has encoded or a vendor, as it follows this one's pings."""
        ...


class DecodeRequest(Protocol):
    """Reads a request. Raises :class:`Fault` (400)."""

    def __call__(self, body: bytes, model: str | None, split: Split | None = None, /) -> Request:
        """``model`` is that of the path, where the protocol puts it there; ``split`` is the top level of the body,
        where that is known already."""
        ...


class ReadAnswer(Protocol):
    """Reads an ordinary whole answer, one choice without signatures, as the fold of its events is."""

    def __call__(self, body: bytes, calls: bool = False, /) -> Answer | None:
        """Return ``None`` for any other answer, and for one with calls unless ``calls`` says that there is nothing to
        undo in them."""
        ...


FailAfter = Callable[[Fault, RenderContext, str, bytes], bytes]


class Spoke(msgspec.Struct, frozen=True):
    """One protocol. ``vendor`` names who can read its signatures (``openai``, ``anthropic``, ``gemini``).

    ``encode_request(request, capabilities, losses)`` raises ``unsupported``; ``request.model`` is the upstream's
    name by then;
    ``decode_response(body)`` gives the events of a unary answer and raises the fault of an error inside a 200;
    ``encode_count`` / ``decode_count`` are the token counter's answer; ``encode_count_request`` its request
    (``None``: no counter).
    """

    name: str
    vendor: str
    decode_request: DecodeRequest
    encode_request: Callable[[Request, Any, Losses], Encoded]
    decode_response: Callable[[bytes], list[StreamEvent]]
    encode_response: Callable[[Answer, RenderContext], bytes]
    stream_decoder: Callable[[], StreamDecoder]
    stream_encoder: Callable[[RenderContext], StreamEncoder]
    decode_error: Callable[[int, list[tuple[str, str]], bytes], Fault]
    encode_error: Callable[[Fault, str], ErrorBody]
    encode_models: Callable[[list[Model]], bytes]
    encode_model: Callable[[Model], bytes]
    decode_models: Callable[[bytes], list[Model]]
    encode_count: Callable[[int], bytes]
    decode_count: Callable[[bytes], int]
    encode_count_request: Callable[[Request, Any, Losses], Encoded] | None
    decode_count_request: Callable[[bytes, str | None], Request]
    #: content type of a stream
    stream_type: str = "text/event-stream; charset=utf-8"
    #: usage of one complete upstream answer body, for passthrough accounting
    usage_of: Callable[[bytes], Usage | None] | None = None
    #: shortcut past ``decode_response`` for an ordinary answer that is passed through; ``None``: decode it
    glance: Callable[[bytes], Glance | None] | None = None
    #: shortcut past ``decode_response`` for an ordinary answer; ``None``: there is none
    read_answer: ReadAnswer | None = None
    #: what ends a stream of the protocol even where all of the answer has come without it
    closing: bytes = b""
    #: fields to change in a passed-through request for a stream so that its usage is told; none where the client asked
    usage_option: Callable[[Mapping[str, Raw]], dict[str, Any]] | None = None
    #: whole events without what only ``usage_option`` has brought in
    without_usage: Callable[[bytes], bytes] | None = None
    #: whether the vendor itself reads a file at this address, whatever it takes by address otherwise: its own ones
    reads: Callable[[str], bool] | None = None
    #: of whole events that are passed through, those that a stream decoder has to see to tell usage, end and failure
    skim: Callable[[bytes], bytes] | None = None
    #: shortcut past the stream decoder for what passes through; ``None``: there is none
    listener: Callable[[], Listener] | None = None
    #: shortcuts past decoder and encoder for a stream of one text of which the pieces that a read brought, and they
    #: joined, are all there is; both return ``None`` for any other. ``None``: there is none
    read_text: Callable[[list[bytes], bytes], TextStream | None] | None = None
    write_text: Callable[[TextStream, RenderContext], bytes | None] | None = None
    #: the in-band error after another's answer that was passed through, whose id and last events are given; ``None``
    #: where an error tells nothing of the answer it ends
    fail_after: FailAfter | None = None


class DecodeEmbedding(Protocol):
    """Reads a request for vectors. Raises :class:`Fault` (400)."""

    def __call__(self, body: bytes, model: str, *, many: bool) -> EmbeddingRequest:
        """``model`` is the client's name of it; ``many`` says that the method takes a batch, where methods differ."""
        ...


class EmbeddingSpoke(msgspec.Struct, frozen=True):
    """One protocol's form of embeddings. Vectors keep the order of the inputs.

    ``encode_requests(request, losses)`` gives the bodies that together ask for all inputs (vendors bound a batch) and
    raises ``unsupported``; ``decode_answer(body)`` raises ``upstream``, and so does ``usage_of(body)``, which doesn't
    look at vectors; ``rename(body, model)`` changes the model of a body that passes through and raises
    :class:`~codenex.core.json.MalformedJson`.
    """

    name: str
    decode_request: DecodeEmbedding
    encode_requests: Callable[[EmbeddingRequest, Losses], list[bytes]]
    decode_answer: Callable[[bytes], EmbeddingAnswer]
    encode_answer: Callable[[EmbeddingAnswer, EmbeddingRequest], bytes]
    usage_of: Callable[[bytes], Usage | None]
    rename: Callable[[bytes, str], bytes]
