"""Google's own Gemini CLI does its job at the scripted Google, so that this is a fair judge of what the gateway sends;
then a gateway between another client and the same Google does the same job."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.e2e_agents.agents import AGENTS, DEADLINE, PROGRAMS, TASK, work
from tests.e2e_agents.test_agents import AFTER, BEFORE, END, NOTES, SECRET, job_in
from tests.e2e_agents.worker import Worker, results
from tests.google.accounts import google_account
from tests.support.gateway import running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle
from tests.support.upstream import ScriptedUpstream

MODEL = "gemini-3.1-pro-preview"


def folders(tmp_path: Path) -> tuple[Path, Path]:
    home, folder = tmp_path / "home", tmp_path / "work"
    (home / ".gemini").mkdir(parents=True)
    folder.mkdir()
    (folder / NOTES).write_text(f"{BEFORE}\n{SECRET}\n")
    return home, folder


async def ran(command: Sequence[str], home: Path, folder: Path, trap: int, **variables: str) -> str:
    """Run an agent; whatever isn't meant for this machine goes to the proxy ``trap``."""
    proxy = f"http://127.0.0.1:{trap}"
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        *command,
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
    assert process.returncode == 0, f"{out.decode()[-3000:]}\n{err.decode()[-5000:]}"
    return out.decode()


async def test_googles_own_program_at_the_scripted_google(tmp_path: Path) -> None:
    home, folder = folders(tmp_path)
    (home / ".gemini" / "settings.json").write_text(json.dumps({"telemetry": {"enabled": False}}))
    judge = Worker("gemini", job_in(folder))
    async with ScriptedUpstream() as trap, ScriptedGoogle(scenario=judge._answer) as google:
        token = google.oauth.issue()
        out = await ran(
            ["gemini", "-p", TASK, "--yolo", "--skip-trust"],
            home,
            folder,
            trap.port,
            GOOGLE_GENAI_USE_GCA="true",
            GOOGLE_CLOUD_ACCESS_TOKEN=token,
            CODE_ASSIST_ENDPOINT=google.url,
            GEMINI_MODEL=MODEL,
        )
    assert not google.problems, google.problems
    assert not judge.problems, judge.problems
    assert END in out
    assert (folder / NOTES).read_text() == f"{AFTER}\n{SECRET}\n"
    assert len(results(judge.last)) == 4
    assert len(google.called("streamGenerateContent")) >= 4


async def test_the_gateway_at_the_scripted_google(tmp_path: Path) -> None:
    home, folder = folders(tmp_path)
    agent = next(agent for agent in AGENTS if agent.name == "gemini-cli")
    judge = Worker("gemini", job_in(folder))
    async with ScriptedUpstream() as trap, ScriptedGoogle(scenario=judge._answer) as google:
        account = google_account(google, tmp_path, aliases=dict.fromkeys(agent.models, MODEL))
        async with running_gateway(settings_for(account)) as gateway:
            out = await work(agent, gateway.port, home, folder, trap.port)
    assert not google.problems, google.problems
    assert END in out
    assert (folder / NOTES).read_text() == f"{AFTER}\n{SECRET}\n"
    assert len(results(judge.last)) == 4
