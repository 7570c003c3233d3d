"""Processes that die, hang and are replaced, under load. The numbers in full: ``make deep``."""

import asyncio
import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.processes.site import CHAT, HEADERS, Site, command_line, load, resident_mib, rounds
from tests.support.client import RawClient
from tests.support.process import ServerProcess
from tests.support.scenario import Scenario, Text
from tests.support.vendor import ScriptedVendor


def gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def private_folders(pid):
    return list(Path(tempfile.gettempdir()).glob(f"codenex-{pid}-*"))


async def until(holds, patience, what):
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < patience, what
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


@pytest.mark.timeout(120)
async def test_a_start_is_small_and_quick_and_a_stop_leaves_nothing(tmp_path):
    # Once for the bytecode.
    async with Site(tmp_path) as site:
        await site.log_in()
        await site.serving(2)
    begun = time.monotonic()
    async with Site(tmp_path) as site:
        # A second is promised on a machine that has nothing else to do.
        assert time.monotonic() - begun < 6
        assert (await site.chat()).status == 200
        (control,) = await until_one(site.children, "control")
        workers = site.children("worker")
        await asyncio.sleep(1)
        assert all(resident_mib(worker) <= 40 for worker in workers), [resident_mib(worker) for worker in workers]
        assert resident_mib(control) <= 120
        folders = private_folders(site.pid)
        assert len(folders) == 1
        assert folders[0].stat().st_mode & 0o777 == 0o700
        children = site.children()
        site.signal(signal.SIGTERM)
        assert await site.exited() == 0
        assert all(gone(child) for child in children)
        assert not folders[0].exists()


async def until_one(children, kind):
    await until(lambda: children(kind), 20, f"no {kind}")
    return children(kind)


@rounds(8, 200, 180)
async def test_killed_workers_cost_only_what_was_in_flight_on_them(tmp_path, times):
    async with Site(tmp_path) as site:
        await site.log_in()
        await site.serving(2)
        kills = []
        loop = asyncio.get_running_loop()
        async with load(site) as seen:
            for number in range(times):
                workers = site.children("worker")
                victim = workers[number % len(workers)]
                kills.append(loop.time())
                os.kill(victim, signal.SIGKILL)
                await until(lambda victim=victim: victim not in site.children("worker"), 10, "still there")
                await until(lambda: len(site.children("worker")) == 2, 20, site.text)
                await asyncio.sleep(0.05)
        assert seen.answered > times
        assert seen.besides(kills) == []
        await site.serving(2)


@rounds(4, 100, 240)
async def test_graceful_restarts_fail_no_request_and_cut_no_stream(tmp_path, times):
    pieces = tuple(f"piece {number} " for number in range(60))
    answer = Scenario((Text("".join(pieces), pieces),))
    streams = 50
    async with ScriptedVendor("openai_chat", scenario=answer, validate=False, delay=0.25, models=["m"]) as vendor:
        async with Site(tmp_path, vendor) as site:
            await site.log_in()
            await site.serving(2)
            ended = asyncio.Event()
            whole, cut = 0, []

            async def stream():
                nonlocal whole
                while not ended.is_set():
                    async with await RawClient.connect(site.port) as client:
                        body = {**CHAT, "stream": True}
                        await client.request("POST", "/v1/chat/completions", body, HEADERS)
                        head = await client.head(timeout=30)
                        received = b"".join([piece async for piece in client.body(head)])
                        if head.status == 200 and received.endswith(b"data: [DONE]\n\n") and b"piece 59" in received:
                            whole += 1
                        else:
                            cut.append(received[-300:])

            tasks = [asyncio.create_task(stream()) for _ in range(streams)]
            async with load(site, 2) as seen:
                for number in range(times):
                    before = set(site.children("worker"))
                    if number % 2:
                        site.signal(signal.SIGHUP)
                    else:
                        # The control process may be on its way itself.
                        await until_asked(site)
                    await until(lambda before=before: len(set(site.children("worker")) - before) == 2, 40, site.text)
                    await asyncio.sleep(0.3)
                ended.set()
                await asyncio.wait(tasks, timeout=60)
            assert seen.failures == []
            assert cut == []
            assert whole >= streams
            for task in tasks:
                task.result()


async def until_asked(site):
    for _ in range(500):
        with suppress(OSError, ValueError):
            status, _ = await site.api("POST", "/api/restart-service")
            if status == 200:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody takes the wish for a restart")


@rounds(2, 50, 120)
async def test_a_killed_master_leaves_no_orphans_and_the_port_free(tmp_path, times):
    for number in range(times):
        site = Site(tmp_path)
        await site.start()
        try:
            await site.ready()
            await until_one(site.children, "control")
            children = site.children()
            if number % 2:
                # One that hangs ends as well.
                os.kill(site.children("worker")[0], signal.SIGSTOP)
                os.kill(site.children("worker")[0], signal.SIGCONT)
            site.signal(signal.SIGKILL)
            await until(lambda c=children: all(map(gone, c)), 6, [command_line(c) for c in children])
        finally:
            await site.stop()
        again = ServerProcess(tmp_path, port=site.port)
        async with again:
            pass


@rounds(1, 50, 90)
async def test_a_stopped_worker_is_found_and_replaced(tmp_path, times):
    async with Site(tmp_path) as site:
        await site.log_in()
        for _ in range(times):
            workers = await site.serving(2)
            os.kill(workers[0], signal.SIGSTOP)
            took = await until(lambda w=workers: gone(w[0]), 20, "not found")
            assert took <= 12
            await until(lambda: len(site.children("worker")) == 2, 20, site.text)
        assert "silent" in site.text


@rounds(3, 20, 120)
async def test_a_killed_control_process_fails_no_client(tmp_path, times):
    async with Site(tmp_path) as site:
        await site.log_in()
        await site.serving(2)
        async with load(site) as seen:
            for _ in range(times):
                (control,) = await until_one(site.children, "control")
                os.kill(control, signal.SIGKILL)
                await until(lambda c=control: gone(c), 5, "not dead")
                await until(lambda c=control: site.children("control") not in ([], [c]), 20, site.text)
                await asyncio.sleep(0.3)
        assert seen.failures == []
        assert seen.answered > 0
        # The session that began before outlives the control process.
        report = None
        for _ in range(500):
            report = await site.system()
            if report is not None:
                break
            await asyncio.sleep(0.02)
        assert report is not None


@pytest.mark.timeout(60)
async def test_signals_in_any_order(tmp_path):
    orders = [
        (signal.SIGTERM,),
        (signal.SIGINT,),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGHUP, signal.SIGINT, signal.SIGTERM),
    ]
    for order in orders:
        async with Site(tmp_path, workers=1) as site:
            children = site.children()
            for number in order:
                site.signal(number)
                await asyncio.sleep(0.02)
            assert await site.exited() == 0, (order, site.text)
            assert all(gone(child) for child in children)


@pytest.mark.timeout(60)
async def test_a_stop_during_the_start(tmp_path):
    for delay in (0.0, 0.05, 0.2, 0.4):
        site = Site(tmp_path)
        await site.start()
        await asyncio.sleep(0.1 + delay)
        site.signal(signal.SIGTERM)
        assert await site.exited() in (0, -signal.SIGTERM), site.text
        await site.stop()


BROKEN = {
    "config.json is cut": (lambda site: site.config.write_text('{"HOST": '), "config.json can't be read"),
    "a value is wrong": (lambda site: site.config.write_text('{"MAX_BODY_BYTES": "many"}'), "MAX_BODY_BYTES"),
    "pools are no list": (lambda site: site.pools.write_text('{"openai-custom": 1}'), "must be a list"),
    "the provider is none": (lambda site: site.config.write_text('{"MODEL_PROVIDER": "x"}'), "no provider type"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_first_start_ends_with_the_reason(tmp_path, name):
    site = Site(tmp_path)
    spoil, reason = BROKEN[name]
    spoil(site)
    await site.start()
    try:
        assert await site.exited(20) == 2
        assert reason in site.text
        assert "Traceback" not in site.text
    finally:
        await site.stop()


async def test_a_port_in_use_is_the_last_word(tmp_path):
    async with Site(tmp_path) as first:
        (tmp_path / "other").mkdir()
        second = Site(tmp_path / "other")
        second.port = first.port
        await second.start()
        try:
            assert await second.exited(20) == 1
            assert f"can't listen on 127.0.0.1:{first.port}: Address already in use" in second.text
        finally:
            await second.stop()


@pytest.mark.timeout(90)
async def test_a_worker_that_can_not_start_is_tried_again_and_then_given_up(tmp_path):
    site = Site(tmp_path)
    # A dependency that is broken for workers alone.
    broken = tmp_path / "modules"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import sys\nif 'run-worker' in sys.orig_argv:\n    sys.modules['httptools'] = None\n"
    )
    site._environment["PYTHONPATH"] = f"{broken}{os.pathsep}{site._environment['PYTHONPATH']}"
    await site.start()
    try:
        assert await site.exited(60) == 1
        assert site.text.count("could not start: ModuleNotFoundError: import of httptools halted") == 5
        assert "stopped: no worker starts: ModuleNotFoundError: import of httptools halted" in site.text
    finally:
        await site.stop()
