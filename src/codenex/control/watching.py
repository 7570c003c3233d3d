"""Notices changes of the configuration's files that others have made, by looking at them now and then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol

from codenex.store.documents import Document

INTERVAL = 1.0


class Watched(Protocol):
    """Something that may change."""

    def stamp(self) -> object:
        """Return what differs whenever there may be something new; cheap."""
        ...

    def revision(self) -> object:
        """Return what differs when there is something new."""
        ...


class WatchedFile:
    """One file of the configuration."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def stamp(self) -> object:
        """Return time, size and number of the file."""
        return _stamp(self._document.path)

    def revision(self) -> object:
        """Return the revision of the content."""
        try:
            content = self._document.read()
        except OSError:
            content = None
        return self._document.revise(content)


class WatchedFolder:
    """A folder in which files become accounts by lying there. ``counts`` says whether one does. Other contents of the
    same files are no change: tokens are renewed in them all the time."""

    def __init__(self, folder: Path, counts: Callable[[Path], bool]) -> None:
        self._folder = folder
        self._counts = counts

    def stamp(self) -> object:
        """Return time, size and number of every file: one that was empty when it came may be filled by now."""
        return tuple((path.name, _stamp(path)) for path in self._files())

    def revision(self) -> object:
        """Return the names of the files that count."""
        return tuple(path.name for path in self._files() if self._counts(path))

    def _files(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                return sorted(Path(entry.path) for entry in entries if entry.name.endswith(".json"))
        except OSError:
            return []


class Watch:
    """All of these; ``changed`` is called once for any number of changes in one look."""

    def __init__(self, watched: Iterable[Watched], changed: Callable[[], Awaitable[object]]) -> None:
        self._changed = changed
        self._known = {each: (each.stamp(), each.revision()) for each in watched}

    def look(self) -> bool:
        """Return whether anything is new since the last look."""
        found = False
        for each, (stamp, revision) in self._known.items():
            now = each.stamp()
            if now == stamp:
                continue
            current = each.revision()
            self._known[each] = now, current
            found = found or current != revision
        return found

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            if await asyncio.to_thread(self.look):
                await self._changed()


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
