"""Wires one process's data plane: gateway, upstream connections, edge, logs. Standalone mode and workers differ only in
where their listeners, settings and control part are."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from codenex.cli.neighbours import Neighbours
from codenex.gateway.gateway import Gateway
from codenex.gateway.generations import Generations
from codenex.gateway.keeper import Keeper
from codenex.providers.transport import Transport
from codenex.providers.transport.local import open_local
from codenex.server import Server, assembled
from codenex.server.outage import AGAIN, FIRST, Outage
from codenex.server.relay import ControlRelay
from codenex.store import rotating
from codenex.store.responses import ResponseStore
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory
from codenex.store.spool import Spool
from codenex.telemetry.access_log import AccessLog
from codenex.telemetry.measures import Fixed, Measures
from codenex.telemetry.outbox import Outbox
from codenex.telemetry.prompt_log import PromptLog
from codenex.telemetry.pulse import Pulse
from codenex.telemetry.recorder import Recorder

#: Seconds after the first request in which a process that is alone keeps its usage: that loads the control part.
GATHER_ALONE = 10.0


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
    *,
    alone: bool = False,
) -> AsyncIterator[DataPlane]:
    """Serve on ``listeners`` until the block ends; the caller drains the server before. A process that is ``alone`` is
    its own control process: reports wait for others for longer, and for quieter times where requests come fast."""
    settings = generations.current
    log = AccessLog(form=settings.log_format)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await open_local(await ingest_address())

    def may_wait() -> bool:
        # What a key has spent is known by the rows that were kept.
        return not any(key.budget for key in generations.current.client_keys)

    outbox = Outbox(connect)
    if alone:
        outbox = Outbox(connect, GATHER_ALONE, Spool(Path(settings.data_dir)), may_wait)

    measures = Measures(shared.measures())
    recorder = Recorder(measures, log, outbox)

    prompts = prompt_log(settings)
    keeper = Keeper(ResponseStore(Path(settings.data_dir)))

    def gateway(transport: Transport) -> Gateway:
        relay = ControlRelay(transport, control_address, Outage(FIRST, AGAIN))
        return Gateway(
            settings,
            transport,
            relay.handle,
            generations=generations,
            shared=shared,
            tell=outbox.event,
            keeper=keeper,
            prompts=prompts,
            flush=recorder.flush,
        )

    parts = assembled(settings, gateway, recorder.record)
    async with parts.transport:
        server = parts.server
        parts.transport.on_crowd = Neighbours().crowded
        outbox.start()
        for listener in listeners:
            await parts.listen(listener)
        pulse = Pulse(
            measures,
            {
                Fixed.CONNECTIONS: lambda: server.connection_count,
                Fixed.IN_PROGRESS: lambda: server.request_count,
                Fixed.UPSTREAM_OPEN: lambda: parts.transport.open_count,
                Fixed.UPSTREAM_IN_USE: lambda: parts.transport.in_use_count,
                Fixed.ROWS_QUEUED: lambda: outbox.queued,
                Fixed.LINES_QUEUED: lambda: log.queued,
                Fixed.ROWS_DROPPED: lambda: outbox.dropped,
                Fixed.LINES_DROPPED: lambda: log.dropped,
                Fixed.PROMPTS_DROPPED: lambda: prompts.dropped,
                Fixed.REFUSED: lambda: server.refusals.counted,
            },
        )
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        try:
            yield DataPlane(server, parts.gateway, outbox)
        finally:
            await server.drain(0)
            recorder.close()
            await outbox.close()
            pulse.stop()
            await asyncio.to_thread(keeper.close)
            log.close()
            await asyncio.to_thread(prompts.close)


def prompt_log(settings: Settings) -> PromptLog:
    """Return the log of prompts that the settings ask for."""
    path, limit = Path(settings.prompt_log_file), settings.prompt_log_bytes
    return PromptLog(settings.prompt_log, lambda lines: rotating.append(path, lines, limit))
