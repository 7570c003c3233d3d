"""Relays the management API and its pages to the control part, behind a Unix socket."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.exchange import Exchange, Headers
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse
from codenex.server.outage import Outage

_logger = logging.getLogger(__name__)

#: Largest body for the control part, in bytes. It takes settings and credential files; more would only fill memory,
#: since bodies are collected here before the control part has looked at who sends them.
BODY_LIMIT = 8 * 1024 * 1024
#: An answer of a known length up to this is collected and sent whole; a longer or a compressed one goes through piece
#: by piece, as it is.
_WHOLE_BYTES = 1024 * 1024
_DEADLINES = Deadlines(connect=5.0, first_byte=120.0, idle=3600.0)
#: The host by which the control part knows itself; the client's own goes along as ``x-forwarded-host``.
_HOST = "control"
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "host",
        "content-length",
    }
)
#: The edge has undone the coding of what clients send.
_UNDONE = frozenset({"content-encoding"})
#: What only this relay may say to the control part.
_OWN = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"})


class ControlRelay:
    """The handler of everything that the control part answers. ``address`` gives the path of its socket, ``outage``
    says how long requests wait where nobody listens there."""

    def __init__(
        self, transport: Transport, address: Callable[[], Awaitable[str]], outage: Outage | None = None
    ) -> None:
        self._transport = transport
        self._address = address
        self._outage = Outage() if outage is None else outage

    async def handle(self, exchange: Exchange) -> None:
        """Relay one request. Raises :class:`Fault`: 411 and 413 for its body, ``unavailable`` (503) where the
        control part does not answer."""
        body = await _body(exchange)
        headers = [(name, value) for name, value in exchange.headers if name not in _HOP_BY_HOP | _OWN | _UNDONE]
        headers += [
            ("x-forwarded-host", exchange.header("host") or ""),
            ("x-forwarded-for", exchange.peer),
            ("x-forwarded-proto", exchange.scheme),
            ("x-request-id", exchange.request_id),
        ]
        target = exchange.path + (f"?{exchange.query}" if exchange.query else "")
        try:
            path = await self._address()
            request = UpstreamRequest(exchange.method, Origin("http", _HOST, 80, path), target, headers, body)
            response = await self._sent(request)
        except Fault as fault:
            raise _unavailable() from fault
        except ConnectionError as error:
            # Something outside can't be reached, such as the database: there is nothing to look for in this program.
            _logger.error("the management API can't be reached: %s", error)
            raise _unavailable() from error
        except Exception as error:
            # Whatever keeps the control part from starting, the data plane goes on.
            _logger.error("the management API can't be reached", exc_info=error)
            raise _unavailable() from error
        try:
            await self._answer(exchange, response)
        finally:
            response.close()

    async def _sent(self, request: UpstreamRequest) -> UpstreamResponse:
        while True:
            try:
                response = await self._transport.send(request, _DEADLINES)
            except Fault as fault:
                unreached = fault.kind is FaultKind.UPSTREAM_CONNECT
                if not unreached or not await self._outage.lasts(len(request.body)):
                    raise
            else:
                self._outage.over()
                return response

    async def _answer(self, exchange: Exchange, response: UpstreamResponse) -> None:
        status, headers = response.status, _end_to_end(response.headers)
        length = response.header("content-length")
        if exchange.method == "HEAD":
            # The length is that of the body which a GET would have.
            exchange.respond(status, headers if length is None else [*headers, ("content-length", length)], b"")
        elif length is not None and int(length) <= _WHOLE_BYTES and response.header("content-encoding") is None:
            try:
                body = await response.read()
            except Fault as fault:
                raise _unavailable() from fault
            exchange.respond(status, headers, body)
        else:
            exchange.start(status, headers)
            exchange.on_flow(response.pause, response.resume)
            try:
                await response.pipe(exchange.write)
            except Fault:
                exchange.abort()
                return
            exchange.finish()


async def _body(exchange: Exchange) -> bytes:
    if exchange.method in ("GET", "HEAD"):
        return b""
    if exchange.header("transfer-encoding") is not None:
        raise Fault(
            FaultKind.INVALID_REQUEST, "the management API needs a content-length", status=411, code="length_required"
        )
    length = exchange.header("content-length") or "0"
    body = b"" if int(length) > BODY_LIMIT else await exchange.body()
    if int(length) > BODY_LIMIT or len(body) > BODY_LIMIT:
        raise Fault(
            FaultKind.TOO_LARGE,
            f"the management API takes bodies of at most {BODY_LIMIT} bytes",
            code="request_too_large",
        )
    return body


def _unavailable() -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "the management API is not answering", code="control_unavailable")


def _end_to_end(headers: list[tuple[str, str]]) -> Headers:
    return [(name, value) for name, value in headers if name not in _HOP_BY_HOP and name not in ("date", "server")]
