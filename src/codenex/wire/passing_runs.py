"""Runs of events that pass through as they are: of them nobody needs to know more than where they end.

Their form is that of runs that are translated (``text_runs``); what is left out is the texts.
"""

from __future__ import annotations

from operator import itemgetter

import msgspec

from codenex.wire.lines import lines_from
from codenex.wire.text_runs import Form

_decode_text = msgspec.json.Decoder(str).decode

#: A text that no vendor sends, as JSON writes it and as it is.
_PROBE, _PROBED = b"\\u0001?\\n", "\x01?\n"

#: Events at the end of a read that may be others without a look at each of the rest.
_LAST = 4


class PassingRuns:
    """Events of one form. ``before`` and ``behind`` are the bytes around the string, the blank line included;
    ``padded`` says that there is padding in ``behind`` that was left out."""

    __slots__ = (
        "_before",
        "_behind",
        "_between",
        "_first",
        "_form",
        "_last",
        "_line",
        "_padded",
        "_size",
        "_stride",
        "_tail",
        "_text",
        "_two",
    )

    def __init__(self, form: Form, before: bytes, behind: bytes, *, padded: bool) -> None:
        self._form = form
        self._before = before
        self._behind = behind
        self._padded = padded
        self._size, self._tail = len(before), len(behind)
        self._between = behind + before
        #: which line of an event the string stands in, how many lines there are with the blank one, and how the line
        #: begins and ends
        self._first = before.count(b"\n")
        self._stride = self._first + 2
        self._line, self._last = before[before.rfind(b"\n") + 1 :], behind[:-1]
        self._text = itemgetter(slice(len(self._line), -len(self._last)))
        #: what is shorter is no two events
        self._two = 2 * (self._size + self._tail)

    def end(self, data: bytes, start: int) -> int:
        """Return where the run ends that whole events begin with at ``start``: there, where it is none."""
        before, behind, size = self._before, self._behind, self._size
        if not data.startswith(before, start):
            return start
        end = len(data)
        if end - start < self._two and data.endswith(behind):
            # One event, which is what most reads bring.
            # As _is_text does, with the quotes that are there.
            try:
                _decode_text(data[start + size - 1 : end - self._tail + 1])
            except (msgspec.DecodeError, UnicodeError):
                return start
            return end
        block, at = data, start
        if self._padded:
            end = data.find(b"\n\n", data.rfind(before, start)) + 2
            block, at = self._form.padding.sub(b"", data[start:end]), 0
        # Lines are what is found fast. Whether they are those of a run is seen when all are put together again.
        lines, first, last = lines_from(block, at)[self._first :: self._stride], self._line, self._last
        size, tail = len(first), -len(last)
        for _ in range(_LAST):
            # Where others stand, they mostly stand at the end.
            if not lines or (lines[-1][:size] == first and lines[-1][tail:] == last):
                break
            del lines[-1]
        texts = [*map(self._text, lines)]
        end = self._end_of(block, at, texts)
        if not end:
            alike = (line == first + text + last for line, text in zip(lines, texts, strict=True))
            del texts[next((place for place, one in enumerate(alike) if not one), len(texts)) :]
            end = self._end_of(block, at, texts)
        # A space between two texts: where one ends in half of a character or of an escape, the other can't make it
        # whole.
        if not end or not _is_text(b" ".join(texts)):
            return start
        if not self._padded:
            return end
        for _ in texts:
            start = data.find(b"\n\n", start) + 2
        return start

    def _end_of(self, block: bytes, at: int, texts: list[bytes]) -> int:
        """Return the end of the events with these texts, where they stand at ``at``, which is where one begins; 0 where
        they don't."""
        inside = self._between.join(texts)
        at += self._size
        end = at + len(inside)
        if not texts or not block.startswith(inside, at) or not block.startswith(self._behind, end):
            return 0
        return end + self._tail


def _is_text(inside: bytes) -> bool:
    """Whether JSON could have this between the quotes of a string: none of its texts has an end of the string in it."""
    try:
        _decode_text(b'"%b"' % inside)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


def learned_in_passing(form: Form, data: bytes, lead: bytes = b"data: ") -> PassingRuns | None:
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
    return PassingRuns(form, lead + before, behind, padded=behind is not after)
