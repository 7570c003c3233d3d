"""Runs the management API on uvicorn, behind a Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvicorn

from codenex.control.administration import Administration
from codenex.control.application import build_application


class ControlService:
    """The management API in the running event loop. ``path`` is the socket's, in a folder that only this user may
    enter."""

    def __init__(self, administration: Administration, path: Path) -> None:
        self._path = path
        config = uvicorn.Config(
            build_application(administration),
            uds=str(path),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=5,
            ws="none",
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Start serving. Raises ``RuntimeError`` where the server does not come up."""
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._task.done():
                raise RuntimeError("the management API did not start") from self._task.exception()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop serving and wait for the end."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task})


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: they belong to whoever runs this service."""

    def capture_signals(self):  # type: ignore[no-untyped-def]
        from contextlib import nullcontext

        return nullcontext()
