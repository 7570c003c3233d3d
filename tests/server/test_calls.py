"""How many calls a request costs the edge: they steer its price, and do not depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from tests.server.site import post

from codenex.server.exchange import EdgeExchange

REQUESTS = 20
#: Of functions in ``codenex/server``, and what they call in C. There are 23, on both loops, without a task.
MOST = 25


async def test_a_request_on_a_kept_connection_costs_few_calls(serve) -> None:
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if event in ("call", "c_call") and "/codenex/server/" in frame.f_code.co_filename:
            calls += 1

    async def answer(exchange: EdgeExchange) -> None:
        exchange.notes.key = "k"
        exchange.respond(200, [("content-type", "text/plain")], await exchange.body())

    def handler(exchange: EdgeExchange) -> Coroutine[Any, Any, None]:
        exchange.light = True
        return answer(exchange)

    site = await serve(handler)
    client = site.client()
    for _ in range(3):
        await client.ask(post("/v1", b"hello"))
    sys.setprofile(count)
    try:
        for number in range(REQUESTS):
            assert (await client.ask(post("/v1", b"x" * number))).status == 200
    finally:
        sys.setprofile(None)
    assert 10 * REQUESTS < calls <= MOST * REQUESTS, calls / REQUESTS
