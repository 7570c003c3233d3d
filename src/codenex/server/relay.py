"""Relays the management API and its pages to the control part, behind a Unix socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.exchange import Exchange, Headers
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse

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
        "content-encoding",
        "accept-encoding",
    }
)
#: What only this relay may say to the control part.
_OWN = frozenset({"x-forwarded-host", "x-forwarded-for", "x-request-id"})


class ControlRelay:
    """The handler of everything that the control part answers. ``address`` gives the path of its socket."""

    def __init__(self, transport: Transport, address: Callable[[], Awaitable[str]]) -> None:
        self._transport = transport
        self._address = address

    async def handle(self, exchange: Exchange) -> None:
        """Relay one request. Raises :class:`Fault` ``unavailable`` (503) where the control part does not answer."""
        path = await self._address()
        body = await exchange.body() if exchange.method not in ("GET", "HEAD") else b""
        headers = [(name, value) for name, value in exchange.headers if name not in _HOP_BY_HOP | _OWN]
        headers += [
            ("x-forwarded-host", exchange.header("host") or ""),
            ("x-forwarded-for", exchange.peer),
            ("x-request-id", exchange.request_id),
        ]
        target = exchange.path + (f"?{exchange.query}" if exchange.query else "")
        request = UpstreamRequest(exchange.method, Origin("http", _HOST, 80, path), target, headers, body)
        try:
            response = await self._transport.send(request, _DEADLINES)
        except Fault as fault:
            raise Fault(
                FaultKind.UNAVAILABLE, "the management API is not answering", code="control_unavailable"
            ) from fault
        try:
            await self._answer(exchange, response.status, _end_to_end(response.headers), response)
        finally:
            response.close()

    async def _answer(self, exchange: Exchange, status: int, headers: Headers, response: UpstreamResponse) -> None:
        if response.header("content-length") is not None or exchange.method == "HEAD":
            exchange.respond(status, headers, await response.read())
            return
        exchange.start(status, headers)
        exchange.on_flow(response.pause, response.resume)
        try:
            await response.pipe(exchange.write)
        except Fault:
            exchange.abort()
            return
        exchange.finish()


def _end_to_end(headers: list[tuple[str, str]]) -> Headers:
    return [(name, value) for name, value in headers if name not in _HOP_BY_HOP and name not in ("date", "server")]
