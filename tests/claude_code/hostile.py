"""Texts and names of models that want to be more than text: files, commands, flags, shells, ends of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from random import Random
from typing import Final

COMMANDS: Final = ("cost", "help", "clear", "compact", "model opus", "config", "init", "login", "mcp", "export x", "x")
BEFORE: Final = ("", " ", "\n", "\t", "\u00a0", "\ufeff", "\u200b", "\u2028", "Hello\n", "Hello ", "> ", "- ", '"', "(")
FLAGS: Final = (
    "--help",
    "-p",
    "--dangerously-skip-permissions",
    "--model=x",
    "-c",
    "--mcp-config={}",
    "--",
    "-",
    "--tools=default",
    "--resume",
)
SHELLS: Final = ("$(id)", "`id`", "; id", "| id", "&& id", "!id", "#remember this", "$HOME", "%PATH%", "\\", "''", '"')
NAMES: Final = (
    *FLAGS,
    *SHELLS,
    "/cost",
    "@/etc/passwd",
    "../../etc/passwd",
    "opus[1m]",
    "o" * 200,
    "opus sonnet",
    "ümläut",
    "模型",
)


def prompts(files: Sequence[str], count: int = 500) -> list[str]:
    """So many different texts; ``files`` are paths that some of them name."""
    found = list(islice(_unique(files), count))
    assert len(found) == count
    return found


def _unique(files: Sequence[str]) -> Iterator[str]:
    mentions = [f"{sign}{file}" for file, sign in product(files, ("@", '@"', "@file:", "@./", "@~/../"))]
    plain = [f"{before}/{command}" for before, command in product(BEFORE, COMMANDS)]
    named = [f"{before}{mention}" for before, mention in product(BEFORE, mentions)]
    mixed = [f"{a}\n{b}" for a, b in product((*FLAGS, *SHELLS), ("/cost", "/help", *mentions[:2]))]
    texts = dict.fromkeys([*plain, *named, *mixed, *FLAGS, *SHELLS, "/", "//", "@", "@@", "exit", "quit", "ultrathink"])
    ordered = list(texts)
    Random(1).shuffle(ordered)
    yield from ordered
    for number in range(10_000):
        yield f"{ordered[number % len(ordered)]} ({number})"
