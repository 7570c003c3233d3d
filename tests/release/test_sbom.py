"""The bill of materials: valid, the same each time, and neither more nor less than what is shipped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scripts import web_build
from scripts.release import contents, locks, sbom

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def text() -> str:
    web_build.build(ROOT)
    return sbom.bill(ROOT, "1.2.3", 1_700_000_000)


def test_it_is_valid_and_the_same_each_time(text: str) -> None:
    assert sbom.fault_of(text) is None
    one = {**json.loads(text), "components": [{"type": "library", "name": "one", "scope": "wanted"}]}
    assert "wanted" in str(sbom.fault_of(json.dumps(one)))
    assert sbom.bill(ROOT, "1.2.3", 1_700_000_000) == text
    assert json.loads(text)["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert sbom.bill(ROOT, "1.2.4", 1_700_000_000) != text


def test_it_names_what_is_shipped(text: str) -> None:
    document = json.loads(text)
    found = {component["purl"]: component for component in document["components"]}
    pins = {
        lock: dict(re.findall(r"^(\S+)==(\S+)", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))
        for lock in (locks.RUNTIME, *locks.EXTRAS)
    }
    python = {f"pkg:pypi/{name}@{version}" for lock in pins.values() for name, version in lock.items()}
    assert {purl for purl in found if purl.startswith("pkg:pypi/")} == python
    (uvicorn,) = (found[purl] for purl in found if purl.startswith("pkg:pypi/uvicorn@"))
    (reference,) = uvicorn["externalReferences"]
    hashes = {entry["content"] for entry in reference["hashes"]}
    (block,) = re.findall(r"^uvicorn==.*?(?=^\S)", (ROOT / "requirements/runtime.txt").read_text(), re.M | re.S)
    assert hashes == set(re.findall(r"sha256:(\w+)", block))
    optional = {component["name"] for component in found.values() if component["scope"] == "optional"}
    assert {"cryptography", "psycopg", "uvloop"} <= optional
    assert not {"uvicorn", "msgspec", "react"} & optional


def test_it_names_what_the_pages_are_made_of(text: str) -> None:
    named = {
        "/".join(filter(None, (component.get("group"), component["name"])))
        for component in json.loads(text)["components"]
        if component["purl"].startswith("pkg:npm/")
    }
    project = json.loads((ROOT / "web" / "package.json").read_text())
    assert project["dependencies"].keys() <= named
    assert not project["devDependencies"].keys() & named


def test_pages_of_other_packages_than_the_lock_s_are_refused(tmp_path: Path) -> None:
    (tmp_path / "licenses.json").write_text('[{"name": "react", "version": "0.0.1", "identifier": "MIT"}]')
    with pytest.raises(ValueError, match=r"react 0\.0\.1"):
        locks.node_packages(ROOT, tmp_path)


def test_the_pages_come_with_the_licences_of_what_they_are_made_of() -> None:
    web_build.build(ROOT)
    listed = json.loads((ROOT / contents.PAGES / "licenses.json").read_text())
    # Two packages publish no text of their licence.
    assert {entry["name"] for entry in listed if not entry.get("text")} == {"react-remove-scroll-bar", "wouter"}
