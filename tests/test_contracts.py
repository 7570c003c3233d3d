"""Every import contract holds on a lawful tree and breaks when one illegal import is planted in it.

The tree has the packages of the real one with their modules emptied, so that only the planted line counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# contract id, module of codenex that gets the line (made if missing), the line
ILLEGAL = [
    ("layers", "core.planted", "import codenex.wire"),
    ("layers", "wire.planted", "from codenex.models import planted"),
    ("layers", "pool.planted", "import codenex.store"),
    ("layers", "providers.planted", "import codenex.gateway"),
    ("layers", "server.planted", "import codenex.control"),
    ("layers", "gateway.planted", "import codenex.cli"),
    ("layers", "newcomer", ""),
    ("spokes", "protocols.anthropic.planted", "from codenex.protocols.gemini import planted"),
    ("spokes", "protocols.openai_chat.planted", "import codenex.protocols.openai_responses"),
    ("sans-io", "core.planted", "import asyncio"),
    ("sans-io", "wire.planted", "from socket import socket"),
    ("sans-io", "wire.planted", "from io import BytesIO"),
    ("sans-io", "models.planted", "import os.path"),
    ("sans-io", "protocols.gemini.planted", "def now():\n    import time"),
    ("sans-io", "pool.planted", "import random"),
    ("sans-io", "pool.planted", "import codenex.telemetry.clock"),
    ("sans-io-externals", "core.planted", "import orjson"),
    ("sans-io-externals", "protocols.anthropic.planted", "import brotli"),
    ("wire-externals", "wire.planted", "import orjson"),
    ("supervisor", "supervisor.planted", "import msgspec"),
    ("supervisor", "supervisor.planted", "import codenex.core.errors"),
    ("dialling", "server.planted", "import aiohttp"),
    ("dialling", "control.planted", "import smtplib"),
    ("nowhere", "providers.planted", "import httpx"),
    ("nowhere", "control.planted", "from openai import OpenAI"),
    ("control-only", "server.planted", "from fastapi import FastAPI"),
    ("control-only", "gateway.planted", "import pydantic"),
    ("control-only", "cli.planted", "import pydantic_settings"),
    ("control-only", "store.planted", "import sqlalchemy"),
    ("control-only", "telemetry.planted", "import opentelemetry.trace"),
    ("cli-only", "control.planted", "import typer"),
    ("acyclic", "store.planted", "import codenex.store.planted_too"),
]

LAWFUL = [
    ("core.planted", "import hashlib, msgspec"),
    ("wire.planted", "import brotli, zlib, zstandard"),
    ("pool.planted", "import codenex.core, codenex.wire, codenex.models, codenex.protocols"),
    ("supervisor.planted", "import asyncio, os, socket\nimport codenex.supervisor"),
    ("providers.planted", "import aiohttp, httptools, uvloop"),
    ("server.planted", "import codenex.providers, codenex.gateway"),
    ("control.planted", "import fastapi, pydantic, pydantic_settings, sqlalchemy, uvicorn, codenex.providers"),
    ("cli.planted", "import typer, codenex.control, codenex.server, codenex.supervisor"),
]

# Modules that planted lines need to find, or a contract names. They are lawful themselves.
SCENERY = [
    ("core.errors", ""),
    ("models.planted", ""),
    ("protocols.gemini.planted", ""),
    ("store.planted", ""),
    ("store.planted_too", "import codenex.store.planted"),
    ("telemetry.clock", "import time"),
    ("wire.lines", "from io import BytesIO"),
]


def plant(package: Path, module: str, text: str) -> None:
    """Write a module, given by its dotted name below codenex."""
    path = package.joinpath(*module.split(".")).with_suffix(".py")
    path.write_text(text + "\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package with every module emptied; returns the package's folder."""
    package = tmp_path / "src" / "codenex"
    for source in (REPOSITORY / "src" / "codenex").rglob("__init__.py"):
        copy = package / source.relative_to(REPOSITORY / "src" / "codenex")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts" / "import_contracts.py", tmp_path / "scripts")
    return package


def lint(package: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the copy, on all contracts or on the named ones."""
    root = package.parents[1]
    command = "import sys; from importlinter.cli import lint_imports_command as main; main()"
    options = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [sys.executable, "-c", command, "--no-logo", "--no-cache", *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_put_to_the_test() -> None:
    assert sorted(contract["id"] for contract in CONTRACTS) == sorted({contract for contract, _, _ in ILLEGAL})


def test_all_contracts_hold_on_a_lawful_tree(tree: Path) -> None:
    for module, line in SCENERY + LAWFUL:
        plant(tree, module, line)

    result = lint(tree)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


@pytest.mark.parametrize(("contract", "module", "line"), ILLEGAL)
def test_a_contract_breaks_on_an_illegal_import(tree: Path, contract: str, module: str, line: str) -> None:
    for name, text in SCENERY:
        plant(tree, name, text)
    plant(tree, module, line)

    result = lint(tree, contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "Contracts: 0 kept, 1 broken." in result.stdout
    assert module.rsplit(".", 1)[-1] in result.stdout
