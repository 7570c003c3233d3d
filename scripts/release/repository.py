"""What the repository holds at a commit, as git has it: nothing that lies in the work tree besides can get in."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path


def files_of(root: Path, commit: str = "HEAD") -> dict[str, bytes]:
    """Return path → content of every file of a commit. Raises ``subprocess.CalledProcessError`` for an unknown one."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(_archive(root, commit))) as archive:
        for member in archive:
            if member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                found[member.name] = content.read()
    return found


def export(root: Path, folder: Path, commit: str = "HEAD") -> None:
    """Write every file of a commit into ``folder``, which is made. Raises as :func:`files_of`."""
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(_archive(root, commit))) as archive:
        archive.extractall(folder, filter="data")


def time_of(root: Path, commit: str = "HEAD") -> int:
    """Return when a commit was made, in seconds since 1970: the date of everything that is built from it."""
    return int(_git(root, "log", "-1", "--format=%ct", commit))


def name_of(root: Path, commit: str = "HEAD") -> str:
    """Return the whole hash of a commit."""
    return _git(root, "rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()


def changes(root: Path) -> list[str]:
    """Return what in the work tree differs from the last commit, a line for each file."""
    return _git(root, "status", "--porcelain").decode().splitlines()


def _archive(root: Path, commit: str) -> bytes:
    return _git(root, "archive", "--format=tar", commit)


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, stdout=subprocess.PIPE, check=True).stdout
