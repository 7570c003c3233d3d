"""The commands of the documentation: starting the server, its key, the checks and the installation."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from tests.examples.checkout import checkout
from tests.examples.documents import ROOT, block
from tests.examples.expectations import EXPECTED
from tests.examples.output import check_patterns
from tests.examples.running import PORT
from tests.examples.shell import bash, shell
from tests.support.ports import free_port
from tests.support.process import ServerProcess


async def test_the_readme_from_start_to_the_first_answers(tmp_path: Path) -> None:
    folder, port = checkout(tmp_path), free_port()
    key, asking = block("readme-key").code, [block(f"readme-{name}") for name in ("chat", "claude", "gemini")]
    assert key == block("curl-key").code
    async with ServerProcess(
        folder,
        command=lambda _: bash(block("readme-run").code),
        port=port,
        environment={"SERVER_PORT": str(port)},
    ) as server:
        await server.says((folder / "configs" / "api_key").read_text().strip())
        for example in asking:
            code = example.code.replace(PORT, f"127.0.0.1:{port}")
            check_patterns(await shell(key + code, folder), (*EXPECTED[example.id].shows, "You said: “Hello”"))


async def test_the_default_port_is_the_one_that_the_documentation_names(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    assert f"listens on {PORT}" in await shell(block("readme-check").code, folder)


async def test_pools_are_read_as_the_readme_writes_them(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    pools = json.loads(block("readme-pools").code)
    (folder / "configs").mkdir()
    (folder / "configs" / "provider_pools.json").write_text(block("readme-pools").code)
    output = await shell(block("readme-check").code, folder)
    assert [f"{name}: {len(accounts)} accounts" for name, accounts in pools.items()] == output.splitlines()[1:]


async def test_make_test_runs_the_tests(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    (folder / "tests" / "test_something.py").write_text("def test_that_passes():\n    pass\n")
    check_patterns(await shell(block("readme-test").code, folder), (r"\b1 passed\b",))


@pytest.mark.timeout(120)
async def test_the_installation_without_make(tmp_path: Path) -> None:
    site, port = tmp_path / "site", free_port()
    # What it needs is here already, and nothing is fetched; it is installed beside the tests' environment.
    pip = {"PIP_TARGET": str(site), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    async with ServerProcess(
        tmp_path,
        command=lambda _: bash(f"cd {ROOT}; {block('readme-install').code}"),
        port=port,
        environment={
            **pip,
            "PATH": f"{site}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(site),
            "SERVER_PORT": str(port),
            "CONFIG_DIR": str(tmp_path / "configs"),
            "DATA_DIR": str(tmp_path / "data"),
        },
        startup=90,
    ) as server:
        await server.says(f"listens on http://127.0.0.1:{port}")
        assert (site / "codenex" / "__main__.py").exists()


def test_every_make_command_of_the_documents_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", *map(str, (ROOT / "docs").rglob("*.md")))]
    named = {name for path in documents for name in re.findall(r"(?:^|`)make ([a-z0-9-]+)", path.read_text(), re.M)}
    assert named <= targets


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
            assert "://" in target or (path.parent / target).exists(), f"{path.name}: {target}"
