"""What happens beside the requests: a log that nobody reads, a full disk, a locked database, a clock that jumps. No
request fails for it, and none waits.

Fifty milliseconds are the limit in the thorough run (``make deep``); else the machine may be busy with something else.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import resource
import shlex
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.endurance.victim import Times, until
from tests.processes.site import HEADERS, Site
from tests.processes.test_metrics import scrape
from tests.support.client import RawClient
from tests.support.process import ROOT

THOROUGH = os.environ.get("CODENEX_DEEP") == "1"
#: Seconds that a request may take longer than the slowest without a disturbance.
SLOWER = 0.05 if THOROUGH else 1.0
#: Seconds that each disturbance lasts.
LASTS = 10 if THOROUGH else 2
BODY = json.dumps({"model": "demo/demo", "messages": [{"role": "user", "content": "x" * 500}]})


@contextmanager
def asked(port: int, clients: int = 2) -> Iterator[Times]:
    """Ask again and again, in threads of their own; the times of the answers. Any failure fails the test."""
    times, failures, ended = Times(), list[str](), threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while not ended.wait(0.003):
            begun = time.perf_counter()
            try:
                connection.request("POST", "/v1/chat/completions", BODY, HEADERS)
                answer = connection.getresponse()
                if answer.status != 200 or b"chat.completion" not in answer.read():
                    failures.append(f"status {answer.status}")
            except OSError as error:
                failures.append(repr(error))
                connection.close()
            times.append(time.perf_counter() - begun)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield times
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(times) > 50


async def disturbed(site: Site, disturb: Callable[[], Any], what: str) -> None:
    """Compare the slowest request without a disturbance with the slowest during it."""
    with asked(site.port) as calm:
        await asyncio.sleep(LASTS)
    with asked(site.port) as times:
        found = disturb()
        if asyncio.iscoroutine(found):
            await found
        await asyncio.sleep(LASTS)
    assert max(times) <= max(calm) + SLOWER, (max(calm), max(times))
    print(f"{what}: {len(times)} requests, slowest {max(times):.4f} s, undisturbed {max(calm):.4f} s")


def reading(site: Site) -> Any:
    """What reads the log."""
    assert site.process.stdout is not None
    return site.process.stdout._transport  # type: ignore[attr-defined]


class ReadAtTheEnd(Site):
    """Its log is read again when the block ends, so that what failed in it is told, and not that nothing ends."""

    async def __aexit__(self, *exc_info: object) -> None:
        reading(self).resume_reading()
        await super().__aexit__(*exc_info)


@pytest.mark.timeout(120)
async def test_a_log_that_nobody_reads(tmp_path: Path) -> None:
    async with ReadAtTheEnd(tmp_path) as site:
        await site.log_in()
        before, _ = await site.serving(2)

        async def stall() -> None:
            reading(site).pause_reading()
            for _ in range(60):
                # Refused requests are logged as well; so is a control process that is away, and what the master says.
                async with await RawClient.connect(site.port) as client:
                    await client.send(b"NONSENSE\r\n\r\n")
                    await client.closed()
            os.kill(site.children("control")[0], signal.SIGKILL)
            for _ in range(10):
                await site.system()
            # A worker that dies is replaced although nobody reads what the master says of it.
            os.kill(before, signal.SIGSTOP)
            os.kill(before, signal.SIGCONT)

        await disturbed(site, stall, "stalled reader of the log")
        queued = await scrape(site, lambda one: one.value("codenex_queue_length", queue="access_log") > 0)
        assert queued.value("codenex_queue_dropped_total", queue="access_log") == 0
        reading(site).resume_reading()
        await scrape(site, lambda one: one.value("codenex_queue_length", queue="access_log") < 10)
        lines = site.text.splitlines()
        assert sum(line.startswith('{"time"') and bool(json.loads(line)) for line in lines) > 100
        # Whoever ends while nobody reads ends nevertheless.
        reading(site).pause_reading()
        with asked(site.port):
            await asyncio.sleep(1)
        site.signal(signal.SIGTERM)
        await until(lambda: site.process.returncode is not None, 20)
        assert site.process.returncode == 0
        reading(site).resume_reading()


class Unheard(Site):
    """Its log goes into a pipe that is full to the last byte from the start, and that nobody reads."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, write=False, **options)
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        for size in (4096, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(self._pipe, b"x" * size)
        command = self._command
        self._command = lambda port: [
            *("bash", "-c", f"exec {shlex.join(command(port))} >{shlex.quote(str(pipe))} 2>&1"),
        ]

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__(*exc_info)
        os.close(self._pipe)


@pytest.mark.parametrize("standalone", [False, True], ids=["processes", "standalone"])
async def test_a_log_that_nobody_ever_reads(tmp_path: Path, standalone: bool) -> None:
    """A first start has keys to tell, and broken files are told of as well: nobody waits until they are read."""
    async with Unheard(tmp_path, standalone=standalone) as site:
        await site.log_in()
        if not standalone:
            await site.serving(2)
            before = {*site.children("worker")}
            site.pools.write_text("{")
            site.signal(signal.SIGHUP)
            await until(lambda: len({*site.children("worker")} - before) == 2, 20, "the settings are never read again")
        site.signal(signal.SIGTERM)
        assert await site.exited(20) == 0


class FullDisk(Site):
    """Its logs are on a file system of 64 KiB."""

    def __init__(self, folder: Path) -> None:
        logs = folder / "logs"
        logs.mkdir()
        super().__init__(folder, PROMPT_LOG_MODE="file")
        log = shlex.quote(str(logs))
        command = self._command
        self._command = lambda port: [
            *(*self.above, "bash", "-c"),
            f"{self.before.format(log)} exec {shlex.join(command(port))} >>{log}/access.log",
        ]

    above: tuple[str, ...] = ("unshare", "-rm")
    before = "mount -t tmpfs -o size=64k tmpfs {} && "

    async def fill(self) -> None:
        """Do what makes the disk full, where it isn't small already."""


class LimitedFiles(FullDisk):
    """Its workers may at last make no file much larger: a write ends there as it does on a full disk, after a part of
    it. It needs no privilege."""

    above = ()
    before = ""

    async def fill(self) -> None:
        limit = min(log.stat().st_size for log in (self.folder / "logs").glob("*.log")) + 5000
        for pid in self.children("worker"):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))


mounts = pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0,
    reason="this machine lets nobody mount a file system of his own",
)


@pytest.mark.parametrize("kind", [LimitedFiles, pytest.param(FullDisk, marks=[mounts, pytest.mark.deep])])
@pytest.mark.timeout(120)
async def test_a_full_disk_under_the_logs(tmp_path: Path, kind: type[FullDisk]) -> None:
    async with kind(tmp_path) as site:
        await disturbed(site, site.fill, "full disk under the logs")
        seen = await scrape(site, lambda one: one.value("codenex_queue_dropped_total", queue="access_log") > 0)
        assert seen.value("codenex_queue_dropped_total", queue="prompt_log") > 0
        assert seen.value("codenex_requests_total", status="200", provider="demo") > 100


@pytest.mark.timeout(120)
async def test_a_database_that_is_locked(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        await site.log_in()
        await site.serving(2)
        database = sqlite3.connect(tmp_path / "data" / "codenex.db", timeout=20)

        def lock() -> None:
            database.execute("BEGIN EXCLUSIVE")

        await disturbed(site, lock, "locked database")
        seen = await scrape(site, lambda one: one.value("codenex_queue_length", queue="usage") > 0)
        count = seen.value("codenex_requests_total", status="200", provider="demo")
        database.rollback()
        database.close()
        # Nothing is lost, and nothing is counted twice.
        for _ in range(500):
            status, found = await site.api("GET", "/api/usage-statistics")
            if status == 200 and found["total"]["requests"] >= count:
                break
            await asyncio.sleep(0.05)
        assert found["total"]["requests"] == count


class ShiftedClock:
    """Another wall clock for a process and its children."""

    def __init__(self, folder: Path) -> None:
        library, file = folder / "shifted_clock.so", folder / "shift"
        source = ROOT / "tests" / "support" / "shifted_clock.c"
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-D_GNU_SOURCE", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(file)}
        self._file = file

    def shift(self, seconds: int) -> None:
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))


@pytest.mark.timeout(120)
async def test_a_clock_that_jumps_by_an_hour(tmp_path: Path) -> None:
    clock = ShiftedClock(tmp_path)
    site = Site(tmp_path)
    site._environment |= clock.environment
    async with site:
        await site.log_in()
        await site.serving(2)

        async def jump() -> None:
            for seconds in (3600, -3600, 0) * (1 if not THOROUGH else 50):
                clock.shift(seconds)
                await asyncio.sleep(0.3)
            clock.shift(3600)

        assert abs(await wall_of(site) - time.time()) < 60
        await disturbed(site, jump, "clock that jumps by an hour")
        assert 3500 < await wall_of(site) - time.time() < 3700
        # Nobody turns round and round.
        before = (await scrape(site)).value("codenex_process_cpu_seconds_total")
        await asyncio.sleep(2)
        assert (await scrape(site)).value("codenex_process_cpu_seconds_total") - before < 1
        clock.shift(0)
        assert len(await site.serving(2)) == 2
        assert "silent" not in site.text


async def wall_of(site: Site) -> float:
    """What time it is for the gateway."""
    before = len(site.output)
    assert (await site.chat(model="demo/demo")).status == 200
    await until(lambda: b'"time":' in site.output[before:] and site.output.endswith(b"\n"), 5)
    return float(json.loads(site.output[before:].splitlines()[-1])["time"])
