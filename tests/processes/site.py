"""A gateway of several processes, run as an operator runs it, and load on it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.client import RawClient
from tests.support.process import ServerProcess
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor

KEY = "key-of-the-process-tests"
PASSWORD = "correct horse battery"
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
HEADERS = {"authorization": f"Bearer {KEY}"}


def command(*flags: str, umask: str | None = None) -> Callable[[int], list[str]]:
    before = [] if umask is None else ["/bin/sh", "-c", f'umask {umask}; exec "$@"', "sh"]
    return lambda port: [*before, sys.executable, "-m", "codenex", "serve", "--port", str(port), *flags]


class Site(ServerProcess):
    """``async with Site(tmp_path, vendor) as site``: a master, two workers, a control process; one account for each
    vendor."""

    def __init__(
        self,
        folder: Path,
        *vendors: ScriptedVendor,
        workers: int = 2,
        standalone: bool = False,
        umask: str | None = None,
        environment: Mapping[str, str] | None = None,
        write: bool = True,
        **settings: Any,
    ) -> None:
        configs = folder / "configs"
        configs.mkdir(exist_ok=True)
        self.pools = configs / "provider_pools.json"
        self.config = configs / "config.json"
        accounts = [
            {"uuid": f"account-{number}", "OPENAI_API_KEY": UPSTREAM_KEY, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
            for number, vendor in enumerate(vendors)
        ]
        if vendors:
            self.pools.write_text(json.dumps({"openai-custom": accounts}))
        if write:
            self.config.write_text(json.dumps({"REQUIRED_API_KEY": KEY, **settings}))
        flags = ["--standalone"] if standalone else ["--workers", str(workers)]
        super().__init__(folder, command=command(*flags, umask=umask), environment=environment)

    # --- processes

    def children(self, kind: str | None = None) -> list[int]:
        """Ids of the master's children, of one kind (``worker``, ``control``) or all."""
        found = []
        for pid in _children_of(self.pid):
            line = command_line(pid)
            if f"run-{kind}" in line if kind else "run-" in line:
                found.append(pid)
        return found

    async def serving(self, count: int) -> list[int]:
        """Wait until so many workers and the control process serve and nothing is being replaced."""
        for _ in range(1500):
            if len(self.children("worker")) == count:
                report = await self.system()
                if report is not None and report["settled"]:
                    pids = [p["pid"] for p in report["processes"] if p["role"] == "worker" and p["state"] == "serving"]
                    if sorted(pids) == sorted(self.children("worker")) and len(pids) == count:
                        return pids
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.children()} do not settle:\n{self.text[-3000:]}")

    # --- the management API

    session: str = ""

    async def log_in(self) -> None:
        """Set the admin password at the first call; keep a session."""
        token = (self.folder / "configs" / "setup_token").read_text().strip()
        body = {"token": token, "password": PASSWORD}
        for _ in range(500):
            async with await RawClient.connect(self.port) as client:
                answer = await client.ask("POST", "/api/setup", body, timeout=30)
            if answer.status == 200:
                self.session = answer.json["token"]
                return
            assert answer.status == 503, answer.body
            await asyncio.sleep(0.02)
        raise AssertionError(f"the control process does not answer:\n{self.text}")

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with await RawClient.connect(self.port) as client:
            answer = await client.ask(method, path, body, {"authorization": f"Bearer {self.session}"}, timeout=30)
        return answer.status, answer.json

    async def system(self) -> Any:
        """What ``/api/system`` says; nothing while the control process is away."""
        try:
            status, report = await self.api("GET", "/api/system")
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return None
        return report if status == 200 else None

    # --- requests

    async def chat(self, **changes: Any) -> Any:
        async with await RawClient.connect(self.port) as client:
            return await client.ask("POST", "/v1/chat/completions", {**CHAT, **changes}, HEADERS, timeout=30)


def rounds(few, many, patience):
    """A number for every run, with its time limit in seconds, and the one for the thorough run."""
    often = pytest.param(few, marks=pytest.mark.timeout(patience))
    thorough = pytest.param(many, marks=[pytest.mark.deep, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("times", [often, thorough])


def _children_of(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            yield from map(int, (task / "children").read_text().split())
        except OSError:
            continue


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert match is not None
    return int(match[1]) / 1024


@dataclass
class Load:
    """What became of the requests: ``failures`` with the times of their begin and end."""

    answered: int = 0
    failures: list[tuple[float, float, str]] = field(default_factory=list)

    def besides(self, moments: list[float], slack: float = 0.3) -> list[tuple[float, float, str]]:
        """Failures of requests that were not in flight at any of these moments."""
        return [
            failure
            for failure in self.failures
            if not any(failure[0] - slack <= moment <= failure[1] for moment in moments)
        ]


@asynccontextmanager
async def load(site: Site, clients: int = 4, model: str = "demo/demo") -> AsyncIterator[Load]:
    """Ask without pause, each request on a connection of its own, until the block ends."""
    found = Load()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def ask() -> None:
        while not ended.is_set():
            begun = loop.time()
            try:
                answer = await site.chat(model=model)
                if answer.status == 200:
                    found.answered += 1
                    continue
                reason = f"{answer.status} {answer.body[:200]!r}"
            except Exception as error:
                reason = repr(error)
            found.failures.append((begun, loop.time(), reason))

    tasks = [asyncio.create_task(ask()) for _ in range(clients)]
    try:
        yield found
    finally:
        ended.set()
        await asyncio.wait(tasks, timeout=40)
