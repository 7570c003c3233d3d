"""A file that is appended to by several processes, and that begins anew before it grows too large."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from codenex.store.files import private_folder

#: Files that are kept: the one in use, and older ones with ``.1``, ``.2`` … behind their names.
COUNT = 5


def append(path: Path, data: bytes, limit: int) -> None:
    """Append whole lines to a file that only this user can read; all of its files together stay below ``limit`` bytes,
    unless ``data`` alone is larger than its share of them. Raises ``OSError``, also where the path is a link."""
    private_folder(path.parent)
    with _locked(path):
        size = path.lstat().st_size if path.exists() else 0
        if size and size + len(data) > limit // COUNT:
            _rotate(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


@contextmanager
def opened(path: Path) -> Iterator[list[BinaryIO]]:
    """Return all files as they are at one moment, the newest first, open for reading until the block ends; writers go
    on meanwhile. Raises ``OSError``, also where one of them is a link."""
    with ExitStack() as stack:
        files: list[BinaryIO] = []
        if path.parent.is_dir():
            with _locked(path):
                for name in _names(path):
                    if os.path.lexists(name):
                        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW)
                        files.append(stack.enter_context(os.fdopen(descriptor, "rb")))
        yield files


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The lock is a file of its own, since the other one changes its name.
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _names(path: Path) -> list[Path]:
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, COUNT))]


def _rotate(path: Path) -> None:
    names = _names(path)
    for older, newer in reversed(list(zip(names[1:], names, strict=False))):
        if newer.exists():
            newer.replace(older)
