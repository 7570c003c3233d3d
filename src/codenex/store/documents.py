"""A file that several writers change: each change is made to the newest content, under a lock, and written whole.

A writer who has read a revision may insist on it, so that nobody's change is overwritten unseen.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from codenex.store import sealed_files
from codenex.store.files import private_folder, write_atomically

#: Leftovers of killed writers older than this, in seconds, are swept away.
STALE = 60.0


class Conflict(Exception):
    """The file has changed since the revision that the writer insists on."""


def revision_of(content: bytes | None) -> str:
    """Return the revision of a content; a file that does not exist has one as well."""
    return "absent" if content is None else hashlib.sha256(content).hexdigest()[:16]


class Document:
    """One file. Methods raise ``OSError``; the old content is intact then."""

    def __init__(
        self,
        path: Path,
        mode: int = 0o600,
        revise: Callable[[bytes | None], str] = revision_of,
        *,
        sealable: bool = False,
    ) -> None:
        """With ``sealable``, the file may be encrypted, and content is what it holds then."""
        self.path = path
        self._sealable = sealable
        #: Returns the revision of a content; equal ones are the same to every reader.
        self.revise = revise
        self._mode = mode

    def read(self) -> bytes | None:
        """Return the content, ``None`` where there is no file."""
        try:
            return sealed_files.read(self.path) if self._sealable else self.path.read_bytes()
        except FileNotFoundError:
            return None

    def update(self, change: Callable[[bytes | None], bytes], revision: str | None = None) -> str:
        """Write what ``change`` makes of the newest content; return its revision.

        Raises :class:`Conflict` where the content is not at ``revision`` any more, and whatever ``change`` raises.
        """
        with self.locked():
            content = self.read()
            if revision is not None and revision != self.revise(content):
                raise Conflict(f"{self.path.name} has been changed by somebody else")
            changed = change(content)
            if changed != content:
                write = sealed_files.write if self._sealable else write_atomically
                write(self.path, changed, self._mode)
            return self.revise(changed)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers of this kind out for as long as the block lasts. Raises ``OSError``."""
        private_folder(self.path.parent)
        # The lock is a file of its own, since the document is replaced by every write.
        descriptor = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def sweep(folder: Path, now: float | None = None) -> int:
    """Remove what killed writers have left below a folder; return how many files that were."""
    now = time.time() if now is None else now
    removed = 0
    for path in folder.rglob(".*.tmp"):
        try:
            if now - path.lstat().st_mtime > STALE:
                path.unlink()
                removed += 1
        except OSError:
            continue
    return removed
