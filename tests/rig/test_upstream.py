"""The scripted upstream answers as told, closes as told, and writes down what it saw."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time

import pytest
from tests.support.certificates import Authority
from tests.support.client import RawClient
from tests.support.http import TruncatedMessage
from tests.support.replies import (
    Close,
    HalfClose,
    Reply,
    Reset,
    Script,
    Stream,
    Unary,
    Write,
    cut,
    cut_after,
    gated,
    hang,
    offset_of,
    sliced,
    slowed,
    stall,
)
from tests.support.upstream import Request, ScriptedUpstream

EVENTS = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
PATH = "/v1/chat/completions"


async def test_it_keeps_the_connection_and_records_every_request() -> None:
    async with ScriptedUpstream() as up:
        up.on("POST", PATH, Unary(b'{"a":1}'))
        async with await RawClient.connect(up.port) as client:
            first = await client.ask("POST", f"{PATH}?alt=sse&x=%20", {"m": "é"}, {"X-Thing": "1"})
            second = await client.ask("POST", PATH, gzip.compress(b'{"m":2}', mtime=0), {"Content-Encoding": "gzip"})
        assert (first.status, first.json, second.status) == (200, {"a": 1}, 200)
        one, two = up.requests
        assert (one.method, one.path, one.query, one.connection) == ("POST", PATH, {"alt": "sse", "x": " "}, 0)
        assert (one.json, one.headers.get("x-thing"), one.headers.pairs[-2]) == ({"m": "é"}, "1", ("X-Thing", "1"))
        assert (two.json, two.connection) == ({"m": 2}, 0)
        assert one.at <= two.at <= time.monotonic()


async def test_routes_have_queues_defaults_names_and_functions() -> None:
    async def later(request: Request) -> Reply:
        return Unary(request.params["model"].encode())

    async with ScriptedUpstream() as up:
        up.on("POST", "/v1beta/models/{model}:generateContent", later)
        up.queue("POST", "/v1beta/models/{model}:generateContent", Unary(b"first", 503), lambda _: Unary(b"second"))
        async with await RawClient.connect(up.port) as client:
            answers = [await client.ask("POST", "/v1beta/models/gemini-x:generateContent", {}) for _ in range(3)]
            missing = await client.ask("GET", "/v1beta/models/gemini-x:generateContent")
        assert [(answer.status, answer.body) for answer in answers] == [
            (503, b"first"),
            (200, b"second"),
            (200, b"gemini-x"),
        ]
        assert missing.status == 404


async def test_chunked_and_continued_requests_are_read() -> None:
    async with ScriptedUpstream() as up:
        up.on("POST", PATH, lambda request: Unary(request.body))
        async with await RawClient.connect(up.port) as client:
            await client.send(b"POST %s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n" % PATH.encode())
            await client.send(b"expect: 100-continue\r\n\r\n")
            assert await client.peer.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\ntrailer: 1\r\n\r\n")
            assert (await client.response()).body == b"abcde"


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_a_stream_arrives_in_every_framing(framing: str) -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Stream(EVENTS, framing=framing, delay=0.001))  # type: ignore[arg-type]
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            head = await client.head()
            assert [event.data async for event in client.events(head)] == ["one", "two", "three"]
        assert up.exchanges[0].complete
        assert up.exchanges[0].client_left is None


async def test_a_script_sends_exactly_its_bytes() -> None:
    raw = b"HTTP/1.1 200 OK\ncontent-length: 99\n\nshort"
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Script([Write(raw), Close()]))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            received = b"".join([piece async for piece in _all(client)])
        assert received == raw


async def _all(client: RawClient):  # type: ignore[no-untyped-def]
    while piece := await client.peer.read():
        yield piece


@pytest.mark.parametrize(
    ("ending", "manner"), [(Reset(), "reset"), (Close(), "fin"), (HalfClose(), "fin")], ids=["rst", "fin", "half"]
)
@pytest.mark.parametrize("at", [0, 5, 70, 105])
async def test_an_answer_is_cut_at_any_byte(at: int, ending: Reset | Close | HalfClose, manner: str) -> None:
    whole = b"".join(step.data for step in Stream(EVENTS).steps() if isinstance(step, Write))
    async with ScriptedUpstream() as up:
        up.on("GET", "/", cut(Stream(EVENTS), at=at, ending=ending))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            closing = await client.closed()
            assert (closing.manner, client.peer.buffered) == (manner, whole[:at])
        assert not up.exchanges[0].complete or isinstance(ending, Close)


async def test_cut_after_counts_events_and_the_client_sees_a_truncated_message() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", cut_after(Stream(EVENTS), chunks=2, extra=7, ending=Close()))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            head = await client.head()
            events = client.events(head)
            assert [(await anext(events)).data, (await anext(events)).data] == ["one", "two"]
            with pytest.raises(TruncatedMessage):
                await anext(events)


async def test_a_reset_in_the_body_raises() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", cut_after(Stream(EVENTS), chunks=1))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            with pytest.raises(ConnectionResetError):
                await client.response()


@pytest.mark.parametrize("reply", [hang(), stall(Stream(EVENTS), chunks=1, extra=3)], ids=["hang", "stall"])
async def test_a_silent_upstream_notices_when_the_client_leaves(reply: Script) -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", reply)
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            exchange = await up.wait_for_requests(1)
            with pytest.raises(TimeoutError):
                await exchange.left(timeout=0.05)
            left_at = time.monotonic()
            client.close()
            closing = await exchange.left()
        assert closing.manner == "fin"
        assert 0 <= closing.at - left_at < 0.5
        assert exchange.client_left == closing
        assert not exchange.complete


@pytest.mark.parametrize(("leave", "manner"), [(RawClient.reset, "reset"), (RawClient.half_close, "fin")])
async def test_a_client_leaving_in_mid_stream_is_recorded(leave, manner: str) -> None:  # type: ignore[no-untyped-def]
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Stream([b"data: x\n\n"] * 1000, delay=0.005))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            await client.head()
            leave(client)
            closing = await up.exchanges[0].left()
        assert closing.manner == manner
        assert up.exchanges[0].body_writes < 1000


async def test_a_client_that_leaves_after_the_answer_has_not_left_early() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Unary(b"{}"))
        async with await RawClient.connect(up.port) as client:
            await client.ask("GET", "/")
            client.close()
            await up.exchanges[0].left()
        assert up.exchanges[0].client_left is None


async def test_gates_hold_the_head_or_the_middle() -> None:
    async with ScriptedUpstream() as up:
        head_gate, middle_gate = asyncio.Event(), asyncio.Event()
        up.queue("GET", "/", gated(Stream(EVENTS), head_gate), gated(Stream(EVENTS), middle_gate, chunks=2))
        async with await RawClient.connect(up.port) as client:
            await client.request("GET", "/")
            await up.wait_for_requests(1)
            assert up.exchanges[0].answered_at is None
            head_gate.set()
            assert len((await client.response()).events) == 3
            await client.request("GET", "/")
            await up.wait_for_requests(2)
            await up.wait_for(lambda: up.exchanges[1].body_writes == 2)
            events = client.events(await client.head())
            assert [(await anext(events)).data, (await anext(events)).data] == ["one", "two"]
            middle_gate.set()
            assert [event.data async for event in events] == ["three"]


async def test_slices_and_delays_change_no_byte() -> None:
    async with ScriptedUpstream() as up:
        up.queue("GET", "/", sliced(Stream(EVENTS), 1), slowed(Unary(b"abc"), 0.01))
        async with await RawClient.connect(up.port) as client:
            assert [event.data for event in (await client.ask("GET", "/")).events] == ["one", "two", "three"]
            began = time.monotonic()
            assert (await client.ask("GET", "/")).body == b"abc"
            assert time.monotonic() - began >= 0.02
        assert offset_of(Unary(b"abc"), chunks=0) == len(b"".join(_bytes(Unary(b"")))) + 32
        with pytest.raises(ValueError, match="1 body writes"):
            offset_of(Unary(b"abc"), chunks=2)


def _bytes(reply: Reply) -> list[bytes]:
    return [step.data for step in reply.steps() if isinstance(step, Write)]


async def test_tls_is_served_with_our_own_authority_and_refused_without() -> None:
    authority = Authority()
    async with ScriptedUpstream(tls=authority.server()) as up:
        up.on("GET", "/", Unary(b"{}"))
        assert up.url.startswith("https://")
        async with await RawClient.connect(up.port, tls=authority.trust()) as client:
            assert (await client.ask("GET", "/")).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await RawClient.connect(up.port, tls=ssl.create_default_context())
    async with ScriptedUpstream(tls=authority.server(expired=True)) as up:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await RawClient.connect(up.port, tls=authority.trust())


async def test_what_is_no_http_is_answered_with_400() -> None:
    async with ScriptedUpstream() as up:
        async with await RawClient.connect(up.port) as client:
            await client.send(b"NONSENSE\r\n\r\n")
            assert (await client.response()).status == 400
        assert len(up.malformed) == 1


async def test_a_failing_answer_function_fails_the_test() -> None:
    def broken(request: Request) -> Reply:
        raise KeyError(json.dumps(request.path))

    up = ScriptedUpstream()
    up.on("GET", "/", broken)
    await up.start()
    async with await RawClient.connect(up.port) as client:
        await client.request("GET", "/")
        assert (await client.closed()).manner == "fin"
    with pytest.raises(KeyError):
        await up.__aexit__(None, None, None)


async def test_a_large_answer_waits_for_a_slow_reader() -> None:
    async with ScriptedUpstream() as up:
        up.on("GET", "/", Stream([b"x" * 65536] * 1000, framing="close"))
        async with await RawClient.connect(up.port) as client:
            client.peer.pause_reading()
            await client.request("GET", "/")
            exchange = await up.wait_for_requests(1)
            await asyncio.sleep(0.3)
            held = exchange.body_writes
            assert held < 500
            client.peer.resume_reading()
            assert len((await client.response()).body) == 65_536_000
