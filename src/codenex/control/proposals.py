"""Changes of the configuration's files: each is tried as a start would, before it is written; nothing is lost of what
others have changed at the same time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from codenex.control.entries import parsed_document
from codenex.control.errors import ConfigurationError
from codenex.control.files import POOLS, reading
from codenex.control.pool_revision import pools_revision
from codenex.store import sealed_files
from codenex.store.documents import Conflict, Document, revision_of
from codenex.store.settings import Settings

#: What a change makes of a document.
Change = Callable[[dict[str, Any]], dict[str, Any]]


class ConfigurationFile:
    """One JSON file of the configuration, as the management API changes it. ``flags`` are those of the command line.

    Methods do I/O and raise ``OSError``; run them in a thread.
    """

    def __init__(self, name: str, path: Path, flags: Mapping[str, str]) -> None:
        self._name = name
        self._flags = flags
        revise = pools_revision if name == POOLS else revision_of
        self._document = Document(path, revise=revise, sealable=True)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._document.path

    def read(self) -> tuple[dict[str, Any], str]:
        """Return the content and its revision. Raises :class:`ConfigurationError` where it can't be read."""
        data = self._document.read()
        return self._parsed(data), self._document.revise(data)

    def change(self, change: Change, revision: str | None = None) -> str:
        """Write what ``change`` makes of the newest content, where a start could use it; return the new revision.

        Raises :class:`ConfigurationError` with the value and its place, and
        :class:`~codenex.store.documents.Conflict` where the content is not at ``revision`` any more.
        """

        return self._document.update(lambda data: self._changed(data, change), revision)

    def rehearse(self, change: Change, revision: str | None = None) -> str:
        """Do as :meth:`change`, but write nothing; the revision is that of what is there."""
        data = self._document.read()
        there = self._document.revise(data)
        if revision not in (None, there):
            raise Conflict(f"{self._name} has been changed by somebody else")
        self._changed(data, change)
        return there

    def _changed(self, data: bytes | None, change: Change) -> bytes:
        before = self._parsed(data)
        after = change(json.loads(json.dumps(before)))
        if after == before and data is not None:
            return data
        proposal = self._written(after)
        tried(self._name, proposal, self._flags, self._document.path)
        return proposal

    def _written(self, content: dict[str, Any]) -> bytes:
        """Return a content as text that can be read again. Raises :class:`ConfigurationError`."""
        try:
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError) as error:
            reason = "half of a character" if isinstance(error, UnicodeError) else str(error)
            raise ConfigurationError(f"{self._name} can't hold this: {reason}") from None
        return text + b"\n"

    def _parsed(self, data: bytes | None) -> dict[str, Any]:
        return {} if data is None else parsed_document(data, self._name)


def tried(name: str, content: bytes, flags: Mapping[str, str], place: Path) -> Settings:
    """Return what the settings would be with another content of one file, which lies at ``place``. Raises
    :class:`ConfigurationError`.

    Where another file is broken, its last good copy is taken, as in use.
    """
    # What reads the settings is large, and a process without a master does without it until something changes.
    from codenex.control.configuration import load_configuration
    from codenex.control.effective import effective_settings
    from codenex.control.evaluation import last_good_copies

    # Keys are in it: a folder that only this user may enter.
    with tempfile.TemporaryDirectory(prefix="codenex-") as folder:
        path = Path(folder) / name
        sealed_files.write(path, content, like=place)
        first: ConfigurationError | None = None
        for copies in ({}, *last_good_copies(dict(flags), without=name)):
            try:
                with reading({**copies, name: path}):
                    return effective_settings(load_configuration(dict(flags)), make=False).settings
            except ConfigurationError as error:
                first = first or ConfigurationError(str(error).replace(str(path), name))
        raise first or ConfigurationError(f"{name} can't be used")
