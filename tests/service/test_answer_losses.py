"""What an answer loses is told in the header of a whole answer, and counted in the record of a stream."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Stream, Unary
from tests.support.vendor import ScriptedVendor

from codenex.core import json

ASKED = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
TOKEN = {"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}
ENDED = {"finish_reason": "stop", "logprobs": {"content": [TOKEN], "refusal": None}}
ANSWER: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "novelty": "x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, **ENDED}],
}
CHUNK = {**ANSWER, "object": "chat.completion.chunk"}
CHUNK["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, **ENDED}]


@pytest.mark.parametrize("strict", [False, True])
async def test_a_whole_answer_tells_its_losses_after_those_of_the_request(strict: bool) -> None:
    """Strict mode is about requests: an answer that is there is not thrown away."""
    asked = ASKED if strict else {**ASKED, "top_k": 3}
    async with ScriptedVendor("openai_chat") as vendor, running_gateway(settings_for(account_for(vendor))) as gateway:
        vendor.answer_next(Unary(json.encode(ANSWER)))
        headers = {**gateway.headers, **({"x-codenex-strict": "1"} if strict else {})}
        async with await RawClient.connect(gateway.port) as client:
            answer = await client.ask("POST", "/v1/messages", headers=headers, body=json.encode(asked))
    assert answer.status == 200
    own = "output.novelty=dropped, output.logprobs=dropped"
    told = answer.headers.get("x-codenex-losses")
    assert told == (f"2; {own}" if strict else f"3; top_k=dropped, {own}")
    assert len(gateway.records[-1].notes.lost or ()) == (2 if strict else 3)


async def test_a_stream_counts_its_losses_in_the_record() -> None:
    async with ScriptedVendor("openai_chat") as vendor, running_gateway(settings_for(account_for(vendor))) as gateway:
        vendor.answer_next(Stream([b"data: " + json.encode(CHUNK) + b"\n\n", b"data: [DONE]\n\n"]))
        body = json.encode({**ASKED, "stream": True, "top_k": 3})
        async with await RawClient.connect(gateway.port) as client:
            answer = await client.ask("POST", "/v1/messages", headers=gateway.headers, body=body)
    assert answer.status == 200
    assert answer.headers.get("x-codenex-losses") == "1; top_k=dropped"
    assert len(gateway.records[-1].notes.lost or ()) == 3
