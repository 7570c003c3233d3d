"""Server-sent events on bytes, after the WHATWG HTML standard, section 9.2 (read 2026-11).

Lines end in CR, LF or CRLF and nothing else: U+2028 and NEL are text. A last event without its blank line is used,
because real
vendors send it so.
"""

from __future__ import annotations

import re

import msgspec

from codenex.core.errors import Fault, FaultKind

#: Largest single event that is accepted, in bytes.
EVENT_LIMIT = 64 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class Frame(msgspec.Struct, frozen=True):
    """One event: its name (``message`` is empty here) and its data with lines joined by LF."""

    event: bytes
    data: bytes


class SseDecoder:
    """Turns arbitrarily cut bytes into frames.

    ``feed`` returns the frames completed so far, ``eof`` the one that lacks its blank line. Both raise
    :class:`~codenex.core.errors.Fault` (``upstream``) when an event grows over the limit.
    """

    __slots__ = ("_data", "_event", "_first", "_limit", "_pending", "_scanned", "_size")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._pending = bytearray()
        self._scanned = 0
        self._event = b""
        self._data: list[bytes] = []
        self._size = 0
        self._first = True
        self._limit = limit

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that they complete."""
        pending = self._pending
        pending += data
        if self._first:
            if len(pending) < 3 and _BOM.startswith(bytes(pending)):
                return []
            self._first = False
            if pending.startswith(_BOM):
                del pending[:3]
        frames: list[Frame] = []
        position = 0
        while (match := _LINE_END.search(pending, max(position, self._scanned))) is not None:
            if match.end() == len(pending) and match.group() == b"\r":
                # A CR at the very end may be the first half of CRLF; decide with the next byte.
                break
            self._line(bytes(pending[position : match.start()]), frames)
            position = match.end()
            self._scanned = position
        if position:
            del pending[:position]
        self._scanned = max(0, len(pending) - 1)
        if len(pending) + self._size > self._limit:
            raise Fault(FaultKind.UPSTREAM, f"the upstream sent a single event of more than {self._limit} bytes")
        return frames

    def eof(self) -> list[Frame]:
        """End the stream; return the last frame if its blank line is missing."""
        frames: list[Frame] = []
        if self._pending:
            line = bytes(self._pending)
            self._pending.clear()
            self._line(line.rstrip(b"\r"), frames)
        self._dispatch(frames)
        return frames

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if not line:
            self._dispatch(frames)
            return
        name, separator, value = line.partition(b":")
        if separator and value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._event = value

    def _dispatch(self, frames: list[Frame]) -> None:
        if self._data:
            frames.append(Frame(self._event, b"\n".join(self._data) if len(self._data) > 1 else self._data[0]))
            self._data = []
            self._size = 0
        self._event = b""


def data_event(data: bytes) -> bytes:
    """Format an event without a name."""
    return b"data: %b\n\n" % data


def named_event(name: bytes, data: bytes) -> bytes:
    """Format an event with a name."""
    return b"event: %b\ndata: %b\n\n" % (name, data)


def last_boundary(data: bytes | bytearray) -> int:
    """Return the length of the prefix of ``data`` that ends with a whole event (0 when there is none).

    Recognises LF LF, CR CR and CRLF CRLF. A CR LF CR at the end is not a boundary yet.
    """
    return max(
        data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0,
        data.rfind(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0,
        data.rfind(b"\r\r") + 2 if b"\r\r" in data else 0,
    )
