"""Heads of answers in the plain form that nearly all servers write, line by line from what came before.

What is read here, httptools' parser reads alike; what it might read in another way, or refuse, is left to it.
"""

from __future__ import annotations

import re
from operator import itemgetter

#: The name of a field.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*")
#: What decides about framing, and about keeping a connection.
_FRAMING = frozenset(("connection", "content-length", "proxy-connection", "trailer", "transfer-encoding", "upgrade"))
_BODILESS = frozenset((204, 304))
#: Digits of a length; a longer one is for the parser to judge.
DIGITS = 15

#: In place of a length: the body comes in chunks.
CHUNKED = -1

_LINES_LIMIT = 1024
_LONGEST_LINE = 128
_LONGEST_NAME = 64
#: A field that has had so many values is no longer remembered: it is a date, an identifier, a length.
_VALUES = 32
#: Fields that may hold what is to be kept to oneself.
SECRET = frozenset(("authentication-info", "location", "set-cookie", "www-authenticate"))


class NotPlain(ValueError):
    """The head is for the parser."""


class _Name:
    """A name of fields, in lower case. ``values`` are those that may still be remembered with it."""

    __slots__ = ("frames", "text", "values")

    def __init__(self, text: str) -> None:
        self.text = text
        self.frames = text in _FRAMING
        self.values = 0 if text in SECRET else _VALUES


class _Names(dict[bytes, _Name]):
    """Names as they are written → what is known of them. Raises :class:`NotPlain`. Bounded in number and length."""

    def __missing__(self, written: bytes) -> _Name:
        if _NAME.fullmatch(written) is None:
            raise NotPlain
        name = _Name(written.decode("ascii").lower())
        if len(self) < _LINES_LIMIT and len(written) <= _LONGEST_NAME:
            self[written] = name
        else:
            name.values = 0
        return name


class _Lines(dict[bytes, tuple[str, str]]):
    """Lines of fields → name in lower case and value. Raises :class:`NotPlain`. Bounded in number and length."""

    def __init__(self) -> None:
        super().__init__()
        self._names = _Names()

    def __missing__(self, line: bytes) -> tuple[str, str]:
        # A token, a colon, one space, printable ASCII that neither begins nor ends with a space. Few steps: dates,
        # identifiers and what is left of a limit come by here with every answer.
        written, _, rest = line.partition(b": ")
        name = self._names[written]
        if not rest.isascii():
            raise NotPlain
        value = rest.decode("ascii")
        if not value or not value.isprintable() or value.strip(" ") != value:
            raise NotPlain
        if name.frames and not _is_plain(name.text, value):
            raise NotPlain
        pair = (name.text, value)
        if name.values and len(line) <= _LONGEST_LINE and len(self) < _LINES_LIMIT:
            name.values -= 1
            self[line] = pair
        return pair


def _is_plain(name: str, value: str) -> bool:
    """Whether a field of the framing leaves no question by itself: a length, chunks, or the word that says what holds
    anyway."""
    if name == "content-length":
        return value.isdigit() and len(value) <= DIGITS
    if name == "transfer-encoding":
        return value == "chunked"
    return name == "connection" and value.lower() == "keep-alive"


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
_pair_of = _lines.__getitem__
_statuses = _Statuses()


def plain_head(head: bytes) -> tuple[int, list[tuple[str, str]], dict[str, str], int]:
    """Read a head, which goes up to its blank line: status, fields, the first value of each by its name, and the length
    of the body behind it, or ``CHUNKED``.

    Raises :class:`NotPlain` for all but HTTP/1.1 with a body that is framed in one of these ways, on a connection that
    is kept.
    """
    first, *lines = head.split(b"\r\n")
    status = _statuses[first]
    headers = [*map(_pair_of, lines)]
    # What concerns framing is plain in each line by itself, or has not come so far.
    fields = dict(headers)
    if len(fields) != len(headers):
        fields = _first_values(headers)
    if "content-length" in fields:
        if "transfer-encoding" in fields:
            raise NotPlain
        return status, headers, fields, int(fields["content-length"])
    if "transfer-encoding" not in fields:
        raise NotPlain
    return status, headers, fields, CHUNKED


def _first_values(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return the first value of each field, where some have several. Raises :class:`NotPlain` where one of those is of
    the framing."""
    names = [*map(itemgetter(0), headers)]
    if names.count("content-length") > 1 or names.count("transfer-encoding") > 1:
        raise NotPlain
    return dict(reversed(headers))
