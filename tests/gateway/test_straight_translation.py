"""The straight way translates requests and whole answers as the general way does, whatever client and vendor say."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from tests.gateway.test_straight import DEEP, only_general, stop_time, told
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Close, Reply, Script, Unary, Write
from tests.support.scenario import SCENARIOS, Scenario
from tests.support.upstream import Answer, Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

from codenex.core.envelope import UNSIGNED, sealed
from codenex.core.identifiers import digest
from codenex.core.parts import Signature

SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}, "eß$": {"type": "integer"}}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
MESSAGES = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _thought(signature: str) -> dict[str, Any]:
    said = [{"type": "thinking", "thinking": "so", "signature": signature}, {"type": "text", "text": "yes"}]
    again = {"role": "user", "content": "sure?"}
    return {"messages": [*MESSAGES["messages"], {"role": "assistant", "content": said}, again]}


def _sealed(provider: str) -> dict[str, Any]:
    """A thought of the first account of a provider type, as the gateway has given it to the client."""
    scope = digest("scope", provider, f"{provider}-0")
    return _thought(sealed(Signature("gemini", "c2lnbmVk", model="m", scope=scope), bytes(32)).payload)


def _blocks(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


#: What an Anthropic client may send, beside the least.
OF_MESSAGES: tuple[dict[str, Any], ...] = (
    {"system": "be brief", "temperature": 0.5, "stop_sequences": ["END"]},
    {"system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}]},
    {"top_k": 5, "top_p": 0.1},
    {"tools": [{"name": "search", "description": "finds", "input_schema": SCHEMA}]},
    {"tools": [{"name": "s" * 90, "input_schema": SCHEMA}], "tool_choice": {"type": "any"}},
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"}},
    {"metadata": {"user_id": "me"}, "service_tier": "auto", "unknown": 1},
    {"thread": {"previous_message_id": "msg_1"}},
    {"stream": True},
    {"stream": True, "tools": [{"name": "search", "input_schema": SCHEMA}]},
    {"stream": None},
    _thought(UNSIGNED),
    _sealed("gemini-custom"),
    _sealed("claude-custom"),
    {"messages": "hi"},
    {"max_tokens": "many"},
    {"model": "alias"},
    {"model": "x" * 300},
    _blocks({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}),
    _blocks({"type": "image", "source": {"type": "url", "url": "http://127.0.0.1:9/a.png"}}),
    _blocks({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL}}),
    _blocks({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}),
    {
        "messages": [
            {"role": "user", "content": "go on"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "so", "signature": "c2lnbmVk"},
                    {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"query": "x"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "image", "source": {"type": "url", "url": "http://127.0.0.1:9/b.png"}}],
                    }
                ],
            },
        ]
    },
)
#: The same of a Chat client.
OF_CHAT: tuple[dict[str, Any], ...] = (
    {"messages": [{"role": "system", "content": "be brief"}, *CHAT["messages"]], "max_completion_tokens": 9},
    {"tools": [{"type": "function", "function": {"name": "search", "parameters": SCHEMA, "strict": True}}]},
    {"functions": [{"name": "search", "parameters": SCHEMA}], "function_call": "auto"},
    {"tools": [{"type": "custom", "custom": {"name": "raw"}}]},
    {"n": 2, "logprobs": True, "seed": 7, "logit_bias": {"1": 2}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}},
    {"reasoning_effort": "low", "user": "me", "metadata": {"a": "b"}, "store": True},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"stream": True},
    {"messages": []},
    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/c"}}]}]},
    {"model": "alias"},
)
CLIENTS: dict[str, tuple[str, dict[str, Any], tuple[dict[str, Any], ...]]] = {
    "anthropic": ("/v1/messages?beta=true", MESSAGES, OF_MESSAGES),
    "chat": ("/v1/chat/completions", CHAT, OF_CHAT),
}
HEADERS: tuple[dict[str, str], ...] = (
    *({},) * 6,
    {"x-codenex-strict": "1"},
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "anthropic-beta": "a-2025-01-01"},
)
#: What no vendor means to answer, and errors of all kinds.
BROKEN: tuple[Reply, ...] = (
    Unary(b"not json"),
    Unary(b""),
    Unary(b"{}"),
    Unary(b"", 204),
    Unary(b'{"error":{"message":"busy","type":"x"}}', 503),
    Unary(b'{"error":{"message":"slow down"}}', 429, [("retry-after", "60")]),
    Unary(b'{"error": {"message": "after all not", "type": "server_error"}}'),
    Script([Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"), Close()]),
)
#: Client and vendor of a run.
PAIRS: tuple[tuple[str, ProtocolName], ...] = (
    ("anthropic", "openai_chat"),
    ("chat", "anthropic"),
    ("anthropic", "gemini"),
    ("anthropic", "openai_responses"),
    ("anthropic", "anthropic"),
    ("chat", "openai_chat"),
    ("chat", "gemini"),
)
#: Ids that the gateway makes, and when it says that an answer was made.
_OWN = re.compile(r"[0-9a-f]{24,}|\b1[6-9]\d{8}\b")


def answering(vendor: ScriptedVendor, source: random.Random) -> Answer:
    """Any answer that the vendor may give to one request."""
    if not source.randrange(4):
        return source.choice(BROKEN)
    scenario: Scenario = source.choice(list(SCENARIOS.values()))
    wrong, extra = not source.randrange(15), not source.randrange(8)

    def answer(request: Request) -> Reply:
        vendor.scenario = scenario
        reply = vendor.rendered(request, stream=vendor.dialect.streams(request) is not wrong)
        if extra and isinstance(reply, Unary):
            return Unary(json.dumps({**json.loads(reply.body), "service_tier": "flex", "other": [1]}).encode())
        return reply

    return answer


def asking(client: str, source: random.Random) -> tuple[bytes, dict[str, str]]:
    """Any request."""
    _, least, further = CLIENTS[client]
    body = dict(least)
    for _ in range(source.choice((0, 1, 1, 2))):
        body |= source.choice(further)
    sent = json.dumps(body).encode()
    headers = {**source.choice(HEADERS), "x-request-id": "asked"}
    return sent[: source.randrange(len(sent))] if not source.randrange(25) else sent, headers


@pytest.mark.parametrize("seed", range(140 if DEEP else len(PAIRS)))
async def test_both_ways_translate_alike(seed: int) -> None:
    client, protocol = PAIRS[seed % len(PAIRS)]
    seen = []
    for general in (False, True):
        source = random.Random(seed)
        async with ScriptedVendor(protocol, validate=False) as vendor:
            # Of the client's own protocol, bytes would pass otherwise.
            normalise = protocol.endswith(client)
            accounts = [
                account_for(vendor, number, aliases={"alias": "renamed"}, normalise=normalise)
                for number in range(1 + seed % 3)
            ]
            settings = settings_for(
                *accounts, fetch_media=seed % 2 == 0, strict=seed % 9 == 8, session_affinity=600.0 if seed % 2 else 0.0
            )
            async with running_gateway(settings) as gateway:
                stop_time(gateway)
                if general:
                    only_general(gateway)
                asked = [
                    (
                        CLIENTS[client][0] + source.choice(("", "?beta=true")),
                        asking(client, source),
                        [answering(vendor, source) for _ in range(6)],
                    )
                    for _ in range(14)
                ]
                seen.append(await told(gateway, vendor, asked))
                port = vendor.url.rpartition(":")[2]
        text = json.dumps(seen[-1], default=repr).replace(port, "PORT")
        seen[-1] = json.loads(_OWN.sub("?", text))
    for straight, usual in zip(*seen, strict=True):
        assert straight == usual
