"""Fixtures of the edge's tests: each runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop
from tests.server.site import Site

from codenex.server import Limits, Server
from codenex.supervisor.listeners import listen


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Start servers; at the end no connection and no task may be left."""
    sites: list[Site] = []

    async def start(handler: Any, limits: Limits | None = None, **options: Any) -> Site:
        site = Site()
        server = Server(
            handler,
            limits,
            on_record=site.records.append,
            on_crash=lambda exchange, error: site.crashes.append(error),
            **options,
        )
        listener = listen("127.0.0.1", 0)
        site.port = listener.getsockname()[1]
        site.server = server
        await server.start([listener])
        sites.append(site)
        return site

    yield start
    for site in sites:
        for client in site.clients:
            client.close()
        await site.server.drain(0)
        assert site.server.connection_count == 0
        assert site.server.request_count == 0
    for _ in range(200):
        if asyncio.all_tasks() == {asyncio.current_task()}:
            break
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}
