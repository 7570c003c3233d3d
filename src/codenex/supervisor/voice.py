"""What processes say on standard error, by a thread of its own: a reader that has stopped must not stop what restarts
the others, nor keep a process from ending that tells why it can't go on."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
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
        """Queue a line, or several."""
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


class Unhurried(io.TextIOBase):
    """Standard error for whatever writes there by itself: tracebacks, the words of an exit, warnings. Lines are said
    whole."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, voice: Voice, descriptor: int = _STANDARD_ERROR) -> None:
        self._voice = voice
        self._descriptor = descriptor
        self._begun = ""

    def write(self, text: str, /) -> int:
        """Take text, and say what of it is whole lines. Never waits."""
        lines, end, begun = (self._begun + text).rpartition("\n")
        self._begun = begun
        if end:
            self._voice.say(lines)
        return len(text)

    def finish(self) -> None:
        """Say what has no end yet, and wait a second at most until everything is said."""
        if self._begun:
            self._voice.say(self._begun)
            self._begun = ""
        self._voice.close()

    def writable(self) -> bool:
        """Say that this can be written to."""
        return True

    def isatty(self) -> bool:
        """Return whether people read it."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor, for child processes."""
        return self._descriptor


def speak_unhurried() -> None:
    """Let this process never wait for the reader of its standard error, not even at its end."""
    stream = Unhurried(Voice())
    sys.stderr = stream
    atexit.register(stream.finish)
