"""Upstreams that can't be reached, or not safely: another account serves, and no key is sent."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.faults.judge import BODIES, asked, request_of
from tests.support.certificates import Authority
from tests.support.client import RawClient
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.ports import free_port
from tests.support.vendor import ScriptedVendor

from codenex.providers.transport import Transport, connect
from codenex.providers.transport.resolver import Resolver, system_lookup
from codenex.store.settings import Account


def failing(error: OSError) -> Callable[[str, int], Any]:
    def lookup(host: str, port: int) -> Any:
        if host.endswith(".test"):
            raise error
        return system_lookup(host, port)

    return lookup


def hanging(host: str, port: int) -> Any:
    if host.endswith(".test"):
        time.sleep(3)
        raise socket.gaierror(socket.EAI_AGAIN, "hung")
    return system_lookup(host, port)


LOOKUPS = {
    "no such name": failing(socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
    "server failure": failing(socket.gaierror(socket.EAI_AGAIN, "Temporary failure")),
    "no network": failing(OSError(101, "Network is unreachable")),
    "hung": hanging,
}


def unreachable(number: int = 0, url: str = "http://upstream.test/v1") -> Account:
    return Account(f"openai-custom-{number}", "openai-custom", base_url=url, api_key="x")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", LOOKUPS)
async def test_a_name_that_leads_nowhere_costs_nobody_an_answer(fault: str, stream: bool) -> None:
    async with ScriptedVendor("openai_chat", validate=False) as good:
        settings = settings_for(
            unreachable(), account_for(good, 1), pool_strategy="fill-first", connect_timeout=0.3, max_error_count=2
        )
        transport = lambda: Transport(resolver=Resolver(LOOKUPS[fault]))  # noqa: E731
        async with running_gateway(settings, transport=transport) as gateway:
            for _ in range(4):
                assert (await asked(gateway, "openai_chat", stream)).kind == "whole"
            shown = gateway.gateway.accounts.report()["openai-custom"]
            assert (shown[0]["circuit"], shown[0]["errorCount"]) == ("open", 2)
            assert shown[1]["successRate"] == 1.0


async def test_hung_lookups_hold_up_no_healthy_provider() -> None:
    async with ScriptedVendor("anthropic", validate=False) as other:
        names = [unreachable(number, f"http://host-{number}.test/v1") for number in range(50)]
        settings = settings_for(
            *names, account_for(other), model_provider="openai-custom", connect_timeout=2.0, max_attempts=1
        )
        transport = lambda: Transport(resolver=Resolver(hanging))  # noqa: E731
        async with running_gateway(settings, transport=transport) as gateway:
            stuck = [asyncio.ensure_future(asked(gateway, "openai_chat", False)) for _ in range(50)]
            await asyncio.sleep(0.1)
            began = asyncio.get_running_loop().time()
            async with await RawClient.connect(gateway.port) as client:
                for _ in range(20):
                    answer = await client.ask(
                        "POST", "/claude-custom/v1/messages", BODIES["anthropic"], gateway.headers
                    )
                    assert answer.status == 200
            assert asyncio.get_running_loop().time() - began < 1.5
            assert {(await one).kind for one in stuck} == {"refused"}


@pytest.mark.parametrize("fault", ["unknown authority", "wrong host", "expired", "plain"])
async def test_a_connection_that_is_not_safe_is_not_used(fault: str) -> None:
    authority = Authority()
    tls = {
        "unknown authority": Authority().server(),
        "wrong host": authority.server("elsewhere.test"),
        "expired": authority.server(expired=True),
        "plain": None,
    }[fault]
    async with (
        ScriptedVendor("openai_chat", validate=False, tls=tls) as unsafe,
        ScriptedVendor("openai_chat", validate=False, tls=authority.server()) as good,
    ):
        port = unsafe.url.rpartition(":")[2]
        settings = settings_for(
            unreachable(0, f"https://127.0.0.1:{port}/v1"),
            account_for(good, 1),
            pool_strategy="fill-first",
            connect_timeout=1.0,
        )
        transport = lambda: Transport(ssl_context_factory=lambda origin: authority.trust())  # noqa: E731
        async with running_gateway(settings, transport=transport) as gateway:
            for stream in (False, True):
                assert (await asked(gateway, "openai_chat", stream)).kind == "whole"
            told = gateway.gateway.accounts.report()["openai-custom"][0]
            assert told["errorCount"] == 2
            assert told["lastErrorMessage"]
        assert unsafe.requests == []


@pytest.mark.parametrize("lack", ["connections", "descriptors"])
async def test_what_this_machine_lacks_is_no_accounts_fault(lack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        settings = settings_for(account_for(vendor), account_for(vendor, 1), max_error_count=1)
        if lack == "descriptors":

            async def none_left(addresses: Any) -> Any:
                raise OSError(errno.EMFILE, "Too many open files")

            monkeypatch.setattr(connect, "dial", none_left)
        transport = lambda: Transport(connections=0 if lack == "connections" else 100)  # noqa: E731
        async with running_gateway(settings, transport=transport) as gateway:
            for stream in (False, True):
                path, body = request_of("openai_chat", stream)
                async with await RawClient.connect(gateway.port) as client:
                    answer = await client.ask("POST", path, body, gateway.headers)
                assert (answer.status, answer.headers.get("retry-after")) == (503, "1")
                assert answer.json["error"]["code"] == "upstream_connections"
            for shown in gateway.gateway.accounts.report()["openai-custom"]:
                assert (shown["circuit"], shown["errorCount"]) == ("closed", 0)


async def test_when_nobody_can_be_reached_the_client_is_told_so() -> None:
    settings = settings_for(*(unreachable(number, f"http://127.0.0.1:{free_port()}/v1") for number in range(3)))
    async with running_gateway(settings) as gateway:
        outcome = await asked(gateway, "anthropic", True)
        assert (outcome.kind, outcome.status) == ("refused", 502)
