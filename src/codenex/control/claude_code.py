"""The accounts of the Claude Code CLI: one without any configuration where its program is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from codenex.control.entries import Entry
from codenex.providers.claude_code.program import DEFAULT_PATH, found
from codenex.providers.registry import CLAUDE_CODE
from codenex.store.settings import Account

if TYPE_CHECKING:
    from codenex.control.configuration import Configuration


def found_account(configuration: Configuration) -> Account | None:
    """Return the account of the program on this server, with whatever login it has, if it is there."""
    if found(configuration.CLAUDE_CODE_PATH or DEFAULT_PATH) is None:
        return None
    return Account(
        str(uuid5(NAMESPACE_URL, CLAUDE_CODE)),
        CLAUDE_CODE,
        "Claude Code CLI",
        source="the Claude Code CLI on this server",
        automatic=True,
    )


def folder_of(entry: Entry) -> str | None:
    """Return the folder of the program's configuration and login as it is from everywhere: it runs in another one."""
    path = entry.text("CLAUDE_CODE_CONFIG_DIR")
    return None if path is None else os.path.abspath(os.path.expanduser(path))
