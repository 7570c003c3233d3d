"""What tests tell the stand-in for the Claude Code CLI, and what they learn from it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import claude_cli
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import KEY, RunningGateway, settings_for
from tests.support.scenario import Scenario, say
from tests.support.vendors.dialects import DIALECTS
from tests.support.vendors.framing import Json

from codenex.store.settings import Account, Settings

PROVIDER = "claudeCode-custom"


@dataclass
class Heard:
    """One process: how it was started, and the lines that it was told."""

    started: Json
    lines: list[Json]

    @property
    def greeting(self) -> Json:
        return next(line["request"] for line in self.lines if line["type"] == "control_request")

    @property
    def conversation(self) -> list[Json]:
        return [line for line in self.lines if line["type"] in ("user", "assistant")]

    @property
    def replies(self) -> list[Json]:
        return [line["response"]["response"] for line in self.lines if line["type"] == "control_response"]

    @property
    def tools(self) -> list[Json]:
        """What it was told of tools."""
        served = (reply.get("mcp_response", {}).get("result", {}) for reply in self.replies)
        return next((result["tools"] for result in served if "tools" in result), [])


class FakeCli:
    """``FakeCli(tmp_path)``: a program, a folder for it, and a script."""

    def __init__(self, folder: Path, scenario: Scenario | None = None) -> None:
        self.folder = folder
        self.path = folder / "claude"
        self.path.write_text(f'#!/bin/sh\nexec {sys.executable} -S {claude_cli.__file__} "$@"\n')
        self.path.chmod(0o755)
        self.script(*answering(scenario or say("Hello from the stand-in.")))

    def script(self, *steps: Json) -> None:
        """Set what an answer is made of."""
        (self.folder / "script.json").write_text(json.dumps(steps))

    def account(self, number: int = 0, **fields: Any) -> Account:
        """An account that runs the program."""
        fields = {"program": str(self.path), "config_dir": str(self.folder), **fields}
        return Account(f"{PROVIDER}-{number}", PROVIDER, **fields)

    @property
    def heard(self) -> list[Heard]:
        """What each process was told, in the order of their start."""
        files = sorted(self.folder.glob("heard-*.jsonl"), key=lambda file: file.stat().st_ctime_ns)
        found = []
        for file in files:
            whole = file.read_text().rpartition("\n")[0]
            if whole:
                first, *rest = map(json.loads, whole.split("\n"))
                found.append(Heard(first, rest))
        return found

    @property
    def pids(self) -> list[int]:
        return [heard.started["pid"] for heard in self.heard]


def settings(*accounts: Account, **fields: Any) -> Settings:
    """Settings without programs that are started ahead, so that each process is one request's."""
    return settings_for(*accounts, **{"claude_code_spares": 0, **fields})


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> float:
    """Wait for a condition; return for how long."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def ask(gateway: RunningGateway, body: Json, path: str = "/v1/messages") -> RawResponse:
    """A request and its whole answer."""
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask("POST", path, body, {"authorization": f"Bearer {KEY}"}, timeout=20)


def events_of(scenario: Scenario, model: str = "claude-resolved") -> list[Json]:
    """The events of the API for an answer."""
    chunks = DIALECTS["anthropic"].answers.stream(scenario.asked(model), {"model": model})
    lines = b"".join(chunks).decode().split("\n")
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def answering(scenario: Scenario, **result: Any) -> list[Json]:
    """The steps of an answer that goes well."""
    events = [event for event in events_of(scenario) if event["type"] != "ping"]
    return [*({"event": event} for event in events), {"say": good(**result)}]


def good(**fields: Any) -> Json:
    """The end of a run that went well."""
    return {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "result": "", **fields}


def failing(text: str, status: int | None = None, **fields: Any) -> Json:
    """The end of a run that failed, as the CLI says it: a success by its subtype."""
    return good(is_error=True, api_error_status=status, result=text, **fields)


def as_tools(scenario_events: Iterable[Json]) -> list[Json]:
    """The events with the names of tools as the CLI's model has them."""
    out = []
    for event in scenario_events:
        block = event.get("content_block")
        if block is not None and block["type"] == "tool_use":
            event = {**event, "content_block": {**block, "name": f"mcp__t__{block['name']}"}}
        out.append(event)
    return out
