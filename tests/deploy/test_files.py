"""The image, the Compose file and the unit: checked without Docker, and the image's build steps run."""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.examples.documents import ROOT
from tests.support.ports import free_port
from tests.support.process import ServerProcess

DEPLOY = ROOT / "deploy"
Instruction = tuple[str, str]


async def ran(command: list[str], folder: Path, environment: dict[str, str] | None) -> None:
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment)
    assert await process.wait() == 0


def stages() -> dict[str, list[Instruction]]:
    """The Dockerfile's instructions by the name of their stage; the last stage has none."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (DEPLOY / "Dockerfile").read_text()))
    found: dict[str, list[Instruction]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name or "last"] = [("FROM", base)]
        else:
            found[[*found][-1]].append((word, rest.strip()))
    return found


def last(stage: list[Instruction], word: str) -> str:
    return [rest for instruction, rest in stage if instruction == word][-1]


def test_the_image_runs_as_nobody_and_the_last_stage_is_the_gateway() -> None:
    found = stages()
    assert [*found] == ["build", "gateway", "claude-code", "last"]
    assert found["last"] == [("FROM", "gateway")]
    for name in ("gateway", "claude-code"):
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last(found[name], "USER"))
    assert last(found["gateway"], "EXPOSE").split() == ["3000", "8085", "8086"]
    assert json.loads(last(found["gateway"], "VOLUME")) == [f"/srv/codenex/{n}" for n in ("configs", "data", "logs")]
    # What goes into the image comes from the build alone, by the script that the tests run.
    assert [rest for word, rest in found["gateway"] if word == "COPY"] == ["--from=build /opt/codenex /opt/codenex"]
    assert last(found["build"], "RUN").split()[0] == "deploy/install.sh"


async def test_the_image_s_health_check_tells_a_server_from_none(tmp_path: Path) -> None:
    command = json.loads(last(stages()["gateway"], "HEALTHCHECK").partition("CMD ")[2])
    assert command[0] == "python"

    def checked(port: int) -> int:
        code = command[2].replace(":3000/", f":{port}/")
        return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode

    port = free_port()
    async with ServerProcess(
        tmp_path,
        command=lambda given: [sys.executable, "-m", "codenex", "serve", "--standalone", "--port", str(given)],
        port=port,
    ):
        assert checked(port) == 0
    assert checked(port) != 0


def test_the_claude_code_stage_has_a_version_that_is_tested() -> None:
    installed = re.search(r"@anthropic-ai/claude-code@(\S+)", last(stages()["claude-code"][:3], "RUN"))
    tested = json.loads((ROOT / "tests" / "e2e_claude_code" / "node" / "package.json").read_text())["dependencies"]
    assert installed is not None
    assert installed[0] in {version.removeprefix("npm:") for version in tested.values()}


def test_the_compose_file_publishes_what_the_image_has() -> None:
    (service,) = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()
    assert [port.rpartition(":")[2] for port in service["ports"]] == ["3000", "8085", "8086"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"][1:])
    places = [volume.split(":") for volume in service["volumes"]]
    assert [inside for _, inside in places] == json.loads(last(stages()["gateway"], "VOLUME"))
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_the_unit_waits_for_the_word_and_gives_time_to_end(tmp_path: Path) -> None:
    text = (DEPLOY / "codenex.service").read_text()
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    service = parser["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].endswith("codenex serve")
    assert int(service["TimeoutStopSec"]) > 30
    assert service["ProtectSystem"] == "strict"
    if (verifier := shutil.which("systemd-analyze")) is not None:
        unit = tmp_path / "codenex.service"
        unit.write_text(text.replace("/opt/codenex/bin/codenex", sys.executable))
        done = subprocess.run([verifier, "verify", str(unit)], capture_output=True, text=True, check=False)
        assert done.stderr == ""


@pytest.mark.deep
@pytest.mark.timeout(900)
async def test_the_image_s_build_steps_make_a_gateway(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "codenex"
    await ran(["git", "clone", "--quiet", str(ROOT), str(source)], tmp_path, None)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["PYTHON"] = sys.executable
    await ran(["deploy/install.sh", str(target)], source, environment)
    # An upgrade, whose version has the same name: what an older one had is no longer there.
    (older,) = target.rglob("codenex/__init__.py")
    current = older.read_text()
    older.write_text("raise RuntimeError('an older version')")
    await ran(["deploy/install.sh", str(target)], source, environment)
    assert older.read_text() == current
    shutil.rmtree(source)
    assert not list(target.rglob("site-packages/*codenex*.pth"))
    async with ServerProcess(
        tmp_path,
        command=lambda port: [str(target / "bin" / "codenex"), "serve", "--port", str(port)],
        environment={"PYTHONPATH": ""},
    ) as server:
        await server.says("listens on")
    assert (next(target.rglob("codenex/control/static/index.html"))).stat().st_size > 0
