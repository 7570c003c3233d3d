"""Wires one process's data plane: gateway, upstream connections, edge, logs. Standalone mode and workers differ only in
where their listeners, settings and control part are."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec

from codenex.core.errors import Fault
from codenex.gateway.exchange import Headers
from codenex.gateway.gateway import Gateway, render_error
from codenex.gateway.generations import Generations
from codenex.providers.transport import Transport
from codenex.providers.transport.local import open_local
from codenex.server import AccessRecord, Limits, Server
from codenex.server.relay import ControlRelay
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.access_log import AccessLog
from codenex.telemetry.outbox import GATHER, Outbox


class DataPlane(msgspec.Struct):
    """The running parts."""

    server: Server
    gateway: Gateway
    outbox: Outbox


@asynccontextmanager
async def data_plane(
    generations: Generations,
    shared: SharedMemory,
    listeners: Iterable[socket.socket],
    control_address: Callable[[], Awaitable[str]],
    ingest_address: Callable[[], Awaitable[str]],
    gather: float = GATHER,
) -> AsyncIterator[DataPlane]:
    """Serve on ``listeners`` until the block ends; the caller drains the server before. Reports wait for others for
    ``gather`` seconds."""
    settings = generations.current
    log = AccessLog()

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await open_local(await ingest_address())

    outbox = Outbox(connect, gather)

    def record(record: AccessRecord) -> None:
        log.record(record)
        outbox.record(record)

    async with Transport() as transport:
        relay = ControlRelay(transport, control_address)
        gateway = Gateway(settings, transport, relay.handle, generations=generations, shared=shared, tell=outbox.event)
        server = Server(
            gateway.handle, Limits(body_bytes=settings.max_body_bytes), render_error=_render_error, on_record=record
        )
        outbox.start()
        await server.start(listeners)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        try:
            yield DataPlane(server, gateway, outbox)
        finally:
            await server.drain(0)
            await outbox.close()
            log.close()


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)
