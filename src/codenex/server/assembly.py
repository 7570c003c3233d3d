"""The data plane of one process, put together from its settings: client, gateway and server with the same limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codenex.core.errors import Fault
from codenex.gateway.exchange import Handler, Headers
from codenex.gateway.gateway import Gateway, render_error
from codenex.providers.transport import BodyBudget, Transport, trusting
from codenex.server.descriptors import descriptors_left, room_for
from codenex.server.limits import Limits
from codenex.server.server import AccessRecord, Server
from codenex.store.settings import Settings


@dataclass(frozen=True, slots=True)
class DataPlane:
    """``transport`` is closed by its owner, after ``server`` has been drained."""

    transport: Transport
    gateway: Gateway
    server: Server


def data_plane(
    settings: Settings,
    *,
    control: Callable[[Transport], Handler] | None = None,
    on_record: Callable[[AccessRecord], None] | None = None,
) -> DataPlane:
    """Make the data plane of a process. To be called in its event loop, once its limits are what they shall be.

    ``control`` makes the handler of the management API; ``on_record`` gets a record of each request.
    """
    limits = Limits(body_bytes=settings.max_body_bytes)
    room = room_for(descriptors_left(), limits.connections)
    budget = BodyBudget(settings.body_budget_bytes)
    transport = Transport(
        connections=room.upstreams, budget=budget, ssl_context_factory=trusting(settings.upstream_ca_file)
    )
    gateway = Gateway(settings, transport, None if control is None else control(transport))
    server = Server(
        gateway.handle,
        replace(limits, connections=room.clients),
        render_error=_render_error,
        trusted_proxies=settings.trusted_proxies,
        budget=budget,
        on_record=on_record,
    )
    return DataPlane(transport, gateway, server)


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)
