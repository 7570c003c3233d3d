"""A gateway with usage and sessions in PostgreSQL: what is kept, what goes on without it, what is never said."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.endurance.test_disturbances import THOROUGH, disturbed
from tests.processes.site import CHAT, HEADERS, Site
from tests.processes.test_metrics import scrape
from tests.support.client import RawClient
from tests.support.postgres import PASSWORD, Cluster
from tests.support.process import small_environment
from tests.support.vendor import ScriptedVendor


@pytest.fixture
def own_postgres() -> Iterator[Cluster]:
    """One that may be stopped."""
    with Cluster() as cluster:
        yield cluster


async def usage(site: Site, count: int) -> dict:
    """The sum of what was used, once so many requests are in it."""
    for _ in range(200):
        status, answer = await site.api("GET", "/api/usage-statistics?by=model")
        if status == 200 and (answer["total"] or {}).get("requests", 0) >= count:
            return answer["total"]
        await asyncio.sleep(0.1)
    raise AssertionError(f"{status} {answer}\n{site.text[-3000:]}")


async def kept(site: Site) -> float:
    """Check that each request is in the database once, or counted as dropped; return how many are."""
    seen = await scrape(site, lambda one: one.value("codenex_requests_in_progress") <= 1)
    count = seen.value("codenex_requests_total", provider="demo")
    dropped = seen.value("codenex_queue_dropped_total", queue="usage")
    assert (await usage(site, count - dropped))["requests"] == count - dropped
    return dropped


async def ask_often(site: Site, times: int) -> None:
    async with await RawClient.connect(site.port) as client:
        for _ in range(times):
            answer = await client.ask("POST", "/v1/chat/completions", {**CHAT, "model": "demo/demo"}, HEADERS)
            assert answer.status == 200


@pytest.mark.timeout(240)
async def test_usage_and_sessions_are_kept_and_requests_go_on_without_the_database(tmp_path, own_postgres):
    url = own_postgres.database()
    async with Site(tmp_path, DATABASE_URL=url) as site:
        await site.log_in()
        for _ in range(3):
            assert (await site.chat(model="demo/demo")).status == 200
        assert (await usage(site, 3))["requests"] == 3
        assert not (tmp_path / "data" / "codenex.db").exists()

        await site.serving(2)
        (control,) = site.children("control")
        os.kill(control, signal.SIGKILL)
        assert (await usage(site, 3))["requests"] == 3, "the session has outlived the process"

        async def die() -> None:
            """Die in the middle of writing, be away for a while, die once more soon after the return."""
            for away in (1.0, 0.1):
                await asyncio.to_thread(own_postgres.stop)
                await asyncio.sleep(away)
                assert (await site.api("GET", "/api/usage-statistics"))[0] == 503
                await asyncio.to_thread(own_postgres.start)
                await asyncio.sleep(0.7)

        await disturbed(site, die, "PostgreSQL that dies")
        await kept(site)
        if THOROUGH:
            # Longer than the queues of the workers last.
            await asyncio.to_thread(own_postgres.stop)
            await asyncio.gather(*(ask_often(site, 2500) for _ in range(10)))
            await asyncio.to_thread(own_postgres.start)
            assert await kept(site) > 0

        for path in ("/api/system", "/api/config", "/api/config?explain=1", "/api/providers", "/api/service-mode"):
            assert PASSWORD not in str(await site.api("GET", path)), path
        checked = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "codenex", "check"],
            cwd=tmp_path,
            env=small_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert PASSWORD not in checked.stdout + checked.stderr
        dump = own_postgres.dump(url)
        assert PASSWORD not in dump
        assert site.session not in dump
    assert PASSWORD not in site.text


@pytest.mark.parametrize("standalone", [False, True], ids=["processes", "standalone"])
async def test_a_database_that_comes_late_is_told_and_gets_everything(tmp_path, own_postgres, standalone):
    url = own_postgres.database()
    own_postgres.stop()
    async with (
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as vendor,
        Site(tmp_path, vendor, standalone=standalone, DATABASE_URL=url) as site,
    ):
        assert (await site.chat()).status == 200
        assert (await site.api("GET", "/api/setup"))[0] == 503
        await site.says("the database can't be used")
        assert (await site.chat()).status == 200
        own_postgres.start()
        await site.log_in()
        assert (await usage(site, 2))["requests"] == 2
    assert PASSWORD not in site.text
    assert "Traceback" not in site.text


async def test_what_a_process_alone_could_not_keep_is_kept_by_the_next_one(tmp_path, own_postgres):
    url = own_postgres.database()
    own_postgres.stop()
    async with ScriptedVendor("openai_chat", validate=False, models=["m"]) as vendor:
        async with Site(tmp_path, vendor, standalone=True, DATABASE_URL=url) as site:
            for _ in range(3):
                assert (await site.chat()).status == 200
        (waiting,) = (tmp_path / "data").glob("usage-*.spool")
        assert waiting.stat().st_mode & 0o777 == 0o600
        own_postgres.start()
        async with Site(tmp_path, vendor, standalone=True, DATABASE_URL=url) as site:
            await site.log_in()
            assert (await usage(site, 3))["requests"] == 3
            assert not waiting.exists()
