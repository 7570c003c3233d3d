"""Clients that only want to do harm: they are soon gone, cost little, and the others don't notice.

The machine may be busy with something else: times are judged exactly in the thorough run alone (``make deep``).
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.endurance.victim import (
    CHAT_STREAM,
    EVENT,
    KEY,
    PlainUpstream,
    Victim,
    health_watched,
    lurk,
    post,
    slowest,
    until,
    upstream_of,
)

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
#: Seconds that others may wait for an answer, at p99.
PATIENCE = 0.020 if THOROUGH else 0.2

HALF_OPEN = {
    "silent": (b"", b""),
    "half a head": (b"GET / HTTP/1.1\r\nHost: a\r\nX-", b""),
    "a head, byte by byte": (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"y" * 100),
    "half a body": (post(b'{"model"', 100_000), b""),
    "a body, byte by byte": (post(b'{"model"', 100_000), b"x" * 100),
}


@pytest.mark.timeout(90)
async def test_a_thousand_half_open_connections_are_closed_and_nobody_notices(tmp_path: Path) -> None:
    async with Victim(tmp_path) as victim:
        before = victim.sockets
        kinds = list(HALF_OPEN.values())
        with health_watched(victim.port) as times:
            lurkers = [await lurk(victim.port, *kinds[number % len(kinds)]) for number in range(1000)]
            await until(lambda: all(lurker.lasted is not None for lurker in lurkers), 40)
        assert slowest(lurkers) <= 15, slowest(lurkers)
        await until(lambda: victim.sockets <= before, 3)
        assert len(times) > 100
        assert times.quantile(0.99) <= PATIENCE, times.quantile(0.99)
        print(f"1,000 half-open: last closed after {slowest(lurkers):.1f} s, /health p99 {times.quantile(0.99):.4f} s")


#: slowhttptest's modes with its own default pace, but more connections than one address may have half open.
MODES = {
    "slow headers": ("-H", "-x", "24", "-i", "5"),
    "slow bodies": ("-B", "-s", "100000", "-x", "10", "-i", "5", "-t", "POST"),
    "slow reading": ("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"),
    "ranges": ("-R", "-a", "10", "-b", "3000"),
}


@pytest.mark.parametrize(
    "mode", [name if name == "slow reading" else pytest.param(name, marks=pytest.mark.deep) for name in MODES]
)
@pytest.mark.timeout(120)
async def test_slowhttptest_holds_nothing_for_long(tmp_path: Path, mode: str) -> None:
    async with Victim(tmp_path) as victim:
        before = victim.sockets
        # With a key, so that a slow body is one that somebody waits for.
        path = f"/v1/chat/completions?key={KEY}" if mode == "slow bodies" else "/health"
        arguments = (*MODES[mode], "-c", "300", "-r", "300", "-l", "40", "-u", f"http://127.0.0.1:{victim.port}{path}")
        process = await asyncio.create_subprocess_exec(
            "slowhttptest", *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            with health_watched(victim.port) as times:
                await until(lambda: victim.sockets > before or process.returncode is not None, 10)
                await asyncio.sleep(1.5)
                begun = time.monotonic()
                # One connection may be that of the watch itself, one the tool's own probe.
                await until(lambda: victim.sockets <= before + 2, 30, f"{victim.sockets - before} are open")
                lasted = 1.5 + time.monotonic() - begun
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
        assert lasted <= 15, lasted
        assert times.quantile(0.99) <= PATIENCE, times.quantile(0.99)
        print(f"{mode}: closed after {lasted:.1f} s, /health p99 {times.quantile(0.99):.4f} s")


MALFORMED = (
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1\r\n\r\n",
)


@pytest.mark.timeout(120)
async def test_ten_thousand_malformed_requests_leave_a_short_log(tmp_path: Path) -> None:
    async with Victim(tmp_path) as victim:
        before = len(victim.output)

        async def send(share: int) -> None:
            for number in range(2500):
                reader, writer = await asyncio.open_connection("127.0.0.1", victim.port)
                writer.write(MALFORMED[(share + number) % len(MALFORMED)])
                assert (await reader.read()).startswith(b"HTTP/1.1 400")
                writer.close()

        await asyncio.gather(*(send(share) for share in range(4)))
        await asyncio.sleep(0.3)
        written = len(victim.output) - before
        counts = [int(found) for found in re.findall(rb'"refusals_not_logged":(\d+)', victim.output)]
    assert 0 < written <= 200_000
    lines = victim.output[before:].count(b'"status":400')
    # Those that were left out before the last line that was written are told in a line.
    assert lines + sum(counts) <= 10_000
    assert lines + sum(counts) > 0
    print(f"10,000 malformed requests: {written} bytes of log, {lines} lines")


class Pouring(PlainUpstream):
    """Sends events without end, as fast as they are taken."""

    def replied(self) -> None:
        self.writing = True
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        self._pour()

    def _pour(self) -> None:
        while self.writing and not self.transport.is_closing():
            self.transport.write(EVENT * 100)

    def pause_writing(self) -> None:
        self.writing = False

    def resume_writing(self) -> None:
        self.writing = True
        self._pour()


#: What asks for a stream, by client protocol: that of the upstream, and others, to which it is translated.
SLOW = {
    "openai_chat": ("/v1/chat/completions", CHAT_STREAM),
    "anthropic": ("/v1/messages", CHAT_STREAM[:-1] + b',"max_tokens":9}'),
    "openai_responses": ("/v1/responses", b'{"model":"m","input":"hi","stream":true}'),
    "gemini": (
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}',
    ),
}


@pytest.mark.parametrize(
    "client", [name if name == "anthropic" else pytest.param(name, marks=pytest.mark.deep) for name in SLOW]
)
@pytest.mark.timeout(120)
async def test_slow_readers_hold_little_memory(tmp_path: Path, client: str) -> None:
    """A hundred clients that read 1 kB a second of streams without end."""
    path, body = SLOW[client]
    request = post(body, path=path)
    loop = asyncio.get_running_loop()
    async with upstream_of(Pouring) as port, Victim(tmp_path, port) as victim, AsyncExitStack() as opened:
        socks: list[socket.socket] = []

        async def open_one() -> None:
            sock = opened.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", victim.port))
            await loop.sock_sendall(sock, request)
            assert (await loop.sock_recv(sock, 1000)).startswith(b"HTTP/1.1 200")
            socks.append(sock)

        async def read_on(seconds: float) -> None:
            for _ in range(int(seconds)):
                for sock in socks:
                    try:
                        sock.recv(1000)
                    except BlockingIOError:
                        continue
                await asyncio.sleep(1)

        for _ in range(20):
            await open_one()
        await read_on(2)
        before, count = victim.anonymous, len(socks)
        for _ in range(100):
            await open_one()
        await read_on(20 if THOROUGH else 4)
        each = (victim.anonymous - before) / (len(socks) - count) * 1024
        assert victim.sockets >= 240
        assert each <= 256, each
        print(f"100 slow readers ({client}): {each:.0f} KiB each")
        await opened.aclose()
        # Those that have gone hold nothing.
        idle = victim.sockets - 2 * len(socks)
        await until(lambda: victim.sockets <= max(idle, 12), 10, "their connections are still there")
