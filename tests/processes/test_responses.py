"""Conversations over processes: any worker goes on with what another one kept, whatever has died in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.processes.site import KEY, Site
from tests.support.scenario import Scenario, Text
from tests.support.vendor import ScriptedVendor


@pytest.fixture
async def vendor() -> AsyncIterator[ScriptedVendor]:
    def echo(request: Any, body: Any) -> Scenario:
        texts = [message["content"] for message in body["messages"] if message["role"] == "user"]
        return Scenario(parts=(Text(f"{len(texts)} so far"),))

    async with ScriptedVendor("openai_chat", validate=False, models=["m"], scenario=echo) as running:
        yield running


async def turn(site: Site, previous: Any = None, *, stream: bool = False) -> Any:
    """One turn over a connection of its own, so that any worker may get it."""
    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{site.port}/v1", api_key=KEY, max_retries=0) as client:
        fields: Any = {"model": "m", "input": "Hi"}
        if previous is not None:
            fields["previous_response_id"] = previous.id
        if not stream:
            return await client.responses.create(**fields)
        async with client.responses.stream(**fields) as events:
            return await events.get_final_response()


def kept(site: Site) -> int:
    with sqlite3.connect(f"file:{site.folder / 'data' / 'responses.db'}?mode=ro", uri=True) as connection:
        count = connection.execute("SELECT count(*) FROM responses").fetchone()[0]
    connection.close()
    return int(count)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_killed_worker_takes_nothing_with_it_that_a_client_was_told(
    tmp_path: Path, vendor: ScriptedVendor, stream: bool
) -> None:
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        last = None
        for number in range(1, 5):
            last = await turn(site, last, stream=stream)
            assert last.output_text == f"{number} so far"
            assert last.store is True
            # The worker that gave the answer is among them.
            for worker in site.children("worker"):
                os.kill(worker, signal.SIGKILL)
            await site.serving(2)
        assert kept(site) == 4


async def test_the_control_process_is_not_needed(tmp_path: Path, vendor: ScriptedVendor) -> None:
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        last = None
        for number in range(1, 9):
            for control in site.children("control"):
                os.kill(control, signal.SIGKILL)
            last = await turn(site, last, stream=number % 2 == 0)
            assert last.output_text == f"{number} so far"


async def test_a_conversation_outlives_the_whole_server(tmp_path: Path, vendor: ScriptedVendor) -> None:
    async with Site(tmp_path, vendor) as site:
        last = await turn(site)
    async with Site(tmp_path, vendor) as site:
        last = await turn(site, last)
        assert last.output_text == "2 so far"


async def test_switching_it_off_at_run_time_deletes_what_there_is(tmp_path: Path, vendor: ScriptedVendor) -> None:
    async with Site(tmp_path, vendor) as site:
        await site.log_in()
        await site.serving(2)
        last = await turn(site)
        site.config.write_text(json.dumps({"REQUIRED_API_KEY": KEY, "STORE_RESPONSES": False}))
        status, _ = await site.api("POST", "/api/reload-config")
        assert status == 200
        with pytest.raises(openai.BadRequestError, match="keeps no conversations"):
            await turn(site, last)
        assert (await turn(site)).store is False
    async with Site(tmp_path, vendor, STORE_RESPONSES=False) as site:
        # The control process sweeps when it starts.
        for _ in range(500):
            if not kept(site):
                break
            await asyncio.sleep(0.02)
        assert kept(site) == 0


async def test_standalone_keeps_conversations_too(tmp_path: Path, vendor: ScriptedVendor) -> None:
    async with Site(tmp_path, vendor, standalone=True) as site:
        last = await turn(site)
        last = await turn(site, last, stream=True)
        assert last.output_text == "2 so far"
        assert kept(site) == 2
