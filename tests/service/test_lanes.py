"""Between client and upstream: bytes that pass, accounts that fail, streams that die, clients that leave."""

import asyncio
import dataclasses
import re

import pytest
from tests.support.client import RawClient
from tests.support.gateway import KEY, account_for, running_gateway, settings_for
from tests.support.replies import Stream, Unary, cut_after, hang, stall
from tests.support.scenario import SCENARIOS
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor

from codenex.core import json

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:streamGenerateContent?alt=sse",
}
BODIES = {
    "openai_chat": (
        b'{"messages":[{"role":"user","content":"h\xc3\xa9"}], "model" : "m","x_new":[1.0,2E3],"stream":true,'
        b'"stream_options": { "include_usage":true} }'
    ),
    "openai_responses": b'{"input":"h\xc3\xa9", "model" : "m","x_new":[1.0,2E3],"stream":true}',
    "anthropic": (
        b'{"max_tokens":50,"messages":[{"role":"user","content":"h\xc3\xa9"}], "model" : "m","x_new":1.0,"stream":true}'
    ),
    "gemini": b'{"contents":[{"role":"user","parts":[{"text":"h\xc3\xa9"}]}],  "xNew":[1.0,2E3]}',
}
PROTOCOLS = list(PATHS)


async def open_stream(client, gateway, protocol):
    await client.request("POST", PATHS[protocol], headers=gateway.headers, body=BODIES[protocol])
    return await client.head()


async def drained(client, head):
    return b"".join([piece async for piece in client.body(head)])


@pytest.mark.pitfall("CACHE-1", "RSN-6", "SSE-13", "OUT-7")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_equal_protocols_pass_every_byte_of_an_unedited_request_and_of_its_stream(protocol):
    async with ScriptedVendor(protocol, scenario=SCENARIOS["unicode"], validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                head = await open_stream(client, gateway, protocol)
                through = await drained(client, head)
            assert vendor.requests[-1].content == BODIES[protocol]
            target = PATHS[protocol]
            port = int(vendor.url.rpartition(":")[2])
            name = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(protocol, "authorization")
            value = f"Bearer {UPSTREAM_KEY}" if name == "authorization" else UPSTREAM_KEY
            headers = {name: value, "anthropic-version": "2023-06-01", "content-type": "application/json"}
            async with await RawClient.connect(port) as client:
                await client.request("POST", target, headers=headers, body=BODIES[protocol])
                direct = await drained(client, await client.head())
            assert through == direct


@pytest.mark.pitfall("RSP-18")
async def test_an_account_that_speaks_its_protocol_imperfectly_can_be_normalised():
    """Events without indexes, as a real small server sends them, break the official SDK unless they are rebuilt."""

    def without_indexes(reply):
        chunks = [re.sub(rb'"(content_index|output_index)":\d+,?', b"", chunk) for chunk in reply.chunks]
        return dataclasses.replace(reply, chunks=chunks)

    async with ScriptedVendor("openai_responses", scenario=SCENARIOS["text"], validate=False) as vendor:
        vendor.distort = without_indexes
        async with running_gateway(settings_for(account_for(vendor, normalise=True))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                head = await open_stream(client, gateway, "openai_responses")
                through = await drained(client, head)
    deltas = [
        json.decode(line[6:]) for line in through.splitlines() if b"output_text.delta" in line and line[:1] == b"d"
    ]
    assert deltas
    assert all(delta["content_index"] == 0 and delta["output_index"] == 0 for delta in deltas)
    assert "".join(delta["delta"] for delta in deltas) == SCENARIOS["text"].text


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("kind", ["overloaded", "rate_limit"])
async def test_a_failing_account_is_replaced_before_the_client_sees_anything(upstream, kind):
    async with ScriptedVendor(upstream, validate=False) as bad, ScriptedVendor(upstream, validate=False) as good:
        bad.fail_next(kind, kind)
        accounts = (account_for(bad, 0), account_for(good, 1))
        async with running_gateway(settings_for(*accounts)) as gateway, await RawClient.connect(gateway.port) as client:
            response = await client.ask("POST", PATHS["anthropic"], headers=gateway.headers, body=BODIES["anthropic"])
            assert response.status == 200
            assert (len(bad.requests), len(good.requests)) == (1, 1)


async def test_a_resting_pool_answers_429_with_the_wait_and_calls_nobody():
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        error = b'{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}'
        limited = Unary(error, 429, [("retry-after", "17")])
        vendor.answer_next(limited)
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                for _ in range(3):
                    response = await client.ask(
                        "POST", PATHS["openai_chat"], headers=gateway.headers, body=BODIES["openai_chat"]
                    )
                    assert response.status == 429
                    # The stated time and what chance adds to it, never less.
                    assert 15 <= int(response.headers.get("retry-after")) <= 19
            assert len(vendor.requests) == 1


@pytest.mark.pitfall("ERR-7", "ERR-8", "ERR-10")
@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_stream_that_dies_ends_with_the_clients_own_error_and_never_silently(protocol, upstream):
    async with ScriptedVendor(upstream, scenario=SCENARIOS["text"], validate=False) as vendor:
        vendor.distort = lambda reply: cut_after(reply, chunks=vendor.dialect.handshake + 3, extra=5)
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                head = await open_stream(client, gateway, protocol)
                assert head.status == 200
                received = (await asyncio.wait_for(drained(client, head), 5)).decode()
            frames = [line[6:] for line in received.splitlines() if line.startswith("data: ")]
            assert all(json.try_object(frame.encode()) is not None for frame in frames), received
            last = json.decode_object(frames[-1])
            match protocol:
                case "openai_chat" | "gemini":
                    assert "error" in last
                case "anthropic":
                    assert last["type"] == "error"
                case _:
                    assert last["type"] == "response.failed"
            assert "[DONE]" not in received
            assert received.count('"error":{') + received.count('"error": {') == 1
            assert gateway.idle()


@pytest.mark.pitfall("ERR-11")
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("upstream", ["anthropic", "openai_chat"])
async def test_a_client_that_leaves_closes_the_upstream(upstream, streaming):
    async with ScriptedVendor(upstream, scenario=SCENARIOS["text"], validate=False) as vendor:
        if streaming:
            vendor.distort = lambda reply: stall(reply, chunks=vendor.dialect.handshake + 4)
        else:
            vendor.answer_next(hang())
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            client = await RawClient.connect(gateway.port)
            body = BODIES["anthropic"] if streaming else BODIES["anthropic"].replace(b"true", b"false")
            await client.request("POST", PATHS["anthropic"], headers=gateway.headers, body=body)
            if streaming:
                await client.head()
            exchange = await vendor.wait_for_requests(1)
            started = asyncio.get_running_loop().time()
            client.reset()
            await exchange.left(2)
            assert asyncio.get_running_loop().time() - started < 0.5


@pytest.mark.pitfall("CLI-5")
async def test_a_silent_stream_gets_its_head_and_keep_alives_and_may_still_fail_over():
    async with (
        ScriptedVendor("openai_chat", validate=False) as silent,
        ScriptedVendor("openai_chat", validate=False) as good,
    ):
        silent.distort = lambda reply: stall(reply, chunks=0)
        fields = {"commit_after": 0.1, "keep_alive_interval": 0.1, "idle_timeout": 0.6}
        settings = settings_for(account_for(silent, 0), account_for(good, 1), **fields)
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as client:
            head = await asyncio.wait_for(open_stream(client, gateway, "openai_chat"), 0.5)
            assert head.status == 200
            received = await asyncio.wait_for(drained(client, head), 5)
            assert received.startswith(b":")
            assert received.count(b":") > 2
            assert received.rstrip().endswith(b"data: [DONE]")
            assert len(good.requests) == 1


@pytest.mark.pitfall("CLI-6", "MED-9")
async def test_upstream_errors_keep_status_and_words_and_lose_keys():
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        body = json.encode({"error": {"message": f"bad key {UPSTREAM_KEY} at this", "type": "x", "code": "teapot"}})
        vendor.answer_next(Unary(body, 422), Unary(body, 422))
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            for protocol in ("openai_chat", "anthropic"):
                async with await RawClient.connect(gateway.port) as client:
                    response = await client.ask("POST", PATHS[protocol], headers=gateway.headers, body=BODIES[protocol])
                    assert response.status == 422
                    assert b"at this" in response.body
                    assert UPSTREAM_KEY.encode() not in response.body
                    assert KEY.encode() not in response.body


async def test_losses_are_told_and_refused_in_strict_mode():
    body = json.encode({"model": "m", "seed": 5, "messages": [{"role": "user", "content": "hi"}]})
    async with ScriptedVendor("anthropic") as vendor, running_gateway(settings_for(account_for(vendor))) as gateway:
        async with await RawClient.connect(gateway.port) as client:
            told = await client.ask("POST", PATHS["openai_chat"], headers=gateway.headers, body=body)
            assert told.status == 200
            assert "seed=dropped" in told.headers.get("x-codenex-losses")
            strict = {**gateway.headers, "x-codenex-strict": "1"}
            refused = await client.ask("POST", PATHS["openai_chat"], headers=strict, body=body)
            assert refused.status == 400
            assert "seed" in refused.json["error"]["message"]
        assert len(vendor.requests) == 1


async def test_a_gemini_stream_without_events_is_one_json_array():
    for upstream in ("gemini", "anthropic"):
        async with ScriptedVendor(upstream, validate=False) as vendor:
            async with running_gateway(settings_for(account_for(vendor))) as gateway:
                async with await RawClient.connect(gateway.port) as client:
                    response = await client.ask(
                        "POST",
                        "/v1beta/models/m:streamGenerateContent",
                        headers=gateway.headers,
                        body=BODIES["gemini"],
                    )
            chunks = json.decode(response.body)
            assert isinstance(chunks, list)
            assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.pitfall("ERR-7")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_error_event_without_its_blank_line_reaches_the_client(protocol):
    async with ScriptedVendor(protocol, validate=False) as vendor:
        dialect = vendor.dialect
        chunks = dialect.errors.failing_stream(SCENARIOS["text"], {}, "overloaded", after=dialect.handshake + 4)
        vendor.answer_next(Stream([b"".join(chunks).rstrip(b"\r\n")]))
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                head = await open_stream(client, gateway, protocol)
                received = await asyncio.wait_for(drained(client, head), 5)
        assert head.status == 200
        assert b"error" in received
        assert received.endswith(b"\n\n")


@pytest.mark.pitfall("ERR-6")
async def test_an_error_before_the_first_event_is_a_real_status():
    async with ScriptedVendor("anthropic", validate=False) as vendor:
        vendor.break_next("overloaded")
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                head = await open_stream(client, gateway, "openai_chat")
                assert head.status >= 400


@pytest.mark.pitfall("CLI-3")
async def test_a_rebuilt_request_keeps_the_headers_that_its_fields_need():
    body = json.encode(
        {
            "model": "m",
            "max_tokens": 50,
            "messages": [{"role": "user", "content": "hi"}],
            "context_management": {"edits": []},
        }
    )
    async with ScriptedVendor("anthropic") as vendor:
        settings = settings_for(account_for(vendor, normalise=True))
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as client:
            headers = {**gateway.headers, "anthropic-version": "2023-06-01", "anthropic-beta": "context-management"}
            response = await client.ask("POST", PATHS["anthropic"] + "?beta=true", headers=headers, body=body)
            assert response.status == 200
    sent = vendor.requests[0]
    assert sent.json["context_management"] == {"edits": []}
    assert sent.headers.get("anthropic-beta") == "context-management"
    assert sent.target.endswith("?beta=true")
    assert sent.headers.get("x-api-key") == UPSTREAM_KEY
    assert sent.headers.get("authorization") is None


@pytest.mark.pitfall("CACHE-1")
async def test_a_token_count_of_the_same_protocol_passes_every_byte():
    body = b'{"messages":[{"role":"user","content":"h\xc3\xa9"}], "model" : "m"}'
    async with ScriptedVendor("anthropic") as vendor, running_gateway(settings_for(account_for(vendor))) as gateway:
        async with await RawClient.connect(gateway.port) as client:
            response = await client.ask("POST", "/v1/messages/count_tokens", headers=gateway.headers, body=body)
            assert response.json == {"input_tokens": vendor.tokens}
    assert vendor.requests[0].content == body


@pytest.mark.pitfall("ERR-4")
@pytest.mark.parametrize(("protocol", "status"), [("gemini", 400), ("openai_chat", 401), ("anthropic", 401)])
async def test_a_wrong_key_is_told_by_each_protocols_own_status(protocol, status):
    path = PATHS[protocol].replace("streamGenerateContent?alt=sse", "generateContent")
    body = BODIES[protocol].replace(b"true", b"false")
    async with ScriptedVendor("gemini", key="another") as vendor:
        settings = settings_for(account_for(vendor))
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as client:
            response = await client.ask("POST", path, headers=gateway.headers, body=body)
    assert response.status == status
    assert "API key not valid" in response.json["error"]["message"]
