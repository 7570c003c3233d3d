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
from codenex.protocols.openai_chat.stream_usage import is_usage_alone
from codenex.protocols.openai_chat.usage import decode_usage, is_placeholder
from codenex.wire.lines import CR
from codenex.wire.passing_runs import PassingRuns, learned_in_passing
from codenex.wire.text_runs import TRIES


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
_DONE = b"data: [DONE]"


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
    #: where in the bytes that were taken last there are events with usage alone; ``None``: somewhere
    alone: tuple[tuple[int, int], ...] | None = ()
    #: whether the decoder would have begun its answer, and a choice in it
    _begun: bool = False
    _chosen: bool = False
    _reason: FinishDetail | None = None
    _runs: PassingRuns | None = None
    _room: int = _BYTES
    _places: int = _EVENTS
    _tries: int = TRIES

    def take(self, events: bytes) -> bytes:
        """Take events; return those from the first on that only the decoder understands."""
        alone: tuple[tuple[int, int], ...] | None = ()
        self.alone = alone
        start, size, skimmed, runs = 0, len(events), False, self._runs
        # Whether a run may begin: only text goes on with text.
        text = self.content
        if text and runs is not None and (start := runs.end(events, 0)):
            if start == size:
                return b""
            text = False
        if CR in events:
            return events[start:]
        while start < size:
            if text:
                runs = self._runs
                if runs is not None and (end := runs.end(events, start)) > start:
                    start, text = end, False
                    continue
                if not (skimmed or self._tries):
                    skimmed = True
                    events = skim(events[start:])
                    start, size = 0, len(events)
                    continue
            # One character is found faster than two are.
            end = events.find(b"\n", start)
            if end >= 0 and events[end + 1 : end + 2] != b"\n":
                return events[start:]
            event = events[start:end] if end >= 0 else events[start:]
            if event[:6] != b"data: ":
                if event[:1] != b":":
                    return events[start:]
                # A comment keeps the connection alive.
                start += len(event) + 2
                continue
            if event == _DONE and self._chosen:
                self.content = self.done = True
                self.finish = _ENDED if self._reason is None else self._reason
                if end + 2 < size:
                    # Nothing after the end is looked at.
                    self.alone = None
                return b""
            try:
                chunk = _decode(event[6:])
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return events[start:]
            choices, usage, reason, text = chunk.choices, chunk.usage, None, False
            if choices:
                choice = choices[0]
                reason, delta = choice.finish_reason, choice.delta
                if choice is not choices[-1] or choice.index or (reason and reason not in _ENDS):
                    return events[start:]
                if delta is not None and (delta.content or delta.reasoning_content or delta.reasoning):
                    text = True
            if chunk.object == "error":
                return events[start:]
            if usage is None and chunk.x_groq is not None:
                usage = chunk.x_groq.get("usage")
            if text and self.content and not reason and usage is None:
                # One more piece of a text.
                self._learn(event)
            elif not self._keep(event, chunk, reason, usage, text):
                return events[start:]
            end = start + len(event) + 2
            if usage is not None and not choices and is_usage_alone(event):
                alone = None if skimmed or alone is None else (*alone, (start, end))
                self.alone = alone
            start = end
        return b""

    def _keep(self, event: bytes, chunk: _Chunk, reason: str | None, usage: Any, text: bool) -> bool:
        """Take an event that tells more than text; return whether there was room for it."""
        self._room -= len(event)
        if not self._places or self._room < 0:
            return False
        self._places -= 1
        self.kept.append(event)
        told = usage is not None and isinstance(usage, dict)
        if not self._begun:
            self.id, self.model = self.id or chunk.id or None, self.model or chunk.model or None
            self._begun = told or bool(chunk.choices)
        if chunk.choices:
            self._chosen = True
        if text and not self.content:
            self.content = True
            self._learn(event)
        if reason and self._reason is None:
            self._reason = _ENDS[reason]
        if told and not (self.usage is not None and is_placeholder(usage)):
            counted = decode_usage(usage, chunk.service_tier)
            if counted is not None:
                self.usage = counted if self.usage is None else self.usage.merged(counted)
        return True

    def _learn(self, event: bytes) -> None:
        if self._tries:
            self._tries -= 1
            self._runs = learned_in_passing(TEXT, event[6:])
