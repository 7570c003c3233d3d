"""The way into a client connection: bytes to requests and their bodies, by the parser or by what is known of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

from codenex.core.errors import Fault
from codenex.providers.transport.budget import no_room
from codenex.providers.transport.deadlines import NEVER
from codenex.server.body import too_large
from codenex.server.exchange import EdgeExchange
from codenex.server.known_head import DIGITS, KnownHead, known_head
from codenex.server.outflow import Outflow
from codenex.server.parsing import RequestParser
from codenex.server.upload import Upload

if TYPE_CHECKING:
    from codenex.server.edge import Connection
    from codenex.server.server import Server


class Inflow(Outflow):
    """Queues requests as they come, and takes their bodies. What is done with them is the connection's matter."""

    __slots__ = (
        "_fresh",
        "_known_head",
        "_missing",
        "_parser",
        "_queue",
        "_ready",
        "_unread",
        "current",
        "half_open",
        "ignoring",
        "known",
        "last",
        "read_deadline",
        "receiving",
        "trusted",
    )

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        #: The other end is a reverse proxy, whose word on the client is taken.
        self.trusted = False
        #: No whole head has come yet.
        self.half_open = False
        #: A request on it had a valid key, or a reverse proxy keeps it for whomever it serves.
        self.known = False
        #: The exchange that is being answered.
        self.current: EdgeExchange | None = None
        #: The exchange whose body is arriving.
        self.receiving: EdgeExchange | None = None
        #: The connection takes no request behind the one that came last.
        self.last = False
        #: Nothing more is parsed; what still comes is dropped.
        self.ignoring = False
        self.read_deadline = NEVER
        self._parser = RequestParser(cast("Connection", self))
        #: The head that came last, where it may come again. It may hold a key, and lives no longer than the connection.
        self._known_head: KnownHead | None = None
        #: The same while nothing but a next request is expected, and whoever sends it is known.
        self._ready: KnownHead | None = None
        #: Bytes still to come of a body behind a known head, which the parser has not seen.
        self._missing = 0
        self._queue: deque[EdgeExchange] = deque()
        #: No request has come yet.
        self._fresh = True
        #: Bytes of bodies that no handler has asked for yet.
        self._unread = 0

    # --- the connection's matter --------------------------------------------------------------------------------

    def _next(self, *, light: bool = False) -> None:
        """Begin with the request that has waited longest; ``light``: without a task, if its handler can do so. What
        ends at once would otherwise begin with the next one within its own call, and so on."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Start the next request or wait for it."""
        raise NotImplementedError

    def _refuse(self, fault: Fault) -> None:
        """Answer in turn that the request is refused, and read no further."""
        raise NotImplementedError

    def _regulate(self) -> None:
        """Pause or resume reading by what has been read and not been asked for."""
        raise NotImplementedError

    def _half_opened(self) -> None:
        """Count the connection among those that have brought no whole head."""
        raise NotImplementedError

    def _wait_to_read(self, seconds: float) -> None:
        """Expect something to come within so many seconds."""
        raise NotImplementedError

    # --- what comes in ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what came, then go on with the next request if there is one."""
        known, self._ready = self._ready, None
        if known is not None and not (self.ignoring or self.write_paused):
            size = known.size
            length = len(data) - size
            head = b"%b%d%b" % (known.before, length, known.after)
            if data.startswith(head) and len(head) == size and self._begin_known(known, length, data[size:]):
                # One request and no more, as nearly always.
                return
            rest = self._take_known(known, data)
            if rest is not None:
                if not rest:
                    return
                data = rest
            else:
                self._parse_and_learn(data)
                data = b""
        elif self._missing and not self.ignoring:
            data = self._take_missing(data)
        elif (
            self.known
            and self.current is None
            and self.receiving is None
            and not (self._queue or self._parser.in_head or self.write_paused or self.ignoring)
        ):
            self._parse_and_learn(data)
            data = b""
        while data and not self.ignoring:
            data = self._parse(data)
        if self.current is None and self._queue and not self.write_paused:
            self._next(light=True)
        if self._unread or self._queue:
            self._regulate()

    def _parse(self, data: bytes) -> bytes:
        """Let the parser take data; return what is left of it after a request that asked for an upgrade."""
        parser = self._parser
        try:
            rest = parser.feed(data)
        except Fault as fault:
            if self.last and self.receiving is None:
                self.ignoring = True
            else:
                self._refuse(fault)
            return b""
        if parser.in_head and not self.half_open:
            self._half_opened()
        if self.last and self.receiving is None:
            self.ignoring = True
        return rest

    def _parse_and_learn(self, data: bytes) -> None:
        """Parse data that begins with a head, and remember the head if it is an ordinary one."""
        rest = self._parse(data)
        if self._queue and not self.ignoring:
            self._known_head = known_head(data, self._queue[0])
        while rest and not self.ignoring:
            rest = self._parse(rest)

    def _take_known(self, known: KnownHead, data: bytes) -> bytes | None:
        """Take a request whose head may be one that came before; return what follows it in ``data``, or ``None``, with
        nothing taken, where it is for the parser to judge."""
        start = known.before_size
        end = data.find(known.after, start, start + DIGITS + known.after_size)
        if end < 0 or not data.startswith(known.before):
            return None
        digits = data[start:end]
        if not digits.isdigit() or (digits[0] == 48 and digits != b"0"):
            return None
        length = int(digits)
        end += known.after_size
        #: The next one is likely to have as many digits.
        known.size = end
        body = data[end : end + length]
        size = len(body)
        if size == length:
            if not self._begin_known(known, length, body):
                return None
        else:
            budget = self.server.budget
            if length > self.limits.body_bytes or (budget.limit and budget.used + length > budget.limit):
                return None
            connection, server = self._parser.connection, self.server
            exchange = EdgeExchange(connection, known.method, known.path, known.query, None, known, length)
            server.budget.used += size
            exchange.charged = exchange.bytes_in = size
            if body:
                exchange.upload = Upload(body)
            self.current = self.receiving = exchange
            self._missing = length - size
            self._unread += size
            self.read_deadline = NEVER
            server.serve(exchange, light=True)
        return data[end + length :]

    def _begin_known(self, known: KnownHead, length: int, body: bytes) -> bool:
        """Begin with a request whose head came before and whose body is whole: who asks for it has it at once. False,
        with nothing taken, where there is no room for it."""
        server = self.server
        budget = server.budget
        used = budget.used + length
        if length > self.limits.body_bytes or (budget.limit and used > budget.limit):
            return False
        budget.used = used
        connection, method, path = self._parser.connection, known.method, known.path
        self.current = exchange = EdgeExchange(connection, method, path, known.query, None, known, length, body)
        self.read_deadline = NEVER
        if known.form.coding is not None:
            exchange.upload, exchange.plain = Upload(body), None
        server.serve(exchange, light=True)
        return True

    def _take_missing(self, data: bytes) -> bytes:
        """Take more of a body whose length is all that there is to its framing; return what follows it."""
        exchange = self.receiving
        missing = self._missing
        if exchange is None:
            self._missing = 0
            return data
        size = len(data)
        if size < missing:
            self._missing = missing - size
            self.take_body(exchange, data)
            return b""
        self._missing = 0
        rest = data[missing:]
        self.take_body(exchange, data[:missing] if rest else data)
        self.message_ended(exchange)
        return rest

    # --- what the parser tells ----------------------------------------------------------------------------------

    def head_begun(self) -> None:
        """Take note that a request has begun."""
        self._fresh = False
        self._ready = None
        if self.current is None and not self._queue:
            self._wait_to_read(self.limits.head_seconds)

    def head_ended(self, exchange: EdgeExchange) -> None:
        """Queue a request whose head is good and whose body is still to come."""
        if self.half_open:
            self.half_open = False
            self.server.half_open.remove(self._parser.connection)
        self.receiving = exchange
        self._queue.append(exchange)

    def take_body(self, exchange: EdgeExchange, piece: bytes) -> Fault | None:
        """Keep a piece of the body, or drop it if nobody wants it; return the fault that ends the connection where
        there is far too much of it."""
        exchange.bytes_in += len(piece)
        if exchange.done or exchange.body_fault is not None:
            return too_large(self.limits.body_bytes) if exchange.bytes_in > self.limits.body_bytes else None
        if exchange.bytes_in > self.limits.body_bytes:
            self._release(exchange)
            exchange.body_ended(too_large(self.limits.body_bytes))
            return None
        if not self.server.budget.charge(len(piece)):
            self._release(exchange)
            exchange.body_ended(no_room())
            return None
        exchange.charged += len(piece)
        if exchange.upload is None:
            exchange.upload = Upload(piece)
        else:
            exchange.upload.add(piece)
        if not exchange.reading:
            self._unread += len(piece)
        return None

    def message_ended(self, exchange: EdgeExchange) -> None:
        """Take note that the request that was arriving is whole."""
        self.receiving = None
        if not exchange.keep:
            self.last = True
        exchange.body_ended()
        if exchange.done:
            # What remained of an answered request's body is through.
            self._settle()
        elif exchange is self.current:
            self.read_deadline = NEVER

    def _release(self, exchange: EdgeExchange) -> None:
        """Count an exchange's held body bytes no longer as unread."""
        if exchange.upload is not None and not exchange.reading:
            self._unread -= exchange.upload.size
