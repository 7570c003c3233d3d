"""What comes while much of an answer is read: it is read at once, in its order, and an end that is none stays one."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.transport.scripted import CHUNKED_HEAD, Line, chunk, until

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import Origin, Transport, UpstreamRequest, connection
from codenex.providers.transport.response import UpstreamResponse

MUCH, ROOM = connection._MUCH_BYTES, connection._READ_BYTES
#: Where the first write ends: there is much, or hardly enough, or hardly room for more.
CUTS = (MUCH - 1, MUCH, 10_000, ROOM - 1, ROOM)


def events(size: int) -> list[bytes]:
    """So many bytes and a little more, no two pieces alike."""
    pieces: list[bytes] = []
    while size > 0:
        pieces.append(b"data: %d%b\n\n" % (len(pieces), b"x" * (len(pieces) % 200)))
        size -= len(pieces[-1])
    return pieces


def framed(framing: str, pieces: list[bytes]) -> bytes:
    body = b"".join(pieces)
    if framing == "chunked":
        return CHUNKED_HEAD + b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    if framing == "length":
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


class Meanwhile:
    """Does something between the two looks at what has come since, once."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.then: Callable[[], None] | None = None
        self.came = 0
        self.tried = 0
        read = os.readv

        def look(descriptor: int, buffers: Any) -> int:
            self.tried += 1
            self.came += (number := read(descriptor, buffers))
            return number

        patch.setattr(os, "readv", look)
        patch.setattr(os, "sched_yield", self._yielded)

    def _yielded(self) -> None:
        then, self.then = self.then, None
        if then is not None:
            then()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    return Meanwhile(monkeypatch)


def sent_now(line: Line, data: bytes) -> None:
    """Send without a turn of the loop, and without waiting for what was sent before to be acknowledged; there is room
    for it."""
    line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert line.sock.send(data) == len(data)


async def received(transport: Transport, server: Any) -> tuple[UpstreamResponse, bytes]:
    response = await transport.send(server.ask())
    return response, await asyncio.wait_for(response.read(), 5)


@pytest.mark.parametrize("when", ["together", "meanwhile", "next", "later"])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("size", CUTS)
async def test_all_bytes_arrive_in_their_order(upstream, transport, meanwhile, size, framing, when):
    pieces = events(max(20_000, size + 5000))
    data = framed(framing, pieces)

    async def script(line: Line) -> None:
        while True:
            await line.request()
            if when == "meanwhile":
                meanwhile.then = lambda: sent_now(line, data[size:])
            sent_now(line, data[:size])
            if when == "together":
                sent_now(line, data[size:])
            else:
                await asyncio.sleep(0.01 if when == "later" else 0)
                if when != "meanwhile":
                    sent_now(line, data[size:])
                elif meanwhile.then is not None:
                    # Nobody has looked.
                    meanwhile.then = None
                    sent_now(line, data[size:])
            if framing == "close":
                return

    server = upstream(script)
    for _ in range(3):
        _, body = await received(transport, server)
        assert body == b"".join(pieces)
    assert len(server.lines) == (3 if framing == "close" else 1)


async def test_an_answer_whose_rest_comes_meanwhile_is_there_with_one_read(upstream, transport, meanwhile):
    pieces = events(20_000)
    data = framed("chunked", pieces)
    crowds = []
    transport.on_crowd = lambda: crowds.append(None)

    async def script(line: Line) -> None:
        while True:
            await line.request()
            meanwhile.then = lambda: sent_now(line, data[10_000:])
            sent_now(line, data[:10_000])

    server = upstream(script)
    for number in range(1, 4):
        response = await transport.send(server.ask())
        await until(lambda response=response: response.complete)
        assert response.content == b"".join(pieces)
        assert response.pieces == pieces
        assert meanwhile.came == number * (len(data) - 10_000)
        assert len(crowds) == number
        assert await response.read() == b"".join(pieces)
    assert len(server.lines) == 1


async def test_nobody_looks_where_all_is_there_or_little(upstream, transport, meanwhile):
    pieces = events(20_000)
    script_data = [framed("chunked", pieces), framed("chunked", pieces[:2])]

    async def script(line: Line) -> None:
        for data in script_data:
            await line.request()
            sent_now(line, data)

    server = upstream(script)
    assert (await received(transport, server))[1] == b"".join(pieces)
    assert (await received(transport, server))[1] == b"".join(pieces[:2])
    assert meanwhile.tried == 0


@pytest.mark.parametrize("ending", ["reset", "fin"])
@pytest.mark.parametrize("when", ["at once", "meanwhile", "later"])
@pytest.mark.parametrize("more", [0, 3000])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("size", [MUCH, 10_000])
async def test_an_answer_that_is_cut_is_never_whole(upstream, transport, meanwhile, size, framing, more, when, ending):
    """But for one that the end of its connection ends, where that is an end as any."""
    data = framed(framing, events(30_000))

    async def script(line: Line) -> None:
        await line.request()

        def end() -> None:
            if more:
                sent_now(line, data[size : size + more])
            if ending == "reset":
                line.reset()
            else:
                line.end()

        if when == "meanwhile":
            meanwhile.then = end
        sent_now(line, data[:size])
        if when == "at once":
            end()
            return
        await asyncio.sleep(0.01)
        if when == "later" or meanwhile.then is not None:
            end()

    server = upstream(script)
    head = data.index(b"\r\n\r\n") + 4
    if framing == "close" and ending == "fin":
        response, body = await received(transport, server)
        assert body == data[head : size + more]
        assert response.close_delimited
        return
    with pytest.raises(Fault) as caught:
        await received(transport, server)
    if when == "meanwhile":
        assert meanwhile.then is None
    # A reset may overtake all that was sent before it.
    message = "without an answer" if when == "at once" and "without" in caught.value.message else "complete"
    assert caught.value.kind is (FaultKind.UPSTREAM_TRUNCATED if message == "complete" else FaultKind.UPSTREAM)
    assert transport.counts() == {}


async def test_answers_of_a_server_that_writes_while_they_are_read(transport):
    """Of another thread, which is not in step with this one."""
    dice = random.Random(0)
    pieces = events(20_000)
    data = framed("chunked", pieces)
    parts = []
    for _ in range(60):
        cuts = sorted(dice.randrange(1, len(data)) for _ in range(dice.choice([1, 1, 2, 40])))
        parts.append([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)])

    def serve(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number, answer in enumerate(parts):
                request = b""
                while not request.endswith(b"\r\n\r\n{}"):
                    request += line.recv(65536)
                for part in answer:
                    line.sendall(part)
                    if number % 5 == 0:
                        time.sleep(0.0002)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        origin = Origin("http", "127.0.0.1", listener.getsockname()[1])
        for _ in parts:
            response = await transport.send(UpstreamRequest("POST", origin, "/", [], b"{}"))
            assert await asyncio.wait_for(response.read(), 5) == b"".join(pieces)
        server.join(5)
    assert not server.is_alive()


@pytest.mark.parametrize("chunks", [connection._CROWD - 1, connection._CROWD, connection._CROWD + 1])
async def test_many_chunks_of_one_read_are_a_crowd(upstream, transport, chunks):
    crowds = []
    transport.on_crowd = lambda: crowds.append(None)

    async def script(line: Line) -> None:
        await line.request()
        sent_now(line, CHUNKED_HEAD + chunk(b"x") * chunks)
        await asyncio.sleep(0.01)
        sent_now(line, b"0\r\n\r\n")

    server = upstream(script)
    assert (await received(transport, server))[1] == b"x" * chunks
    assert len(crowds) == (chunks >= connection._CROWD)
