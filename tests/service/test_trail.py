"""The record of a request says what became of each attempt."""

from __future__ import annotations

from typing import Any

from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Unary
from tests.support.vendor import ScriptedVendor

from codenex.telemetry.rows import UsageRow, usage_row

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
BUSY = Unary(b'{"error":{"message":"busy"}}', 503)
TIRED = Unary(b'{"error":{"message":"slow down"}}', 429, [("retry-after", "60")])


async def row_of(gateway: RunningGateway, body: dict[str, Any] | None = None) -> UsageRow:
    async with await RawClient.connect(gateway.port) as client:
        await client.ask("POST", "/v1/chat/completions", body or ASKED, gateway.headers)
    return usage_row(1, 0.0, gateway.records[-1])


async def test_an_attempt_that_serves_leaves_no_trail() -> None:
    async with (
        ScriptedVendor("openai_chat", validate=False) as vendor,
        running_gateway(settings_for(account_for(vendor))) as gateway,
    ):
        row = await row_of(gateway)
    assert (row.status, row.attempts, row.path, row.lost) == (200, None, "/v1/chat/completions", None)


async def test_each_failure_is_told_and_who_served_in_the_end() -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        vendor.answer_next(TIRED, BUSY)
        accounts = [account_for(vendor, number) for number in range(3)]
        async with running_gateway(settings_for(*accounts)) as gateway:
            row = await row_of(gateway)
    assert row.status == 200
    assert row.attempts is not None
    assert [(attempt.error, attempt.status) for attempt in row.attempts] == [
        ("rate_limit", 429),
        ("overloaded", 503),
        (None, None),
    ]
    assert len({attempt.account for attempt in row.attempts}) == 3
    assert row.attempts[-1].account == row.account
    times = [moment for attempt in row.attempts for moment in (attempt.began_ms, attempt.ended_ms)]
    assert times == sorted(times)
    assert times[-1] <= row.duration_ms


async def test_a_request_that_nobody_could_serve_has_a_row() -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        vendor.answer_next(TIRED)
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            first, second = await row_of(gateway), await row_of(gateway)
    assert first.attempts is not None
    assert [attempt.error for attempt in first.attempts] == ["rate_limit"]
    assert (second.status, second.provider, second.model, second.account) == (429, "openai-custom", "m", None)
    assert second.attempts is None


async def test_what_a_translation_lost_is_told() -> None:
    async with (
        ScriptedVendor("anthropic", validate=False) as vendor,
        running_gateway(settings_for(account_for(vendor))) as gateway,
    ):
        row = await row_of(gateway, {**ASKED, "logit_bias": {"1": 5}, "seed": 3})
    assert row.lost is not None
    assert row.losses == len(row.lost) >= 2
    assert {"seed", "logit_bias"} <= {loss.path for loss in row.lost}
    assert all(loss.reason and loss.action for loss in row.lost)
