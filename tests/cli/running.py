"""The command, as a user runs it: in a folder of its own and with a small environment."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.process import ServerProcess, small_environment

CODENEX: Final = str(Path(sys.executable).with_name("codenex"))
KEY = re.compile(r"cdx-[0-9a-f]{64}")
TOKEN = re.compile(r"Setup token .*: ([\w-]{43})$", re.MULTILINE)


def server(
    folder: Path, *flags: str, environment: Mapping[str, str] | None = None, health: str | None = "/health"
) -> ServerProcess:
    """A server that keeps its files in ``configs`` and ``data`` of the folder."""
    return ServerProcess(
        folder,
        command=lambda port: [
            *(CODENEX, "serve", "--standalone", "--host", "127.0.0.1", "--port", str(port)),
            *("--config-dir", "configs", "--data-dir", "data", *flags),
        ],
        environment=environment,
        health=health,
    )


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    error: str

    @property
    def message(self) -> str:
        """The one line that a command which failed has said."""
        assert self.code != 0, self
        assert "Traceback" not in self.error + self.out
        (line,) = self.error.splitlines()
        assert line.startswith("codenex: ")
        return line


def _obey_permissions() -> None:
    """Let even root's next program be bound by the permissions of files (Linux: PR_CAPBSET_DROP)."""
    for power in (1, 2) if os.geteuid() == 0 else ():  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if ctypes.CDLL(None, use_errno=True).prctl(24, power, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "root's power over files can't be dropped")


def codenex(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run the command to its end, bound by the permissions of files."""
    done = subprocess.run(
        [CODENEX, *arguments],
        cwd=folder,
        env={**small_environment(folder), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=_obey_permissions,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
