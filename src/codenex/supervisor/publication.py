"""What the master gives to its children: a folder for their sockets, the settings, the memory that they share.

Settings hold keys, so they live in memory files that are handed on by descriptor and have no name.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

_PREFIX = "codenex-"
_FOLDER = re.compile(r"codenex-(\d+)-\w+")


class Publication:
    """The current generation of settings, and the shared memory. ``revision`` counts the generations."""

    def __init__(self, document: dict[str, Any]) -> None:
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self.revision = 0
        layout = document["shared"]
        self._layout = layout
        self.shared = _memory_file("codenex-shared")
        os.ftruncate(self.shared, layout["bytes"])
        self._words = memoryview(mmap.mmap(self.shared, layout["header_words"] * 8)).cast("Q")
        self.settings = -1
        self.publish(document)

    def publish(self, document: dict[str, Any]) -> None:
        """Make a new generation the current one. The revision in the shared memory is raised by :meth:`announce`."""
        settings = _memory_file("codenex-settings")
        _write(settings, json.dumps(document).encode())
        if self.settings >= 0:
            os.close(self.settings)
        self.settings = settings
        self.revision += 1

    def announce(self) -> None:
        """Let everybody who looks at the shared memory know that there is a new generation."""
        self._words[self._layout["revision_word"]] = self.revision

    def occupy(self, slot: int, pid: int) -> None:
        """Say in the shared memory whose column a slot is; 0 is nobody's."""
        used = self._layout["used_word"]
        self._words[used] = max(self._words[used], slot + 1)
        self._words[self._layout["alive_word"] + slot] = pid

    @property
    def slots(self) -> int:
        """How many columns there are."""
        slots: int = self._layout["slots"]
        return slots

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _memory_file(name: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _sweep() -> None:
    """Remove the folders that killed masters of this user have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        match = _FOLDER.fullmatch(folder.name)
        if match is None or Path(f"/proc/{match[1]}").exists():
            continue
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
