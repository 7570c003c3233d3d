"""``python -m scripts.site``: builds the documentation as a site into ``build/site``, or says what is wrong with it.

The generator gets a copy of the pages whose fences say their language alone: name and mark of a block are for the
tests, and no highlighter knows them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.site.check import faults

ROOT: Final = Path(__file__).resolve().parents[2]
CONFIGURATION: Final = "zensical.toml"
#: Pages that are written by measuring, and needn't be there.
MEASURED: Final = ("performance.md", "capacity.md")
_FENCE: Final = re.compile(r"^```(\w+) [\w -]+$", re.MULTILINE)


def prepare(root: Path, work: Path) -> None:
    """Copy pages and configuration of ``root`` into ``work``, in the form that the generator takes."""
    shutil.copytree(root / "docs", work / "docs")
    for page in (work / "docs").rglob("*.md"):
        page.write_text(_FENCE.sub(r"```\1", page.read_text("utf-8")), "utf-8")
    text = (root / CONFIGURATION).read_text("utf-8")
    for name in MEASURED:
        if not (root / "docs" / name).exists():
            text = re.sub(rf'^ *"{re.escape(name)}",\n', "", text, flags=re.MULTILINE)
    (work / CONFIGURATION).write_text(text, "utf-8")


def build(root: Path, work: Path, site: Path) -> None:
    """Build the site of ``root`` into ``site``; ``work`` is a folder that is made anew. Raises ``SystemExit``."""
    for folder in (work, site):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    prepare(root, work)
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command[1:])}` ended with {done.returncode}")
    shutil.move(work / "site", site)
    if found := [*faults(site)]:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    build(ROOT, ROOT / "build" / "docs", ROOT / "build" / "site")
