"""Faults as answers, in the protocol of the client."""

from __future__ import annotations

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.headers import passed_down
from codenex.gateway.routes import protocol_of
from codenex.gateway.spokes import SPOKES
from codenex.gateway.upstream import UpstreamRefusal

_JSON: Headers = [("content-type", "application/json")]


def refuse(exchange: Exchange, fault: Fault, protocol: str, common: Headers) -> None:
    """Answer with a fault in the client's protocol; too late for that, cut the connection."""
    exchange.notes.more.update(error=fault.code or fault.kind.value, error_class=fault.kind.value)
    if exchange.started:
        exchange.abort()
        return
    error = SPOKES[protocol].encode_error(fault, exchange.request_id)
    status, body, headers = error.status, error.body, list(error.headers)
    if isinstance(fault, UpstreamRefusal):
        provider = exchange.notes.provider
        if provider is not None:
            headers.append(("x-codenex-provider", provider))
        if fault.protocol == protocol and fault.body:
            # Clients of the same protocol match on the vendor's exact wording.
            body = fault.body
            if fault.kind is FaultKind.AUTHENTICATION:
                status = fault.upstream_status
            headers = [pair for pair in headers if pair[0] == "x-codenex-provider"]
            headers += passed_down([pair for pair in fault.upstream_headers if pair[0] != "content-type"])
    exchange.respond(status, [*_JSON, *headers, *fault.headers, *common], body)


def render_error(fault: Fault, path: str, request_id: str = "") -> tuple[int, Headers, bytes]:
    """Render a fault that never reached the handler, in the protocol that a path belongs to."""
    error = SPOKES[protocol_of(path)].encode_error(fault, request_id)
    return error.status, [*_JSON, *error.headers, *fault.headers], error.body
