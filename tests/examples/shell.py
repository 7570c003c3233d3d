"""Runs commands of the documentation in a folder, with an environment as small as a new user's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from tests.examples.documents import ROOT


async def shell(code: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run commands in a folder and return what they print. The environment is small, as in ``ServerProcess``."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-eo", "pipefail", "-c", code),
        cwd=folder,
        env={
            **{name: os.environ[name] for name in ("PATH", "CHROMIUM") if name in os.environ},
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT / "src"),
            **(environment or {}),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(50):
            output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, output.decode()[-3000:]
    return output.decode()


def bash(code: str) -> list[str]:
    """The argument list that runs commands until one fails."""
    return ["bash", "-ec", code]
