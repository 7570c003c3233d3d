"""How many calls a request costs the pool: they steer its price, and do not depend on the machine."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from tests.transport.scripted import always, answer

from codenex.providers.transport import heads

REQUESTS = 20
#: Of functions in ``codenex/providers/transport``, and what they call in C. There are 37, on both loops.
MOST = 42


async def test_a_whole_answer_on_a_kept_connection_costs_few_calls(transport, upstream, monkeypatch) -> None:
    # Whatever this process has read before: lines are remembered up to a number of them.
    monkeypatch.setattr(heads, "_pair_of", heads._Lines().__getitem__)
    monkeypatch.setattr(heads, "_statuses", heads._Statuses())
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if event in ("call", "c_call") and "/providers/transport/" in frame.f_code.co_filename:
            calls += "/tests/" not in frame.f_code.co_filename

    server = upstream(always(answer(b"hello", "Date: today", "Content-Type: text/plain", "Server: x")))

    async def ask() -> None:
        async with await transport.send(server.ask()) as response:
            assert await response.read() == b"hello"

    for _ in range(3):
        await ask()
    sys.setprofile(count)
    try:
        for _ in range(REQUESTS):
            await ask()
    finally:
        sys.setprofile(None)
    assert 10 * REQUESTS < calls <= MOST * REQUESTS, calls / REQUESTS
