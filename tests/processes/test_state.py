"""What the processes of one gateway know of each other: limits, rests, settings, events, usage."""

import asyncio
import json
import os
import signal
import sqlite3
import time

import pytest
from tests.processes.site import HEADERS, Site, load, rounds
from tests.support.client import RawClient
from tests.support.replies import Unary
from tests.support.vendor import ScriptedVendor


@pytest.fixture
async def vendor():
    async with ScriptedVendor("openai_chat", validate=False, models=["m"]) as running:
        yield running


async def served_by(site, count):
    """Ask so often at once that every worker takes part; the answers."""
    return await asyncio.gather(*(site.chat() for _ in range(count)))


def rows(site):
    with sqlite3.connect(f"file:{site.folder / 'data' / 'codenex.db'}?mode=ro", uri=True) as database:
        return database.execute("select request_id, sender, account, status, output_text from requests").fetchall()


async def settled_rows(site, count, patience=10.0):
    for _ in range(int(patience / 0.05)):
        if len(rows(site)) >= count:
            break
        await asyncio.sleep(0.05)
    return rows(site)


async def test_a_limit_holds_over_all_workers_to_two_requests(tmp_path, vendor):
    async with Site(tmp_path, vendor, REQUESTS_PER_MINUTE=100) as site:
        await site.log_in()
        await site.serving(2)
        answers = [answer for _ in range(8) for answer in await served_by(site, 25)]
        passed = sum(answer.status == 200 for answer in answers)
        assert 98 <= passed <= 102
        assert {answer.status for answer in answers} == {200, 429}
        refused = next(answer for answer in answers if answer.status == 429)
        assert 1 <= int(refused.headers.get("retry-after") or 0) <= 120
        workers = {row[1] for row in await settled_rows(site, passed)}
        assert len(workers) == 2, "both workers took part"


async def test_the_counts_of_a_killed_worker_stay(tmp_path, vendor):
    async with Site(tmp_path, vendor, REQUESTS_PER_MINUTE=40) as site:
        await site.log_in()
        await site.serving(2)
        answers = [answer for _ in range(2) for answer in await served_by(site, 15)]
        assert {answer.status for answer in answers} == {200}
        for worker in site.children("worker"):
            os.kill(worker, signal.SIGKILL)
            await site.serving(2)
        answers = [answer for _ in range(4) for answer in await served_by(site, 10)]
        assert sum(answer.status == 200 for answer in answers) <= 12


async def test_a_rest_that_one_worker_learns_of_holds_for_all(tmp_path):
    async with (
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as tired,
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as fresh,
        Site(tmp_path, tired, fresh) as site,
    ):
        await site.log_in()
        await site.serving(2)
        tired.answer_next(
            *[Unary(b'{"error":{"message":"slow down"}}', status=429, headers=[("retry-after", "60")])] * 50
        )
        while not tired.requests:
            assert (await site.chat()).status == 200
        # What was under way at that moment may still have reached it.
        called = len(tired.requests)
        await asyncio.sleep(0.1)
        answers = [answer for _ in range(6) for answer in await served_by(site, 20)]
        assert all(answer.status == 200 for answer in answers)
        assert len(tired.requests) == called
        assert len({row[1] for row in await settled_rows(site, 100)}) == 2, "both workers took part"
        # A worker that starts afterwards knows it as well.
        for worker in site.children("worker"):
            os.kill(worker, signal.SIGKILL)
        await site.serving(2)
        assert all(answer.status == 200 for answer in await served_by(site, 20))
        assert len(tired.requests) == called


async def test_an_edited_file_is_in_use_within_moments_and_a_broken_one_never(tmp_path, vendor):
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        workers = sorted(await site.serving(2))
        assert (await site.chat(model="nickname")).status == 200
        assert vendor.requests[-1].json["model"] == "nickname"
        configuration = json.loads(site.config.read_text())

        site.config.write_text(json.dumps({**configuration, "modelAliases": {"nickname": "m"}}))
        await changed(site, lambda: vendor.requests[-1].json["model"] == "m")

        site.config.write_text("{")
        _, report = await reported(site, lambda report: report["problems"])
        assert "config.json can't be read" in report["problems"][0]
        assert all(answer.status == 200 for answer in await served_by(site, 10))
        assert vendor.requests[-1].json["model"] == "m"
        status, answer = await site.api("POST", "/api/reload-config")
        assert (status, answer["success"]) == (200, False)

        site.config.write_text(json.dumps(configuration))
        await changed(site, lambda: vendor.requests[-1].json["model"] == "nickname")
        _, report = await reported(site, lambda report: not report["problems"])
        assert sorted(site.children("worker")) == workers, "nobody had to be restarted"


async def changed(site, holds):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        assert all(answer.status == 200 for answer in [await site.chat(model="nickname")])
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the change is not in use:\n{site.text[-2000:]}")


async def reported(site, holds):
    deadline = time.monotonic() + 15
    report = None
    while time.monotonic() < deadline:
        report = await site.system()
        if report is not None and holds(report):
            return time.monotonic(), report
        await asyncio.sleep(0.05)
    raise AssertionError(f"{report}")


async def test_a_reload_that_was_answered_holds_for_every_later_request(tmp_path, vendor):
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        configuration = json.loads(site.config.read_text())
        for number in range(4):
            site.config.write_text(json.dumps({**configuration, "modelAliases": {"x": f"m{number}"}}))
            assert (await site.api("POST", "/api/reload-config"))[1]["success"]
            before = len(vendor.requests)
            await asyncio.gather(*(site.chat(model="x") for _ in range(12)))
            assert {request.json["model"] for request in vendor.requests[before:]} == {f"m{number}"}


async def test_a_request_in_progress_keeps_the_settings_it_began_with(tmp_path):
    async with ScriptedVendor("openai_chat", validate=False, models=["m"], delay=0.3) as slow:
        async with Site(tmp_path, slow, CREDENTIAL_SWITCH_MAX_RETRIES=1) as site:
            await site.log_in()
            await site.serving(2)
            async with await RawClient.connect(site.port) as client:
                body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
                await client.request("POST", "/v1/chat/completions", body, HEADERS)
                head = await client.head()
                site.pools.write_text("{}")
                assert (await site.api("POST", "/api/reload-config"))[1]["success"]
                assert (await site.chat()).status == 503
                received = b"".join([piece async for piece in client.body(head)])
                assert received.endswith(b"data: [DONE]\n\n")


async def subscribed(site, client):
    await client.request("GET", "/api/events", headers={"authorization": f"Bearer {site.session}"})
    return await client.head()


async def events_of(client, head, count):
    text = b""
    async for piece in client.body(head):
        text += piece
        if text.count(b"\nevent: ") >= count:
            break
    return [line for line in text.split(b"\n") if line.startswith((b"id:", b"data:"))]


async def test_the_events_of_all_workers_reach_every_subscriber_once_in_one_order(tmp_path):
    async with (
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as first,
        ScriptedVendor("openai_chat", validate=False, models=["m"]) as second,
        Site(tmp_path, first, second) as site,
    ):
        await site.log_in()
        await site.serving(2)
        async with await RawClient.connect(site.port) as one, await RawClient.connect(site.port) as other:
            heads = [await subscribed(site, client) for client in (one, other)]
            tired = Unary(b'{"error":{"message":"slow down"}}', status=429, headers=[("retry-after", "0")])
            for vendor in (first, second):
                vendor.answer_next(*[tired] * 10)
            while len(first.requests) + len(second.requests) < 20:
                await served_by(site, 4)
            seen = await asyncio.gather(*(events_of(c, h, 20) for c, h in zip((one, other), heads, strict=True)))
        assert seen[0] == seen[1]
        numbers = [int(line[3:]) for line in seen[0] if line.startswith(b"id:")]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 20


@rounds(2, 100, 120)
async def test_usage_is_kept_once_over_kills(tmp_path, vendor, times):
    """A killed control process loses nothing; a killed worker at most what it answered in its last second."""
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with load(site, 4, model="m") as seen:
            for number in range(times):
                os.kill(site.children("control")[0], signal.SIGKILL)
                # The worker that is killed next has sent what waited for the control process.
                await site.serving(2)
                await asyncio.sleep(1.0)
                os.kill(site.children("worker")[number % 2], signal.SIGKILL)
                await site.serving(2)
        rate = seen.answered / (loop.time() - began)
        kept = await settled_rows(site, seen.answered)
        ids = [row[0] for row in kept]
        assert len(set(ids)) == len(ids), "nothing is kept twice"
        assert seen.answered - rate * times <= len(ids)
        assert len(ids) <= seen.answered + len(seen.failures)


async def test_rows_wait_for_a_control_process_that_is_away(tmp_path, vendor):
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        (control,) = site.children("control")
        os.kill(control, signal.SIGKILL)
        answers = await served_by(site, 20)
        assert all(answer.status == 200 for answer in answers)
        assert len(await settled_rows(site, 20)) == 20


async def test_a_full_disk_costs_no_request(tmp_path, vendor):
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        # The database can't grow any more: a limit on the size of files stands for a disk that is full.
        (control,) = site.children("control")
        size = (tmp_path / "data" / "codenex.db").stat().st_size
        limited = await asyncio.create_subprocess_exec("prlimit", f"--pid={control}", f"--fsize={size}:{size}")
        assert await limited.wait() == 0
        answers = [answer for _ in range(5) for answer in await served_by(site, 20)]
        assert all(answer.status == 200 for answer in answers)
