"""What serves one process's clients, put together from its settings: client, gateway and server with common limits."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

from codenex.core.errors import Fault
from codenex.gateway.exchange import Headers
from codenex.gateway.gateway import Gateway
from codenex.gateway.refusing import render_error
from codenex.providers.transport import BodyBudget, Transport, trusting
from codenex.server.descriptors import descriptors_left, room_for
from codenex.server.limits import Limits
from codenex.server.server import AccessRecord, Server
from codenex.server.tls import server_context
from codenex.store.settings import Settings


@dataclass(frozen=True, slots=True)
class Assembly:
    """``transport`` is closed by its owner, after ``server`` has been drained."""

    transport: Transport
    gateway: Gateway
    server: Server
    #: what clients of TCP listeners speak, where it is TLS
    tls: ssl.SSLContext | None

    async def listen(self, listener: socket.socket) -> None:
        """Serve on a listening socket; Unix sockets are served without TLS. Raises :class:`OSError`."""
        await self.server.start([listener], ssl=None if listener.family == socket.AF_UNIX else self.tls)


def assembled(
    settings: Settings,
    gateway: Callable[[Transport], Gateway],
    on_record: Callable[[AccessRecord], None] | None = None,
) -> Assembly:
    """Put the parts together, in the event loop that they shall run in. ``on_record`` gets a record of each request.

    Raises :class:`OSError` where the certificate can't be read.
    """
    limits = Limits(body_bytes=settings.max_body_bytes)
    room = room_for(descriptors_left(), limits.connections)
    budget = BodyBudget(settings.body_budget_bytes)
    transport = Transport(
        connections=room.upstreams, budget=budget, ssl_context_factory=trusting(settings.upstream_ca_file)
    )
    made = gateway(transport)
    server = Server(
        made.handle,
        replace(limits, connections=room.clients, refused_connections=room.refused),
        render_error=_render_error,
        trusted_proxies=settings.trusted_proxies,
        budget=budget,
        on_record=on_record,
    )
    made.draining = lambda: server.draining
    certificate = settings.tls_certificate
    tls = None if certificate is None else server_context(certificate, settings.tls_key)
    return Assembly(transport, made, server, tls)


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)
