"""Heads of answers in the plain form that nearly all servers write, line by line from what came before.

What is read here, httptools' parser reads alike; what it might read in another way, or refuse, is left to it.
"""

from __future__ import annotations

import re

#: One field: a token, a colon, one space, printable ASCII that neither begins nor ends with a space.
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([!-~](?:[ -~]*[!-~])?)")
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*")
#: What decides about framing and keeping. All but a length, chunks, and the word that says what holds anyway, is left
#: to the parser.
_FRAMING = frozenset(("connection", "content-length", "proxy-connection", "trailer", "transfer-encoding", "upgrade"))
_BODILESS = frozenset((204, 304))
_DIGITS = 15

#: In place of a length: the body comes in chunks.
CHUNKED = -1
_UNKNOWN = -2

_LINES_LIMIT = 1024
_LONGEST_LINE = 128
#: A field that has had so many values is no longer remembered: it is a date, an identifier, a length.
_VALUES = 32
#: Fields that may hold what is to be kept to oneself.
_SECRET = frozenset(("authentication-info", "location", "set-cookie", "www-authenticate"))


class NotPlain(ValueError):
    """The head is for the parser."""


class _Lines(dict[bytes, tuple[str, str]]):
    """Lines of fields → name in lower case and value. Raises :class:`NotPlain`. Bounded in number and length."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, int] = {}

    def __missing__(self, line: bytes) -> tuple[str, str]:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise NotPlain
        pair = found[1].decode("ascii").lower(), found[2].decode("ascii")
        if len(line) <= _LONGEST_LINE and len(self) < _LINES_LIMIT and pair[0] not in _SECRET:
            count = self._values.get(pair[0], 0)
            if count < _VALUES:
                self._values[pair[0]] = count + 1
                self[line] = pair
        return pair


class _Statuses(dict[bytes, int]):
    """Status lines → status of an answer that has a body. Raises :class:`NotPlain`."""

    def __missing__(self, line: bytes) -> int:
        found = _STATUS.fullmatch(line)
        if found is None or (status := int(found[1])) in _BODILESS:
            raise NotPlain
        if len(self) < _LINES_LIMIT and len(line) <= _LONGEST_LINE:
            self[line] = status
        return status


_lines = _Lines()
_statuses = _Statuses()


def plain_head(head: bytes) -> tuple[int, list[tuple[str, str]], int]:
    """Read a head, which goes up to its blank line: status, fields, and the length of the body behind it, or
    ``CHUNKED``.

    Raises :class:`NotPlain` for all but HTTP/1.1 with a body that is framed in one of these ways, on a connection that
    is kept.
    """
    first, *lines = head.split(b"\r\n")
    status = _statuses[first]
    headers = [*map(_lines.__getitem__, lines)]
    length = _UNKNOWN
    for name, value in headers:
        if name in _FRAMING:
            if name == "content-length" and length == _UNKNOWN and value.isdigit() and len(value) <= _DIGITS:
                length = int(value)
            elif name == "transfer-encoding" and length == _UNKNOWN and value == "chunked":
                length = CHUNKED
            elif name != "connection" or (value != "keep-alive" and value.lower() != "keep-alive"):
                raise NotPlain
    if length == _UNKNOWN:
        raise NotPlain
    return status, headers, length
