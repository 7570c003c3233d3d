"""What clients ask and what they are answered, where an operator wants to read it: on the console or in a file.

Off by default. Secrets and pictures are left out, and everything but a copy of a reference happens in a thread of its
own, so that no request waits; what the thread can't keep up with is dropped, and a line says how much that was.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from codenex.core import json
from codenex.core.redaction import redacted
from codenex.telemetry.outlet import Outlet

Mode = Literal["none", "console", "file"]

#: Bytes that wait to be written at most, and those of one prompt or answer that are looked at.
WAITING_LIMIT = 64 * 1024 * 1024
LARGEST = 8 * 1024 * 1024
#: Characters of a text that are written.
TEXT_LIMIT = 256 * 1024
_PAUSE = 0.1
#: Media, in a URL of its own or bare: nothing that is written by hand has so many such characters in a row.
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,\s\"']{0,200},([A-Za-z0-9+/=_%-]+)")
_BARE = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")


class PromptLog:
    """Takes prompts and answers from the event loop. ``write`` takes whole lines, for a ``file``; it may raise
    ``OSError``, and then they are lost."""

    def __init__(self, mode: Mode = "none", write: Callable[[bytes], None] | None = None) -> None:
        self._write = write if write is not None and mode == "file" else _print
        self.on = mode != "none"
        self._secrets: tuple[str, ...] = ()
        self._queue: deque[tuple[dict[str, Any], bytes]] = deque()
        self._waiting = 0
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def hide(self, secrets: tuple[str, ...]) -> None:
        """Say which texts are secret whatever they look like."""
        self._secrets = secrets

    def record(self, facts: dict[str, Any], content: bytes) -> None:
        """Queue a prompt or an answer; ``facts`` say which. Never blocks and never fails."""
        if not self.on or self._closed:
            return
        if self._waiting + len(content) > WAITING_LIMIT:
            self.dropped += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="prompt-log", daemon=True)
            self._thread.start()
        self._waiting += len(content)
        self._queue.append(({"time": round(time.time(), 3), **facts}, content))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued and stop."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        told = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._queue:
                facts, content = self._queue.popleft()
                lines = _line({**facts, "content": cleaned(content, self._secrets)})
                self._waiting -= len(content)
                if self.dropped > told:
                    told, missing = self.dropped, self.dropped - told
                    lines += _line({"time": round(time.time(), 3), "dropped": missing})
                try:
                    self._write(lines)
                except (OSError, ValueError):
                    self.dropped += 1
                # Requests wait while this thread computes, so it lets them go first now and then.
                time.sleep(0)
            if self._closed:
                return
            time.sleep(_PAUSE)


def cleaned(content: bytes, secrets: tuple[str, ...] = ()) -> Any:
    """Return a prompt or an answer as it may be written: JSON as such, anything else as text; without secrets and
    media, and cut where it is very long."""
    if len(content) > LARGEST:
        return f"({len(content)} bytes, too many to be written)"
    try:
        return _cleaned(json.decode(content), secrets)
    except (json.MalformedJson, RecursionError):
        return _text(content.decode("utf-8", "replace"), secrets)


def _cleaned(value: Any, secrets: tuple[str, ...]) -> Any:
    match value:
        case dict():
            return {_text(str(name), secrets): _cleaned(inner, secrets) for name, inner in value.items()}
        case list():
            return [_cleaned(inner, secrets) for inner in value]
        case str():
            return _text(value, secrets)
        case _:
            return value


def _text(text: str, secrets: tuple[str, ...]) -> str:
    text = _DATA_URL.sub(lambda found: f"({found[1] or 'data'}, {len(found[2])} characters)", text)
    text = _BARE.sub(lambda found: f"({len(found[0])} characters of data)", text)
    text = redacted(text, secrets)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}… ({len(text)} characters)"


def _line(value: dict[str, Any]) -> bytes:
    return json.encode(value) + b"\n"


_console = Outlet(1)


def _print(lines: bytes) -> None:
    _console.write_bytes(lines)
