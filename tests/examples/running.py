"""Runs an example as a reader would: the code as written, in a process of its own, with the key in the environment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from tests.examples.documents import ROOT, Block
from tests.support.gateway import KEY
from tests.support.node import NODE, SDKS

PORT: Final = "127.0.0.1:3000"
DEADLINE: Final = 50.0
"""Seconds that an example may take."""


def command(block: Block, code: str) -> list[str]:
    """The argument list of a block's interpreter."""
    match block.language:
        case "sh":
            return ["bash", "-eo", "pipefail", "-c", code]
        case "python":
            return [sys.executable, "-W", "error", "-c", code]
        case "js":
            return [str(NODE), "--throw-deprecation", "--input-type=module", "-e", code]
        case other:
            raise ValueError(f"nothing runs {other!r}")


async def run(block: Block, port: int) -> str:
    """Run an example against a port and return what it printed. Nothing but the port is changed."""
    assert PORT in block.code
    process = await asyncio.create_subprocess_exec(
        *command(block, block.code.replace(PORT, f"127.0.0.1:{port}")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=SDKS if block.language == "js" else ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "CODENEX_API_KEY": KEY},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    assert process.returncode == 0, f"{out.decode()[-2000:]}\n{err.decode()[-3000:]}"
    return out.decode()
