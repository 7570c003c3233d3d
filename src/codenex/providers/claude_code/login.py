"""Whether the CLI is logged in, which it says without asking anybody and at no cost."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress

import msgspec

from codenex.core import json
from codenex.providers.claude_code.environment import environment
from codenex.providers.claude_code.process import LineTooLong, Process
from codenex.store.settings import Account

#: Seconds that the answer may take.
_PATIENCE = 20.0


class Login(msgspec.Struct, frozen=True):
    """``logged_in`` is ``None`` where the program doesn't say; ``method`` is its own word for how."""

    logged_in: bool | None
    method: str | None = None


async def login_of(path: str, account: Account) -> Login:
    """Ask the program at ``path`` how an account is logged in. Never raises."""
    told = b""
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        try:
            process = await Process.start(path, ("auth", "status"), environment(account, os.environ, {}), folder)
        except OSError:
            return Login(None)
        try:
            with suppress(TimeoutError, LineTooLong):
                async with asyncio.timeout(_PATIENCE):
                    while lines := await process.lines():
                        told += b"\n".join(lines)
        finally:
            await process.reap()
    found = json.try_object(told) or {}
    logged_in, method = found.get("loggedIn"), found.get("authMethod")
    return Login(logged_in if isinstance(logged_in, bool) else None, method if isinstance(method, str) else None)
