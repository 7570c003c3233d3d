"""Usage of streams that pass through: asked for where the client doesn't, recorded, and hidden from it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.scenario import SCENARIOS
from tests.support.vendor import ScriptedVendor

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "x": [1.0, 2E3], "stream": true%s}'


async def streamed(more: bytes, **fields: Any) -> tuple[RawResponse, bytes, Any]:
    """The answer, what the upstream got, and the usage that was recorded."""
    async with ScriptedVendor("openai_chat", scenario=SCENARIOS["cached"], validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor, **fields))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                answer = await client.ask("POST", "/v1/chat/completions", BODY % more, gateway.headers)
            usage = gateway.records[-1].notes.usage
            return answer, vendor.requests[-1].content, usage


def chunks(answer: RawResponse) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in answer.events if event.data != "[DONE]"]


@pytest.mark.pitfall("USE-7", "USE-15")
@pytest.mark.parametrize("more", [b"", b', "stream_options": {"include_usage": false, "include_obfuscation": false}'])
async def test_a_client_that_does_not_ask_sees_none_and_it_is_recorded(more: bytes) -> None:
    answer, sent, usage = await streamed(more)

    assert json.loads(sent)["stream_options"]["include_usage"] is True
    assert all(chunk["choices"] for chunk in chunks(answer))
    assert answer.events[-1].data == "[DONE]"
    assert (usage.input_total, usage.output_total) == (17 + 4096 + 512, 31)


async def test_everything_else_of_the_request_stays_as_it_was() -> None:
    _, sent, _ = await streamed(b', "stream_options": {"include_obfuscation": false}')

    assert b'"x":[1.0, 2E3]' in sent
    assert json.loads(sent)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert list(json.loads(sent)) == ["model", "messages", "x", "stream", "stream_options"]


@pytest.mark.pitfall("USE-7")
async def test_a_client_that_asks_sees_it_and_its_body_is_not_edited() -> None:
    more = b', "stream_options": {"include_usage": true }'
    answer, sent, usage = await streamed(more)

    assert sent == BODY % more
    assert chunks(answer)[-1]["choices"] == []
    assert chunks(answer)[-1]["usage"]["completion_tokens"] == usage.output_total == 31


async def test_a_server_that_does_not_know_the_option_is_not_asked() -> None:
    _, sent, _ = await streamed(b"", capabilities={"include_usage_option": False})

    assert sent == BODY % b""
