"""What Prometheus gets from a gateway of several processes, whichever of them answers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.processes.site import HEADERS, Site
from tests.processes.test_master import until
from tests.support.client import RawClient
from tests.support.dashboard import missing
from tests.support.metrics import Scrape
from tests.support.vendor import ScriptedVendor

from codenex.pool.health import Circuit
from codenex.telemetry.measures import TOKENS
from codenex.telemetry.recorder import PATIENCE

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"


def metric_names(text: str) -> set[str]:
    """The metrics that the documentation names."""
    return set(re.findall(r"^\| `(codenex_\w+)`", text, re.MULTILINE))


TRUE: Callable[[Scrape], bool] = lambda _: True  # noqa: E731


async def scrape(site: Site, holds: Callable[[Scrape], bool] = TRUE, headers: dict[str, str] = HEADERS) -> Scrape:
    """Scrape until something holds, once all processes have worked off the records of what has ended."""
    await asyncio.sleep(3 * PATIENCE)
    for _ in range(500):
        async with await RawClient.connect(site.port) as client:
            answer = await client.ask("GET", "/metrics", headers=headers, timeout=30)
        assert answer.status == 200, answer.body
        seen = Scrape(answer.body)
        if holds(seen):
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError(answer.body.decode())


@pytest.mark.timeout(120)
async def test_all_workers_are_told_by_each_and_counters_never_fall(tmp_path: Path) -> None:
    vendor = ScriptedVendor("openai_chat", validate=False, models=["gpt-5-mini"])
    async with vendor, Site(tmp_path, vendor) as site:
        await site.log_in()
        workers = await site.serving(2)
        for _ in range(30):
            assert (await site.chat(model="gpt-5-mini")).status == 200
        assert (await site.chat(model="gpt-5-mini", stream=True)).status == 200
        async with await RawClient.connect(site.port) as client:
            assert (await client.ask("POST", "/v1/chat/completions", {}, {})).status == 401
        seen = await scrape(site, lambda one: one.value("codenex_cost_dollars_total") > 0)
        answered = {"protocol": "openai-chat", "provider": "openai-custom", "model": "gpt-5-mini"}
        assert seen.value("codenex_requests_total", **answered, status="200") == 31
        assert seen.value("codenex_requests_total", status="401", error="authentication") == 1
        assert seen.value("codenex_request_duration_seconds_count", **answered) == 31
        assert seen.value("codenex_time_to_first_output_seconds_count", **answered) == 1
        assert seen.value("codenex_tokens_total", **answered, type="output_text") > 0
        assert seen.value("codenex_account_requests_total", account="account-0") == 31
        # Another process goes on with what the dead one has counted.
        os.kill(workers[0], signal.SIGKILL)
        await until(lambda: workers[0] not in site.children("worker"), 10, "still there")
        await site.serving(2)
        again = await scrape(site)
        assert again.value("codenex_requests_total", **answered, status="200") == 31
        assert (await site.chat(model="gpt-5-mini")).status == 200
        seen = await scrape(site, lambda one: len(one.labels("codenex_event_loop_lag_seconds_sum")) == 3)
        assert seen.value("codenex_requests_total", **answered, status="200") == 32
        # An admin's session gets the same from the control process.
        session = await scrape(site, headers={"authorization": f"Bearer {site.session}"})
        assert session.names == seen.names
        assert session.value("codenex_requests_total", **answered, status="200") == 32
        for one in (seen, session):
            processes = [(s["process"], s["slot"]) for s in one.labels("codenex_process_resident_memory_bytes")]
            assert [kind for kind, _ in processes] == ["master", "control", "worker", "worker"]
            assert len(set(processes)) == 4
            assert 20e6 < one.value("codenex_process_resident_memory_bytes", process="worker") < 200e6
            assert [s["slot"] for s in one.labels("codenex_open_connections")] == [slot for _, slot in processes[2:]]
        assert metric_names(DOCUMENT.read_text()) == seen.names
        known = {"type": set(TOKENS), "state": {state.value for state in Circuit}}
        assert missing(seen, known) == []


async def test_one_process_tells_the_same(tmp_path: Path) -> None:
    async with Site(tmp_path, standalone=True) as site:
        assert (await site.chat(model="demo/demo")).status == 200
        seen = await scrape(site, lambda one: one.value("codenex_event_loop_lag_seconds_count") > 0)
        assert seen.value("codenex_requests_total", provider="demo", status="200") == 1
        assert [s["process"] for s in seen.labels("codenex_process_resident_memory_bytes")] == ["worker"]
