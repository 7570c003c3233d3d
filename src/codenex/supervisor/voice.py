"""What the master says, on standard error, by a thread of its own: a reader that has stopped must not stop what
restarts the others."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque

#: Lines that wait at most; of more, the oldest are lost.
_LIMIT = 1000
_STANDARD_ERROR = 2


class Voice:
    """Says lines in their order and never waits for whoever reads them."""

    def __init__(self, descriptor: int = _STANDARD_ERROR) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque(maxlen=_LIMIT)
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def say(self, text: str) -> None:
        """Queue a line."""
        self._lines.append(text.encode("utf-8", "backslashreplace") + b"\n")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
            self._thread.start()
        self._wake.set()

    def close(self, patience: float = 1.0) -> None:
        """Wait until everything is said, for so many seconds at most."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._lines:
                line = self._lines.popleft()
                with contextlib.suppress(OSError):
                    while line:
                        line = line[os.write(self._descriptor, line) :]
            if self._closed:
                return
