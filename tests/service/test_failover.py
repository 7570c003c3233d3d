"""What a client sees of a pool whose accounts fail: as little as can be, and never the same account twice."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Unary, hang
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.transport.scripted import until

from codenex.store.settings import Account

ASK: dict[str, Any] = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
#: Requests all of whose attempts fail.
REFUSED = 5000 if os.environ.get("CODENEX_DEEP") == "1" else 200
BROKEN = Unary(b'{"error":{"message":"it broke","type":"server_error"}}', 500)


async def ask(gateway: RunningGateway, path: str = "/v1/chat/completions", **fields: Any) -> RawResponse:
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask("POST", path, {**ASK, **fields}, gateway.headers)


def limited(seconds: str) -> Unary:
    error = b'{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}'
    return Unary(error, 429, [("retry-after", seconds)])


class Vendors(AsyncExitStack):
    """Several scripted vendors of one protocol, and an account at each."""

    def __init__(self, number: int, protocol: ProtocolName = "openai_chat", **fields: Any) -> None:
        super().__init__()
        self._made = [ScriptedVendor(protocol, validate=False) for _ in range(number)]
        self._fields = fields
        self.all: list[ScriptedVendor] = []

    async def __aenter__(self) -> Vendors:
        for vendor in self._made:
            self.all.append(await self.enter_async_context(vendor))
        return self

    @property
    def accounts(self) -> list[Account]:
        return [account_for(vendor, place, **self._fields) for place, vendor in enumerate(self.all)]

    @property
    def called(self) -> list[int]:
        return [len(vendor.requests) for vendor in self.all]


async def test_a_request_that_breaks_two_accounts_is_told_so_and_rests_none() -> None:
    async with Vendors(4) as vendors:
        for vendor in vendors.all:
            vendor.answer_next(*[BROKEN] * 10)
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            for _ in range(4):
                response = await ask(gateway)
                assert (response.status, b"it broke" in response.body) == (500, True)
            assert sum(vendors.called) == 8
            shown = gateway.gateway.accounts.report()["openai-custom"]
            assert {one["circuit"] for one in shown} == {"closed"}


async def test_one_broken_account_rests_and_the_others_serve() -> None:
    async with Vendors(4) as vendors:
        vendors.all[2].answer_next(*[BROKEN] * 100)
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            for _ in range(40):
                assert (await ask(gateway)).status == 200
            assert vendors.called[2] == 3
            health = gateway.gateway.accounts.report()["openai-custom"][2]
            assert (health["circuit"], health["errorCount"], health["isHealthy"]) == ("open", 3, False)
            assert health["lastErrorMessage"] == "it broke"


async def test_a_moment_s_refusal_of_the_only_account_is_waited_for_once() -> None:
    async with Vendors(1) as vendors:
        vendors.all[0].answer_next(limited("0.2"))
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            began = asyncio.get_running_loop().time()
            assert (await ask(gateway)).status == 200
            assert asyncio.get_running_loop().time() - began >= 0.2
            vendors.all[0].answer_next(limited("0.1"), limited("0.1"))
            assert (await ask(gateway)).status == 429


async def test_the_smallest_wait_of_several_accounts_is_told() -> None:
    async with Vendors(2) as vendors:
        vendors.all[0].answer_next(limited("20"))
        vendors.all[1].answer_next(limited("100"))
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            for _ in range(3):
                response = await ask(gateway)
                assert response.status == 429
                assert 15 <= float(response.headers.get("retry-after") or 0) <= 23
            assert vendors.called == [1, 1]


async def test_a_bad_key_is_not_what_the_client_is_told_while_another_account_is_only_busy() -> None:
    async with Vendors(2) as vendors:
        vendors.all[1].fail_next("bad_key")
        vendors.all[0].answer_next(limited("30"))
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            assert (await ask(gateway)).status == 429


async def test_repetitions_have_a_budget() -> None:
    async with Vendors(2) as vendors:
        for place, vendor in enumerate(vendors.all):
            # Different failures, so that none is taken for the request's own.
            vendor.answer_next(*[Unary(b"{}", 500 + 2 * place)] * 2 * REFUSED)
        settings = settings_for(*vendors.accounts, max_error_count=10_000)
        async with running_gateway(settings) as gateway:
            began = asyncio.get_running_loop().time()
            statuses = Counter([(await ask(gateway)).status for _ in range(REFUSED)])
            seconds = asyncio.get_running_loop().time() - began
            print(f"{sum(vendors.called)} calls for {REFUSED} requests in {seconds:.1f} s")
            assert set(statuses) <= {500, 502}
            assert sum(vendors.called) <= REFUSED + 10 + 0.2 * REFUSED + 10 * seconds + 1


@pytest.mark.parametrize("stand_in", ["openai_chat", "openai_responses", "anthropic", "gemini"])
async def test_a_chain_goes_on_at_another_protocol_and_a_mapping_with_another_model(stand_in: ProtocolName) -> None:
    async with ScriptedVendor("openai_chat", validate=False) as first, ScriptedVendor(stand_in) as second:
        first.answer_next(BROKEN, limited("50"))
        number = 1 if stand_in == "openai_chat" else 0
        account = account_for(second, number)
        chain = {"openai-custom": (account.provider,)}
        async with running_gateway(settings_for(account_for(first), account, fallback_chain=chain)) as gateway:
            answers = [await ask(gateway) for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            assert answers[0].headers.get("x-codenex-provider") == account.provider
            if stand_in != "openai_chat":
                assert [len(first.requests), len(second.requests)] == [2, 3]
        assert second.problems == []
        mapping = {"m": (account.provider, "other")}
        async with running_gateway(settings_for(account_for(first), account, model_fallback=mapping)) as gateway:
            first.answer_next(BROKEN)
            second.answer_next(lambda request: second.rendered(request, stream=False))
            answer = await ask(gateway)
            assert answer.status == 200
            if stand_in != "openai_chat":
                assert second.dialect.model_of(second.requests[-1]) == "other"


async def test_a_provider_that_the_client_named_has_no_stand_in_unless_it_may() -> None:
    async with ScriptedVendor("openai_chat", validate=False) as first, ScriptedVendor("anthropic") as second:
        first.answer_next(BROKEN, BROKEN)
        accounts, chain = (account_for(first), account_for(second)), {"openai-custom": ("claude-custom",)}
        for may, status in ((False, 500), (True, 200)):
            settings = settings_for(*accounts, fallback_chain=chain, explicit_fallback=may)
            async with running_gateway(settings) as gateway:
                answer = await ask(gateway, model="openai-custom/m")
                assert answer.status == status


async def test_what_a_stand_in_refuses_is_not_what_the_client_is_told() -> None:
    async with ScriptedVendor("openai_chat", validate=False) as first, ScriptedVendor("anthropic") as second:
        first.answer_next(BROKEN)
        second.fail_next("not_found")
        chain = {"openai-custom": ("claude-custom",)}
        settings = settings_for(account_for(first), account_for(second), fallback_chain=chain)
        async with running_gateway(settings) as gateway:
            answer = await ask(gateway)
            assert (answer.status, b"it broke" in answer.body) == (500, True)
            assert len(second.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_full_account_lets_so_many_wait_and_refuses_the_rest(stream: bool) -> None:
    async with Vendors(1, concurrency_limit=1, queue_limit=2) as vendors:
        vendors.all[0].delay = 0.05
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            answers = await asyncio.gather(*(ask(gateway, stream=True) for _ in range(5)))
            statuses = Counter(answer.status for answer in answers)
            assert statuses == {200: 3, 429: 2}
            refused = next(answer for answer in answers if answer.status == 429)
            assert refused.headers.get("retry-after") == "1"
            await until(gateway.idle)
            assert gateway.gateway.accounts.waiting.total("openai-custom") == 0


async def test_a_full_account_spills_to_the_chain_instead_of_a_line() -> None:
    async with Vendors(1, concurrency_limit=1, queue_limit=5) as vendors, ScriptedVendor("anthropic") as second:
        vendors.all[0].delay = 0.05
        chain = {"openai-custom": ("claude-custom",)}
        settings = settings_for(*vendors.accounts, account_for(second), fallback_chain=chain)
        async with running_gateway(settings) as gateway:
            answers = await asyncio.gather(*(ask(gateway, stream=True) for _ in range(3)))
            assert [answer.status for answer in answers] == [200] * 3
            assert (len(vendors.all[0].requests), len(second.requests)) == (1, 2)


async def test_a_client_that_leaves_the_line_makes_room() -> None:
    async with Vendors(1, concurrency_limit=1, queue_limit=1) as vendors:
        vendors.all[0].answer_next(hang())
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            clients = []
            for number in (1, 2):
                client = await RawClient.connect(gateway.port)
                await client.request("POST", "/v1/chat/completions", ASK, headers=gateway.headers)
                clients.append(client)
                await until(lambda: gateway.server.request_count == number)  # noqa: B023
            await until(lambda: gateway.gateway.accounts.waiting.total("openai-custom") == 1)
            clients[1].reset()
            await until(lambda: gateway.gateway.accounts.waiting.total("openai-custom") == 0)
            clients[0].reset()
            assert (await ask(gateway)).status == 200
            await until(gateway.idle)


# --- affinity ---------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("CACHE-5")
@pytest.mark.parametrize("protocol", ["openai_chat", "anthropic"])
async def test_a_conversation_stays_with_its_account_until_that_fails(protocol: ProtocolName) -> None:
    path = {"openai_chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[protocol]
    async with Vendors(3, protocol) as vendors:
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            firsts: dict[str, str] = {}
            for name in "abcdef":
                messages = [{"role": "user", "content": name}]
                assert (await ask(gateway, path, messages=messages)).status == 200
                firsts[name] = str(gateway.records[-1].notes.account)
            assert Counter(firsts.values()) == {account.uuid: 2 for account in vendors.accounts}
            for _ in range(3):
                for name in "fedcba":
                    turns = [{"role": "user", "content": name}, {"role": "assistant", "content": "x"}]
                    await ask(gateway, path, messages=[*turns, {"role": "user", "content": "more"}])
                    assert gateway.records[-1].notes.account == firsts[name]
            broken = next(place for place, one in enumerate(vendors.accounts) if one.uuid == firsts["a"])
            vendors.all[broken].fail_next("rate_limit")
            turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x"}]
            for _ in range(3):
                assert (await ask(gateway, path, messages=[*turns, {"role": "user", "content": "more"}])).status == 200
            moved = gateway.records[-1].notes.account
            assert moved != firsts["a"]
            await ask(gateway, path, messages=[*turns, {"role": "user", "content": "more"}])
            assert gateway.records[-1].notes.account == moved


async def test_clients_do_not_share_conversations_and_affinity_can_be_switched_off() -> None:
    async with Vendors(2) as vendors:
        async with running_gateway(settings_for(*vendors.accounts, session_affinity=0.0)) as gateway:
            for _ in range(4):
                async with await RawClient.connect(gateway.port) as client:
                    headers = {**gateway.headers, "x-codenex-session": "s"}
                    await client.ask("POST", "/v1/chat/completions", ASK, headers)
            assert vendors.called == [2, 2]
        async with running_gateway(settings_for(*vendors.accounts)) as gateway:
            for _ in range(4):
                async with await RawClient.connect(gateway.port) as client:
                    headers = {**gateway.headers, "x-codenex-session": "s"}
                    await client.ask("POST", "/v1/chat/completions", ASK, headers)
            assert sorted(vendors.called) == [2, 6]


# --- hedging ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
async def test_a_late_account_is_overtaken_and_cancelled(stream: bool, client: ProtocolName) -> None:
    path = {"openai_chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[client]
    async with Vendors(2) as vendors:
        vendors.all[0].answer_next(hang())
        async with running_gateway(settings_for(*vendors.accounts, hedge_after={"openai-custom": 0.1})) as gateway:
            began = asyncio.get_running_loop().time()
            answer = await ask(gateway, path, stream=stream)
            assert answer.status == 200
            assert asyncio.get_running_loop().time() - began < 2
            assert vendors.called == [1, 1]
            await vendors.all[0].exchanges[0].left(2)
            record = gateway.records[-1]
            assert record.notes.account == "openai-custom-1"
            assert "cancelled" not in record.notes.more
            assert record.notes.usage is not None
            await until(gateway.idle)
            state = gateway.gateway.accounts.states["openai-custom-0"]
            assert (state.in_flight, state.failures, state.consecutive_errors) == (0, 1, 1)
            # An account that answers in time has no rival.
            await ask(gateway, path, stream=stream)
            assert sum(vendors.called) == 3


async def test_of_two_late_accounts_the_one_that_fails_leaves_it_to_the_other() -> None:
    async with Vendors(2) as vendors:

        async def late(request: Any) -> Any:
            await asyncio.sleep(0.3)
            return BROKEN

        async def later(request: Any) -> Any:
            await asyncio.sleep(0.5)
            return vendors.all[1].rendered(request, stream=False)

        vendors.all[0].answer_next(late)
        vendors.all[1].answer_next(later)
        async with running_gateway(settings_for(*vendors.accounts, hedge_after={"openai-custom": 0.1})) as gateway:
            assert (await ask(gateway)).status == 200
            assert gateway.records[-1].notes.account == "openai-custom-1"
            assert gateway.gateway.accounts.states["openai-custom-0"].failures == 1


async def test_a_client_that_leaves_ends_both_attempts() -> None:
    async with Vendors(2) as vendors:
        for vendor in vendors.all:
            vendor.answer_next(hang())
        async with running_gateway(settings_for(*vendors.accounts, hedge_after={"openai-custom": 0.05})) as gateway:
            client = await RawClient.connect(gateway.port)
            await client.request("POST", "/v1/chat/completions", ASK, headers=gateway.headers)
            await until(lambda: vendors.called == [1, 1])
            client.reset()
            for vendor in vendors.all:
                await vendor.exchanges[0].left(2)
            await until(gateway.idle)
