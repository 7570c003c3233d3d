"""Handlers that the edge's tests serve."""

from __future__ import annotations

import asyncio
from typing import Any

from codenex.core.json import encode
from codenex.server.exchange import EdgeExchange


async def echo(exchange: EdgeExchange) -> None:
    """Answer with what was received, body included."""
    body = await exchange.body()
    exchange.notes.more["length"] = len(body)
    seen = {"method": exchange.method, "path": exchange.path, "query": exchange.query, "body": body.decode("latin-1")}
    exchange.respond(200, [("content-type", "application/json")], encode(seen))


async def ignore_body(exchange: EdgeExchange) -> None:
    """Answer as an authentication failure does: without a look at the body."""
    exchange.respond(401, [("content-type", "text/plain")], b"no")


async def stream_three(exchange: EdgeExchange) -> None:
    exchange.start(200, [("content-type", "text/event-stream")])
    for number in range(3):
        exchange.write(b"data: %d\n\n" % number)
    exchange.finish()


class Waiting:
    """Notes when it is cancelled."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, exchange: EdgeExchange) -> Any:
        try:
            if self.how == "body":
                self.entered.set()
                await exchange.body()
            if self.how == "stream":
                exchange.start(200, [])
                exchange.write(b"data: 1\n\n")
            self.entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
