"""What is built: small at first sight, and of types that the server still has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from scripts.web_build import fingerprint, is_built, target
from scripts.web_types import TARGET, document, types_of
from tests.support.process import ROOT

BUILT = target(ROOT)
#: Bytes of compressed scripts that the browser loads before the first page is there.
FIRST_LOAD = 300_000


def test_the_types_are_those_of_the_servers_document() -> None:
    assert TARGET.read_text() == types_of(document()), "run: make web-types"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Record<string, number>"),
        ({"type": "string", "enum": ["a", "b"]}, '"a" | "b"'),
        ({}, "unknown"),
    ],
)
def test_types_of_schemas(schema: dict[str, Any], expected: str) -> None:
    described = {"components": {"schemas": {"Thing": {**schema, "title": "Thing"}}}, "paths": {}}
    assert f"export type Thing = {expected};" in types_of(described)


def test_the_first_page_loads_little() -> None:
    manifest = json.loads((BUILT / "manifest.json").read_text())
    needed: set[str] = set()
    # The frame of all pages and the first one come right after.
    waiting = ["index.html", *(name for name in manifest if name.endswith(("shell.tsx", "dashboard/page.tsx")))]
    assert len(waiting) == 3
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += manifest[name].get("imports", ())
    assert sizes_of(needed, manifest, "gz") < FIRST_LOAD

    # With the library of its charts, as browsers get it that take the better coding.
    charts = {name for name in manifest if name.endswith("dashboard/charts.tsx")}
    assert len(charts) == 1
    for name in charts:
        needed |= {name, *manifest[name].get("imports", ())}
    assert sizes_of(needed, manifest, "br") < FIRST_LOAD


def sizes_of(names: set[str], manifest: dict[str, Any], coding: str) -> int:
    """Bytes of some files in a coding, together."""
    return sum((BUILT / f"{manifest[name]['file']}.{coding}").stat().st_size for name in names)


def test_pages_are_built_anew_when_a_source_has_changed(tmp_path: Path) -> None:
    sources = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=sources)
    target(tmp_path).mkdir(parents=True)
    assert not is_built(tmp_path)
    (target(tmp_path) / ".built").write_text(fingerprint(tmp_path))
    assert is_built(tmp_path)
    changed = tmp_path / "web" / "src" / "main.tsx"
    changed.write_text(changed.read_text() + "\n// changed\n")
    assert not is_built(tmp_path)
    shutil.rmtree(tmp_path / "web")
    assert is_built(tmp_path), "an archive of the sources may hold the built pages alone"


def test_the_built_pages_are_those_of_these_sources() -> None:
    assert is_built(ROOT), "run: make web"
