"""Where a log's lines go: a file descriptor, written by whichever thread may wait for it.

Nothing is buffered, so that an interpreter that ends has nothing to flush to a reader that has stopped.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

#: Bytes that the kernel never mixes with those of another process that writes to the same pipe (pipe(7)).
_WHOLE = select.PIPE_BUF


class Outlet:
    """Writes whole lines of UTF-8 to ``descriptor``; lines of several processes at the same pipe don't mix."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        """Write lines, each with its end. Waits for the reader. Raises :class:`OSError`, and what was not written
        until then is lost."""
        self.write_bytes(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def write_bytes(self, lines: bytes) -> None:
        """Do the same with bytes."""
        for piece in pieces(lines):
            while piece:
                piece = piece[os.write(self._descriptor, piece) :]

    def flush(self) -> None:
        """Do nothing: nothing is held."""


def pieces(lines: bytes) -> Iterator[bytes]:
    """Cut after lines into pieces that are written whole; a line that is longer than that is a piece of its own."""
    start = 0
    while start < len(lines):
        end = start + _WHOLE
        if end < len(lines):
            end = lines.rfind(b"\n", start, end) + 1 or lines.find(b"\n", end) + 1 or len(lines)
        yield lines[start:end]
        start = end
