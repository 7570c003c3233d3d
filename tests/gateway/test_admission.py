"""Admission: no more requests in progress than allowed, and every one of them settled whatever comes of it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.client import RawClient
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import hang
from tests.support.vendor import ScriptedVendor

from codenex.core.errors import Fault, FaultKind
from codenex.core.usage import Usage
from codenex.gateway.admission import SPENT, Admission
from codenex.pool.budget import period_of, spent_word
from codenex.store.settings import ClientKey, Settings
from codenex.store.shared_memory import SharedMemory


def admission(limit: int) -> Admission:
    made = Admission(Settings())
    made.limit = limit
    return made


def test_up_to_the_limit_and_no_further() -> None:
    gate = admission(2)
    with gate, gate:
        with pytest.raises(Fault) as caught, gate:
            raise AssertionError("admitted")
        assert gate.in_progress == 2
    assert gate.in_progress == 0
    fault = caught.value
    assert (fault.kind, fault.status, fault.code, fault.retry_after) == (FaultKind.UNAVAILABLE, 503, "overloaded", 1)
    with gate:
        assert gate.in_progress == 1


@pytest.mark.parametrize(
    "error", [Fault(FaultKind.UPSTREAM, "x"), RuntimeError("a bug"), asyncio.CancelledError(), KeyboardInterrupt()]
)
def test_a_request_that_ends_badly_is_settled_too(error: BaseException) -> None:
    gate = admission(1)
    with pytest.raises(type(error)), gate:
        raise error
    assert gate.in_progress == 0


@settings(max_examples=max(1000, settings.default.max_examples))
@given(st.integers(0, 4), st.lists(st.booleans(), max_size=40))
def test_the_count_is_that_of_open_requests(limit: int, history: list[bool]) -> None:
    gate, opened = admission(limit), 0
    for comes in history:
        if comes:
            try:
                gate.__enter__()
            except Fault:
                assert opened == limit
            else:
                opened += 1
        elif opened:
            gate.__exit__(None, None, None)
            opened -= 1
        assert gate.in_progress == opened <= limit


async def test_a_gateway_at_its_limit_says_so_and_recovers() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    async with ScriptedVendor("openai_chat") as vendor:
        vendor.answer_next(hang())
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            gateway.gateway.admission.limit = 1
            async with await RawClient.connect(gateway.port) as waiting, await RawClient.connect(gateway.port) as other:
                await waiting.request("POST", "/v1/chat/completions", body, gateway.headers)
                exchange = await vendor.wait_for_requests(1)
                refused = await other.ask("POST", "/v1/chat/completions", body, gateway.headers)
                assert refused.status == 503
                assert refused.headers.get("retry-after") == "1"
                assert refused.json["error"]["code"] == "overloaded"
                assert (await other.ask("GET", "/health")).status == 200

                waiting.reset()
                await exchange.left()
                assert (await other.ask("POST", "/v1/chat/completions", body, gateway.headers)).status == 200
            assert gateway.gateway.admission.in_progress == 0


# --- the rate of a client key

KEY = "a" * 64


def counting(limit: int, clock: list[float], shared: SharedMemory | None = None) -> Admission:
    made = Settings(client_keys=(ClientKey(KEY, "k"),), requests_per_minute=limit, rows={KEY: 3})
    return Admission(made, SharedMemory(None, 1) if shared is None else shared, clock=lambda: clock[0])


def let_through(gate: Admission, attempts: int) -> int:
    passed = 0
    for _ in range(attempts):
        with contextlib.suppress(Fault):
            gate.admit(ClientKey(KEY, "k"))
            passed += 1
    return passed


def test_a_key_may_make_so_many_requests_a_minute_and_waits_long_enough() -> None:
    clock = [1000.0]
    gate = counting(10, clock)
    assert let_through(gate, 50) == 10
    with pytest.raises(Fault) as caught:
        gate.admit(ClientKey(KEY, "k"))
    assert (caught.value.kind, caught.value.code) == (FaultKind.RATE_LIMIT, "rate_limit_exceeded")
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 0
    clock[0] += caught.value.retry_after + 0.001
    assert let_through(gate, 1) == 1


def test_other_keys_and_no_limit_are_not_counted() -> None:
    assert let_through(counting(0, [0.0]), 1000) == 1000
    gate = counting(1, [0.0])
    for _ in range(5):
        gate.admit(ClientKey("b" * 64, "other"))


def test_a_new_limit_holds_for_what_was_counted_before() -> None:
    gate = counting(100, [500.0])
    assert let_through(gate, 20) == 20
    gate.configure(Settings(client_keys=(ClientKey(KEY, "k"),), requests_per_minute=25, rows={KEY: 3}))
    assert let_through(gate, 20) == 5


def test_tokens_are_counted_when_they_are_known() -> None:
    clock = [500.0]
    gate = counting(0, clock)
    key = ClientKey(KEY, "k", tokens_per_minute=1000)
    (before,) = gate.admit(key)
    assert (before.what, before.limit, before.remaining) == ("tokens", 1000, 1000)
    gate.settle(key, Usage(input_uncached=600, output_text=300))
    (after,) = gate.admit(key)
    assert after.remaining == 100
    gate.settle(key, Usage(input_uncached=600))
    with pytest.raises(Fault) as caught:
        gate.admit(key)
    assert caught.value.kind is FaultKind.RATE_LIMIT
    assert "1000 tokens" in caught.value.message
    clock[0] += (caught.value.retry_after or 0) + 0.001
    gate.admit(key)


def test_unknown_usage_counts_nothing() -> None:
    gate = counting(0, [500.0])
    key = ClientKey(KEY, "k", tokens_per_minute=10)
    gate.settle(key, None)
    gate.settle(key, Usage())
    assert gate.admit(key)[0].remaining == 10


def test_a_keys_own_limit_goes_before_the_general_one() -> None:
    gate = counting(100, [500.0])
    key = ClientKey(KEY, "k", requests_per_minute=3)
    assert [gate.admit(key)[0].remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(Fault):
        gate.admit(key)


def test_a_budget_that_is_used_up_waits_for_the_next_period() -> None:
    shared = SharedMemory(None, 1)
    now = [1_700_000_000.0]
    made = Settings(client_keys=(ClientKey(KEY, "k"),), rows={KEY: 3})
    gate = Admission(made, shared, clock=lambda: 0.0, wall=lambda: now[0])
    key = ClientKey(KEY, "k", budget=2.0, budget_period="day")
    gate.admit(key)
    shared.write(3, SPENT, spent_word(period_of(now[0], "day"), 1.99))
    gate.admit(key)
    shared.write(3, SPENT, spent_word(period_of(now[0], "day"), 2.0))
    with pytest.raises(Fault) as caught:
        gate.admit(key)
    assert (caught.value.kind, caught.value.code) == (FaultKind.RATE_LIMIT, "budget_exceeded")
    assert caught.value.retry_after == pytest.approx(86_400 - now[0] % 86_400)
    now[0] += caught.value.retry_after or 0
    gate.admit(key)
