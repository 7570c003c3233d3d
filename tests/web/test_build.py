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
from tests.web.site import PAGES

from codenex.control.pool_entries import KEPT_FIELDS

BUILT = target(ROOT)
#: Bytes of scripts, compressed by gzip, that a browser loads until a page is there with all its parts.
FIRST_LOAD = 300_000
#: What loads pages when they are opened; those aren't parts of it.
SHARED = {"index.html", "src/shell/shell.tsx"}


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


def test_what_the_server_notes_of_accounts_is_no_change_of_theirs() -> None:
    """Pages tell what somebody else has changed by an account's fields; how it is changes all the time."""
    source = (ROOT / "web/src/pages/providers/accounts.ts").read_text()
    told = source.partition("const TOLD = new Set([")[2].partition("]")[0]
    assert [name for name in sorted(KEPT_FIELDS) if f'"{name}"' not in told] == []


def test_every_page_loads_little() -> None:
    manifest = json.loads((BUILT / "manifest.json").read_text())
    pages = {name for name, entry in manifest.items() if name.endswith("/page.tsx") and entry.get("isDynamicEntry")}
    assert {name.split("/")[-2] for name in pages} == set(PAGES)
    (shell,) = (name for name in manifest if name.endswith("shell.tsx"))
    sizes = {page: size_of({"index.html", shell, page}, manifest) for page in pages}
    assert {page: size for page, size in sizes.items() if size >= FIRST_LOAD} == {}


def size_of(waiting: set[str], manifest: dict[str, Any]) -> int:
    """Bytes of some files and of all that they need, compressed as every browser takes it."""
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        needed.add(name)
        # What a page loads later counts as well: nobody should have to wait for a part of it.
        more = (
            *manifest[name].get("imports", ()),
            *(() if name in SHARED else manifest[name].get("dynamicImports", ())),
        )
        waiting |= set(more) - needed
    return sum((BUILT / f"{manifest[name]['file']}.gz").stat().st_size for name in needed)


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
