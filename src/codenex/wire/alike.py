"""Events that came one by one and differ in one JSON string alone, where all of a stream is there.

They are found as runs are (``text_runs``), with less to do: nobody has to look for where an event begins.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import msgspec

from codenex.wire.lines import LF

_decode_text = msgspec.json.Decoder(str).decode
_BACKSLASH, _QUOTE, _COLONS = ord("\\"), b'"', (b":", b": ")

#: Events at the end that may be others.
_LAST = 4


class Alike(NamedTuple):
    """``texts`` are the strings as JSON writes them between their quotes; ``end`` is where the events end."""

    texts: list[bytes]
    end: int


def alike(events: list[bytes], first: int, field: bytes, text: str, whole: bytes, start: int) -> Alike | None:
    """Return the strings of the events from ``events[first]`` on, which brings ``text`` in a ``field`` (a JSON name
    with its quotes) and begins at ``start`` in ``whole``, all bytes of the stream. ``None`` where there are others
    among them, but for a few at the end, or where it isn't sure."""
    event, written = events[first], text.encode()
    place = event.find(field)
    begin = event.find(_QUOTE, place + len(field)) + 1
    end = begin + len(written)
    # With one such name in it, and no escapes, this is where the text stands that the event has been found to bring.
    if (
        place < 0
        or _BACKSLASH in event
        or event[begin : end + 1] != written + _QUOTE
        or event[place + len(field) : begin - 1] not in _COLONS
        or event.find(field, end) >= 0
    ):
        return None
    before, behind = event[:begin], event[end:]
    last = len(events) - 1
    while not events[last].endswith(behind) and len(events) - last <= _LAST:
        last -= 1
    last += 1
    texts = [*map(itemgetter(slice(begin, -len(behind))), events[first:last])]
    inside = (behind + before).join(texts)
    at = start + begin
    end = at + len(inside)
    if not whole.startswith(inside, at) or not whole.startswith(behind, end):
        return None
    try:
        # A space between two of them: where one ends in half of a character or of an escape, the other can't make it
        # whole.
        _decode_text(b'"%b"' % b" ".join(texts))
    except (msgspec.DecodeError, UnicodeError):
        return None
    return Alike(texts if all(texts) else [text for text in texts if text], end + len(behind))


def one_line(event: bytes, lead: int) -> bytes:
    """Return the data of an event that begins with so many other bytes; nothing where they have several lines."""
    data = event[lead:-2]
    return b"" if LF in data or event[-2:] != b"\n\n" else data
