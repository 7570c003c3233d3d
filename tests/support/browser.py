"""Debian's Chromium, driven by Playwright. Its program is where the environment variable ``CHROMIUM`` says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright
from tests.support.node import NODE

CHROMIUM: Final = os.environ.get("CHROMIUM", "/usr/bin/chromium")
#: Without a sandbox, since tests run as root too; without everything that talks to somebody else.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _check_installed() -> None:
    if not Path(CHROMIUM).exists():
        raise RuntimeError(f"there is no {CHROMIUM}: run `make test`, which installs it, or set CHROMIUM")


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A running browser without a window, ended after the block. ``flags`` are added to :data:`FLAGS`."""
    _check_installed()
    # Playwright's own Node.js needs a library that small machines lack.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(NODE))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()
