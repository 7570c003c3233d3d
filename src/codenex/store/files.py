"""Files that must never be half written: whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write ``content`` to ``path`` so that a reader, also after a crash, finds the old or the new content, never
    a part.

    Missing folders are made (0700). Raises ``OSError``; the old content is intact then.
    """
    _write_beside(path, content, mode, os.replace)


def create_once(path: Path, content: bytes, mode: int = 0o600) -> bool:
    """Create a file with ``content`` unless it exists; return whether this call made it. Two processes can't both
    make it.

    Missing folders are made (0700). Raises ``OSError``; nothing is there then.
    """
    try:
        _write_beside(path, content, mode, os.link)
    except FileExistsError:
        if os.path.lexists(path):
            return False
        raise
    return True


def private_folder(folder: Path) -> None:
    """Make a folder and those that it is in, where they are missing: only their owner may enter (0700). Raises
    ``OSError``."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(0o700, exist_ok=True)


def private_file(path: Path) -> None:
    """Make a file where it is missing, and let nobody but its owner read or write it (0600), whatever the umask is and
    was. What a database puts beside it has the same mode. Raises ``OSError``.

    A file that is there isn't opened: closing it would end the locks that this process has on it.
    """
    private_folder(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        tighten(path)


def tighten(path: Path) -> None:
    """Take a file's rights from everybody but its owner. Raises ``OSError``."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        path.chmod(mode & 0o700)


def _write_beside(path: Path, content: bytes, mode: int, put: Callable[[Path, Path], None]) -> None:
    """Write a file of another name in the same folder, and then let it have the name."""
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put(temporary, path)
    finally:
        # A file that was renamed is not here any more.
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Let the name survive a crash too. Some file systems can't; the content is in its place all the same."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
