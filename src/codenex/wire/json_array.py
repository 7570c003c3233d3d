"""A JSON array that arrives piece by piece, as Gemini streams without ``alt=sse``: bytes to elements."""

from __future__ import annotations

import re

from codenex.core.errors import Fault, FaultKind
from codenex.wire.sse import EVENT_LIMIT

_QUOTE, _BACKSLASH = 0x22, 0x5C
_OPEN = frozenset(b"{[")
_OUTSIDE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')


class JsonArrayDecoder:
    """Turns arbitrarily cut bytes of ``[{…},{…}]`` into the bytes of its elements.

    A body that is a single object is one element. Raises :class:`~codenex.core.errors.Fault` (``upstream``) on an
    oversize element.
    """

    __slots__ = ("_buffer", "_depth", "_in_array", "_in_string", "_limit", "_position", "_skip", "_start")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._start = -1
        self._depth = 0
        self._in_string = False
        self._skip = False
        self._in_array = False
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the elements that they complete."""
        buffer = self._buffer
        buffer += data
        elements: list[bytes] = []
        position, start, depth = self._position, self._start, self._depth
        while True:
            match = (_IN_STRING if self._in_string else _OUTSIDE).search(buffer, position + self._skip)
            if match is None:
                # The byte behind a backslash may be still to come.
                self._skip = position + self._skip > len(buffer)
                position = len(buffer)
                break
            self._skip = False
            position = match.end()
            byte = buffer[position - 1]
            if byte == _BACKSLASH:
                self._skip = True
            elif byte == _QUOTE:
                self._in_string = not self._in_string
            elif byte in _OPEN:
                if depth == 0 and byte == 0x5B and not self._in_array:
                    self._in_array = True
                else:
                    if depth == 0:
                        start = position - 1
                    depth += 1
            elif depth > 0:
                depth -= 1
                if depth == 0:
                    elements.append(bytes(buffer[start:position]))
                    start = -1
        keep = start if start >= 0 else position
        del buffer[:keep]
        self._position, self._start, self._depth = position - keep, (0 if start >= 0 else -1), depth
        if len(buffer) > self._limit:
            raise Fault(FaultKind.UPSTREAM, f"the upstream sent a single element of more than {self._limit} bytes")
        return elements

    @property
    def open(self) -> bool:
        """Whether an element has begun and not ended."""
        return self._start >= 0


def is_cut(body: bytes | bytearray) -> bool:
    """Whether a JSON object or array ends in the middle. Only brackets and strings are looked at."""
    decoder = JsonArrayDecoder(len(body))
    decoder.feed(bytes(body))
    return decoder.open or (body.lstrip()[:1] == b"[" and body.rstrip()[-1:] != b"]")
