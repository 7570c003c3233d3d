"""What a process has to say besides its requests: messages of Python's logging, written by a thread of its own, so that
a reader of standard error that has stopped never stops an event loop."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Literal

from codenex.core import json
from codenex.telemetry.outlet import Outlet

Format = Literal["json", "console"]

#: Messages that wait at most; more are dropped and counted.
QUEUE_LIMIT = 1000
_STANDARD_ERROR = 2


class Messages(logging.Handler):
    """Takes messages from any thread; they go to ``outlet`` as lines of JSON, or as text for people."""

    def __init__(self, form: Format = "json", outlet: Outlet | None = None) -> None:
        super().__init__()
        self._form = form
        self._outlet = outlet if outlet is not None else Outlet(_STANDARD_ERROR)
        self._queue: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a message. Never blocks and never fails."""
        if len(self._queue) >= QUEUE_LIMIT:
            self.dropped += 1
            return
        try:
            # Written down at once: what it tells of may change.
            self._queue.append(self._line(record))
        except Exception:
            self.handleError(record)
        self._wake.set()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Count a message that can't be written down."""
        self.dropped += 1

    def close(self) -> None:
        """Write what waits, as far as that takes no more than a second, and stop."""
        if not self._closing:
            self._closing = True
            self._wake.set()
            self._thread.join(timeout=1)
        super().close()

    def _line(self, record: logging.LogRecord) -> str:
        trace = None
        if record.exc_info and record.exc_info[0] is not None:
            trace = logging.Formatter().formatException(record.exc_info)
        if self._form == "console":
            text = f"{record.levelname.lower()}: {record.getMessage()}"
            return f"codenex: {text}\n" if trace is None else f"codenex: {text}\n{trace}\n"
        fields = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.encode_text(fields if trace is None else {**fields, "traceback": trace}) + "\n"

    def _run(self) -> None:
        told = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            lines: list[str] = []
            while self._queue:
                lines.append(self._queue.popleft())
            if self.dropped > told:
                told, missing = self.dropped, self.dropped - told
                lines.append(json.encode_text({"time": round(time.time(), 3), "messages_dropped": missing}) + "\n")
            try:
                self._outlet.write("".join(lines))
            except (OSError, ValueError):
                self.dropped += len(lines)
            if self._closing and not self._queue:
                return


def install(form: Format) -> Messages:
    """Have all messages of this process from warnings on written in this form. Python closes it at the end."""
    handler = Messages(form)
    root = logging.getLogger()
    for other in tuple(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    return handler
