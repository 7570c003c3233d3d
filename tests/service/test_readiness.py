"""/health says that a process lives, /ready that it takes work."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.vendor import ScriptedVendor

from codenex.gateway.gateway import Gateway
from codenex.server.assembly import assembled


async def asked(gateway: RunningGateway, path: str) -> tuple[int, dict[str, str]]:
    async with await RawClient.connect(gateway.port) as client:
        answer = await client.ask("GET", path)
    assert answer.headers.get("cache-control") == "no-store"
    return answer.status, answer.json


@pytest.mark.parametrize(
    ("accounts", "disabled", "ever", "expected"),
    [
        (0, 0, False, (200, {"status": "ok"})),
        (2, 1, True, (200, {"status": "ok"})),
        (2, 2, True, (503, {"status": "unconfigured"})),
        (0, 0, True, (503, {"status": "unconfigured"})),
    ],
    ids=["the demo answers", "one is on", "all are off", "all are gone"],
)
async def test_ready_needs_an_account_that_is_switched_on(
    accounts: int, disabled: int, ever: bool, expected: tuple[int, dict[str, str]]
) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        made = [account_for(vendor, number, disabled=number < disabled) for number in range(accounts)]
        async with running_gateway(settings_for(*made, ever_configured=ever)) as gateway:
            assert await asked(gateway, "/ready") == expected
            assert await asked(gateway, "/health") == (200, {"status": "ok"})


async def test_new_settings_change_it() -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        settings = settings_for(account_for(vendor, disabled=True))
        async with running_gateway(settings) as gateway:
            assert (await asked(gateway, "/ready"))[0] == 503
            gateway.gateway.configure(
                msgspec.structs.replace(settings, accounts={"openai-custom": (account_for(vendor),)})
            )
            assert (await asked(gateway, "/ready"))[0] == 200


async def test_the_processes_parts_are_put_together_so_that_it_is_known() -> None:
    settings = settings_for()
    parts = assembled(settings, lambda transport: Gateway(settings, transport))
    async with parts.transport:
        assert not parts.gateway.draining()
        parts.server.draining = True
        assert parts.gateway.draining()


async def test_a_draining_process_says_so_and_lives() -> None:
    async with running_gateway() as gateway:
        clients = [await RawClient.connect(gateway.port) for _ in range(2)]
        for client in clients:
            # A head that is on its way when the end begins.
            await client.send(b"GET ")
        draining = asyncio.create_task(gateway.server.drain(5))
        await asyncio.sleep(0)
        assert gateway.server.draining
        for client, path, status in zip(clients, (b"/ready", b"/health"), (503, 200), strict=True):
            await client.send(path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await client.head()
            assert head.status == status
            client.close()
        await draining
