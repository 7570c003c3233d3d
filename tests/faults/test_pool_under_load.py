"""Pools under load: accounts that refuse, flap, hang or are limited cost their clients next to nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
from collections import Counter
from typing import Any

import pytest
from tests.faults.judge import Outcome, asked
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Reply, Unary, hang
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.transport.scripted import until

from codenex.store.settings import Account

DEEP = os.environ.get("CODENEX_DEEP") == "1"
SECONDS = 60.0 if DEEP else 3.0
CLIENTS = 8
BROKEN = Unary(b'{"error":{"message":"it broke","type":"server_error"}}', 500)


async def load(gateway: RunningGateway, seconds: float) -> tuple[list[Outcome], list[float]]:
    """Ask from several clients at once; return outcomes and how long each took."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    outcomes: list[Outcome] = []
    times: list[float] = []

    async def client(number: int) -> None:
        while loop.time() < end:
            began = loop.time()
            outcomes.append(await asked(gateway, "openai_chat", bool(number % 2)))
            times.append(loop.time() - began)

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return outcomes, times


def refusing(number: int) -> Account:
    """An account at a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Account(f"openai-custom-{number}", "openai-custom", base_url=f"http://127.0.0.1:{port}/v1", api_key="x")


@pytest.mark.timeout(180)
async def test_one_account_that_refuses_and_one_that_flaps_cost_nobody_an_answer() -> None:
    async with (
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as one,
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as two,
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as flapping,
    ):
        loop = asyncio.get_running_loop()

        def flap(reply: Reply) -> Reply:
            return BROKEN if int(loop.time() * 2) % 2 else reply

        flapping.distort = flap
        accounts = [account_for(one), account_for(two, 1), account_for(flapping, 2), refusing(3)]
        async with running_gateway(settings_for(*accounts)) as gateway:
            outcomes, _ = await load(gateway, SECONDS)
            good = sum(outcome.kind == "whole" for outcome in outcomes)
            calls = sum(len(vendor.requests) for vendor in (one, two, flapping))
            print(f"{good} of {len(outcomes)} answered, {calls} calls")
            assert good >= 0.999 * len(outcomes)
            assert calls <= len(outcomes) * 1.2 + 10
            await until(gateway.idle)
            report = {shown["uuid"]: shown for shown in gateway.gateway.accounts.report()["openai-custom"]}
            assert report["openai-custom-3"]["circuit"] != "closed"
            assert report["openai-custom-0"]["successRate"] == 1.0


@pytest.mark.timeout(180)
async def test_with_hedging_a_hanging_account_costs_the_hedge_s_delay() -> None:
    delay = 0.3
    async with (
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as one,
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as two,
        ScriptedVendor("openai_chat", scenario=SCENARIOS["text"], validate=False) as hanging,
    ):
        hanging.distort = lambda reply: hang()
        accounts = [account_for(one), account_for(two, 1), account_for(hanging, 2)]
        settings = settings_for(*accounts, hedge_after={"openai-custom": delay})
        async with running_gateway(settings) as gateway:
            outcomes, times = await load(gateway, SECONDS)
            assert {outcome.kind for outcome in outcomes} == {"whole"}
            p99 = statistics.quantiles(times, n=100)[98]
            print(f"p99 {p99 * 1000:.0f} ms of {len(times)}, {len(hanging.requests)} hung")
            assert len(hanging.requests) > 0
            # A tenth of the delay, and what a busy machine takes for an answer.
            assert p99 <= delay * 1.1 + 0.5
            await until(gateway.idle)


@pytest.mark.timeout(180)
async def test_a_storm_of_rate_limits_reaches_no_account_that_rests() -> None:
    called: Counter[str] = Counter()
    resting: set[str] = set()
    too_many: list[str] = []

    def limited(name: str, after: int, seconds: int) -> Any:
        def answer(request: Request) -> Reply:
            called[name] += 1
            if name in resting:
                too_many.append(name)
            if called[name] > after:
                resting.add(name)
                error = b'{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}'
                return Unary(error, 429, [("retry-after", str(seconds))])
            return vendors[name].rendered(request, stream=vendors[name].dialect.streams(request))

        return answer

    vendors: dict[str, ScriptedVendor] = {}
    async with (
        ScriptedVendor("openai_chat", validate=False) as a,
        ScriptedVendor("openai_chat", validate=False) as b,
        ScriptedVendor("openai_chat", validate=False) as c,
    ):
        for number, (name, vendor) in enumerate({"a": a, "b": b, "c": c}.items()):
            vendors[name] = vendor
            vendor.answer_next(*[limited(name, 20 * (number + 1), 40 + 20 * number)] * 10_000)
        accounts = [account_for(vendor, number) for number, vendor in enumerate(vendors.values())]
        async with running_gateway(settings_for(*accounts)) as gateway:
            for _ in range(200):
                outcome = await asked(gateway, "openai_chat", False)
                if outcome.kind == "refused":
                    break
            # Whoever was under way when its account refused may have been refused too; nobody asked afterwards.
            assert resting == {"a", "b", "c"}
            assert too_many == []
            calls = sum(called.values())
            times = []
            for protocol in ("openai_chat", "anthropic", "gemini", "openai_responses") * 10:
                began = asyncio.get_running_loop().time()
                outcome = await asked(gateway, protocol, False)
                times.append(asyncio.get_running_loop().time() - began)
                assert outcome.status == 429
            assert sum(called.values()) == calls
            assert statistics.median(times) < 0.05
            wait = gateway.gateway.accounts.exhausted("openai-custom", "m").retry_after
            assert wait is not None
            assert 30 < wait <= 45


#: Every form in which a vendor says how long to wait, and the seconds it means.
FORMS: list[tuple[list[tuple[str, str]], float, float]] = [
    ([("retry-after", "17")], 17, 19),
    ([("retry-after", "1.5")], 1.5, 1.8),
    ([("retry-after-ms", "20500")], 20.5, 22.7),
    ([("retry-after", "Thu, 01 Jan 2099 00:00:00 GMT"), ("date", "Wed, 31 Dec 2098 23:00:00 GMT")], 3600, 3605),
    ([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s")], 60, 65),
    ([("retry-after", "0")], 0, 0.1),
    ([("retry-after", "-5")], 0, 35),
    ([("retry-after", "1000000000")], 86_400, 86_405),
    ([("retry-after", "soon")], 30, 35),
    ([], 30, 35),
]


@pytest.mark.parametrize(("headers", "least", "most"), FORMS)
async def test_a_stated_wait_is_believed_within_bounds(
    headers: list[tuple[str, str]], least: float, most: float
) -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        error = b'{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}'
        vendor.answer_next(*[Unary(error, 429, headers)] * 2)
        async with running_gateway(settings_for(account_for(vendor))) as gateway:
            assert (await asked(gateway, "openai_chat", False)).status == 429
            rests = gateway.gateway.accounts.report()["openai-custom"][0]["restingModels"].get("m", 0.0)
            assert least - 2 <= rests <= most
