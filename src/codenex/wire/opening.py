"""The beginning of a body of which it is not known yet what it is: an event stream, JSON, or a page."""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"


class Opening:
    """Passes over a byte order mark and white space, however they are cut, and shows the first byte behind them."""

    __slots__ = ("_seen", "first")

    def __init__(self) -> None:
        self._seen = b""
        #: the first byte that says something; empty while none has come
        self.first = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return those from the first one that says something on."""
        if self.first:
            return data
        seen = self._seen + data
        if _BOM.startswith(seen):
            self._seen = seen
            return b""
        rest = seen.removeprefix(_BOM).lstrip(_BLANK)
        # White space that is over needs no memory, but a mark can't follow it.
        self._seen = b" "
        self.first = rest[:1]
        return rest
