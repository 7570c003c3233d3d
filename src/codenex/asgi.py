"""The data plane as an ASGI application, for people who have a server already: ``uvicorn codenex.asgi:app``.

It reads the same settings as ``codenex serve`` and serves the client APIs; the management API needs that command.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from codenex.core.errors import Fault
from codenex.gateway.exchange import Headers
from codenex.gateway.gateway import Gateway
from codenex.gateway.keeper import Keeper
from codenex.gateway.refusing import render_error
from codenex.providers.transport import BodyBudget, Transport, trusting
from codenex.server.asgi import Receive, Scope, Send, serve
from codenex.store.responses import ResponseStore
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.measures import Fixed, Measures
from codenex.telemetry.pulse import Pulse

_logger = logging.getLogger(__name__)


def configured() -> Settings:
    """Read the settings as ``codenex serve`` does: environment, ``.env`` and files."""
    from codenex.control.configuration import load_configuration
    from codenex.control.effective import effective_settings

    effective = effective_settings(load_configuration({}))
    for line in effective.secrets_made:
        _logger.warning("%s", line)
    return effective.settings


class Application:
    """Serves HTTP scopes. ``settings`` are read at the start, or with the first request where there is no lifespan."""

    def __init__(self, settings: Callable[[], Settings] = configured) -> None:
        self._read = settings
        self._plane: tuple[Settings, Transport, Gateway] | None = None
        self._keeper: Keeper | None = None
        #: Counters of this process alone, kept over the host's restarts of the application.
        self._shared = SharedMemory(None, 1)
        self._measures = Measures(self._shared.measures())
        self._pulse: Pulse | None = None
        self._serving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope."""
        match scope["type"]:
            case "lifespan":
                await self._live(receive, send)
            case "http":
                settings, transport, gateway = self._started()
                self._serving += 1
                try:
                    await serve(
                        gateway.handle,
                        scope,
                        receive,
                        send,
                        body_limit=settings.max_body_bytes,
                        budget=transport.budget,
                        render_error=_render_error,
                        on_crash=_log_crash,
                        on_record=self._measures.record,
                    )
                finally:
                    self._serving -= 1
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            case other:
                raise NotImplementedError(f"no scope of this kind is served: {other}")

    def _started(self) -> tuple[Settings, Transport, Gateway]:
        if self._plane is None:
            settings = self._read()
            budget = BodyBudget(settings.body_budget_bytes)
            transport = Transport(budget=budget, ssl_context_factory=trusting(settings.upstream_ca_file))
            self._keeper = Keeper(ResponseStore(Path(settings.data_dir)))
            gateway = Gateway(settings, transport, keeper=self._keeper, shared=self._shared)
            self._plane = (settings, transport, gateway)
            self._pulse = Pulse(
                self._measures,
                {
                    Fixed.IN_PROGRESS: lambda: self._serving,
                    Fixed.UPSTREAM_OPEN: lambda: transport.open_count,
                    Fixed.UPSTREAM_IN_USE: lambda: transport.in_use_count,
                },
            )
        return self._plane

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            match (await receive())["type"]:
                case "lifespan.startup":
                    try:
                        self._started()
                    except Exception as error:
                        await send({"type": "lifespan.startup.failed", "message": str(error)})
                        return
                    await send({"type": "lifespan.startup.complete"})
                case "lifespan.shutdown":
                    if self._pulse is not None:
                        self._pulse.stop()
                        self._pulse = None
                    if self._plane is not None:
                        await self._plane[1].close()
                        self._plane = None
                    if self._keeper is not None:
                        await asyncio.to_thread(self._keeper.close)
                        self._keeper = None
                    await send({"type": "lifespan.shutdown.complete"})
                    return
                case _:
                    return


def _render_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    return render_error(fault, path)


def _log_crash(error: BaseException) -> None:
    _logger.error("unexpected error in a request", exc_info=error)


app = Application()
