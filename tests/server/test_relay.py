"""The relay to the control part: what goes through, what doesn't, and what a client is told when nobody is there."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.clock import VirtualClock
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.http import TruncatedMessage
from tests.support.leaks import LeakCheck
from tests.support.replies import Close, Hang, Reply, Script, Stream, Unary, Wait, Write
from tests.support.upstream import ScriptedUpstream

from codenex.providers.transport import Transport
from codenex.server.outage import BODY_LIMIT as WAITING_BODY
from codenex.server.outage import WAITING_LIMIT, Outage
from codenex.server.relay import BODY_LIMIT, ControlRelay

MIB = 1024 * 1024
pytestmark = pytest.mark.usefixtures("leak_check")


@dataclass
class Site:
    gateway: RunningGateway
    control: ScriptedUpstream

    async def ask(self, method: str, path: str, body: Any = None, headers: Any = ()) -> RawResponse:
        async with await RawClient.connect(self.gateway.port) as client:
            return await client.ask(method, path, body, headers)

    def answers(self, reply: Reply, method: str = "GET", path: str = "/api/x") -> None:
        self.control.on(method, path, reply)


@asynccontextmanager
async def relayed(*, running: bool = True, outage: Outage | None = None) -> AsyncIterator[Site]:
    """A gateway that relays to a scripted control part."""
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        path = str(Path(folder) / "control.sock")

        async def address() -> str:
            return path

        control = ScriptedUpstream(unix_path=path)
        if running:
            await control.start()
        try:
            settings = settings_for(max_body_bytes=64 * MIB)
            async with running_gateway(
                settings, control=lambda transport: ControlRelay(transport, address, outage).handle
            ) as gateway:
                yield Site(gateway, control)
        finally:
            await control.stop()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with relayed() as running:
        yield running


def assert_unavailable(answer: RawResponse) -> None:
    assert answer.status == 503
    error = answer.json["error"]
    assert (error["message"], error["type"], error["code"], error["status"]) == (
        "the management API is not answering",
        "service_unavailable",
        "control_unavailable",
        503,
    )
    assert answer.headers.get("content-type") == "application/json"


async def models(gateway: RunningGateway) -> int:
    """Ask something of the data plane."""
    async with await RawClient.connect(gateway.port) as client:
        return (await client.ask("GET", "/v1/models", headers=gateway.headers)).status


# --- what goes through


async def test_a_request_and_its_answer_go_through(site: Site) -> None:
    site.control.on("POST", "/api/{name}", Unary(b'{"a":1}', 418, [("x-own", "v"), ("set-cookie", "a=1")]))
    answer = await site.ask(
        "POST", "/api/thing?x=%20&y", b"the body", [("content-type", "text/plain"), ("cookie", "b")]
    )

    (request,) = site.control.requests
    assert (request.method, request.target, request.body) == ("POST", "/api/thing?x=%20&y", b"the body")
    assert request.headers.get("content-type") == "text/plain"
    assert request.headers.get("cookie") == "b"
    assert answer.status == 418
    assert answer.body == b'{"a":1}'
    assert answer.headers.get("x-own") == "v"
    assert answer.headers.get("set-cookie") == "a=1"
    assert answer.headers.get("x-request-id") == request.headers.get("x-request-id")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
async def test_every_method_goes_through(site: Site, method: str) -> None:
    site.answers(Unary(b"" if method == "HEAD" else b"{}"), method)
    assert (await site.ask(method, "/api/x", None if method in ("GET", "HEAD") else b"{}")).status == 200
    assert site.control.requests[0].body == (b"" if method in ("GET", "HEAD") else b"{}")


async def test_what_concerns_one_hop_or_could_be_claimed_stays_behind(site: Site) -> None:
    site.answers(Unary(b"{}", 200, [("keep-alive", "timeout=5"), ("server", "uvicorn"), ("date", "never")]))
    answer = await site.ask(
        "GET",
        "/api/x",
        headers=[
            ("connection", "keep-alive"),
            ("te", "trailers"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
        ],
    )
    headers = site.control.requests[0].headers

    assert headers.get("host") == "control"
    assert headers.all("x-forwarded-host") == [f"127.0.0.1:{site.gateway.port}"]
    assert headers.all("x-forwarded-for") == ["127.0.0.1"]
    # Only a reverse proxy that is configured may say that its client speaks TLS.
    assert headers.all("x-forwarded-proto") == ["http"]
    assert not any(name in headers for name in ("te", "transfer-encoding"))
    assert "keep-alive" not in answer.headers
    assert "server" not in answer.headers
    assert answer.headers.get("date") != "never"


async def test_the_length_of_a_body_that_head_does_not_get(site: Site) -> None:
    site.answers(Unary(b"", 200, [("content-length", "12345")]), "HEAD")
    assert (await site.ask("HEAD", "/api/x")).headers.get("content-length") == "12345"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(site: Site, status: int) -> None:
    site.answers(Script([Write(b"HTTP/1.1 %d x\r\netag: 1\r\n\r\n" % status, "head")]))
    answer = await site.ask("GET", "/api/x")
    assert (answer.status, answer.body, answer.headers.get("etag")) == (status, b"", "1")


async def test_a_compressed_request_arrives_plain(site: Site) -> None:
    site.answers(Unary(b"{}"), "POST")
    await site.ask("POST", "/api/x", gzip.compress(b"plain"), [("content-encoding", "gzip")])
    assert site.control.requests[0].body == b"plain"
    assert "content-encoding" not in site.control.requests[0].headers


# --- big bodies


async def test_bodies_up_to_the_limit(site: Site) -> None:
    site.answers(Unary(b"{}"), "POST")
    body = bytes(range(256)) * (BODY_LIMIT // 256)
    assert (await site.ask("POST", "/api/x", body)).status == 200
    assert site.control.requests[0].body == body


async def test_a_larger_body_is_refused_before_it_is_sent(site: Site) -> None:
    async with await RawClient.connect(site.gateway.port) as client:
        await client.send(
            b"POST /api/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n" % (BODY_LIMIT + 1)
        )
        answer = await client.response()
    assert answer.status == 413
    assert str(BODY_LIMIT) in answer.json["error"]["message"]
    assert site.control.requests == []


async def test_a_body_that_is_larger_than_it_looks_is_refused(site: Site) -> None:
    body = gzip.compress(bytes(BODY_LIMIT + 1))
    assert (await site.ask("POST", "/api/x", body, [("content-encoding", "gzip")])).status == 413
    assert site.control.requests == []


async def test_a_body_of_unknown_length_is_refused(site: Site) -> None:
    answer = await site.ask("POST", "/api/x", b"2\r\n{}\r\n0\r\n\r\n", [("transfer-encoding", "chunked")])
    assert answer.status == 411
    assert answer.json["error"]["code"] == "length_required"
    assert site.control.requests == []


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("size", [10, MIB, 5 * MIB])
async def test_answers_of_every_size(site: Site, framing: Any, size: int) -> None:
    body = bytes(range(251)) * (size // 251)
    pieces = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    site.answers(Stream(pieces, headers=[("content-type", "application/zip")], framing=framing))
    answer = await site.ask("GET", "/api/x")
    assert answer.body == body
    assert answer.headers.get("content-type") == "application/zip"


# --- streams


async def test_events_arrive_as_they_are_sent(site: Site) -> None:
    gate = asyncio.Event()
    head = Write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n", "head")
    site.answers(
        Script(
            [
                head,
                Write(b"b\r\ndata: one\n\n\r\n"),
                Wait(gate),
                Write(b"b\r\ndata: two\n\n\r\n"),
                Write(b"0\r\n\r\n", "end"),
            ]
        )
    )
    async with await RawClient.connect(site.gateway.port) as client:
        await client.request("GET", "/api/x")
        answer = await client.head()
        assert answer.headers.get("content-type") == "text/event-stream"
        pieces = client.body(answer)
        assert await asyncio.wait_for(anext(pieces), 5) == b"data: one\n\n"
        gate.set()
        assert await asyncio.wait_for(anext(pieces), 5) == b"data: two\n\n"
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_a_stream_that_breaks_is_cut_and_not_ended(site: Site) -> None:
    head = Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "head")
    site.answers(Script([head, Write(b"3\r\nabc\r\n"), Close()]))
    async with await RawClient.connect(site.gateway.port) as client:
        await client.request("GET", "/api/x")
        with pytest.raises((TruncatedMessage, ConnectionError)):
            async for _ in client.body(await client.head()):
                pass


async def test_a_client_that_leaves_ends_the_request(site: Site) -> None:
    site.answers(Script([Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "head"), Hang()]))
    site.control.on("GET", "/api/silent", Script([Hang()]))
    for path, begun in (("/api/x", True), ("/api/silent", False)):
        client = await RawClient.connect(site.gateway.port)
        await client.request("GET", path)
        exchange = await site.control.wait_for_requests(1 if begun else 2)
        if begun:
            await client.head()
        client.reset()
        await exchange.left(2)


async def test_a_slow_client_slows_the_control_part_down(site: Site) -> None:
    pieces = [bytes(64 * 1024)] * 512
    site.answers(Stream(pieces))
    async with await RawClient.connect(site.gateway.port) as client:
        client.peer.pause_reading()
        await client.request("GET", "/api/x")
        exchange = await site.control.wait_for_requests(1)
        await site.control.wait_for(lambda: exchange.body_writes > 0)
        before = -1
        while before != exchange.body_writes:
            before = exchange.body_writes
            for _ in range(50):
                await asyncio.sleep(0.002)
        assert exchange.body_writes < 40
        client.peer.resume_reading()
        answer = await client.response()
    assert len(answer.body) == len(pieces) * len(pieces[0])


# --- nobody there


async def test_without_a_control_part_the_answer_says_so_and_clients_are_served() -> None:
    async with relayed(running=False) as site:
        for method, path in (("GET", "/api/providers"), ("POST", "/api/login"), ("GET", "/")):
            assert_unavailable(await site.ask(method, path, b"{}" if method == "POST" else None))
        assert await models(site.gateway) == 200
        assert all(record.status in (200, 503) for record in site.gateway.records)


async def test_a_control_part_that_comes_back_is_found(leak_check: LeakCheck) -> None:
    async with relayed() as site:
        site.answers(Unary(b"{}"))
        assert (await site.ask("GET", "/api/x")).status == 200
        await site.control.stop()
        assert_unavailable(await site.ask("GET", "/api/x"))
        with suppress(FileNotFoundError):
            os.unlink(site.control._unix_path or "")
        await site.control.start()
        assert (await site.ask("GET", "/api/x")).status == 200


async def test_requests_wait_for_a_control_part_that_is_starting() -> None:
    outage = Outage(first=30.0)
    async with relayed(running=False, outage=outage) as site:
        site.answers(Unary(b"{}"))
        site.answers(Unary(b'{"made":1}', 201), "POST")
        asked = [asyncio.create_task(site.ask(*one)) for one in (("GET", "/api/x"), ("POST", "/api/x", b"{}"))]
        while outage.waiting < 2:  # noqa: ASYNC110 - what waits has nobody to tell
            await asyncio.sleep(0)
        assert await models(site.gateway) == 200
        # Too much to be kept in memory meanwhile.
        assert_unavailable(await site.ask("POST", "/api/x", b"x" * (WAITING_BODY + 1)))
        await site.control.start()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200, 201]
        assert len(site.control.requests) == 2, "each once"
        # It has been there: nobody waits for it any more, with this patience.
        await site.control.stop()
        assert_unavailable(await site.ask("GET", "/api/x"))


async def test_nobody_waits_for_a_control_part_that_has_been_gone_for_long() -> None:
    clock = VirtualClock()
    outage = Outage(first=10.0, again=3.0, clock=clock)
    assert await outage.lasts(0)
    clock.advance(9.9)
    assert await outage.lasts(0)
    clock.advance(0.2)
    assert not await outage.lasts(0)
    assert not await outage.lasts(0)
    outage.over()
    assert await outage.lasts(0)
    clock.advance(3.1)
    assert not await outage.lasts(0)
    assert outage.waiting == 0


async def test_no_more_than_a_few_wait_and_whoever_leaves_makes_room() -> None:
    outage = Outage(first=30.0, clock=VirtualClock())
    waiting = [asyncio.create_task(outage.lasts(0)) for _ in range(WAITING_LIMIT)]
    await asyncio.sleep(0)
    assert not await outage.lasts(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    assert await outage.lasts(0)
    assert await asyncio.gather(*waiting[1:]) == [True] * (WAITING_LIMIT - 1)


@pytest.mark.parametrize("error", [RuntimeError("it did not start"), OSError("no space"), ImportError("fastapi")])
async def test_a_control_part_that_cannot_start_is_unavailable_and_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def address() -> str:
        raise error

    def control(transport: Transport) -> Any:
        return ControlRelay(transport, address).handle

    async with running_gateway(control=control) as gateway, await RawClient.connect(gateway.port) as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.ask("GET", "/api/x")
        assert_unavailable(answer)
        assert str(error) not in answer.body.decode()
        assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]
        assert await models(gateway) == 200


@pytest.mark.parametrize(
    "script",
    [
        [Close()],
        [Write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), Close()],
        [Write(b"HTTP/1.1 2"), Close()],
        [Write(b"SMTP ready\r\n"), Close()],
    ],
    ids=["closes", "truncates", "half a head", "speaks something else"],
)
async def test_a_control_part_that_breaks_is_unavailable(site: Site, script: Any) -> None:
    site.answers(Script(script))
    assert_unavailable(await site.ask("GET", "/api/x"))


async def test_without_a_relay_the_data_plane_says_that_it_is_not_running() -> None:
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        answer = await client.ask("GET", "/api/x")
        assert answer.status == 503
        assert answer.json["error"]["code"] == "control_unavailable"
        assert (await client.ask("GET", "/")).body == b"codenex\n"
