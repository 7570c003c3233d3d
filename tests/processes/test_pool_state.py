"""The state of accounts in the file of pools: written now and then, and taken up again by the next start; and accounts
that are looked at until they are back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.processes.site import Site
from tests.support.replies import Reply, Unary
from tests.support.vendor import ScriptedVendor

BROKEN = Unary(b'{"error":{"message":"it broke","type":"server_error"}}', 500)
LIMITED = Unary(b'{"error":{"message":"slow down"}}', 429, [("retry-after", "600")])


def entries(site: Site) -> list[dict[str, Any]]:
    return json.loads(site.pools.read_text())["openai-custom"]


async def settled(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about within 20 s")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("standalone", [False, True])
async def test_the_state_of_accounts_survives_a_restart(tmp_path: Any, standalone: bool) -> None:
    async with (
        ScriptedVendor("openai_chat", validate=False) as bad,
        ScriptedVendor("openai_chat", validate=False) as good,
        ScriptedVendor("openai_chat", validate=False) as busy,
    ):
        bad.distort = lambda reply: BROKEN
        busy.distort = lambda reply: LIMITED
        settings = {"MAX_ERROR_COUNT": 1, "HEALTH_CHECK_INTERVAL": 0}
        site = Site(tmp_path, bad, good, busy, workers=1, standalone=standalone, **settings)
        pools = json.loads(site.pools.read_text())
        pools["openai-custom"][0] |= {"somethingElse": {"is": ["kept"]}, "usageCount": 100}
        site.pools.write_text(json.dumps(pools))
        async with site:
            await site.log_in()
            _, before = await site.api("GET", "/api/providers/openai-custom")
            for _ in range(6):
                assert (await site.chat()).status == 200
            await settled(lambda: entries(site)[0].get("isHealthy") is False)
            await settled(lambda: "scheduledRecoveryTimes" in entries(site)[2])
            written = entries(site)
            assert written[0]["somethingElse"] == {"is": ["kept"]}
            assert written[0]["lastErrorMessage"] == "it broke"
            assert written[0]["scheduledRecoveryTime"] > written[0]["lastErrorTime"]
            assert list(written[2]["scheduledRecoveryTimes"]) == ["m"]
            _, after = await site.api("GET", "/api/providers/openai-custom")
            assert after["providers"][0]["circuit"] == "open"
            assert after["providers"][0]["usageCount"] == 101
            assert after["providers"][1]["successRate"] == 1.0
            # A snapshot is no change to anybody who edits accounts.
            assert before["providers"][0]["usageCount"] == 100
        assert entries(site)[1]["usageCount"] == 6, "written at the end"
        calls = [len(vendor.requests) for vendor in (bad, good, busy)]
        async with site:
            for _ in range(4):
                assert (await site.chat()).status == 200
            assert [len(vendor.requests) for vendor in (bad, good, busy)] == [calls[0], calls[1] + 4, calls[2]]


@pytest.mark.timeout(120)
async def test_accounts_that_failed_are_looked_at_until_they_are_back(tmp_path: Any) -> None:
    async with (
        ScriptedVendor("openai_chat", validate=False) as bad,
        ScriptedVendor("openai_chat", validate=False) as good,
    ):
        down = [True]

        def perhaps(reply: Reply) -> Reply:
            return BROKEN if down[0] else reply

        bad.distort = perhaps
        bad.on("GET", "/v1/models", lambda _: BROKEN if down[0] else Unary(b'{"object":"list","data":[]}'))
        async with Site(tmp_path, bad, good, MAX_ERROR_COUNT=1, HEALTH_CHECK_INTERVAL=0.5) as site:
            await site.log_in()
            for _ in range(4):
                assert (await site.chat()).status == 200

            async def circuit() -> str:
                _, shown = await site.api("GET", "/api/providers/openai-custom")
                return str(shown["providers"][0]["circuit"])

            assert await circuit() == "open"
            await settled(lambda: sum(request.method == "GET" for request in bad.requests) >= 2)
            assert await circuit() == "open"
            down[0] = False
            for _ in range(100):
                if await circuit() == "closed":
                    break
                await asyncio.sleep(0.1)
            assert await circuit() == "closed", "long before its rest of 30 s was over"
            looked = sum(request.method == "GET" for request in bad.requests)
            await asyncio.sleep(1.5)
            assert sum(request.method == "GET" for request in bad.requests) == looked, "one that works isn't asked"
            count = len(bad.requests)
            for _ in range(4):
                assert (await site.chat()).status == 200
            assert len(bad.requests) > count
