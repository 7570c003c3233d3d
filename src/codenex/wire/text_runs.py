"""Runs: what most of a stream is, events that follow each other and differ in one JSON string alone.

A run is found by its bytes: what stands before and behind the string is learned from one event, the strings of all
others come from one split, and one decode checks them. No event of it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from codenex.wire.sse import Frame, SseDecoder

_decode_texts = msgspec.json.Decoder(list[str]).decode

#: Events that are taken one by one before a run is looked for again, and the factor by which they become more where
#: none is found.
FEW, MORE = 2, 4
#: Events from which a form was to be learned, after which no more are tried.
TRIES = 4

#: A text that no vendor sends, as JSON writes it and as it is.
_PROBE, _PROBED = b"\\u0001?\\n", "\x01?\n"
_STRING = rb'"%b": ?"((?:[^"\\]|\\.)*)"'


class Form:
    """How a protocol's events with text look. ``name`` stands in the stream before their ``data``, ``field`` holds the
    string; ``text_of`` tells what text the data of an event bring, ``None`` where they bring anything else. ``padding``
    is what vendors put in to hide the length of a text, where ``padded`` stands."""

    __slots__ = ("name", "padded", "padding", "string", "text_of")

    def __init__(
        self,
        field: bytes,
        text_of: Callable[[bytes], str | None],
        padded: bytes,
        padding: bytes,
        name: bytes = b"",
    ) -> None:
        self.name = name
        self.text_of = text_of
        self.string = re.compile(_STRING % field)
        self.padded = padded
        self.padding = re.compile(padding)


class Run:
    """Events in a row that go on with one text: what they say together, and each of their strings as JSON wrote it."""

    __slots__ = ("pieces", "rest", "text")

    def __init__(self, text: str, pieces: list[bytes], rest: bytes) -> None:
        self.text = text
        self.pieces = pieces
        #: the bytes behind the run
        self.rest = rest


class TextRuns:
    """Events of one form. ``before`` and ``behind`` are the bytes around the string, the blank line included."""

    __slots__ = ("_before", "_behind", "_form")

    def __init__(self, form: Form, before: bytes, behind: bytes) -> None:
        self._form = form
        self._before = before
        self._behind = behind

    def take(self, data: bytes) -> Run | None:
        """Return the run that ``data``, whole events and the beginning of one, starts with; ``None`` for no run."""
        before, behind = self._before, self._behind
        if not data.startswith(before):
            return None
        if self._form.padded in data:
            data = self._form.padding.sub(b"", data)
        # Split where events end: bytes looks for something longer in a slow way, anew for each piece.
        ended = data.split(behind)
        rest, size = ended.pop(), len(before)
        pieces = [event[size:] for event in ended if event[:size] == before]
        if len(pieces) != len(ended):
            others = next(place for place, event in enumerate(ended) if event[:size] != before)
            del pieces[others:]
            rest = behind.join([*ended[others:], rest])
        if not pieces:
            return None
        inside = b'","'.join(pieces)
        # Behind a backslash the quotes between two strings could be a part of them. Elsewhere a quote too many in one
        # of them makes a string too many.
        if b'\\","' in inside:
            return None
        try:
            texts = _decode_texts(b'["%b"]' % inside)
        except (msgspec.DecodeError, UnicodeError):
            return None
        if len(texts) != len(pieces):
            return None
        if b"" in pieces:
            pieces = [piece for piece in pieces if piece]
        return Run("".join(texts), pieces, rest)


def learned(form: Form, data: bytes) -> TextRuns | None:
    """Return the events that differ from one with these data in the text alone; ``None`` where that isn't sure."""
    found = form.string.search(data)
    if found is None:
        return None
    before, behind = data[: found.start(1)], form.padding.sub(b"", data[found.end(1) :] + b"\n\n")
    if form.text_of(before + _PROBE + behind) != _PROBED:
        return None
    return TextRuns(form, b"%bdata: %b" % (form.name, before), behind)


class RunDecoder:
    """The part of a stream decoder that takes runs of text at once and what stands between them event by event."""

    def __init__(self, form: Form, frames: SseDecoder) -> None:
        self._form = form
        self._frames = frames
        #: the form of the events that go on with the text that is open, once one has been seen
        self._runs: TextRuns | None = None
        self._tries = TRIES

    @property
    def done(self) -> bool:
        """Whether the answer has ended."""
        raise NotImplementedError

    def _is_plain(self) -> bool:
        """Whether an event of the form goes on with the text that is open, and does nothing else."""
        raise NotImplementedError

    def _take_run(self, run: Run) -> None:
        raise NotImplementedError

    def _take(self, frames: list[Frame]) -> None:
        """Take events of any form."""
        raise NotImplementedError

    def _events(self, data: bytes) -> None:
        """Take a piece of the stream. Raises :class:`~codenex.core.errors.Fault` where an event is too large."""
        step = FEW
        while data and not self.done:
            if self._runs is not None and self._is_plain():
                data = self._frames.reclaimed(data)
                run = self._runs.take(data)
                if run is not None:
                    self._take_run(run)
                    data, step = run.rest, FEW
                    continue
            frames, data = self._frames.some(data, step)
            self._take(frames)
            step *= MORE

    def _learn(self, data: bytes) -> None:
        """Learn the form from an event that may have it, when it has been taken."""
        if self._tries and self._is_plain():
            self._runs = learned(self._form, data)
            if self._runs is None:
                self._tries -= 1
