"""``docs/translation.md``, written from the catalogue of pitfalls and from the tests that name them.

``python -m tests.pitfalls.document`` writes it anew; a test says when that is due.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "translation.md"
_CATALOGUE: Final = Path(__file__).with_name("catalogue.toml")
_SOURCES: Final = ROOT / "src" / "codenex"
_SHOWN = 2

_HEAD = """# Translation

Every known way in which a translation between the four protocols goes wrong, and what proves that it doesn't here.
Severity: B breaks clients, S silently degrades, C is cosmetic. This file is written by `python -m
tests.pitfalls.document` from the tests' own marks.
"""
_COLUMNS = "| id | | pitfall | handled by | test, or reason why not |\n|---|---|---|---|---|"

_TITLES = {
    "SYS": "System text",
    "ROL": "Roles and order",
    "TOOL": "Tools",
    "SCH": "JSON Schema",
    "RSN": "Reasoning",
    "SIG": "Signatures",
    "MED": "Media",
    "OUT": "Structured output",
    "SMP": "Sampling and limits",
    "CACHE": "Prompt caching",
    "USE": "Usage",
    "FIN": "How answers end",
    "ERR": "Errors",
    "SSE": "Streams",
    "RSP": "Responses",
    "TOK": "Token counts",
    "CLI": "Coding agents",
    "NET": "Network and paths",
}


@dataclass(frozen=True)
class Pitfall:
    """One entry of the catalogue. ``reason`` says why no test names it."""

    id: str
    severity: str
    title: str
    reason: str | None


@dataclass(frozen=True)
class Proof:
    """A test that names a pitfall."""

    file: Path
    test: str

    @property
    def place(self) -> str:
        """The part of the sources that the test is about."""
        folder = self.file.relative_to(ROOT / "tests").parent
        module = folder / self.file.name.removeprefix("test_")
        if (_SOURCES / module).exists():
            return str(module)
        while not (_SOURCES / folder).is_dir():
            folder = folder.parent
        return "gateway" if folder == Path() else str(folder)


def catalogue() -> list[Pitfall]:
    """Return all pitfalls in the document's order."""
    groups = tomllib.loads(_CATALOGUE.read_text())
    return [
        Pitfall(f"{group}-{number}", entry[0], entry[1], entry[2] if len(entry) > 2 else None)
        for group, entries in groups.items()
        for number, entry in entries.items()
    ]


@cache
def proofs() -> dict[str, list[Proof]]:
    """Return the tests that name each pitfall."""
    found: dict[str, list[Proof]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(file.read_text())
        for ids, test in _marks(tree.body, file.stem):
            for name in ids:
                known = found.setdefault(name, [])
                if Proof(file, test) not in known:
                    known.append(Proof(file, test))
    return found


def _marks(body: list[ast.stmt], owner: str) -> Iterator[tuple[list[str], str]]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in statement.decorator_list:
                    yield from ((ids, statement.name) for ids in _named(decorator))
            case ast.ClassDef():
                for decorator in statement.decorator_list:
                    yield from ((ids, statement.name) for ids in _named(decorator))
                yield from _marks(statement.body, statement.name)
            case ast.Assign() | ast.AnnAssign() if statement.value is not None:
                yield from ((ids, owner) for ids in _named(statement.value))
            case _:
                pass


def _named(tree: ast.AST) -> Iterator[list[str]]:
    """Return the ids of every ``pytest.mark.pitfall(…)`` below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "pitfall":
            yield [argument.value for argument in node.args if isinstance(argument, ast.Constant)]


def document() -> str:
    """Return what the document has to be."""
    tests = proofs()
    lines = [_HEAD]
    group = ""
    for pitfall in catalogue():
        begins = pitfall.id.partition("-")[0]
        if begins != group:
            group = begins
            lines.append(f"\n## {_TITLES[group]}\n\n{_COLUMNS}")
        lines.append(_row(pitfall, tests.get(pitfall.id, [])))
    return "\n".join(lines) + "\n"


def _row(pitfall: Pitfall, tests: list[Proof]) -> str:
    places = ", ".join(f"`{place}`" for place in dict.fromkeys(proof.place for proof in tests))
    shown = ", ".join(f"`{proof.file.name}`: {proof.test}" for proof in tests[:_SHOWN])
    more = f", and {len(tests) - _SHOWN} more" if len(tests) > _SHOWN else ""
    return f"| {pitfall.id} | {pitfall.severity} | {pitfall.title} | {places} | {pitfall.reason or shown + more} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
