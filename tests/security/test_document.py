"""The document on security names a test for every promise, and each of them exists and is run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`( \(deep\))?", DOCUMENT)
#: Rows whose answer is that there is nothing to test.
WITHOUT = {"15", "19"}


def functions_in(path: Path) -> dict[str, bool]:
    """The tests of a file, and whether `make test` leaves them out."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            found[node.name] = any("mark.deep" in ast.unparse(mark).split("(")[0] for mark in node.decorator_list)
    return found


def rows() -> dict[str, str]:
    """The rows of both tables by their number."""
    lines = re.findall(r"^\| (X?\d+) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    return dict(lines)


def test_every_named_test_exists_and_is_run() -> None:
    assert len(NAMED) > 60
    known = {path: functions_in(ROOT / path) for path in {path for path, _, _ in NAMED}}
    missing = [f"{path}::{name}" for path, name, deep in NAMED if known[path].get(name) is not bool(deep)]
    assert missing == []


def test_every_weakness_and_every_promise_has_its_proof() -> None:
    found = rows()
    assert found.keys() == {*(str(number) for number in range(1, 23)), *(f"X{number}" for number in range(1, 23))}
    assert {number for number, row in found.items() if "::test_" not in row} == WITHOUT
