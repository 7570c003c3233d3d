"""The three coding agents, set up and called as docs/clients.md says, each in a home of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.examples.documents import ROOT, blocks_of
from tests.examples.running import PORT
from tests.support.gateway import KEY

CLIENTS: Final = ROOT / "docs" / "clients.md"
PROGRAMS: Final = Path(__file__).parent / "node" / "node_modules" / ".bin"
TASK: Final = "Change red to blue in notes.txt"
DEADLINE: Final = 150.0
"""Seconds that an agent may take; five are usual."""


@dataclass(frozen=True)
class Agent:
    """``environment`` and ``run`` are names of blocks in the document, ``files`` says which block goes where in the
    home; ``models`` are the names that it may ask for."""

    name: str
    program: str
    run: str
    models: tuple[str, ...]
    environment: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)


AGENTS: Final = (
    Agent(
        "claude-code",
        "claude",
        "claude-code-run",
        ("claude-opus-4-8", "claude-haiku-4-5"),
        environment="claude-code",
    ),
    Agent("codex", "codex", "codex-run", ("gpt-5.5",), files={".codex/config.toml": "codex"}),
    Agent(
        "gemini-cli",
        "gemini",
        "gemini-cli-run",
        ("gemini-3.1-pro-preview", "gemini-3-flash-preview", "gemini-2.5-flash", "gemini-2.5-flash-lite"),
        environment="gemini-cli",
        files={".gemini/settings.json": "gemini"},
    ),
)


def block(name: str, port: int) -> str:
    """The text of a block of the document, with the port in it."""
    (found,) = (candidate.code for candidate in blocks_of(CLIENTS) if candidate.id == f"clients-{name}")
    return found.replace(PORT, f"127.0.0.1:{port}")


async def work(agent: Agent, port: int, home: Path, folder: Path, trap: int) -> str:
    """Let the agent do the task in a folder, and return what it printed on standard output.

    ``trap`` is the port of a proxy for whatever isn't meant for this machine. Raises ``AssertionError`` with all of the
    output when the agent fails, and ``TimeoutError`` when it takes too long.
    """
    for name, source in agent.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(block(source, port))
    setup = "" if agent.environment is None else block(agent.environment, port)
    proxy = f"http://127.0.0.1:{trap}"
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "CODENEX_API_KEY": KEY,
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "NO_PROXY": "127.0.0.1",
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-eo", "pipefail", "-c", setup + block(agent.run, port)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    said = f"{out.decode(errors='replace')[-3000:]}\n--- standard error ---\n{err.decode(errors='replace')[-5000:]}"
    assert process.returncode == 0, said
    return out.decode()
