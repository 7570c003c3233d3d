"""What the tests' browser needs: installed where that is possible, said clearly where it isn't."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "chromium.sh"
WANTED = "/usr/bin/chromium"


def tools(folder: Path, **programs: str) -> Path:
    """A folder of programs, which are shell scripts that note their arguments in ``said``, and of some real ones."""
    for name, code in programs.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"{folder}/said"\n{code}\n')
        program.chmod(0o755)
    (folder / "sh").symlink_to("/bin/sh")
    (folder / "env").symlink_to("/usr/bin/env")
    return folder


def install(path: Path, wanted: str = WANTED) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run([SCRIPT, wanted], env=environment, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(
    ("programs", "wanted", "reason"),
    [
        ({}, "/opt/browser", "and it isn't there."),
        ({}, WANTED, "there is no apt-get"),
        ({"apt-get": "exit 0", "id": "echo 1000"}, WANTED, "needs root or sudo"),
        ({"apt-get": "exit 100", "id": "echo 0"}, WANTED, "installing it failed"),
        ({"apt-get": "exit 0", "id": "echo 1000", "sudo": "exit 1"}, WANTED, "installing it failed"),
    ],
)
def test_a_machine_that_cannot_be_helped_is_told_what_to_install(
    tmp_path: Path, programs: dict[str, str], wanted: str, reason: str
) -> None:
    result = install(tools(tmp_path, **programs), wanted)
    assert result.returncode == 1
    assert wanted in result.stderr
    assert reason in result.stderr
    assert "apt-get install --no-install-recommends chromium fonts-liberation" in result.stderr
    assert "make test CHROMIUM=/path/to/chromium" in result.stderr


@pytest.mark.parametrize(("user", "through"), [("0", False), ("1000", True)])
def test_it_is_installed_as_root_or_by_sudo(tmp_path: Path, user: str, through: bool) -> None:
    programs = {"apt-get": "exit 0", "id": f"echo {user}", "sudo": 'exec "$@"'}
    install(tools(tmp_path, **programs))
    said = (tmp_path / "said").read_text().splitlines()
    calls = [line for line in said if line.startswith("apt-get")]
    assert [line.split()[4] for line in calls] == ["update", "install"]
    assert calls[1].endswith("--no-install-recommends chromium fonts-liberation")
    assert any(line.startswith("sudo") for line in said) is through
