"""Files of the configuration's folder that are deleted, and put back as they were."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from codenex.control.administration import Refusal
from codenex.control.config_files import ListedFile
from codenex.control.trash import SIZE_LIMIT, PutBack
from codenex.store.files import create_once


class GoneFile(msgspec.Struct, frozen=True):
    """A file that was deleted. ``name`` is its path as clients know it, ``modified`` in nanoseconds since 1970;
    ``content`` is what was written, encrypted where that was, ``None`` where it is too large to be kept."""

    name: str
    place: Path
    content: bytes | None
    mode: int
    modified: int


def taken(file: ListedFile) -> GoneFile:
    """Delete a file; return it as it was. Raises ``OSError``."""
    descriptor = os.open(file.place, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        content = opened.read() if status.st_size <= SIZE_LIMIT else None
    file.place.unlink()
    return GoneFile(file.name, file.place, content, stat.S_IMODE(status.st_mode), status.st_mtime_ns)


def put_back(gone: list[GoneFile]) -> PutBack:
    """Write files again where they were, never over others. Raises :class:`Refusal`: 409 where other files have taken
    every place, 507 where nothing could be written."""
    restored: list[str] = []
    skipped: list[str] = []
    failure: OSError | None = None
    for file in gone:
        try:
            if create_once(file.place, file.content or b"", file.mode):
                os.utime(file.place, ns=(file.modified, file.modified))
                restored.append(file.name)
            else:
                skipped.append(f"{file.name}: another file is there now")
        except OSError as error:
            failure = error
            skipped.append(f"{file.name}: {error.strerror}")
    if not restored:
        raise Refusal(409 if failure is None else 507, "; ".join(skipped))
    return PutBack(restored, skipped)
