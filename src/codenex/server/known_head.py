"""Request heads that a connection has brought before: a client that keeps its connection sends the same one again and
again, but for the length of its body."""

from __future__ import annotations

import re

from codenex.gateway.exchange import Headers, Repetition
from codenex.server.exchange import EdgeExchange

#: Longer heads are parsed each time.
_LONGEST = 8 * 1024
#: Digits of a length; a longer one is for the parser to judge.
DIGITS = 15
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class KnownHead(Repetition):
    """A head by its bytes around the digits of its one ``content-length``, and what the parser has made of them.

    The parser looks at the digits alone where they stand, so that other digits between the same bytes make the same
    head with another length.
    """

    __slots__ = (
        "_headers",
        "_place",
        "after",
        "after_size",
        "before",
        "before_size",
        "form",
        "method",
        "path",
        "peer",
        "query",
        "scheme",
        "size",
    )

    def __init__(self, before: bytes, after: bytes, exchange: EdgeExchange) -> None:
        super().__init__()
        self.before, self.before_size = before, len(before)
        self.after, self.after_size = after, len(after)
        self.method = exchange.method
        self.path = exchange.path
        self.query = exchange.query
        self.peer = exchange.peer
        self.scheme = exchange.scheme
        self.form = exchange.form
        #: bytes of the whole head, with as many digits as there were the last time
        self.size = len(before) + len(f"{exchange.length}") + len(after)
        #: with the length of the request that they came with, which stands at this place
        self._headers: Headers = [*exchange.headers]
        self._place = [name for name, _ in exchange.headers].index("content-length")

    def headers_with(self, length: int) -> Headers:
        """Return the headers of a request whose body has so many bytes."""
        headers = [*self._headers]
        headers[self._place] = ("content-length", f"{length}")
        return headers


def known_head(data: bytes, exchange: EdgeExchange) -> KnownHead | None:
    """Return what to remember of a head that the parser has accepted: ``data`` begins with it, and ``exchange`` was
    made of it. ``None`` where there is anything about it that concerns framing or the connection, but a length."""
    end = data.find(b"\r\n\r\n") + 4
    ordinary = (
        exchange.keep
        and data.startswith(b"POST ")
        and end <= _LONGEST
        and not (exchange.form.http_1_0 or exchange.form.chunked or exchange.form.expects_continue)
    )
    if not ordinary:
        return None
    found = _LENGTH.search(data, 0, end)
    names = [name for name, _ in exchange.headers]
    if found is None or int(found[1]) != exchange.length or names.count("content-length") != 1:
        return None
    if "upgrade" in names or "x-request-id" in names:
        return None
    return KnownHead(data[: found.start(1)], data[found.end(1) : end], exchange)
