"""What depends on the server in front of the ASGI application: leaving, cutting, limits, slow readers, its life."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.gateway import settings_for
from tests.support.hosts import HOSTS
from tests.support.leaks import LeakCheck
from tests.support.metrics import Scrape
from tests.transport.scripted import CHUNKED_HEAD, Line, Upstream, chunk, until

from codenex.asgi import Application
from codenex.core import json
from codenex.store.settings import Account

EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'


def chat_request(model: str, text: str, *, stream: bool = False) -> bytes:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    return json.encode({**body, "stream": True} if stream else body)


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Any:
    # Servers log an application that cuts an answer as a failure of it.
    caplog.set_level(logging.CRITICAL)
    return HOSTS[request.param]


async def test_open_and_guarded_routes(host):
    async with host() as server:
        async with await RawClient.connect(server.port) as client:
            assert (await client.ask("GET", "/health")).status == 200
            answer = await client.ask("POST", "/v1/chat/completions", body=b"{}")
            assert answer.status == 401
            assert answer.json["error"]["code"] == "invalid_api_key"
            assert answer.headers.get("x-request-id")
            assert (await client.ask("GET", "/nowhere", headers=server.headers)).status == 404
            head = await client.ask("HEAD", "/health")
            assert (head.status, head.body) == (200, b"")


async def test_the_metrics_are_those_of_the_process(host):
    async with host() as server:
        async with await RawClient.connect(server.port) as client:
            for body, status in ((chat_request("demo/demo", "hi"), 200), (b"{", 400)):
                answer = await client.ask("POST", "/v1/chat/completions", headers=server.headers, body=body)
                assert answer.status == status
            for _ in range(100):
                seen = Scrape((await client.ask("GET", "/metrics", headers=server.headers)).body)
                if seen.value("codenex_requests_in_progress") and seen.value("codenex_event_loop_lag_seconds_count"):
                    break
                await asyncio.sleep(0.02)
            assert seen.value("codenex_requests_total", status="200", provider="demo", protocol="openai-chat") == 1
            assert seen.value("codenex_requests_total", status="400", error="invalid_request") == 1
            assert seen.value("codenex_request_duration_seconds_count", provider="demo") == 1
            assert seen.value("codenex_tokens_total", type="output_text") > 0
            assert seen.labels("codenex_process_resident_memory_bytes") == [{"process": "worker", "slot": "1"}]


async def test_bodies_are_limited(host):
    async with host(settings_for(max_body_bytes=10_000)) as server:
        async with await RawClient.connect(server.port) as client:
            body = chat_request("demo", "x" * 20_000)
            answer = await client.ask("POST", "/v1/chat/completions", headers=server.headers, body=body)
            assert answer.status == 413


async def _talking(script: Any) -> tuple[Upstream, Account]:
    upstream = Upstream([script])
    return upstream, Account("a", "openai-custom", base_url=f"http://127.0.0.1:{upstream.origin.port}/v1", api_key="k")


@pytest.mark.parametrize("when", ["silent", "streaming"])
async def test_a_client_that_leaves_closes_the_upstream(host, when):
    left = asyncio.Event()

    async def script(line: Line) -> None:
        await line.request()
        if when == "streaming":
            await line.send(CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-type: text/event-stream\r\n\r\n"))
            await line.send(chunk(EVENT))
        await line.left()
        left.set()

    upstream, account = await _talking(script)
    async with host(settings_for(account)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = chat_request("m", "hello", stream=True)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
            % (server.key.encode(), len(body), body)
        )
        if when == "streaming":
            await reader.readuntil(b"word")
        else:
            await until(lambda: bool(upstream.lines and upstream.lines[0].requests))
        writer.transport.abort()
        await asyncio.wait_for(left.wait(), 2)
    await upstream.stop()


async def test_a_cut_answer_does_not_look_whole(host):
    async def script(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 5000\r\n\r\n" + EVENT)

    upstream, account = await _talking(script)
    async with host(settings_for(account)) as server:
        async with await RawClient.connect(server.port) as client:
            answer = await client.ask(
                "POST", "/v1/chat/completions", headers=server.headers, body=chat_request("m", "hi", stream=True)
            )
            # Content had gone out: the protocol's own error event ends the answer.
            assert b"word" in answer.body
            assert b'"error"' in answer.body
            assert b"[DONE]" not in answer.body
    await upstream.stop()


async def test_a_slow_reader_stops_the_upstream(host):
    sent = 0

    async def script(line: Line) -> None:
        nonlocal sent
        await line.request()
        await line.send(CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-type: text/event-stream\r\n\r\n"))
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        piece = chunk(EVENT * 500)
        while sent < 400_000_000:
            await line.send(piece)
            sent += len(piece)

    upstream, account = await _talking(script)
    async with host(settings_for(account)) as server:
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        body = chat_request("m", "hello", stream=True)
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
            % (server.key.encode(), len(body), body)
        )
        before = -1
        while sent == 0 or sent != before:
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 60_000_000
        sock.close()
    await upstream.stop()


async def test_its_life_without_a_server(leak_check: LeakCheck):
    application = Application(settings_for)
    told: list[dict[str, Any]] = []
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    await application({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in told] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_settings_that_cannot_be_used_fail_the_start():
    def broken() -> Any:
        raise ValueError("no such thing")

    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        told.append(message)

    await Application(broken)({"type": "lifespan"}, receive, send)
    assert told == [{"type": "lifespan.startup.failed", "message": "no such thing"}]
