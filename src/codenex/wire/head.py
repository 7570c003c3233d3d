"""Header lines of HTTP/1.1: names and values to text, refusing what would break the framing."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: Names that were found valid, so that each is matched once. Bounded, since relayed names come from outside.
_valid_names: set[str] = set()
_VALID_NAMES_LIMIT = 2048


#: Received names by their bytes, so that each spelling is decoded once.
known_names: dict[bytes, str] = {}
_NAMES_LIMIT = 4096


def header_name(raw: bytes) -> str:
    """Return a received header name in lower case."""
    name = known_names.get(raw)
    if name is None:
        name = raw.decode("latin-1").lower()
        if len(known_names) < _NAMES_LIMIT:
            known_names[raw] = name
    return name


class RepeatedHeaders(list[tuple[str, str]]):
    """Headers that many answers have in common and nobody changes: who formats them may keep the ``lines`` here."""

    __slots__ = ("lines",)

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__(headers)
        self.lines: str | None = None


class HeaderInvalid(ValueError):
    """A header name or value that can't be sent. The message has the name, never the value."""


def _check_name(name: str) -> None:
    if _TOKEN.fullmatch(name) is None:
        raise HeaderInvalid(f"invalid header name {name[:64]!r}")
    if len(_valid_names) < _VALID_NAMES_LIMIT:
        _valid_names.add(name)


def header_lines(headers: Iterable[tuple[str, str]], without: frozenset[str] | set[str] = frozenset()) -> str:
    """Format headers as lines, each ended by CRLF, leaving out the (lower-case) names in ``without``.

    Raises :class:`HeaderInvalid` for a name that is no token and for CR, LF or NUL in a value.
    """
    text = values = ""
    for name, value in headers:
        if name in without:
            continue
        if name not in _valid_names:
            if name.lower() in without:
                continue
            _check_name(name)
        text += f"{name}: {value}\r\n"
        values += value
    # All values together, by few scans in C.
    if "\r" in values or "\n" in values or "\0" in values:
        for name, value in headers:
            if "\r" in value or "\n" in value or "\0" in value:
                raise HeaderInvalid(f"control characters in the value of header {name}")
    return text
