"""The fenced blocks of the documentation. A fence says language and name, and how it is tested where it isn't run:
```` ```python tools ````, ```` ```sh container not-run ````, ```` ```sh codex-run e2e-agents ````."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
#: What can't be run where the tests run: other people's servers and programs, Docker, systemd. It is read instead.
NOT_RUN: Final = "not-run"
#: Languages whose blocks a reader runs; the others are files, which programs read.
RUN_BY_READERS: Final = ("sh", "python", "js")
_FENCE: Final = re.compile(r"^```(\w*)(?: ([\w-]+))?(?: ([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANY_FENCE: Final = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. ``id`` is its document's name and its own: ``python-tools``. ``mark`` is empty for one that is
    run, ``not-run``, or the target of make that runs it."""

    id: str
    language: str
    code: str
    mark: str = ""


def blocks_of(document: Path) -> list[Block]:
    """The blocks of a document in their order. Raises ``ValueError`` for one without a name, and for one that isn't at
    the beginning of its lines."""
    text = document.read_text()
    found = []
    for language, name, mark, code in _FENCE.findall(text):
        if not name:
            raise ValueError(f"{document.name}: a block without a name: {code[:60]!r}")
        found.append(Block(f"{name_of(document)}-{name}", language, code, mark))
    if len(_ANY_FENCE.findall(text)) != 2 * len(found):
        raise ValueError(f"{document.name}: a fence that isn't ``` at the beginning of a line")
    return found


def name_of(document: Path) -> str:
    """A document's name in the ids of its blocks; the folder of providers is part of it."""
    folder = f"{document.parent.name}-" if document.parent.name == "providers" else ""
    return folder + document.stem.lower()


BLOCKS: Final = [block for document in DOCUMENTS for block in blocks_of(document)]


def block(name: str) -> Block:
    """The block of that id."""
    (found,) = (candidate for candidate in BLOCKS if candidate.id == name)
    return found
