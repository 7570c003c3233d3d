"""The straight way of ordinary requests answers, notes and counts as the general way does, whatever happens on it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import re
import sys
import tracemalloc
from typing import Any

import msgspec
import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import KEY, PROVIDERS, RunningGateway, account_for, running_gateway, settings_for
from tests.support.notes import noted_in
from tests.support.replies import Close, Reply, Script, Stream, Unary, Wait, Write
from tests.support.vendor import ScriptedVendor

from codenex.gateway.authentication import digest_of
from codenex.store.settings import ClientKey, Settings
from codenex.telemetry.rows import usage_row

DEEP = os.environ.get("CODENEX_DEEP") == "1"
TALK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
WHOLE = {
    "id": "c-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


def whole(**changes: Any) -> bytes:
    return json.dumps({**WHOLE, **changes}).encode()


def choice(**changes: Any) -> dict[str, Any]:
    return {**WHOLE["choices"][0], **changes}  # type: ignore[index]


GOOD = Unary(whole())


def event(**changes: Any) -> bytes:
    base = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    return b"data: " + json.dumps({**base, **changes}).encode() + b"\n\n"


EVENTS = (
    event(choices=[{"index": 0, "delta": {"role": "assistant", "content": "hel"}, "finish_reason": None}]),
    event(choices=[{"index": 0, "delta": {"content": "lo"}, "finish_reason": None}]),
    event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
    event(usage=WHOLE["usage"]),
    b"data: [DONE]\n\n",
)
TOLD = Stream(EVENTS)
#: What a vendor may answer: most of it well, so that accounts that were sent to rest don't end every sequence. A
#: connection that is closed without a byte is no part of it: whether that is asked again depends on its age.
REPLIES: tuple[Reply, ...] = (
    *(GOOD,) * 8,
    Unary(whole(usage=None)),
    Unary(
        whole(), headers=[("x-ratelimit-remaining-requests", "7"), ("set-cookie", "a=b"), ("x-request-id", "theirs")]
    ),
    Unary(whole(choices=[choice(finish_reason="content_filter")])),
    Unary(whole(choices=[choice(), choice(index=1)])),
    Unary(b'{"error": {"message": "after all not", "type": "server_error"}}'),
    Unary(b"not json"),
    Unary(b""),
    Unary(b"", 204),
    Unary(whole(), headers=[("content-type", "application/json; charset=utf-8")]),
    Unary(b'{"error":{"message":"busy"}}', 503),
    Unary(b'{"error":{"message":"slow down"}}', 429, [("retry-after", "60")]),
    Unary(b'{"error":{"message":"what?","type":"invalid_request_error","param":"x"}}', 400),
    Unary(b'{"error":{"message":"The model `m` does not exist"}}', 404),
    Stream([b"data: " + whole(object="chat.completion.chunk")[:20]]),
    *(TOLD,) * 4,
    Stream(EVENTS[:2], framing="length"),
    Stream([*EVENTS[:2], b'data: {"error": {"message": "broken", "type": "server_error"}}\n\n']),
    Stream([b'data: {"error": {"message": "broken", "type": "server_error"}}\n\n']),
    Script([*TOLD.steps()[:3], Close()]),
    Script([Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"), Close()]),
)
#: What a client may send: changes of the body (a value, or bytes in its place), and of the headers.
ASKED: tuple[tuple[dict[str, Any] | bytes, dict[str, str]], ...] = (
    *(({}, {}),) * 6,
    ({"model": "alias"}, {}),
    ({"stream": False, "user": "ü"}, {"accept": "*/*", "x-stainless-lang": "python"}),
    ({"model": ""}, {}),
    ({"model": "x" * 300}, {}),
    ({"model": "forbidden"}, {}),
    ({"prompt": "x" * 6000}, {}),
    ({"stream": "yes"}, {}),
    ({}, {"connection": "x-secret, keep-alive", "x-secret": "1"}),
    *(({"stream": True}, {}),) * 6,
    ({"stream": True, "stream_options": {"include_usage": True}, "model": "alias"}, {}),
    ({}, {"model-provider": "openai-custom"}),
    ({}, {"x-codenex-strict": "1"}),
    ({}, {"authorization": "Bearer wrong"}),
    ({}, {"content-type": "text/plain", "user-agent": "me"}),
    (b'{"model": "m", "model": "other", "messages": []}', {}),
    (b"[]", {}),
    (b"\xff", {}),
)
#: Paths of clients whose bytes pass through, and whose are translated, with a request that is good for both.
WAYS = ("/v1/chat/completions", "/v1/messages")
EITHER = {**TALK, "max_tokens": 9}
PATHS = (*("/v1/chat/completions",) * 5, "/openai-custom/v1/chat/completions", "/v1/chat/completions?a=b&key=x&&c")
#: What differs between any two requests.
_OWN = re.compile(rb"\b(req|resp)?_?[0-9a-f]{32}\b|(?<=\"created\":)\d{10}")


def made(vendor: ScriptedVendor, number: int, **fields: Any) -> Settings:
    accounts = [account_for(vendor, place, aliases={"alias": "renamed"}) for place in range(number)]
    key = ClientKey(digest_of(KEY), "tests", models=("m", "alias"))
    return msgspec.structs.replace(settings_for(*accounts), client_keys=(key,), **fields)


def only_general(gateway: RunningGateway) -> None:
    gateway.gateway._straight._off = True


def stop_time(gateway: RunningGateway) -> None:
    """Let waits that are told to clients be the same in every run."""
    accounts = gateway.gateway.accounts
    accounts._clock, accounts._chance = (lambda: 1000.0), (lambda: 0.0)


async def told(gateway: RunningGateway, vendor: ScriptedVendor, asked: list[Any]) -> list[Any]:
    """What clients, vendor and control process see of these requests."""
    seen: list[Any] = []
    for path, (body, headers), replies in asked:
        vendor._next.clear()
        vendor.answer_next(*replies)
        before = len(vendor.requests)
        async with await RawClient.connect(gateway.port) as client:
            sent = body if isinstance(body, bytes) else json.dumps({**TALK, **body}).encode()
            answer = await client.ask("POST", path, sent, {**gateway.headers, **headers})
        row = msgspec.to_builtins(usage_row(1, 0.0, gateway.records[-1]))
        for attempt in row.get("attempts") or ():
            assert attempt.pop("began_ms") <= attempt.pop("ended_ms")
        for own in ("duration_ms", "request_id", "bytes_out", "first_output_ms"):
            row[own] = own in row
        seen.append((shown(answer), row, notes_of(gateway)))
        for request in vendor.requests[before:]:
            pairs = [pair for pair in request.headers.pairs if pair[0].lower() != "x-request-id"]
            seen.append((request.method, request.target, sorted(pairs), request.body))
    for account in gateway.gateway.accounts.report()[PROVIDERS[vendor.dialect.name][0]]:
        seen.append({**account, "restsFor": bool(account["restsFor"]), "restingModels": list(account["restingModels"])})
    return seen


def shown(answer: RawResponse) -> Any:
    # A wait is spread by chance for each client.
    own = ("date", "x-request-id", "retry-after", "retry-after-ms")
    pairs = [(name, value) for name, value in answer.headers.pairs if name not in own]
    return answer.status, sorted(pairs), _OWN.sub(b"?", answer.body)


def notes_of(gateway: RunningGateway) -> dict[str, Any]:
    own = ("attempts", "first_output")
    return {name: value for name, value in noted_in(gateway.records[-1].notes).items() if name not in own}


def sequence(chance: random.Random) -> list[Any]:
    return [(chance.choice(PATHS), chance.choice(ASKED), [chance.choice(REPLIES) for _ in range(6)]) for _ in range(14)]


@pytest.mark.parametrize("seed", range(100 if DEEP else 6))
async def test_both_ways_agree_on_whatever_comes(seed: int) -> None:
    asked = sequence(random.Random(seed))
    number = 1 + seed % 3
    seen = []
    for general in (False, True):
        async with ScriptedVendor("openai_chat", validate=False) as vendor:
            settings = made(vendor, number, session_affinity=600.0 if seed % 2 else 0.0)
            async with running_gateway(settings) as gateway:
                stop_time(gateway)
                if general:
                    only_general(gateway)
                seen.append(await told(gateway, vendor, asked))
                url = vendor.url.rpartition(":")[2]
        seen[-1] = json.loads(json.dumps(seen[-1], default=repr).replace(url, "PORT"))
    for straight, usual in zip(*seen, strict=True):
        assert straight == usual


def generations(settings: Settings) -> list[Settings]:
    """What settings may become while a client keeps its connection."""
    [key], replaced = settings.client_keys, msgspec.structs.replace
    accounts = {
        name: tuple(
            replaced(account, headers={**account.headers, "x-own": "1", "User-Agent": "own"}) for account in group
        )
        for name, group in settings.accounts.items()
    }
    return [
        settings,
        replaced(settings, client_keys=(replaced(key, disabled=True),)),
        replaced(settings, client_keys=(replaced(key, expires=1.0),)),
        replaced(settings, client_keys=(replaced(key, expires=4e9),)),
        replaced(settings, client_keys=(replaced(key, models=("alias",)),)),
        replaced(settings, accounts=accounts),
    ]


async def asked_with_one_head(
    gateway: RunningGateway, vendor: ScriptedVendor, settings: Settings, source: random.Random, *, general: bool
) -> list[Any]:
    """What client and vendor see of requests with few heads on one connection, while settings change."""
    heads: list[dict[str, str]] = [{}, {}, {"user-agent": "one"}, {"user-agent": "two"}, {"x-codenex-strict": "1"}]
    bodies: list[dict[str, Any]] = [{}, {}, {"model": "alias"}, {"user": "x" * 20}, {"model": "forbidden"}]
    seen: list[Any] = []
    client = await RawClient.connect(gateway.port)
    try:
        for _ in range(25):
            if not source.randrange(6):
                gateway.gateway.configure(source.choice(generations(settings)))
            if general:
                only_general(gateway)
            head = source.choice(heads)
            for _ in range(source.randrange(1, 4)):
                body = {**TALK, **source.choice(bodies)}
                before = len(vendor.requests)
                answer = await client.ask("POST", "/v1/chat/completions", body, {**gateway.headers, **head})
                seen.append((body, head, shown(answer), notes_of(gateway)))
                for request in vendor.requests[before:]:
                    pairs = request.headers.pairs
                    names = [name.lower() for name, _ in pairs]
                    assert len(names) == len(set(names))
                    [name] = [value for name, value in pairs if name.lower() == "x-request-id"]
                    assert name == gateway.records[-1].request_id
                    sent = [pair for pair in pairs if pair[0].lower() != "x-request-id"]
                    seen.append((request.method, request.target, sent, request.body))
    finally:
        client.close()
    return seen


@pytest.mark.parametrize("seed", range(40 if DEEP else 3))
async def test_both_ways_agree_on_heads_that_come_again_while_settings_change(seed: int) -> None:
    seen = []
    for general in (False, True):
        async with ScriptedVendor("openai_chat", validate=False) as vendor:
            settings = made(vendor, 1 + seed % 2)
            async with running_gateway(settings) as gateway:
                told = await asked_with_one_head(gateway, vendor, settings, random.Random(seed), general=general)
            url = vendor.url.rpartition(":")[2]
        seen.append(json.loads(json.dumps(told, default=repr).replace(url, "PORT")))
    for straight, usual in zip(*seen, strict=True):
        assert straight == usual
    assert {entry[2][0] for entry in seen[0] if isinstance(entry[0], dict)} > {200}


async def test_what_is_remembered_of_a_head_ends_with_its_generation_of_settings() -> None:
    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        settings = gateway.gateway.settings

        async def ask() -> tuple[int, list[str | None]]:
            before = len(vendor.requests)
            answer = await client.ask("POST", "/v1/chat/completions", TALK, gateway.headers)
            return answer.status, [request.headers.get("authorization") for request in vendor.requests[before:]]

        first = [await ask() for _ in range(4)]
        [account] = settings.accounts["openai-custom"]
        renewed = msgspec.structs.replace(account, api_key="other")
        gateway.gateway.configure(msgspec.structs.replace(settings, accounts={"openai-custom": (renewed,)}))
        vendor.key = "other"
        second = [await ask() for _ in range(4)]
        gateway.gateway.configure(generations(settings)[1])
        third = [await ask() for _ in range(2)]
        gateway.gateway.configure(settings)
        vendor.key = account.api_key or ""
        assert [await ask() for _ in range(4)] == first
    assert {status for status, _ in first + second} == {200}
    assert second == [(200, ["Bearer other"])] * 4 != first
    assert third == [(401, [])] * 2


@pytest.mark.parametrize("path", WAYS)
async def test_an_ordinary_request_goes_straight_once_its_route_and_key_are_known(path: str) -> None:
    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        await client.ask("POST", path, EITHER, gateway.headers)

        async def never(*_: Any) -> None:
            raise AssertionError("the general way")

        gateway.gateway._straight._general = gateway.gateway._straight._serve = never
        answer = await client.ask("POST", path, EITHER, gateway.headers)
    assert answer.status == 200
    assert len(vendor.requests) == 2


async def test_limits_of_a_key_hold_on_the_straight_way() -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        settings = made(vendor, 1)
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as client:
            gateway.gateway.admission.limit = 1
            answers = [await client.ask("POST", "/v1/chat/completions", TALK, gateway.headers) for _ in range(3)]
            gateway.gateway.admission.limit = 0
            refused = await client.ask("POST", "/v1/chat/completions", TALK, gateway.headers)
            assert gateway.gateway.admission.in_progress == 0
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert (refused.status, refused.json["error"]["code"]) == (503, "overloaded")


@pytest.mark.parametrize("path", WAYS)
async def test_a_client_that_leaves_ends_the_attempt(path: str) -> None:
    held = asyncio.Event()

    async def wait(request: Any) -> Reply:
        await held.wait()
        return GOOD

    async with ScriptedVendor("openai_chat", validate=False) as vendor, running_gateway(made(vendor, 1)) as gateway:
        async with await RawClient.connect(gateway.port) as client:
            await client.ask("POST", path, EITHER, gateway.headers)
            vendor.answer_next(wait)
            await client.request("POST", path, json.dumps(EITHER).encode(), gateway.headers)
            await vendor.wait_for_requests(2)
        async with asyncio.timeout(5):
            while len(gateway.records) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        held.set()
        [account] = gateway.gateway.accounts.report()["openai-custom"]
        row = usage_row(1, 0.0, gateway.records[-1])
    assert account["inFlight"] == 0
    assert row.attempts is not None
    assert [attempt.error for attempt in row.attempts] == ["cancelled"]


@pytest.mark.parametrize(("path", "stream", "bound"), [(WAYS[0], False, 30), (WAYS[1], False, 45), (WAYS[0], True, 65)])
async def test_an_ordinary_request_takes_few_calls(path: str, stream: bool, bound: int) -> None:
    """Counted over client, gateway, vendor: those of the gateway's own layers alone."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        name = frame.f_code.co_filename
        if event in ("call", "c_call") and ("/codenex/gateway/" in name or "/codenex/pool/" in name):
            calls += 1

    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        asked = {**EITHER, "stream": stream}
        vendor.answer_next(*[TOLD if stream else GOOD] * 14)
        for _ in range(4):
            await client.ask("POST", path, asked, gateway.headers)
        sys.setprofile(count)
        try:
            for _ in range(10):
                await client.ask("POST", path, asked, gateway.headers)
        finally:
            sys.setprofile(None)
    assert 0 < calls / 10 <= bound


async def test_a_stream_that_comes_in_one_read_leaves_its_connection_to_the_next() -> None:
    together = Script([Write(b"".join(step.data for step in TOLD.steps() if isinstance(step, Write)))])
    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        transport = gateway.gateway._straight._transport
        served = set()
        for _ in range(3):
            vendor.answer_next(together)
            answer = await client.ask("POST", "/v1/chat/completions", {**TALK, "stream": True}, gateway.headers)
            assert answer.body.endswith(b"data: [DONE]\n\n")
            [connection] = transport._connections
            served.add(connection)
            assert connection.response is None
        assert len(served) == 1


async def test_answers_whose_head_comes_again_go_down_as_the_first_one_did() -> None:
    before = b"HTTP/1.1 200 OK\r\nOpenAI-Version: 1\r\nContent-Length: "
    after = b"\r\nContent-Type: application/json\r\nX-RateLimit-A: 7\r\nServer: x\r\n\r\n"
    own = ("content-length", "date", "x-request-id")
    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        seen = set()
        for number in (1, 2, 3000, 4, 5):
            content = whole(choices=[choice(message={"role": "assistant", "content": "x" * number})])
            vendor.answer_next(Script([Write(before + b"%d" % len(content) + after + content)]))
            answer = await client.ask("POST", WAYS[0], TALK, gateway.headers)
            assert answer.body == content
            seen.add(tuple(pair for pair in answer.headers.pairs if pair[0] not in own))
        [last] = gateway.gateway._straight._transport._last_heads.values()
        _, down = last.known.memory  # type: ignore[union-attr]
        assert "x-ratelimit-a: 7" in down.lines
        assert seen == {tuple(down)}


@pytest.mark.parametrize(("general", "path"), [(False, WAYS[0]), (True, WAYS[0]), (False, WAYS[1])])
async def test_a_stream_lets_go_of_the_request_once_content_has_gone_out(general: bool, path: str) -> None:
    held = asyncio.Event()
    size = 8_000_000

    async def answer(request: Any) -> Reply:
        request.body = b""
        first, *rest = TOLD.steps()[1:]
        return Script([TOLD.steps()[0], first, Wait(held), *rest])

    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(made(vendor, 1)) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        if general:
            only_general(gateway)
        for _ in range(2):
            await client.ask("POST", path, {**EITHER, "stream": True}, gateway.headers)
        vendor.answer_next(answer)
        tracemalloc.start()
        try:
            body = json.dumps(
                {**EITHER, "stream": True, "messages": [{"role": "user", "content": "x" * size}]}
            ).encode()
            await client.request("POST", path, body, gateway.headers)
            del body
            head = await client.head()
            async for _ in client.events(head):
                if held.is_set():
                    continue
                gc.collect()
                kept = tracemalloc.get_traced_memory()[0]
                held.set()
        finally:
            tracemalloc.stop()
    assert head.status == 200
    assert kept < size / 2
