"""A stream of one text that is all there: read from an upstream's chunks, and written for a client, without an event of
the hub between.

Both are shortcuts past decoder and encoder and must agree with them; what isn't an ordinary answer is left to those.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.render import RenderContext
from codenex.core.text_stream import TextStream
from codenex.core.usage import Usage
from codenex.protocols.openai_chat import rendering
from codenex.protocols.openai_chat.finish import encode_finish
from codenex.protocols.openai_chat.glance import FINISHES
from codenex.protocols.openai_chat.plain import DECODE_ERRORS, Choice, Chunk, Delta, FirstChunk
from codenex.protocols.openai_chat.stream_usage import is_usage_alone
from codenex.protocols.openai_chat.usage import decode_usage, encode_usage, is_known
from codenex.wire.alike import Alike, alike, one_line
from codenex.wire.lines import CR, LF
from codenex.wire.sse import data_event


class _Text(Delta):
    """A delta that may bring a text, and nothing else."""

    reasoning_content: Literal[""] | None = None
    reasoning: Literal[""] | None = None
    tool_calls: None = None


class _Nothing(_Text):
    content: Literal[""] | None = None


class _Begun(Choice, forbid_unknown_fields=True):
    delta: _Text | None = None
    finish_reason: Literal[""] | None = None


class _Going(Choice, forbid_unknown_fields=True, kw_only=True):
    delta: _Text
    finish_reason: Literal[""] | None = None


class _Finished(Choice, forbid_unknown_fields=True, kw_only=True):
    delta: _Nothing | None = None
    finish_reason: Literal["stop", "length"]


class _Begin(FirstChunk, forbid_unknown_fields=True, kw_only=True):
    choices: tuple[_Begun]  # type: ignore[assignment]
    usage: None = None


class _More(Chunk, kw_only=True):
    choices: tuple[_Going]  # type: ignore[assignment]
    usage: None = None


class _End(Chunk, kw_only=True):
    choices: tuple[_Finished]  # type: ignore[assignment]


class _Usage(Chunk, kw_only=True):
    choices: tuple[()]  # type: ignore[assignment]
    usage: dict[str, Any]


_decode_begin = msgspec.json.Decoder(_Begin).decode
_decode_text = msgspec.json.Decoder(_More).decode
_decode_end = msgspec.json.Decoder(_End).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode

_LEAD, _CONTENT, _DONE = b"data: ", b'"content"', b"data: [DONE]"
#: Events are the beginning, some text, and the end, of which one piece may hold all.
_LEAST = 3
#: What follows the finish, or the usage behind that; and how many blank lines there may be at most from the finish on.
_OVER, _MOST = [_DONE, b""], 4

#: Choices of a client's chunks; the text of a piece stands between the last two.
_BEGIN = b'{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}'
_BEFORE, _BEHIND = b'{"index":0,"delta":{"content":"', b'"},"logprobs":null,"finish_reason":null}'
_END = b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}'


def read_text(events: list[bytes], whole: bytes) -> TextStream | None:
    """Return the whole stream that came in these pieces; ``None`` where it is any other, or where a piece in its midst
    isn't one event."""
    if len(events) < _LEAST or CR in whole:
        return None
    first, second = events[0], events[1]
    if first[:6] != _LEAD or second[:6] != _LEAD:
        return None
    try:
        begun, going = _decode_begin(one_line(first, 6)), _decode_text(one_line(second, 6))
        text = going.choices[0].delta.content
        found = alike(events, 1, _CONTENT, text, whole, len(first)) if text else None
        stream = None if found is None else _ended(found, whole)
    except DECODE_ERRORS:
        return None
    if stream is None:
        return None
    delta = begun.choices[0].delta
    if delta is not None and delta.content:
        stream.pieces.insert(0, json.encode(delta.content)[1:-1])
    if begun.service_tier is not None or begun.system_fingerprint is not None:
        told = {"service_tier": begun.service_tier, "system_fingerprint": begun.system_fingerprint}
        stream.extras = {name: value for name, value in told.items() if value is not None}
    return stream


def _ended(found: Alike, whole: bytes) -> TextStream | None:
    """Read the end of an answer. Raises one of ``DECODE_ERRORS``."""
    start = found.end
    event, *others = whole[start:].split(b"\n\n", _MOST)
    if event[:6] != _LEAD or LF in event:
        return None
    end = _decode_end(event[6:])
    raw, tier, alone = end.usage, end.service_tier, None
    if others != _OVER:
        # What nearly all send that tell the usage at all: it has an event to itself.
        start += len(event) + 2
        last, over = (others[0], others[1:]) if others else (b"", others)
        if over != _OVER or raw is not None or last[:6] != _LEAD or LF in last:
            return None
        usage = _decode_usage(last[6:])
        raw, tier = usage.usage, usage.service_tier
        if is_usage_alone(last):
            alone = (start, start + len(last) + 2)
    counted = None if raw is None else decode_usage(raw, tier)
    return TextStream(found.texts, FINISHES[end.choices[0].finish_reason], counted, None, alone)


def write_text(stream: TextStream, context: RenderContext) -> bytes | None:
    """Return the whole stream as a client receives it; ``None`` where it needs more than a text."""
    word = encode_finish(
        stream.finish,
        has_content=True,
        has_calls=False,
        has_refusal=False,
        own=False,
        legacy=False,
    )
    if word is None:
        return None
    head = rendering.head(context, "chat.completion.chunk")
    opening = b"data: " + json.encode(head)[:-1] + b',"choices":['
    closing = b'],"usage":null}\n\n' if context.include_usage else b"]}\n\n"
    before, behind = opening + _BEFORE, _BEHIND + closing
    return b"".join(
        (
            opening,
            _BEGIN,
            closing,
            before,
            (behind + before).join(stream.pieces),
            behind,
            opening,
            _END % word.encode(),
            closing,
            _usage(head, stream.usage) if context.include_usage else b"",
            _DONE,
            b"\n\n",
        )
    )


def _usage(head: dict[str, Any], usage: Usage | None) -> bytes:
    if usage is None or not is_known(usage):
        return b""
    return data_event(json.encode({**head, "choices": [], "usage": encode_usage(usage)}))
