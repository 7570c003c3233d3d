"""A server process is started, waited for, read, and stopped with all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.support.ports import accepts
from tests.support.process import ServerProcess

SERVER = """
import http.server, os, signal, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("content-length", "0")
        self.end_headers()
print("starting in", os.getcwd(), os.environ.get("SETTING"), flush=True)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "parent" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("child", child.pid, "started", flush=True)
if "broken" in sys.argv:
    sys.exit("no configuration")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def command(*words: str):  # type: ignore[no-untyped-def]
    return lambda port: [sys.executable, "-c", SERVER, str(port), *words]


async def test_it_serves_until_the_block_ends(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, command=command(), environment={"SETTING": "yes"}) as server:
        assert accepts(server.port)
        assert server.url == f"http://127.0.0.1:{server.port}"
        os.kill(server.pid, 0)
    assert server.process.returncode == -signal.SIGTERM
    assert not accepts(server.port)
    assert f"starting in {tmp_path} yes" in server.text


async def test_a_server_that_ends_tells_why(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, command=command("broken"))
    with pytest.raises(RuntimeError, match=r"ended with 1:[\s\S]*no configuration"):
        await server.__aenter__()


async def test_a_deaf_server_is_killed_and_so_are_its_children(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, command=command("deaf", "parent"))
    await server.start()
    await server.ready()
    await server.says("started\n")
    child = int(server.text.split("child ")[1].split()[0])
    os.kill(child, 0)
    assert await server.stop(grace=0.2) == -signal.SIGKILL
    for _ in range(500):  # a killed process takes a moment to go
        if not _runs(child):
            break
        await asyncio.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether the process is there and not just waiting to be buried by whoever adopted it."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def test_a_server_may_be_ready_when_its_port_is(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, command=command(), health=None) as server:
        server.signal(signal.SIGKILL)
        assert await server.exited() == -signal.SIGKILL
