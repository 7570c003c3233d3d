"""The programs that the tests run and no package index has: installed where that is possible, named where it isn't."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "test_programs.sh"
CHROMIUM = "/usr/bin/chromium"
AS_ROOT = {"id": "echo 0"}
AS_USER = {"id": "echo 1000"}


def tools(folder: Path, **programs: str) -> Path:
    """A folder of programs, which are shell scripts that note their arguments in ``said``, and of some real ones."""
    for name, code in programs.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{folder}/said"\n{code}\n')
        program.chmod(0o755)
    (folder / "env").symlink_to("/usr/bin/env")
    return folder


def install(path: Path, chromium: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run([SCRIPT, chromium], env=environment, capture_output=True, text=True, timeout=20)


def test_nothing_is_done_where_everything_is_there(tmp_path: Path) -> None:
    folder = tools(tmp_path, **{"curl": "", "chromium": "", "apt-get": "exit 1", **AS_ROOT})
    result = install(folder, str(folder / "chromium"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (folder / "said").exists()


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({}, "there is no apt-get"),
        ({"apt-get": "exit 0", **AS_USER}, "needs root or sudo"),
        ({"apt-get": "exit 100", **AS_ROOT}, "installing it failed"),
        ({"apt-get": "exit 0", "sudo": "exit 1", **AS_USER}, "installing it failed"),
    ],
)
def test_a_machine_that_cannot_be_helped_is_told_what_to_install(
    tmp_path: Path, programs: dict[str, str], reason: str
) -> None:
    folder = tools(tmp_path, chromium="", **programs)
    result = install(folder, str(folder / "chromium"))
    assert result.returncode == 1
    assert "The tests need curl, and " in result.stderr
    assert reason in result.stderr
    assert "apt-get install --no-install-recommends curl\n" in result.stderr


def test_a_browser_that_was_named_is_not_replaced_by_another(tmp_path: Path) -> None:
    folder = tools(tmp_path, **{"curl": "", "apt-get": "exit 0", **AS_ROOT})
    result = install(folder, "/opt/browser")
    assert result.returncode == 1
    assert "The tests need Chromium at /opt/browser, and it isn't there." in result.stderr
    assert "apt-get install --no-install-recommends chromium fonts-liberation" in result.stderr
    assert "make test CHROMIUM=/path/to/chromium" in result.stderr
    assert not (folder / "said").exists()


@pytest.mark.parametrize(("user", "through"), [(AS_ROOT, False), (AS_USER, True)])
def test_what_is_missing_is_installed_as_root_or_by_sudo(tmp_path: Path, user: dict[str, str], through: bool) -> None:
    folder = tools(tmp_path, **{"chromium": "", "apt-get": "exit 0", "sudo": 'exec "$@"', **user})
    assert install(folder, str(folder / "chromium")).returncode == 0
    said = (folder / "said").read_text().splitlines()
    calls = [line for line in said if line.startswith("apt-get")]
    assert [line.split()[4] for line in calls] == ["update", "install"]
    assert calls[1].endswith(" -y --no-install-recommends curl")
    assert any(line.startswith("sudo") for line in said) is through
