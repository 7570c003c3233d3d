"""What a stream that is passed through tells of itself, heard without decoding its events: who answers, whether content
has come, usage, and the end.

It is a shortcut past the decoder and must agree with it: it takes what it is sure of, and whoever listens gives the
rest to the decoder, after what was kept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.usage import Usage
from codenex.protocols.openai_chat.glance import FINISHES, skim
from codenex.protocols.openai_chat.plain import TEXT
from codenex.protocols.openai_chat.usage import decode_usage, is_placeholder
from codenex.wire.text_runs import TRIES, TextRuns, learned


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None


class _Choice(msgspec.Struct):
    """Further fields tell the client alone."""

    delta: _Delta | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: None = None
    message: None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice]
    id: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    service_tier: Any = None
    x_groq: dict[str, Any] | None = None
    error: None = None
    type: None = None
    object: str | None = None


_decode = msgspec.json.Decoder(_Chunk).decode

#: Events and bytes that are kept for a decoder at most: an ordinary stream has five with anything to tell.
_EVENTS, _BYTES = 16, 64 * 1024
#: Words for the end of an answer that has no calls.
_ENDS = {word: FINISHES[word] for word in ("stop", "length")}
_ENDED = FinishDetail(FinishReason.STOP)


class Listener:
    """Takes whole events of one answer."""

    __slots__ = (
        "_begun",
        "_chosen",
        "_reason",
        "_runs",
        "_size",
        "_tries",
        "content",
        "done",
        "finish",
        "id",
        "kept",
        "model",
        "usage",
    )

    def __init__(self) -> None:
        #: the events so far that tell anything, but for those with nothing but more text
        self.kept: list[bytes] = []
        self.content = self.done = False
        self.usage: Usage | None = None
        self.finish: FinishDetail | None = None
        self.id: str | None = None
        self.model: str | None = None
        #: whether the decoder would have begun its answer, and a choice in it
        self._begun = self._chosen = False
        self._reason: FinishDetail | None = None
        self._runs: TextRuns | None = None
        self._size = 0
        self._tries = TRIES

    def take(self, events: bytes) -> bytes:
        """Take events; return those from the first on that only the decoder understands."""
        if b"\r" in events:
            return events
        skimmed = False
        while events and not self.done:
            if self.content:
                run = None if self._runs is None else self._runs.take(events)
                if run is not None:
                    events = run.rest
                    continue
                if not skimmed and not self._tries:
                    skimmed = True
                    events = skim(events)
                    continue
            event, _, rest = events.partition(b"\n\n")
            if b"\n" in event or not self._takes(event):
                return events
            events = rest
        return b""

    def _takes(self, event: bytes) -> bool:
        if event[:6] != b"data: ":
            # A comment keeps the connection alive.
            return event[:1] == b":"
        data = event[6:]
        if data == b"[DONE]":
            if self._chosen:
                self.content = self.done = True
                self.finish = _ENDED if self._reason is None else self._reason
            return self._chosen
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return False
        if chunk.object == "error":
            return False
        if chunk.choices:
            choice = chunk.choices[0]
            reason, delta = choice.finish_reason, choice.delta
            if len(chunk.choices) > 1 or choice.index or (reason and reason not in _ENDS):
                return False
            text = delta is not None and bool(delta.content or delta.reasoning_content or delta.reasoning)
        else:
            reason, text = None, False
        usage = chunk.usage if chunk.usage is not None or chunk.x_groq is None else chunk.x_groq.get("usage")
        if self.content and text and not reason and usage is None:
            # One more piece of a text.
            self._learn(data)
            return True
        if len(self.kept) == _EVENTS or self._size + len(event) > _BYTES:
            return False
        self.kept.append(event)
        self._size += len(event)
        if not self._begun:
            self.id, self.model = self.id or chunk.id or None, self.model or chunk.model or None
            self._begun = bool(chunk.choices) or isinstance(usage, dict)
        self._chosen = self._chosen or bool(chunk.choices)
        if text and not self.content:
            self.content = True
            self._learn(data)
        if reason and self._reason is None:
            self._reason = _ENDS[reason]
        if isinstance(usage, dict) and not (self.usage is not None and is_placeholder(usage)):
            self._count(decode_usage(usage, chunk.service_tier))
        return True

    def _count(self, usage: Usage | None) -> None:
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage.merged(usage)

    def _learn(self, data: bytes) -> None:
        if self._tries:
            self._tries -= 1
            self._runs = learned(TEXT, data)
