"""Runs of events that pass through as they are: of them nobody needs to know more than where they end.

Their form is that of runs that are translated (``text_runs``); what is left out is the texts.
"""

from __future__ import annotations

from itertools import repeat

import msgspec

from codenex.wire.text_runs import Form

_decode_text = msgspec.json.Decoder(str).decode

#: A text that no vendor sends, as JSON writes it and as it is.
_PROBE, _PROBED = b"\\u0001?\\n", "\x01?\n"

_remove_prefix = bytes.removeprefix


class PassingRuns:
    """Events of one form. ``before`` and ``behind`` are the bytes around the string, the blank line included;
    ``padded`` says that there is padding in ``behind`` that was left out."""

    __slots__ = ("_before", "_behind", "_form", "_padded", "_size", "_tail", "_two")

    def __init__(self, form: Form, before: bytes, behind: bytes, *, padded: bool) -> None:
        self._form = form
        self._before = before
        self._behind = behind
        self._padded = padded
        self._size, self._tail = len(before), len(behind)
        #: what is shorter is no two events
        self._two = 2 * (self._size + self._tail)

    def end(self, data: bytes, start: int) -> int:
        """Return where the run ends that whole events begin with at ``start``: there, where it is none."""
        before, behind, size = self._before, self._behind, self._size
        if not data.startswith(before, start):
            return start
        block, end = data, len(data)
        if end - start < self._two and data.endswith(behind):
            # One event, which is what most reads bring.
            # As _is_text does.
            try:
                _decode_text(b'"%b"' % data[start + size : end - self._tail])
            except (msgspec.DecodeError, UnicodeError):
                return start
            return end
        if self._padded:
            end = data.find(b"\n\n", data.rfind(before, start)) + 2
            block = self._form.padding.sub(b"", data[start:end])
        elif start:
            block = data[start:]
        # Split where events end: bytes looks for something longer in a slow way, anew for each piece.
        ended = block.split(behind)
        rest = len(ended.pop())
        count = len(ended)
        # A space between two texts: where one ends in half of a character or of an escape, the other can't make it
        # whole.
        texts = b" ".join(map(_remove_prefix, ended, repeat(before)))
        if len(texts) != len(block) - rest - count * (size + self._tail) + count - 1:
            # Something else stands between the events.
            count = next((place for place, event in enumerate(ended) if event[:size] != before), count)
            texts = b" ".join([event[size:] for event in ended[:count]])
        elif not rest or not self._padded:
            return end - rest if _is_text(texts) else start
        if not _is_text(texts):
            return start
        for _ in range(count):
            start = data.find(b"\n\n", start) + 2
        return start


def _is_text(inside: bytes) -> bool:
    """Whether JSON could have this between the quotes of a string: none of its texts has an end of the string in it."""
    try:
        _decode_text(b'"%b"' % inside)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True


def learned_in_passing(form: Form, data: bytes) -> PassingRuns | None:
    """Return the events that differ from one with these data in the text alone; ``None`` where that isn't sure."""
    found = form.string.search(data)
    if found is None:
        return None
    start, end = found.span(1)
    before, after = data[:start], data[end:] + b"\n\n"
    behind = form.padding.sub(b"", after)
    if form.text_of(before + _PROBE + behind) != _PROBED:
        return None
    return PassingRuns(form, b"data: " + before, behind, padded=behind is not after)
