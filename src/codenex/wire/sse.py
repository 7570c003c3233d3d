"""Server-sent events on bytes, after the WHATWG HTML standard, section 9.2 (read 2026-11).

Lines end in CR, LF or CRLF and nothing else: U+2028 and NEL are text. A last event without its blank line is used,
because real
vendors send it so.
"""

from __future__ import annotations

import re

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.wire.lines import CR, LF

#: Largest single event that is accepted, in bytes.
EVENT_LIMIT = 64 * 1024 * 1024

#: The beginning of an event up to this size is joined with what follows; a larger one is searched in place.
_JOINED = 64 * 1024

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BARE_CR = re.compile(rb"\n\r(?=[^\n])")
_BOM = b"\xef\xbb\xbf"
#: Name of an event whose text stood in a field of its own, ``error: {…}``, as llama.cpp's relatives write it.
ERROR_FIELD = b"error:"


class Frame(msgspec.Struct, frozen=True):
    """One event: its name (``message`` is empty here) and its data with lines joined by LF."""

    event: bytes
    data: bytes


class SseDecoder:
    """Turns arbitrarily cut bytes into frames.

    ``feed`` returns the frames completed so far, and raises :class:`~codenex.core.errors.Fault` (``upstream``) when an
    event grows over the limit. ``eof`` returns the frame that lacks its blank line, of which half may be missing.
    With ``errors`` the field ``error``, which the standard ignores, is an event as well (``ERROR_FIELD``).
    """

    __slots__ = ("_data", "_errors", "_event", "_first", "_limit", "_pending", "_scanned", "_size")

    def __init__(self, limit: int = EVENT_LIMIT, *, errors: bool = False) -> None:
        self._errors = errors
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
        if CR in data:
            data = self._plainer(data)
        if not self._data and not self._event and len(pending) <= _JOINED and CR not in data:
            if not pending:
                if not self._first or (data and data[0] != _BOM[0]):
                    self._first = False
                    return self._plain(data)
            elif not self._first and CR not in pending:
                data = bytes(pending) + data
                pending.clear()
                self._scanned = 0
                return self._plain(data)
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
            raise event_too_large(self._limit)
        return frames

    def some(self, data: bytes, most: int) -> tuple[list[Frame], bytes]:
        """Take bytes as ``feed`` does, but stop after ``most`` events where that is easy; return the frames and the
        bytes that were not taken."""
        if self._first and data and data[0] != _BOM[0] and not self._pending:
            self._first = False
        if self._first or CR in data:
            return self.feed(data), b""
        if self._pending or self._data or self._event:
            # The end of an event that has begun, by itself.
            end = data.find(b"\n\n") + 2
            return (self.feed(data[:end]), data[end:]) if end > 1 else (self.feed(data), b"")
        blocks = data.split(b"\n\n", most)
        if len(blocks) <= most:
            return self._plain(data), b""
        rest = blocks.pop()
        blocks.append(b"")
        return self._framed(blocks), rest

    def joined(self, data: bytes) -> bytes | None:
        """Return bytes that were not taken yet with what waits for its end in front, which is forgotten here; they
        begin with an event. ``None`` where an event is under way of which more is known than its bytes."""
        pending = self._pending
        if self._first:
            if pending or data[0] == _BOM[0]:
                return None
            self._first = False
        if self._data or self._event:
            return None
        if pending:
            if len(pending) > _JOINED:
                return None
            data = bytes(pending) + data
            pending.clear()
            self._scanned = 0
        return self._plainer(data) if CR in data else data

    def _plainer(self, data: bytes) -> bytes:
        """Return bytes with LF for CRLF, which says the same, where no CR stands by itself and none waits."""
        if CR in self._pending or data.count(b"\r") != data.count(b"\r\n"):
            return data
        return data.replace(b"\r\n", b"\n")

    def hold(self, data: bytes) -> bool:
        """Keep the beginning of an event, which ``joined`` gives back; return whether it was kept. Only for what
        ``joined`` has given."""
        if CR in data or len(data) > _JOINED:
            return False
        self._pending += data
        return True

    def _plain(self, data: bytes) -> list[Frame]:
        """Take bytes that begin with an event and have no CR: what nearly all servers send, split in one go."""
        return self._framed(data.split(b"\n\n"))

    def _framed(self, blocks: list[bytes]) -> list[Frame]:
        frames: list[Frame] = []
        rest = blocks.pop()
        for block in blocks:
            if block.startswith(b"data: ") and LF not in block:
                frames.append(Frame(b"", block[6:]))
            else:
                # An empty line more than is needed is a line of its own.
                for line in block.split(b"\n"):
                    self._line(line, frames)
                self._dispatch(frames)
        if rest:
            self._pending += rest
            self._settle(frames)
        return frames

    def _settle(self, frames: list[Frame]) -> None:
        """Take the whole lines of what is left; the last one waits for its end."""
        pending = self._pending
        end = pending.rfind(b"\n") + 1
        if end:
            for line in bytes(pending[: end - 1]).split(b"\n"):
                self._line(line, frames)
            del pending[:end]
        self._scanned = max(0, len(pending) - 1)
        if len(pending) + self._size > self._limit:
            raise event_too_large(self._limit)

    def eof(self) -> list[Frame]:
        """End the stream; return the last frame if its blank line is missing."""
        frames: list[Frame] = []
        if self._pending:
            lines = bytes(self._pending).rstrip(b"\r").split(b"\n")
            self._pending.clear()
            for line in lines:
                self._line(line, frames)
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
        elif name == b"error" and self._errors:
            self._event, self._data = ERROR_FIELD, [value]

    def _dispatch(self, frames: list[Frame]) -> None:
        if self._data:
            frames.append(Frame(self._event, b"\n".join(self._data) if len(self._data) > 1 else self._data[0]))
            self._data = []
            self._size = 0
        self._event = b""


def event_too_large(limit: int = EVENT_LIMIT) -> Fault:
    """Build the fault of an event that grows beyond ``limit`` bytes."""
    return Fault(FaultKind.UPSTREAM, f"the upstream sent a single event of more than {limit} bytes")


def data_event(data: bytes) -> bytes:
    """Format an event without a name."""
    return b"data: %b\n\n" % data


def named_event(name: bytes, data: bytes) -> bytes:
    """Format an event with a name."""
    return b"event: %b\ndata: %b\n\n" % (name, data)


def last_boundary(data: bytes | bytearray, start: int = 0) -> int:
    """Return the length of the prefix of ``data`` that ends with a whole event (0 when there is none).

    A blank line is two line ends in a row, of any kind. A CR LF CR at the end is none yet. Nothing before ``start`` is
    searched.
    """
    found = data.rfind(b"\n\n", start) + 2
    if found == len(data) or CR not in data:
        return found if found > 1 else 0
    crlf, cr = data.rfind(b"\n\r\n", start) + 3, data.rfind(b"\r\r", start) + 2
    best = max(found if found > 1 else 0, crlf if crlf > 2 else 0, cr if cr > 1 else 0)
    # A bare CR for a blank line after an LF, which nobody writes, is looked for behind the others alone.
    bare = None
    for bare in _BARE_CR.finditer(data, max(start, best - 1, 0)):  # noqa: B007 - the last one
        pass
    return best if bare is None else max(best, bare.end())
