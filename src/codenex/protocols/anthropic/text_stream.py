"""A stream of one text that is all there: read from an upstream's events, and written for a client, without an event of
the hub between.

Both are shortcuts past decoder and encoder and must agree with them, but for one thing: input that the usage tells in
the end is told at the beginning already, where a stream that comes bit by bit has to estimate it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.finish import settled
from codenex.core.render import RenderContext
from codenex.core.text_stream import TextStream
from codenex.protocols.anthropic.decoder import Text, piece_of
from codenex.protocols.anthropic.finish import finish_from
from codenex.protocols.anthropic.templates import (
    BEHIND,
    BLOCK_STOP,
    MESSAGE_END,
    MESSAGE_START,
    STOPS,
    TEXT_BEFORE,
    TEXT_START,
    THOUGHT,
)
from codenex.protocols.anthropic.usage import totals, updated, usage_from
from codenex.wire.alike import alike, one_line
from codenex.wire.lines import CR


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    model: str
    type: Literal["message"]
    role: Literal["assistant"]
    content: tuple[()]
    usage: dict[str, Any]
    stop_reason: None = None
    stop_sequence: None = None
    stop_details: None = None
    container: None = None
    context_management: None = None


class _Start(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["message_start"]
    message: _Message


class _Block(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text"]
    text: Literal[""]
    citations: None = None


class _Open(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["content_block_start"]
    index: Literal[0]
    content_block: _Block


class _Close(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["content_block_stop"]
    index: Literal[0]


class _Ending(msgspec.Struct, forbid_unknown_fields=True):
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence"]
    stop_sequence: str | None = None
    stop_details: None = None
    container: None = None


class _End(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["message_delta"]
    delta: _Ending
    usage: dict[str, Any] | None = None
    context_management: None = None


class _Stop(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["message_stop"]


_DELTA = b"event: content_block_delta\ndata: "
_TEXT, _LF, _LEAD = b'"text"', b"\n", b"data: "
_PINGS = (b'event: ping\ndata: {"type": "ping"}', b'event: ping\ndata: {"type":"ping"}')
_start = msgspec.json.Decoder(_Start).decode
_open = msgspec.json.Decoder(_Open).decode
_close = msgspec.json.Decoder(_Close).decode
_end = msgspec.json.Decoder(_End).decode
_stop = msgspec.json.Decoder(_Stop).decode
#: Pieces at the beginning in which there is no text.
_FIRST = 4


def read_text(events: list[bytes], whole: bytes) -> TextStream | None:
    """Return the whole stream that came in these pieces; ``None`` where it is any other, or where a piece in its midst
    isn't one event."""
    first = 0
    for event in events[:_FIRST]:
        if event.startswith(_DELTA):
            break
        first += 1
    else:
        return None
    piece, data = events[first], one_line(events[first], len(_DELTA))
    begun = whole.index(piece)
    delta = piece_of(data)
    if delta is None or delta.index or not isinstance(delta.delta, Text) or not delta.delta.text or CR in whole:
        return None
    found = alike(events, first, _TEXT, delta.delta.text, whole, begun)
    if found is None:
        return None
    try:
        start, opened = _told(whole[:begun], b"message_start", b"content_block_start")
        closed, ended, stopped = _told(whole[found.end :], b"content_block_stop", b"message_delta", b"message_stop")
        usage = _start(start).message.usage
        end = _end(ended)
        _open(opened), _close(closed), _stop(stopped)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    said = end.delta
    told = updated(updated({}, usage), end.usage)
    finish = settled(finish_from(said.stop_reason, said.stop_sequence, None), has_tool_calls=False)
    return TextStream(found.texts, finish, usage_from(told) if told else None)


def _told(block: bytes, *names: bytes) -> list[bytes]:
    """Return the data of the events with these names, one each in their order, pings left out. Raises
    :class:`ValueError` for any others, and for any other form than a line of each."""
    *events, nothing = block.split(b"\n\n")
    pairs = [tuple(event.split(_LF)) for event in events if event not in _PINGS]
    if nothing or [name for name, _ in pairs] != [b"event: " + name for name in names]:
        raise ValueError
    if not all(data.startswith(_LEAD) for _, data in pairs):
        raise ValueError
    return [data[len(_LEAD) :] for _, data in pairs]


def write_text(stream: TextStream, context: RenderContext) -> bytes | None:
    """Return the whole stream as a client receives it; ``None`` where it needs more than a text."""
    word, usage = STOPS.get(stream.finish.reason), stream.usage
    if word is None or (usage is not None and usage.server_tools):
        return None
    if usage is None:
        given, written, read, output, thought = 0 if context.estimate is None else context.estimate(), 0, 0, 0, b""
    else:
        given, written, read, output = totals(usage, context.estimate)
        thought = b"" if usage.output_reasoning is None else THOUGHT % usage.output_reasoning
    model = json.encode(context.requested_model)
    return b"".join(
        (
            MESSAGE_START % (context.id.encode(), model, given, written, read),
            _BEGIN,
            _BETWEEN.join(stream.pieces),
            _FINISH % (word, given, written, read, output, thought),
        )
    )


_BEFORE = TEXT_BEFORE % 0
_BETWEEN = BEHIND + _BEFORE
#: What goes before the first piece of text, and behind the last one.
_BEGIN, _FINISH = TEXT_START % 0 + _BEFORE, BEHIND + BLOCK_STOP % 0 + MESSAGE_END
