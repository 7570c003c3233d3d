"""The fenced blocks of the documentation. A fence says language and name: ```` ```python tools ````."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = tuple(
    ROOT / path
    for path in (
        "README.md",
        "docs/examples/curl.md",
        "docs/examples/python.md",
        "docs/examples/node.md",
        "docs/examples/browser.md",
    )
)
_FENCE: Final = re.compile(r"^```(\w*)(?: ([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block. ``id`` is its document's name and its own: ``python-tools``."""

    id: str
    language: str
    code: str


def blocks_of(document: Path) -> list[Block]:
    """The blocks of a document in their order. Raises ``ValueError`` for one without a name."""
    found = []
    for language, name, code in _FENCE.findall(document.read_text()):
        if not name:
            raise ValueError(f"{document.name}: a block without a name: {code[:60]!r}")
        found.append(Block(f"{document.stem.lower()}-{name}", language, code))
    return found


BLOCKS: Final = [block for document in DOCUMENTS for block in blocks_of(document)]


def block(name: str) -> Block:
    """The block of that id."""
    (found,) = (candidate for candidate in BLOCKS if candidate.id == name)
    return found
