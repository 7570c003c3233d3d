"""Fixtures of the transport's tests: each runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop
from tests.transport.scripted import Script, Upstream

from codenex.providers.transport import Transport


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Set up first and torn down last: no task may be left."""
    yield
    for _ in range(200):
        if asyncio.all_tasks() == {asyncio.current_task()}:
            break
        await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def transport(nothing_left: None) -> AsyncIterator[Transport]:
    """A client; at the end no connection may be left."""
    client = Transport()
    yield client
    await client.close()
    assert client.counts() == {}


@pytest.fixture
async def upstream(nothing_left: None) -> AsyncIterator[Callable[..., Any]]:
    """Start scripted upstreams."""
    started: list[Upstream] = []

    def start(*scripts: Script) -> Upstream:
        server = Upstream(scripts)
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()
