"""Processes under the loop that servers run on: uvloop starts and reaps them in its own way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvloop
from tests.support.client import RawClient
from tests.support.fake_cli import FakeCli, Json, alive, answering, ask, settings, until
from tests.support.gateway import KEY, running_gateway
from tests.support.scenario import say

BODY: Json = {"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}


async def serve(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        for number in range(3):
            assert (await ask(gateway, BODY)).status == 200
            await until(lambda wanted=number + 2: len(cli.pids) == wanted)
        cli.script({"sleep": 60}, *answering(say("Too late.")))
        client = await RawClient.connect(gateway.port)
        await client.request("POST", "/v1/messages", BODY, {"authorization": f"Bearer {KEY}"})
        await until(lambda: sum(bool(process.conversation) for process in cli.heard) == 4)
        await client.__aexit__(None, None, None)
        runs = gateway.gateway.claude_code.runs
        await until(lambda: not runs)
    assert not any(map(alive, cli.pids))


def test_answers_departures_and_the_end(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(FakeCli(tmp_path)))
