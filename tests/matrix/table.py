"""The compatibility table: written from what the matrix ran, one file per pair, joined when all pairs are there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.matrix.cases import CASES

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "build" / "compatibility"
DOCUMENT = ROOT / "docs" / "compatibility.md"
PROTOCOLS = {
    "openai_chat": "OpenAI Chat",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic Messages",
    "gemini": "Gemini",
}
INTRODUCTION = """# Compatibility

What the test matrix ran: every client protocol with its official Python SDK as the judge, against a scripted vendor of
every upstream protocol, unary and streamed. ✓ means that the SDK got all of it, in both modes. Words in a cell name
what was adapted or what the upstream's protocol can't express; the client reads the same in `x-codenex-losses`.
This file is written by `tests/matrix`.
"""


def note(client: str, upstream: str, mode: str, cells: dict[str, str]) -> None:
    """Keep the cells of one pair and mode."""
    CELLS.mkdir(parents=True, exist_ok=True)
    (CELLS / f"{client}-{upstream}-{mode}.json").write_text(json.dumps(cells))


def write() -> bool:
    """Write the document where every pair has been run; return whether it was."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for client in PROTOCOLS:
        for upstream in PROTOCOLS:
            both = []
            for mode in ("unary", "stream"):
                path = CELLS / f"{client}-{upstream}-{mode}.json"
                if not path.exists():
                    return False
                cells = json.loads(path.read_text())
                if cells.keys() != {case.name for case in CASES}:
                    # Of an earlier run, with other cases.
                    return False
                both.append(cells)
            found[client, upstream] = {
                name: " / ".join(dict.fromkeys(cells[name] for cells in both)) for name in both[0]
            }
    lines = [INTRODUCTION]
    for client, title in PROTOCOLS.items():
        lines += [f"## Clients of {title}", "", "| | " + " | ".join(PROTOCOLS.values()) + " |", "|---" * 5 + "|"]
        for case in CASES:
            cells = [found[client, upstream][case.name] for upstream in PROTOCOLS]
            lines.append(f"| {case.name} | " + " | ".join(cells) + " |")
        lines.append("")
    text = "\n".join(lines)
    if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(text)
    return True
