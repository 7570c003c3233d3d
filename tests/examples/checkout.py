"""A fresh checkout as a reader would have it, whose environment is the one that the tests run in."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from tests.examples.documents import ROOT

_STAMPS: Final = (".venv/.created", ".venv/.runtime", ".venv/.project", ".venv/.tools", ".venv/.tested")
_NODE: Final = "tests/node/node_modules/.installed"
#: Says that the web pages have been built, as in a source archive, which has no sources of theirs.
_PAGES: Final = "src/codenex/control/static/.built"
_SOURCES: Final = (
    "Makefile",
    "scripts/test_programs.sh",
    "scripts/web_build.py",
    "pyproject.toml",
    "requirements/runtime.txt",
    "requirements/build.txt",
    "requirements/test.txt",
    "tests/node/package.json",
    "tests/node/package-lock.json",
    "tests/node/.npmrc",
)


def checkout(folder: Path) -> Path:
    """Make ``folder`` a checkout in which make finds everything installed already."""
    for name in _SOURCES:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy)
        os.utime(copy, (0, 0))
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith("."):
            (environment / entry.name).symlink_to(entry)
    for name in (*_STAMPS, _NODE, _PAGES):
        stamp = folder / name
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    return folder
