"""Many requests over a master with two workers, of which a tenth meets a failing upstream and another tenth is given up
by its client: nothing grows, and nothing is left.

Memory is that of the whole process tree, sampled while the load runs and after a warm-up, in which buffers, caches and
the allocator find the size that they keep. A process's memory is its proportional set size (``smaps_rollup``, proc(5))
without mapped files: pages of its own, and its share of those in common, so that the tree's sum counts each page once.
The growth is the slope of the straight line through the samples (least squares), which one sample before or after a
garbage collection doesn't move.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.endurance.inside import Inside
from tests.endurance.storm import Failing, load
from tests.endurance.victim import upstream_of
from tests.processes.site import Site
from tests.processes.test_metrics import scrape
from tests.support.metrics import Scrape

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
REQUESTS = int(os.environ.get("CODENEX_SOAK", "500000" if THOROUGH else "1000"))
WARM_UP = REQUESTS // 5
SAMPLES = 40 if THOROUGH else 5
CLIENTS = 32
ACCOUNTS = 8
#: MiB for 100,000 requests; a short run can't tell a slope, and bounds the growth itself.
SLOPE = 1.0
GROWTH = 8.0


class Soaked(Site):
    """A master with two workers before accounts of one upstream. Of what it says only the end is kept."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self.inside = Inside(folder)
        super().__init__(folder, MAX_ERROR_COUNT=1_000_000_000, environment=self.inside.environment)
        address = f"http://127.0.0.1:{upstream}/v1"
        accounts = [
            {"uuid": f"account-{number}", "OPENAI_API_KEY": f"sk-of-account-{number}", "OPENAI_BASE_URL": address}
            for number in range(ACCOUNTS)
        ]
        self.pools.write_text(json.dumps({"openai-custom": accounts}))

    async def _collect(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(1 << 20):
            self.output = bytearray((self.output + data)[-20_000:])

    @property
    def processes(self) -> list[int]:
        return [self.pid, *sorted(self.children())]

    @property
    def memory(self) -> float:
        """MiB of the process tree."""
        return sum(map(proportional_mib, self.processes))

    def descriptors(self) -> dict[int, int]:
        return {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.processes}


def proportional_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kinds = [re.search(rf"^Pss_{kind}:\s+(\d+) kB", text, re.MULTILINE) for kind in ("Anon", "Shmem")]
    return sum(int(found[1]) for found in kinds if found is not None) / 1024


class Quiet:
    """What a gateway holds when nobody asks it anything."""

    def __init__(self, seen: Scrape, descriptors: dict[int, int], told: dict[int, dict[str, Any]]) -> None:
        self.upstream = int(seen.value("codenex_upstream_connections", state="all"))
        self.descriptors = sum(descriptors.values())
        self.threads = sum(one["threads"] for one in told.values())
        self.admitted = sum(one["admitted"] for one in told.values())
        self.tasks: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        for one in told.values():
            # Those without a name of their own are numbered.
            self.tasks.update(re.sub(r"\d+", "N", name) for name in one["tasks"])
            self.kinds.update(one["kinds"])


async def quiet(site: Soaked) -> Quiet:
    """Wait until nothing is in progress, nothing waits to be written, and nobody is connected but who asks."""

    def holds(one: Scrape) -> bool:
        busy = ("codenex_account_in_flight", "codenex_queue_length")
        return (
            all(one.value(name) == 0 for name in busy)
            and one.value("codenex_upstream_connections", state="in_use") == 0
            and one.value("codenex_requests_in_progress") <= 1
            and one.value("codenex_open_connections") <= 1
        )

    seen = await scrape(site, holds)
    await asyncio.sleep(2 if THOROUGH else 0.2)
    return Quiet(seen, site.descriptors(), {pid: await site.inside.told(pid) for pid in site.children()})


@pytest.mark.timeout(7200)
async def test_nothing_grows_and_nothing_is_left(tmp_path: Path) -> None:
    async with upstream_of(Failing) as port, Soaked(tmp_path, port) as site:
        await site.log_in()
        await site.serving(2)
        outcomes = await load(site.port, WARM_UP, 0, CLIENTS)
        before = await quiet(site)
        processes = site.processes
        samples: list[tuple[int, float]] = []
        begun = time.monotonic()
        for number in range(SAMPLES):
            share = REQUESTS // SAMPLES
            outcomes += await load(site.port, share, number + 1, CLIENTS)
            samples.append((share * (number + 1), site.memory))
        seconds = time.monotonic() - begun
        after = await quiet(site)
        seen = await scrape(site)
        count = seen.value("codenex_requests_total", provider="openai-custom")
        kept = await used(site, count - seen.value("codenex_queue_dropped_total", queue="usage"))
        slope = statistics.linear_regression(*zip(*samples, strict=True)).slope * 100_000
        grown = samples[-1][1] - samples[0][1]
        print(
            f"{REQUESTS} requests in {seconds:.0f} s ({REQUESTS / seconds:.0f} a second): {dict(outcomes)},"
            f" upstream {dict(Failing.met)}; {samples[0][1]:.1f} MiB, {slope:+.2f} MiB per 100,000 requests,"
            f" {grown:+.2f} MiB in all; descriptors {before.descriptors} → {after.descriptors}"
            f" (upstream {before.upstream} → {after.upstream}), tasks {before.tasks.total()} → {after.tasks.total()},"
            f" usage of {kept:.0f} requests kept, objects more: {dict((after.kinds - before.kinds).most_common(8))}"
        )
        assert site.processes == processes, "a process was replaced"
        assert outcomes["cut"] == 0, "an answer was cut without a word"
        assert outcomes["given up"] > REQUESTS / 20
        assert Failing.met.total() - Failing.met[""] > REQUESTS / 20
        assert outcomes["200"] > REQUESTS * 0.8
        # Every request that reached a provider is in the database, or is told to be missing.
        assert kept == count - seen.value("codenex_queue_dropped_total", queue="usage")
        # Connections to upstreams are kept for the next requests, and are no leak; those of clients are.
        # A few come and go by themselves: the line to the control process, the database's files.
        assert after.descriptors - after.upstream <= before.descriptors - before.upstream + 4
        assert after.upstream <= 2 * CLIENTS
        assert after.tasks == before.tasks
        assert after.admitted == before.admitted == 0
        assert after.threads <= before.threads + 4
        few = {kind: more for kind, more in (after.kinds - before.kinds).items() if more > 2 * CLIENTS}
        assert not few, f"objects that are left: {few}"
        # In shorter runs buffers and allocator still find their sizes, and a slope would be theirs.
        if REQUESTS >= 500_000:
            assert slope <= SLOPE, slope
        else:
            assert grown <= GROWTH, grown


async def used(site: Site, count: float) -> float:
    """Requests in the database, once there are so many."""
    for _ in range(600):
        status, found = await site.api("GET", "/api/usage-statistics")
        if status == 200 and found["total"]["requests"] >= count:
            break
        await asyncio.sleep(0.1)
    return found["total"]["requests"]
