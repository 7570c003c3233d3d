"""Watches source files for development mode, by looking at their times of change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

#: Seconds between two looks.
INTERVAL = 0.5


class Sources:
    """The Python files below some folders."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._next = 0.0
        self._seen = self._look()

    def changed(self, now: float) -> bool:
        """Whether a file was changed, added or removed since the last look."""
        if now < self._next:
            return False
        self._next = now + INTERVAL
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def _look(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for folder in self._folders:
            for path in folder.rglob("*.py"):
                try:
                    found[str(path)] = path.stat().st_mtime_ns
                except OSError:
                    continue
        return found
