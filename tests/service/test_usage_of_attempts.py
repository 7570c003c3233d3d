"""The usage record of a request is that of the attempt which served it, and of all runs of a model within that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Stream, Unary
from tests.support.vendor import ScriptedVendor

from codenex.core import json
from codenex.telemetry.rows import usage_row

ASKED: dict[str, Any] = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
START = {"type": "message", "id": "msg_1", "role": "assistant", "model": "m", "content": [], "stop_reason": None}


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode({"type": kind, **fields}))


async def asked(gateway: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with await RawClient.connect(gateway.port) as client:
        answer = await client.ask("POST", path, headers=gateway.headers, body=json.encode(body))
    assert answer.status == 200
    return {} if body.get("stream") else dict(answer.json)


@pytest.mark.pitfall("USE-13")
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_a_failed_attempt_leaves_no_usage(path: str) -> None:
    begun = event("message_start", message={**START, "usage": {"input_tokens": 999, "output_tokens": 1}})
    failed = event("error", error={"type": "rate_limit_error", "message": "slow down"})
    async with ScriptedVendor("anthropic") as vendor:
        vendor.answer_next(Stream([begun, failed]))
        accounts = (account_for(vendor, 0), account_for(vendor, 1))
        async with running_gateway(settings_for(*accounts)) as gateway:
            await asked(gateway, path, {**ASKED, "stream": True})
        assert len(vendor.requests) == 2
    usage = gateway.records[-1].notes.usage
    assert usage.input_total not in (None, 999)


@pytest.mark.pitfall("USE-12")
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_all_runs_of_an_answer_are_counted(path: str) -> None:
    runs = [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
        {"type": "message", "input_tokens": 30, "output_tokens": 7, "cache_read_input_tokens": 2},
    ]
    usage = {"input_tokens": 30, "output_tokens": 7, "cache_read_input_tokens": 2, "iterations": runs}
    content = [{"type": "text", "text": "Hi"}]
    whole = {**START, "content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
    async with ScriptedVendor("anthropic") as vendor, running_gateway(settings_for(account_for(vendor))) as gateway:
        vendor.answer_next(Unary(json.encode(whole)))
        answer = await asked(gateway, path, ASKED)
    row = usage_row(1, 0.0, gateway.records[-1])
    assert (row.input_uncached, row.input_cache_read, row.output_text) == (1030, 2, 57)
    if path == "/v1/messages":
        assert answer["usage"] == usage
    else:
        assert answer["usage"]["prompt_tokens"] == 32
