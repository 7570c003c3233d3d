"""The short-lived child that reads flags, environment and files, and answers with the effective settings as JSON.

It loads the libraries that make good error messages; this process never does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


class Evaluation:
    """One run of the child. ``previous`` is the file with the settings in use, which it may build on."""

    def __init__(self, arguments: Sequence[str], previous: str | None = None) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        command = [sys.executable, "-P", "-m", "codenex", "evaluate", str(writing), previous or "-", *arguments]
        try:
            self._process = subprocess.Popen(command, pass_fds=[writing], stdin=subprocess.DEVNULL)
        finally:
            os.close(writing)
        self._descriptor = reading
        self._data = bytearray()
        #: What the child exited with, once it has.
        self.status: int | None = None

    def fileno(self) -> int:
        """Return the descriptor that the answer comes from, for selectors."""
        return self._descriptor

    def finished(self) -> bool:
        """Read what has come; return whether that was all."""
        while True:
            try:
                piece = os.read(self._descriptor, 1 << 20)
            except BlockingIOError:
                return False
            if not piece:
                break
            self._data += piece
        os.close(self._descriptor)
        self.status = self._process.wait()
        return True

    def document(self) -> dict[str, Any] | None:
        """Return the answer, or ``None`` where there is none (the child has said why on standard error)."""
        if self.status != 0:
            return None
        try:
            document: dict[str, Any] = json.loads(self._data)
        except ValueError:
            return None
        return document

    def stop(self) -> None:
        """End a run that nobody waits for any more."""
        if self.status is None:
            self._process.kill()
            self.status = self._process.wait()
            os.close(self._descriptor)
