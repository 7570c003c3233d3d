"""Lines of headers that answers had before. Upstreams send many headers, most of them with the same value each time."""

from __future__ import annotations

from codenex.gateway.exchange import Headers
from codenex.providers.transport.heads import SECRET
from codenex.wire.head import header_lines

_LIMIT = 1024
_LONGEST = 128
#: A header that has had so many values is no longer remembered: it is a date, an identifier, a number.
_VALUES = 32


class HeaderMemory:
    """Formats headers as :func:`~codenex.wire.head.header_lines` does. Bounded in number and length, and never has what
    is to be kept to oneself."""

    __slots__ = ("_counts", "_lines", "_varied", "_without")

    def __init__(self, without: frozenset[str]) -> None:
        self._without = without
        self._lines: dict[tuple[str, str], str] = {}
        #: names → how many of their values are remembered
        self._counts: dict[str, int] = {}
        #: names that are valid, none of those that are left out, and not to be remembered
        self._varied: set[str] = set()

    def lines_of(self, headers: Headers) -> str:
        """Format headers as lines. Raises :class:`~codenex.wire.head.HeaderInvalid`."""
        lines, varied = self._lines, self._varied
        text = values = ""
        for pair in headers:
            if pair in lines:
                text += lines[pair]
            elif pair[0] in varied:
                name, value = pair
                text += f"{name}: {value}\r\n"
                values += value
            else:
                text += self._learned(pair)
        if "\r" in values or "\n" in values or "\0" in values:
            return header_lines(headers, self._without)
        return text

    def _learned(self, pair: tuple[str, str]) -> str:
        line = header_lines((pair,), self._without)
        name, value = pair
        count = self._counts.get(name, 0)
        if count < _VALUES and len(name) + len(value) <= _LONGEST and name not in SECRET and len(self._lines) < _LIMIT:
            self._lines[pair] = line
            self._counts[name] = count + 1
        elif line and len(self._varied) < _LIMIT:
            self._varied.add(name)
        return line
