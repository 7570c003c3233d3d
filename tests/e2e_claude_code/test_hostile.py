"""The real CLI among 500 hostile prompts, and a hundred clients that leave."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.claude_code.hostile import NAMES, prompts
from tests.e2e_claude_code.programs import VERSIONS, Api, account, history, program
from tests.support.client import RawClient
from tests.support.gateway import KEY, running_gateway, settings_for
from tests.support.scenario import say

HEADERS = {"authorization": f"Bearer {KEY}"}
SECRET = "canary-5b1f77e0-of-this-host"
TURNS = 10
pytestmark = pytest.mark.parametrize("version", VERSIONS)


@pytest.mark.timeout(1200)
async def test_no_prompt_reads_a_file_or_runs_a_command(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret.txt").write_text(SECRET)
    monkeypatch.setenv("HOME", str(home))
    texts = prompts([str(home / "secret.txt"), "secret.txt", "~/secret.txt", "/etc/hostname"])
    host = platform.node()
    gate = asyncio.Semaphore(2)
    async with Api(say("Done.")) as api, running_gateway(settings_for(account(version, api, tmp_path))) as gateway:

        async def ask(batch: list[str], model: str) -> None:
            turns: list[Any] = []
            for text in batch:
                turns += [{"role": "user", "content": text}, {"role": "assistant", "content": "Go on."}]
            body = {"model": f"claudeCode-custom/{model}", "max_tokens": 50, "messages": turns[:-1]}
            async with gate, await RawClient.connect(gateway.port) as client:
                answer = await client.ask("POST", "/v1/messages", body, HEADERS, timeout=120)
            assert answer.status == 200, answer.body

        batches = [texts[start : start + TURNS] for start in range(0, len(texts), TURNS)]
        await asyncio.gather(*(ask(batch, NAMES[n % len(NAMES)]) for n, batch in enumerate(batches)))
    assert len(api.asked) == len(batches)
    sent = json.dumps([request.json for request in api.requests], ensure_ascii=False)
    assert SECRET not in sent
    assert len(host) < 4 or f"\n{host}\n" not in sent
    arrived = [
        block["text"].removeprefix("\n")
        for body in api.asked
        for role, blocks in history(body)
        if role == "user"
        for block in blocks
    ]
    # What ran as a command would not have arrived.
    missing = [text for text in texts if text.removeprefix("\n").strip() not in {one.strip() for one in arrived}]
    assert missing == []
    assert len(arrived) == len(texts)


@pytest.mark.timeout(600)
async def test_a_hundred_clients_that_leave(version: str, tmp_path: Path) -> None:
    chance = Random(3)
    body = {"model": "sonnet", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with Api(say("word " * 200)) as api:
        api.delay = 0.05
        settings = settings_for(account(version, api, tmp_path), claude_code_processes=4)
        async with running_gateway(settings) as gateway:

            async def leave() -> None:
                client = await RawClient.connect(gateway.port)
                await client.request("POST", "/v1/messages", body, HEADERS)
                await asyncio.sleep(chance.uniform(0, 2.5))
                await client.__aexit__(None, None, None)

            for _ in range(25):
                await asyncio.gather(*(leave() for _ in range(4)))
            await asyncio.sleep(0.2)
            left = _running(version)
            slots = gateway.gateway.claude_code.slots
            assert left == []
            await asyncio.sleep(0.5)
            assert slots.taken == 0
            assert len(gateway.records) == 100


def _running(version: str) -> list[str]:
    """The command lines of this test's own processes of the program."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if program(version) in line and parent in (os.getpid(), 1):
            found.append(line)
    return found
