"""Batches of rows that wait on disk until there is time for them: a file for each process, which holds a lock on it as
long as it lives. What a process leaves behind is taken over by the next one."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from codenex.store.files import private_folder

#: Bytes that wait at most.
LIMIT: Final = 256 * 1024 * 1024
_AT_ONCE: Final = 1024 * 1024
#: Bytes of a file from which on another one is begun: where there is never a quiet moment, what was read goes with its
#: file.
_FILE_SIZE: Final = 32 * 1024 * 1024
_NAMES: Final = "usage-*.spool"


class Spool:
    """The spool of one process in a folder. Methods block, and may be called from any thread. Where nothing waits,
    nothing is on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        #: The file that is appended to, once there is one.
        self._own: _File | None = None
        self._files: list[_File] = []
        self._turn = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(file.size - file.read for file in self._files)

    def adopt(self) -> None:
        """Take over what processes have left that live no longer. Raises ``OSError``."""
        with self._turn:
            for path in sorted(self._folder.glob(_NAMES)):
                file = _File(path)
                if file.lock() and path.exists():
                    self._files.append(file)
                else:
                    file.close()

    def put(self, lines: bytes) -> None:
        """Let batches wait, each of them with a line end behind it. Raises ``OSError``; none of them waits then."""
        with self._turn:
            if self.size + len(lines) > LIMIT:
                raise OSError(f"more than {LIMIT >> 20} MiB wait in {self._folder}")
            if self._own is None or self._own.size >= _FILE_SIZE:
                self._own = self._new()
                self._files.append(self._own)
            self._own.append(lines)

    def next(self) -> bytes | None:
        """Return the batch that has waited longest, with its line end; :meth:`done` says that it waits no longer.
        ``None`` where nothing waits. Raises ``OSError``."""
        with self._turn:
            while self._files:
                line = self._files[0].line()
                if line is not None:
                    return line
                # A line without an end is one that a process was killed at.
                file = self._files.pop(0)
                file.remove()
                if file is self._own:
                    self._own = None
            return None

    def done(self) -> None:
        """Forget the batch that :meth:`next` has returned."""
        with self._turn:
            self._files[0].forget()

    def close(self) -> None:
        """Leave to the next process what still waits."""
        with self._turn:
            for file in self._files:
                file.close()
            self._files.clear()
            self._own = None

    def _new(self) -> _File:
        private_folder(self._folder)
        file = _File(self._folder / _NAMES.replace("*", secrets.token_hex(8)))
        if not file.lock():
            file.close()
            raise OSError(f"another process holds {file.path}")
        return file


class _File:
    """A file that is appended to and read from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = os.fstat(self._descriptor).st_size
        self.read = 0
        self._seen = b""
        self._length = 0

    def lock(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def append(self, lines: bytes) -> None:
        try:
            written = os.write(self._descriptor, lines)
            if written != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += written

    def line(self) -> bytes | None:
        end = self._seen.find(b"\n")
        while end < 0:
            more = os.pread(self._descriptor, _AT_ONCE, self.read + len(self._seen))
            if not more:
                return None
            self._seen += more
            end = self._seen.find(b"\n")
        self._length = end + 1
        return self._seen[: end + 1]

    def forget(self) -> None:
        self._seen = self._seen[self._length :]
        self.read += self._length
        self._length = 0

    def remove(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)
