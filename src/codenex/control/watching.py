"""Notices changes of the configuration's files that others have made, by looking at them now and then.

What this process writes itself is told beforehand, so that it does not react to its own writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from codenex.store.documents import Document, revision_of

INTERVAL = 1.0


class Watch:
    """These files; ``changed`` is called once for any number of changes in one look."""

    def __init__(self, documents: Iterable[Document], changed: Callable[[], Awaitable[object]]) -> None:
        self._documents = list(documents)
        self._changed = changed
        self._stamps = {document.path: _stamp(document.path) for document in self._documents}
        self._revisions = {document.path: document.revise(_content(document)) for document in self._documents}

    def expect(self, path: Path, content: bytes) -> None:
        """Say what this process is about to write into a file."""
        self._revisions[path] = revision_of(content)

    def look(self) -> bool:
        """Return whether a file holds something else than at the last look, and than what was expected."""
        found = False
        for document in self._documents:
            stamp = _stamp(document.path)
            if stamp == self._stamps[document.path]:
                continue
            self._stamps[document.path] = stamp
            revision = document.revise(_content(document))
            if revision != self._revisions[document.path]:
                self._revisions[document.path] = revision
                found = True
        return found

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            if self.look():
                await self._changed()


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _content(document: Document) -> bytes | None:
    try:
        return document.read()
    except OSError:
        return None
