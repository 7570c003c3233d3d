"""Request heads and framing by httptools' parser: all grammar that HTTP/1.1 and HTTP/1.0 have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools

from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.gateway.exchange import Headers
from codenex.server.exchange import EdgeExchange
from codenex.server.request_ids import new_request_id
from codenex.server.requests import check_head, method_name, split_target
from codenex.wire.head import header_name, known_names

if TYPE_CHECKING:
    from codenex.server.edge import Connection

#: Names that have been received before, by their bytes.
_names = known_names


class _Refused(Exception):
    """Leaves a parser callback; the fault is kept in the parser."""


class _Dropped(list[tuple[str, str]]):
    """Where trailers go: nobody looks at them, and a long body may have many."""

    def append(self, pair: tuple[str, str]) -> None:
        """Keep nothing."""


_DROPPED = _Dropped()


class _RemainderSink:
    """Receives the body of a request that also asked for an upgrade, which the parser itself would not read."""

    def __init__(self, parser: RequestParser) -> None:
        self.on_body = parser.on_body
        self.on_message_complete = parser.on_message_complete


class RequestParser:
    """Parses what one connection receives, and tells the connection of requests, pieces of bodies and their ends."""

    __slots__ = (
        "_fault",
        "_head_fed",
        "_headers",
        "_limits",
        "_overhead",
        "_parser",
        "_target",
        "_upgrade",
        "connection",
        "in_head",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._limits = connection.limits
        self._parser = httptools.HttpRequestParser(self)
        #: A head has begun and is not whole yet.
        self.in_head = False
        self._head_fed = 0
        self._target = b""
        self._headers: Headers = []
        self._fault: Fault | None = None
        self._upgrade = False
        self._overhead = 0

    def feed(self, data: bytes) -> bytes:
        """Parse ``data``; return what is left of it after a request that asked for an upgrade. Raises :class:`Fault`:
        nothing that follows can be understood, or it is not wanted."""
        connection = self.connection
        receiving = connection.receiving
        before = 0 if receiving is None else receiving.bytes_in
        in_head = self.in_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            raise self._fault_of(error) from None
        if receiving is not None:
            # Chunk extensions and trailers cost memory or time without being body; nobody needs many.
            self._overhead += len(data) - (receiving.bytes_in - before)
            over = self._overhead > self._limits.head_bytes + 16 * receiving.bytes_in
            if over and connection.receiving is receiving:
                raise invalid_request("The chunked body has too much framing.")
        elif in_head and self.in_head:
            self._head_fed += len(data)
            if self._head_fed > self._limits.head_bytes:
                raise self._head_too_large()
        return b""

    def beginning(self) -> tuple[str, str, str, Headers]:
        """Return what is known of a request that is refused in its head: method, path, query, headers."""
        path, _, query = self._target.decode("latin-1").partition("?")
        method = self._parser.get_method().decode() if path else ""
        return method, path[:2048], query, self._headers

    def _fault_of(self, error: httptools.HttpParserError) -> Fault:
        if self._fault is not None:
            return self._fault
        if isinstance(error, httptools.HttpParserCallbackError):
            cause = error.__context__ or error
            self.connection.server.report_crash(None, cause)
            return Fault(FaultKind.INTERNAL, "Internal error.")
        return invalid_request(f"The request is not valid HTTP/1.1: {error}.", code="malformed_request")

    def _head_too_large(self) -> Fault:
        if len(self._target) > self._limits.target_bytes:
            return Fault(FaultKind.URI_TOO_LONG, "The request target is too long.")
        return Fault(FaultKind.HEADERS_TOO_LARGE, "The request headers are too large.")

    def _stop(self, fault: Fault) -> _Refused:
        self._fault = fault
        return _Refused()

    def _go_on_without_upgrade(self, rest: bytes) -> bytes:
        """Treat an upgrade as not asked for (RFC 9110 section 7.8): the request and its body stay ordinary."""
        self._upgrade = False
        connection = self.connection
        exchange = connection.receiving
        if exchange is None:
            return b""
        if not exchange.form.chunked and exchange.length == 0:
            self._parser = httptools.HttpRequestParser(self)
            connection.message_ended(exchange)
            return rest
        framing = "transfer-encoding: chunked" if exchange.form.chunked else f"content-length: {exchange.length}"
        self._parser = httptools.HttpRequestParser(_RemainderSink(self))
        self._parser.feed_data(f"POST / HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n".encode())
        # The sink knows bodies only, so this request is the connection's last.
        connection.last = True
        exchange.keep = False
        return rest

    # --- parser callbacks ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.in_head = True
        self._head_fed = 0
        self._target = b""
        self._headers = []
        self.connection.head_begun()

    def on_url(self, piece: bytes) -> None:
        """Collect the target."""
        self._target = target = self._target + piece if self._target else piece
        if len(target) > self._limits.target_bytes:
            raise self._stop(self._head_too_large())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header, or a trailer, which nobody looks at. A head's size is judged with each read and at its
        end, a trailer's as framing of the body."""
        self._headers.append((_names.get(name) or header_name(name), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Queue the request; it is judged here, before any of its body is taken."""
        self.in_head = False
        parser = self._parser
        method = method_name(parser.get_method())
        headers = self._headers
        limits = self._limits
        if len(headers) > limits.header_count:
            raise self._stop(Fault(FaultKind.HEADERS_TOO_LARGE, "There are too many request headers."))
        size = len(self._target) + 4 * len(headers)
        for name, value in headers:
            size += len(name) + len(value)
        if size > limits.head_bytes:
            raise self._stop(self._head_too_large())
        exchange = EdgeExchange(self.connection, method, "", "", headers)
        self._headers = _DROPPED
        try:
            check_head(exchange, parser.get_http_version())
            exchange.path, exchange.query = split_target(self._target, method)
        except Fault as fault:
            raise self._stop(fault) from None
        if not exchange.request_id:
            exchange.request_id = new_request_id()
        # Read here or in on_message_complete: later the parser has reset its flags and always says False.
        exchange.keep = parser.should_keep_alive()
        self._upgrade = parser.should_upgrade()
        self._overhead = 0
        self.connection.head_ended(exchange)

    def on_body(self, piece: bytes) -> None:
        """Hand on a piece of the body."""
        exchange = self.connection.receiving
        if exchange is not None and (fault := self.connection.take_body(exchange, piece)) is not None:
            raise self._stop(fault)

    def on_message_complete(self) -> None:
        """End the request that is arriving, unless it asked for an upgrade and its body is still to come."""
        exchange = self.connection.receiving
        if not self._upgrade and exchange is not None:
            self.connection.message_ended(exchange)
