"""Requests that two servers could read differently: alone and behind nginx and HAProxy, none of them gets through.

The oracle: a path that the server in front refuses. Where a handler sees it, the two disagreed about where a request
ends. After each case ordinary requests show that answers still belong to their requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.ports import free_port

from codenex.server import Server
from codenex.supervisor.listeners import listen

ORACLE = b"GET /oracle HTTP/1.1\r\nHost: a\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] \d{3}")
REPEATS = 20 if os.environ.get("CODENEX_DEEP") == "1" else 1


def _post(*headers: bytes, body: bytes = ORACLE, version: bytes = b"1.1", line: bytes = b"POST /echo?0 HTTP/") -> bytes:
    return b"\r\n".join((line + version, b"Host: a", *headers, b"", b"")) + body


_LENGTH = b"Content-Length: %d" % len(ORACLE)
_CHUNKED = b"Transfer-Encoding: chunked"
_END = b"0\r\n\r\n" + ORACLE

CASES: dict[str, bytes] = {
    "length and chunked": _post(b"Content-Length: %d" % len(_END), _CHUNKED, body=_END),
    "chunked and length": _post(_CHUNKED, b"Content-Length: %d" % len(_END), body=_END),
    "two lengths": _post(b"Content-Length: 0", _LENGTH),
    "two lengths, the other way": _post(_LENGTH, b"Content-Length: 0"),
    "a list of lengths": _post(b"Content-Length: 0, %d" % len(ORACLE)),
    "a length with a sign": _post(b"Content-Length: +0"),
    "a negative length": _post(b"Content-Length: -1"),
    "a hexadecimal length": _post(b"Content-Length: 0x0"),
    "a length with a space in it": _post(b"Content-Length: 0 %d" % len(ORACLE)),
    "an unknown coding": _post(b"Transfer-Encoding: xchunked", body=_END),
    "chunked twice": _post(b"Transfer-Encoding: chunked, chunked", body=_END),
    "chunked and something": _post(b"Transfer-Encoding: chunked, identity", body=_END),
    "something and chunked": _post(b"Transfer-Encoding: gzip, chunked", body=_END),
    "two codings": _post(_CHUNKED, b"Transfer-Encoding: identity", body=_END),
    "a vertical tab before the coding": _post(b"Transfer-Encoding: \x0bchunked", b"Content-Length: 5", body=_END),
    "a space before the colon": _post(b"Transfer-Encoding : chunked", b"Content-Length: 5", body=_END),
    "a folded coding": _post(b"Transfer-Encoding:\r\n chunked", b"Content-Length: 5", body=_END),
    "a coding with an underscore": _post(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=_END),
    "bare line feeds": b"POST /echo?0 HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n" + _END,
    "a bare carriage return": _post(b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 5", body=_END),
    "a chunk size with a line feed": _post(_CHUNKED, body=b"0\n\n" + ORACLE),
    "an enormous chunk": _post(_CHUNKED, body=b"10000000000000000\r\n" + ORACLE),
    "chunked in HTTP/1.0": _post(_CHUNKED, b"Connection: keep-alive", b"Content-Length: 5", body=_END, version=b"1.0"),
    "no host": b"POST /echo?0 HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + _END,
}


class Back:
    """The server at the back: answers with the query, and counts what it should never see."""

    def __init__(self) -> None:
        self.port = 0
        self.hits = 0
        self.paths: list[str] = []

    async def handle(self, exchange: Any) -> None:
        self.paths.append(exchange.path)
        if "oracle" in exchange.path:
            self.hits += 1
        await exchange.body()
        exchange.respond(200, [("content-type", "text/plain")], exchange.query.encode())


@pytest.fixture
async def back() -> AsyncIterator[Back]:
    found = Back()
    server = Server(found.handle, trusted_proxies=("127.0.0.1",))
    listener = listen("127.0.0.1", 0)
    found.port = listener.getsockname()[1]
    await server.start([listener])
    yield found
    await server.drain(0)


NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    underscores_in_headers on;
    upstream back {{ server 127.0.0.1:{back}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location /oracle {{ return 403; }}
        location / {{
            proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
            proxy_request_buffering off;
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    http-reuse always
frontend edge
    bind 127.0.0.1:{port}
    option accept-invalid-http-request
    http-request deny deny_status 403 if {{ path_beg /oracle }}
    default_backend back
backend back
    option accept-invalid-http-response
    server back 127.0.0.1:{back} pool-max-conn 1
"""


@contextlib.asynccontextmanager
async def front(kind: str, back: Back, folder: Path) -> AsyncIterator[int]:
    """A real reverse proxy before the server, which keeps one connection to it; the port to talk to."""
    if kind == "alone":
        yield back.port
        return
    program = shutil.which(kind, path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert program is not None, f"{kind} is not installed; the Makefile does it"
    port = free_port()
    text = {"nginx": NGINX, "haproxy": HAPROXY}[kind].format(folder=folder, port=port, back=back.port)
    (folder / "conf").write_text(text)
    arguments = (
        ["-p", str(folder), "-c", str(folder / "conf")]
        if kind == "nginx"
        else ["-db", "-q", "-f", str(folder / "conf")]
    )
    process = await asyncio.create_subprocess_exec(program, *arguments, stderr=asyncio.subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.01)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def exchange(port: int, data: bytes, patience: float) -> bytes:
    """Send bytes and return all that comes until the other side ends or says nothing for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    out = b""
    try:
        writer.write(data)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(reader.read(65536), patience):
                out += piece
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return out


async def ordinary(port: int, number: int) -> bytes:
    answer = await exchange(
        port, b"GET /echo?n%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % number, patience=5.0
    )
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("kind", ["alone", "nginx", "haproxy"])
@pytest.mark.timeout(600)
async def test_nobody_smuggles(kind, back, tmp_path):
    assert len(CASES) == 24
    async with front(kind, back, tmp_path) as port:
        assert await ordinary(port, 0) == b"n0"
        for name, data in CASES.items():
            for repeat in range(REPEATS):
                told = await exchange(port, data, patience=0.2)
                for number in range(1, 3):
                    assert await ordinary(port, number) == b"n%d" % number, f"{name}: answers are out of step"
                assert back.hits == 0, f"{name} ({repeat}): the smuggled request was served"
                assert len(STATUS.findall(told)) <= 2, name
                if kind == "alone":
                    assert told.startswith(b"HTTP/1.1 400"), (name, told)
                    assert len(STATUS.findall(told)) == 1, (name, told)


async def test_the_oracle_would_be_hit(back):
    """The rig itself: a server without the checks would be caught."""
    whole = b"POST /echo?0 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + ORACLE
    await exchange(back.port, whole, patience=0.2)
    assert back.hits == 1
