"""Three times as many clients as there is room for: those that are admitted hardly notice, the others are told at once.

Times are judged exactly in the thorough run alone (``make deep``): the machine may be busy with something else.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.endurance.victim import ANSWER, CHAT, PlainUpstream, Times, Victim, health_watched, post, upstream_of

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
SECONDS = 20.0 if THOROUGH else 1.0
#: Seconds that the upstream takes for each answer, and that a client waits that found no room.
TAKES, PAUSE = 0.05, 0.05
#: By how much a measured time may be longer than what is promised.
LEEWAY = 1 if THOROUGH else 4
DESCRIPTORS = 64


class Late(PlainUpstream):
    """Answers after a while."""

    def replied(self) -> None:
        asyncio.get_running_loop().call_later(TAKES, self._answer)

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


@dataclass
class Seen:
    served: Times = field(default_factory=Times)
    refused: Times = field(default_factory=Times)


async def load(port: int, clients: int) -> Seen:
    """Ask from so many clients at once, over a new connection each time; who finds no room tries again a little
    later."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    seen = Seen()
    request = post(CHAT)

    async def client() -> None:
        while loop.time() < end:
            began = loop.time()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            took = loop.time() - began
            writer.close()
            if head.startswith(b"HTTP/1.1 200 "):
                seen.served.append(took)
                continue
            assert head.startswith(b"HTTP/1.1 503 "), head
            assert b"\r\nretry-after: 1\r\n" in head
            seen.refused.append(took)
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(client() for _ in range(clients)))
    return seen


async def capacity(port: int) -> int:
    """How many clients find room at once."""
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(DESCRIPTORS)]
    for _, writer in lines:
        writer.write(post(CHAT))
    heads = await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in lines))
    for _, writer in lines:
        writer.close()
    await asyncio.sleep(0.2)
    return sum(head.startswith(b"HTTP/1.1 200 ") for head in heads)


@pytest.mark.timeout(180)
async def test_three_times_the_capacity(tmp_path: Path) -> None:
    async with upstream_of(Late) as port, Victim(tmp_path, port, descriptors=DESCRIPTORS) as victim:
        room = await capacity(victim.port)
        assert room >= 10
        calm = await load(victim.port, room - 2)
        burst = await load(victim.port, 3 * room)
        print(
            f"room for {room}: {len(calm.served) / SECONDS:.0f}/s, p99 {calm.served.quantile(0.99) * 1000:.0f} ms;"
            f" of three times as many {len(burst.served) / SECONDS:.0f}/s, p99"
            f" {burst.served.quantile(0.99) * 1000:.0f} ms, and {len(burst.refused) / SECONDS:.0f}/s told so after"
            f" {burst.refused.quantile(0.5) * 1000:.1f} ms, p99 {burst.refused.quantile(0.99) * 1000:.1f} ms"
        )
        assert len(calm.refused) <= len(calm.served) / 10
        assert len(burst.refused) > len(burst.served) / 4
        assert len(burst.served) >= 0.9 * len(calm.served) / LEEWAY
        assert burst.served.quantile(0.99) <= 2 * LEEWAY * calm.served.quantile(0.99)
        assert burst.refused.quantile(0.5) <= 0.010 * LEEWAY
        # And afterwards all is as before.
        with health_watched(victim.port) as times:
            await asyncio.sleep(0.3)
        assert len(times) > 5
