"""Builds wheel and source archive. The same sources give the same bytes, wherever, whenever and by whom it is done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def build(source: Path, output: Path, epoch: int) -> list[Path]:
    """Build the archives of the sources in ``source`` into ``output``; the web pages too, where they aren't built.

    ``epoch`` is the date of every file in them, in seconds since 1970. Raises ``subprocess.CalledProcessError``.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(output.resolve())],
        cwd=source,
        env=environment(epoch),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return sorted(path for path in output.iterdir() if path.name.endswith((".whl", ".tar.gz")))


def environment(epoch: int) -> dict[str, str]:
    """What a build may know of its machine. The first Node.js on the path is the locked one, beside this Python: a
    different one might compress the pages differently."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.lower().startswith(("npm_config_", "pip_"))}
    kept |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    fixed = {"PATH": path, "SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    return {**kept, **fixed}
