"""The wheel with its locked requirements in an empty environment: what a user installs starts and answers.

Nothing is fetched: the tests' own environment holds the locked versions, and what the lock names is copied from it. A
requirement that the lock lacks is therefore missing here, too.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.cli.running import KEY
from tests.support.client import RawClient
from tests.support.process import ROOT, ServerProcess


def run(*command: str, folder: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def locked() -> dict[str, str]:
    """Name → version of what the lock of the runtime names for this platform."""
    lines = (line.removesuffix(" \\") for line in (ROOT / "requirements" / "runtime.txt").read_text().splitlines())
    wanted = [Requirement(line) for line in lines if re.match(r"[a-z0-9]", line)]
    return {each.name: str(each.specifier)[2:] for each in wanted if each.marker is None or each.marker.evaluate()}


def copy_distribution(name: str, version: str, target: Path) -> None:
    """Install a distribution of this environment in another one's ``site-packages``."""
    distribution = importlib.metadata.distribution(name)
    assert distribution.version == version, f"{name} is not the locked one: make test"
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." not in file.parts and source.exists():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / file)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with the wheel and its locked requirements, and without anything else."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=False)
    (packages,) = place.glob("lib/python*/site-packages")
    for name, version in locked().items():
        copy_distribution(name, version, packages)
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path), folder=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"))
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel), folder=tmp_path)
    assert "No broken requirements found" in run(*pip, "check", folder=tmp_path)
    return place


@pytest.mark.timeout(60)
async def test_what_is_installed_from_the_wheel_starts_and_answers(tmp_path: Path, environment: Path) -> None:
    codenex, home = str(environment / "bin" / "codenex"), tmp_path / "home"
    home.mkdir()
    installed = json.loads(
        run(
            str(environment / "bin" / "python"),
            *("-c", "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"),
            folder=home,
        )
    )
    assert {name.lower().replace("_", "-") for name in installed} == {*locked(), "codenex-ai-proxy-api"}
    assert run(codenex, "--version", folder=home).strip() == importlib.metadata.version("codenex-ai-proxy-api")

    async with ServerProcess(
        home,
        command=lambda port: [codenex, "serve", "--standalone", "--host", "127.0.0.1", "--port", str(port)],
        environment={"PYTHONPATH": ""},
    ) as server:
        (key,) = KEY.findall(server.text)
        async with await RawClient.connect(server.port) as client:
            body = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
            answer = await client.ask("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {key}"})
            assert answer.status == 200
            assert "Hello" in answer.json["choices"][0]["message"]["content"]
            assert (await client.ask("GET", "/api/setup")).json == {"required": True}
        assert await server.stop() == 0
