"""A server under test and raw clients for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

from codenex.server import AccessRecord, Server


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    #: The head as it came.
    head: bytes = b""


class Client:
    """A socket that sends exactly what it is told."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.sock.connect(("127.0.0.1", port))
        except OSError:
            self.sock.close()
            raise
        self.sock.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.rest = b""

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.sock, data)

    async def send_bytewise(self, data: bytes) -> None:
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for offset in range(len(data)):
            await self.loop.sock_sendall(self.sock, data[offset : offset + 1])
            await asyncio.sleep(0)

    async def receive(self, size: int = 65536, timeout: float = 5) -> bytes:
        """Return what is there; ``b""`` at the end of the stream."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        return await asyncio.wait_for(self.loop.sock_recv(self.sock, size), timeout)

    async def until(self, mark: bytes, timeout: float = 5) -> bytes:
        data = b""
        while mark not in data:
            piece = await self.receive(timeout=timeout)
            if not piece:
                raise EOFError(data)
            data += piece
        end = data.index(mark) + len(mark)
        self.rest = data[end:]
        return data[:end]

    async def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = await self.receive()
            if not piece:
                raise EOFError(data)
            data += piece
        self.rest = data[count:]
        return data[:count]

    async def answer(self, *, head_only: bool = False, timeout: float = 5) -> Answer:
        head = await self.until(b"\r\n\r\n", timeout)
        lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in lines[1:])
        body = b""
        status = int(lines[0].split(" ")[1])
        if head_only or status in (100, 204, 304):
            pass
        elif "content-length" in headers:
            body = await self.exactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            while (size := int(await self.until(b"\r\n"), 16)) > 0:
                body += (await self.exactly(size + 2))[:-2]
            await self.exactly(2)
        else:
            while piece := await self.receive():
                body += piece
        return Answer(status, headers, body, head)

    async def ask(self, data: bytes, *, head_only: bool = False) -> Answer:
        await self.send(data)
        return await self.answer(head_only=head_only)

    async def ended(self, timeout: float = 5) -> bool:
        """Return whether the server ends the stream, properly or not, without sending more."""
        try:
            return await self.receive(timeout=timeout) == b""
        except ConnectionError:
            return True

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()


@dataclass(slots=True)
class Site:
    port: int = 0
    server: Server = field(default=None)  # type: ignore[assignment]
    records: list[AccessRecord] = field(default_factory=list)
    crashes: list[BaseException] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    def client(self, receive_buffer: int | None = None) -> Client:
        client = Client(self.port, receive_buffer)
        self.clients.append(client)
        return client


def get(path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/{version}", "Host: gateway", *headers, "", "")).encode("latin-1")


def post(path: str, body: bytes, *headers: str) -> bytes:
    return get(path, f"Content-Length: {len(body)}", *headers, method="POST") + body
