"""The data plane as an ASGI application, hosted by other servers on a free loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import hypercorn
import hypercorn.asyncio
import uvicorn
from tests.support.gateway import KEY, settings_for

from codenex.asgi import Application
from codenex.store.settings import Settings
from codenex.supervisor.listeners import listen


class Hosted:
    """A running server. ``url`` has no slash at the end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.key = KEY
        self.headers = {"authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def under_uvicorn(settings: Settings | None = None) -> AsyncIterator[Hosted]:
    """Serve under uvicorn."""
    application = Application(lambda: settings if settings is not None else settings_for())
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    try:
        for _ in range(5000):
            if server.started or running.done():
                break
            await asyncio.sleep(0.001)
        yield Hosted(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await running
        listener.close()


@asynccontextmanager
async def under_hypercorn(settings: Settings | None = None) -> AsyncIterator[Hosted]:
    """Serve under Hypercorn."""
    application = Application(lambda: settings if settings is not None else settings_for())
    listener = listen("127.0.0.1", 0)
    config = hypercorn.Config()
    port = listener.getsockname()[1]
    # From here on the descriptor is Hypercorn's.
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 2
    config.accesslog = config.errorlog = None
    stop = asyncio.Event()
    running = asyncio.create_task(hypercorn.asyncio.serve(application, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
    try:
        yield Hosted(port)
    finally:
        stop.set()
        await running


HOSTS: dict[str, Callable[[Settings | None], AbstractAsyncContextManager[Hosted]]] = {
    "uvicorn": under_uvicorn,
    "hypercorn": under_hypercorn,
}
