"""An upstream that does exactly what a script says, one script per connection (the last one repeats)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence

from codenex.providers.transport import Origin, UpstreamRequest


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until something is so."""
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")


class Line:
    """One accepted connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.loop = asyncio.get_running_loop()
        #: Heads and bodies as they came.
        self.requests: list[tuple[bytes, bytes]] = []

    async def request(self) -> tuple[bytes, bytes]:
        """Read one request with a content-length; raises ``EOFError`` when the client has left."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            if name == b"content-length":
                length = int(value)
        while len(body) < length:
            body += await self._more()
        self.requests.append((head, body))
        return head, body

    async def _more(self) -> bytes:
        piece = await self.loop.sock_recv(self.sock, 65536)
        if not piece:
            raise EOFError
        return piece

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.sock, data)

    async def send_bytewise(self, data: bytes) -> None:
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for offset in range(len(data)):
            await self.send(data[offset : offset + 1])
            await asyncio.sleep(0)

    async def left(self) -> None:
        """Wait until the client has closed or reset the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.loop.sock_recv(self.sock, 65536):
                pass

    def end(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Line], Awaitable[None]]


class Upstream:
    def __init__(self, scripts: Sequence[Script]) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.listener.setblocking(False)
        self.origin = Origin("http", "127.0.0.1", self.listener.getsockname()[1])
        self.lines: list[Line] = []
        self._scripts = scripts
        self._tasks = [asyncio.create_task(self._accept())]

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self.listener)
            sock.setblocking(False)
            line = Line(sock)
            script = self._scripts[min(len(self.lines), len(self._scripts) - 1)]
            self.lines.append(line)
            self._tasks.append(asyncio.create_task(self._play(script, line)))

    async def _play(self, script: Script, line: Line) -> None:
        try:
            await script(line)
        except (EOFError, ConnectionError):
            pass
        finally:
            line.end()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.listener.close()
        for line in self.lines:
            line.end()

    def ask(self, body: bytes = b"{}", method: str = "POST", *headers: tuple[str, str]) -> UpstreamRequest:
        return UpstreamRequest(method, self.origin, "/v1/x?y=z", list(headers), body)


def answer(body: bytes = b"ok", *headers: str, status: int = 200) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status} Fine", f"Content-Length: {len(body)}", *headers, "", ""))
    return head.encode("latin-1") + body


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def always(data: bytes, *, bytewise: bool = False) -> Script:
    """Answer every request with the same bytes."""

    async def script(line: Line) -> None:
        while True:
            await line.request()
            await (line.send_bytewise if bytewise else line.send)(data)

    return script


def once(data: bytes, ending: str) -> Script:
    """Answer one request with ``data``, then end in a way: fin, rst, wait."""

    async def script(line: Line) -> None:
        await line.request()
        await line.send(data)
        if ending == "rst":
            await asyncio.sleep(0.01)  # a reset overtakes what has not been read
            line.reset()
        elif ending == "wait":
            await line.left()

    return script
