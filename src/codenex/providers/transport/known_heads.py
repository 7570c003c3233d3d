"""Heads of answers that came before, but for the length of the body.

Servers of one's own write the same head until the second of its date is over. Those that put an identifier into each
are soon no longer looked at in this way.
"""

from __future__ import annotations

import re
from typing import Any

from codenex.providers.transport.heads import DIGITS, SECRET

#: Longer heads are read each time.
_LONGEST = 4096
#: Heads of an origin, none of which has come again, after which no more are remembered.
PATIENCE = 8
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)(?:\r\n|$)", re.IGNORECASE)


class KnownHead:
    """A plain head of status 200 by its bytes around the digits of its length, and what was read of them.

    Other digits between the same bytes make the same head with another length. ``memory`` is for what the consumer
    derives from such a head.
    """

    __slots__ = ("after", "after_size", "before", "before_size", "digits", "fields", "headers", "memory")

    def __init__(self, before: bytes, after: bytes, headers: list[tuple[str, str]]) -> None:
        self.before, self.before_size = before, len(before)
        self.after, self.after_size = after, len(after)
        #: how many digits the last length had
        self.digits = 0
        #: without the length
        self.headers = [pair for pair in headers if pair[0] != "content-length"]
        self.fields = dict(reversed(self.headers))
        self.memory: Any = None

    def body_in(self, data: bytes) -> bytes | None:
        """Return the body of an answer that begins as this head does, where its head is this one and all of it is
        there, and nothing more."""
        start = self.before_size
        if data[:start] != self.before:
            return None
        # Lengths of answers mostly have as many digits as the last one had. To look for all that follows takes longer
        # than to find the end of the line and to compare.
        end = start + self.digits
        rest = end + self.after_size
        if data[end:rest] != self.after:
            end = data.find(b"\r", start, start + DIGITS + 1)
            rest = end + self.after_size
            if end < 0 or data[end:rest] != self.after:
                return None
            self.digits = end - start
        digits, body = data[start:end], data[rest:]
        return body if digits.isdigit() and len(body) == int(digits) else None


class LastHead:
    """The last head of an origin's answers that is worth remembering. All connections to the origin share it."""

    __slots__ = ("known", "patience")

    def __init__(self) -> None:
        self.known: KnownHead | None = None
        #: Heads that may still be remembered without one that comes again.
        self.patience = PATIENCE

    def be_patient(self) -> None:
        """Remember heads again, for a while."""
        self.patience = PATIENCE

    def learn(self, head: bytes, headers: list[tuple[str, str]], fields: dict[str, str]) -> KnownHead | None:
        """Remember and return a plain head of status 200, which goes up to its blank line and states a length; ``None``
        for one that is not to be remembered."""
        self.patience -= 1
        found = _LENGTH.search(head)
        if found is None or len(head) > _LONGEST or not SECRET.isdisjoint(fields):
            return None
        self.known = known = KnownHead(head[: found.start(1)], head[found.end(1) :] + b"\r\n\r\n", headers)
        return known
