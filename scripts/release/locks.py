"""What the locks name: packages of Python with the hashes of their archives, packages of npm with theirs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RUNTIME: Final = "runtime"
#: Optional parts of the gateway, each with a lock of its own that holds the runtime's packages too.
EXTRAS: Final = ("encryption", "otel", "postgresql")
_PIN: Final = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+?)(?: ; (?P<marker>[^\\]+?))? \\$")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class PythonPackage:
    """A pinned package: any of the archives with one of these SHA-256 hashes. ``extra`` is empty for what everybody
    needs, ``marker`` for what is needed on every system."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    extra: str = ""


@dataclass(frozen=True)
class NodePackage:
    """A package in the web pages; ``sha512`` is its archive's, in hexadecimal, ``needs`` name others in them."""

    name: str
    version: str
    licence: str
    sha512: str
    needs: tuple[str, ...]


def python_packages(root: Path) -> list[PythonPackage]:
    """Return the packages of the gateway and of its extras, each once."""
    found = {package.name: package for package in _locked(root, RUNTIME, "")}
    for extra in EXTRAS:
        for package in _locked(root, extra, extra):
            found.setdefault(package.name, package)
    return [found[name] for name in sorted(found)]


def _locked(root: Path, lock: str, extra: str) -> Iterator[PythonPackage]:
    text = (root / "requirements" / f"{lock}.txt").read_text("utf-8")
    for block in re.split(r"\n(?=[a-z0-9])", text):
        pin = _PIN.match(block.partition("\n")[0])
        if pin is None:
            raise ValueError(f"{lock}.txt: no pin: {block[:80]!r}")
        yield PythonPackage(pin["name"], pin["version"], pin["marker"] or "", tuple(_HASH.findall(block)), extra)


def node_packages(root: Path, pages: Path) -> list[NodePackage]:
    """Return the packages whose code is in the built pages in ``pages``, which list them.

    Raises ``ValueError`` for one that the lock doesn't name in that version.
    """
    lock = json.loads((root / "web" / "package-lock.json").read_text("utf-8"))["packages"]
    listed = json.loads((pages / "licenses.json").read_text("utf-8"))
    names = {entry["name"] for entry in listed}
    found = []
    for entry in listed:
        place = _place(lock, entry["name"], entry["version"])
        needs = {*place.get("dependencies", {}), *place.get("peerDependencies", {})} & names
        digest = base64.b64decode(place["integrity"].removeprefix("sha512-")).hex()
        found.append(NodePackage(entry["name"], entry["version"], entry["identifier"], digest, tuple(sorted(needs))))
    return sorted(found, key=lambda package: (package.name, package.version))


def _place(lock: dict[str, dict[str, str]], name: str, version: str) -> dict[str, str]:
    for path, content in lock.items():
        if path.rpartition("node_modules/")[2] == name and content.get("version") == version:
            return content
    raise ValueError(f"the pages hold {name} {version}, which web/package-lock.json doesn't name: build them anew")
