"""A process that may open few files: who finds no room is told so, and soon after there is room all is well again."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.endurance.victim import CHAT, PlainUpstream, Victim, post, until, upstream_of
from tests.support.client import RawClient

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
ROUNDS = 10 if THOROUGH else 2
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


class Silent(PlainUpstream):
    """Takes requests and never answers."""

    def replied(self) -> None:
        pass


class Caller:
    """A connection that asks once. ``told`` is the status of the answer, 0 where the connection was cut."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.told: int | None = None
        self.head = b""

    async def ask(self, request: bytes) -> None:
        self._reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            self.head = await self._reader.readuntil(b"\r\n\r\n")
            self.told = int(self.head.split(b" ", 2)[1])
        except (ConnectionError, asyncio.IncompleteReadError):
            self.told = 0

    def leave(self) -> None:
        self.writer.close()
        self.listening.cancel()


async def health(port: int) -> int:
    """The status of an answer to a new client; 0 where there is none."""
    caller = Caller(port)
    await caller.ask(HEALTH)
    try:
        await asyncio.wait_for(caller.listening, 2)
    except TimeoutError:
        return 0
    finally:
        caller.leave()
    return caller.told or 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("limit", [64, pytest.param(256, marks=pytest.mark.deep)])
async def test_without_descriptors_clients_are_told_so_and_there_is_room_again_at_once(
    tmp_path: Path, limit: int
) -> None:
    async with upstream_of(Silent) as port, Victim(tmp_path, port, descriptors=limit) as victim:
        await victim.log_in()
        for number in range(ROUNDS):
            early = await RawClient.connect(victim.port)
            callers = [Caller(victim.port) for _ in range(2 * limit)]
            for caller in callers:
                await caller.ask(post(CHAT))
            await until(lambda callers=callers: sum(one.told is None for one in callers) <= limit // 2, 5)
            await asyncio.sleep(0.1)
            told = Counter(caller.told for caller in callers)
            assert set(told) == {None, 503}, told
            # The share of clients isn't mean either.
            assert told[None] >= limit // 5
            assert all(b"\r\nretry-after: 1\r\n" in caller.head for caller in callers if caller.told)
            # Who has a connection is served, and files can be written.
            assert victim.descriptors < limit - 5
            session = {"authorization": f"Bearer {victim.session}"}
            answer = await early.ask("POST", "/api/config", {"MAX_ERROR_COUNT": 5 + number}, session, timeout=20)
            assert answer.status == 200, answer.body
            await early.__aexit__()
            begun = time.monotonic()
            for caller in callers:
                caller.leave()
            statuses = [await health(victim.port)]
            while statuses[-1] != 200 and time.monotonic() - begun < 2:
                statuses.append(await health(victim.port))
            assert set(statuses) <= {200, 503}
            recovered = time.monotonic() - begun
            assert recovered <= 2, recovered
            print(f"{limit} descriptors: {dict(told)}, again room after {recovered:.2f} s")
        assert b"Too many open files" not in victim.output
