"""Runs: what most of a stream is, events that follow each other and differ in one JSON string alone.

A run is found by its bytes: what stands before and behind the string is learned from one event, the strings of all
others come from their lines, and one decode checks them. No event of it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter

import msgspec

from codenex.wire.lines import lines_from

_decode_text = msgspec.json.Decoder(str).decode

#: Events from which a form is learned without any run that follows, and how many of them one counts for that has none.
LESSONS, FAILED_LESSON = 32, 8
#: Events from which a form was to be learned, after which a listener tries no more.
TRIES = 4

#: A text that no vendor sends, as JSON writes it and as it is.
_PROBE, _PROBED = b"\\u0001?\\n", "\x01?\n"
#: Events at the end of a piece of the stream that may be others without a look at each of the rest.
_LAST = 4
_BACKSLASH = ord("\\")
_STRING = rb'"%b": ?"([^"\\]*(?:\\.[^"\\]*)*)"'


class Form:
    """How a protocol's events with text look. ``field`` holds the string; ``text_of`` tells what text the data of an
    event bring, ``None`` where they bring anything else. ``padding`` is what vendors put in to hide the length of a
    text, where ``padded`` stands."""

    __slots__ = ("padded", "padding", "string", "text_of")

    def __init__(
        self,
        field: bytes,
        text_of: Callable[[bytes], str | None],
        padded: bytes,
        padding: bytes,
    ) -> None:
        self.text_of = text_of
        self.string = re.compile(_STRING % field)
        self.padded = padded
        self.padding = re.compile(padding)


class Run(msgspec.Struct):
    """Events in a row that go on with one text: what they say together, each of their strings as JSON wrote it (none
    is empty), and the bytes that they stand in with where they end there."""

    text: str
    pieces: list[bytes]
    data: bytes
    end: int


class TextRuns:
    """Events of one form. ``before`` and ``behind`` are the bytes around the string, the blank line included;
    ``padded`` says that padding has to be left out."""

    __slots__ = (
        "_behind",
        "_between",
        "_end",
        "_first",
        "_form",
        "_head",
        "_last",
        "_line",
        "_lines",
        "_piece",
        "_tail",
        "_two",
        "before",
        "padded",
        "size",
    )

    def __init__(self, form: Form, before: bytes, behind: bytes, *, padded: bool) -> None:
        self._form = form
        self.before = before
        self.size = len(before)
        self._behind = behind
        self._end = -len(behind)
        self._between = behind + before
        self.padded = padded
        #: what is shorter is no two events
        self._two = 2 * len(self._between)
        # Of the lines of an event, the one with the string, and what stands around that in it.
        self._line, self._lines = before.count(b"\n"), self._between.count(b"\n")
        self._first = before[before.rfind(b"\n") + 1 :]
        self._last = behind[: behind.find(b"\n") + 1]
        self._head, self._tail = len(self._first), -len(self._last)
        self._piece = itemgetter(slice(self._head, self._tail))

    def one(self, data: bytes) -> tuple[str, bytes] | None:
        """Return the text of ``data`` where they are one event, as events come where nothing hurries, and the text's
        JSON between its quotes; ``None`` for anything else."""
        if data[: self.size] != self.before:
            return None
        if self.padded:
            data = self._form.padding.sub(b"", data)
        if data[self._end :] != self._behind or len(data) >= self._two:
            return None
        piece = data[self.size : self._end]
        try:
            # A quote within the text would end the string too soon.
            return _decode_text(b'"%b"' % piece), piece
        except (msgspec.DecodeError, UnicodeError):
            return None

    def take(self, data: bytes, start: int) -> Run | None:
        """Return the run that ``data``, whole events and the beginning of one, has at ``start``; ``None`` for no
        run."""
        before, behind, between = self.before, self._behind, self._between
        if not data.startswith(before, start):
            return None
        if self.padded and self._form.padded in data:
            data, start = self._form.padding.sub(b"", data[start:] if start else data), 0
        # Lines are what is found fast. Whether they are those of a run is seen when all are put together again.
        lines = lines_from(data, start)
        whole = len(lines) if data[-1:] == b"\n" else len(lines) - 1
        lines = lines[self._line : whole // self._lines * self._lines : self._lines]
        first, last, head, tail = self._first, self._last, self._head, self._tail
        for _ in range(_LAST):
            # Where others stand, they mostly stand at the end.
            if not lines or (lines[-1][:head] == first and lines[-1][tail:] == last):
                break
            del lines[-1]
        pieces = [*map(self._piece, lines)]
        start += self.size
        inside = between.join(pieces)
        end = start + len(inside)
        if not pieces or not data.startswith(inside, start) or not data.startswith(behind, end):
            del pieces[self._alike(lines) :]
            inside = between.join(pieces)
            end = start + len(inside)
            if not pieces or not data.startswith(inside, start) or not data.startswith(behind, end):
                return None
        inside = b"".join(pieces)
        try:
            if _BACKSLASH in inside or not inside.isascii():
                # A space between two of them: where one ends in half of a character or of an escape, the other can't
                # make it whole.
                _decode_text(b'"%b"' % b" ".join(pieces))
            text = _decode_text(b'"%b"' % inside)
        except (msgspec.DecodeError, UnicodeError):
            return None
        if not all(pieces):
            pieces = [piece for piece in pieces if piece]
        return Run(text, pieces, data, end + len(behind))

    def _alike(self, lines: list[bytes]) -> int:
        """Return how many of the lines, from the first one on, are those of a run."""
        first, last, head, tail = self._first, self._last, self._head, self._tail
        for place, line in enumerate(lines):
            if line[:head] != first or line[tail:] != last or len(line) < head - tail:
                return place
        return len(lines)


def learned(form: Form, data: bytes, lead: bytes = b"data: ") -> TextRuns | None:
    """Return the events that differ from one with these data in the text alone, and have the same ``lead`` before the
    data; ``None`` where that isn't sure."""
    found = form.string.search(data)
    if found is None:
        return None
    start, end = found.span(1)
    before, after = data[:start], data[end:] + b"\n\n"
    behind = form.padding.sub(b"", after) if form.padded in after else after
    if form.text_of(before + _PROBE + behind) != _PROBED:
        return None
    return TextRuns(form, lead + before, behind, padded=behind is not after)
