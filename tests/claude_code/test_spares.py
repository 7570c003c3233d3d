"""Programs that are started ahead: used once, for what they were started for, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.support.client import RawClient
from tests.support.fake_cli import FakeCli, Json, alive, answering, ask, settings, until
from tests.support.gateway import KEY, running_gateway
from tests.support.scenario import say

from codenex.providers.claude_code import spares

BODY: Json = {"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def cli(tmp_path: Path) -> FakeCli:
    return FakeCli(tmp_path)


def told(cli: FakeCli) -> list[int]:
    """The processes that had a request."""
    return [process.started["pid"] for process in cli.heard if process.conversation]


async def test_the_next_request_of_the_same_kind_finds_one_ready(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        assert (await ask(gateway, BODY)).status == 200
        await until(lambda: len(cli.pids) == 2)
        first, spare = cli.pids
        assert told(cli) == [first]
        other = {**BODY, "messages": [{"role": "user", "content": "Something else"}], "system": "Be short."}
        assert (await ask(gateway, other)).json["content"][0]["text"] == "Hello from the stand-in."
        assert told(cli) == [first, spare]
        assert cli.heard[1].greeting["systemPrompt"] == ["Be short."]
        await until(lambda: len(cli.pids) == 3)
    assert not any(map(alive, cli.pids)), "none outlives the gateway"


async def test_another_kind_starts_anew_and_takes_the_room(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        await ask(gateway, BODY)
        await until(lambda: len(cli.pids) == 2)
        await ask(gateway, {**BODY, "model": "opus"})
        await until(lambda: len(cli.pids) == 4)
        await until(lambda: sum(map(alive, cli.pids)) == 1)
        (left,) = [process for process in cli.heard if alive(process.started["pid"])]
    assert left.started["env"]["ANTHROPIC_MODEL"] == "opus"
    assert [process.started["env"]["ANTHROPIC_MODEL"] for process in cli.heard if process.conversation] == [
        "sonnet",
        "opus",
    ]


async def test_an_account_never_gets_the_program_of_another(tmp_path: Path) -> None:
    cli = FakeCli(tmp_path)
    accounts = [cli.account(number, api_key=f"key-{number}-for-tests") for number in range(2)]
    async with running_gateway(settings(*accounts, claude_code_spares=2)) as gateway:
        for _ in range(6):
            assert (await ask(gateway, BODY)).status == 200
            await asyncio.sleep(0.1)
    used = [process for process in cli.heard if process.conversation]
    assert len(used) == 6
    assert {process.started["env"]["ANTHROPIC_API_KEY"] for process in used} == {"key-0-for-tests", "key-1-for-tests"}


async def test_one_that_has_died_is_not_used(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        await ask(gateway, BODY)
        await until(lambda: len(cli.pids) == 2)
        os.kill(cli.pids[1], signal.SIGKILL)
        await until(lambda: not alive(cli.pids[1]))
        assert (await ask(gateway, BODY)).status == 200


async def test_one_that_nobody_asks_for_ends(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "PATIENCE", 0.3)
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        await ask(gateway, BODY)
        await until(lambda: len(cli.pids) == 2)
        await until(lambda: not any(map(alive, cli.pids)))


async def test_a_client_that_leaves_ends_one_that_was_ready(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(), claude_code_spares=1)) as gateway:
        await ask(gateway, BODY)
        await until(lambda: len(cli.pids) == 2)
        cli.script({"sleep": 60}, *answering(say("Too late.")))
        client = await RawClient.connect(gateway.port)
        await client.request("POST", "/v1/messages", BODY, {"authorization": f"Bearer {KEY}"})
        await until(lambda: len(told(cli)) == 2)
        await client.__aexit__(None, None, None)
        assert await until(lambda: not alive(cli.pids[1])) < 1.0
        assert len(cli.pids) == 2, "nothing is started ahead for who leaves"
