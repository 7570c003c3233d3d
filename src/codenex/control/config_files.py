"""The files below the configuration's folder, as the management API lists, shows, exports and removes them.

A file is found among those that are listed, never by joining a path from a request to the folder; links and what is no
regular file are not listed, so that nothing outside can be reached.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from codenex.control.files import FILES
from codenex.control.masking import masked, masked_text, secrets_in
from codenex.core.redaction import MASK
from codenex.store import sealed_files

#: What paths begin with, whatever the folder is called.
PREFIX = "configs/"
#: Files of the server itself that hold a secret and nothing else; never shown, never exported.
SECRET_FILES = frozenset({"admin_password", "api_key", "envelope_key", "pwd", "setup_token", "token-store.json"})
#: Files that have endpoints of their own, or that open the server where they are missing.
KEPT_FILES = SECRET_FILES | frozenset(FILES)
#: Largest file that is shown or exported, and files that are listed at most.
SIZE_LIMIT = 1024 * 1024
COUNT_LIMIT = 5000
DEPTH_LIMIT = 8
_PREVIEW = 100
#: Text that is meant to be read; anything else that is no JSON may be a key as a whole.
_PROSE = frozenset({".txt", ".md"})
_TYPES = {"config.json": "config", "provider_pools.json": "provider-pool", "client_keys.json": "api-key"}
_NOTE = "MASKED.txt"


class Unreadable(Exception):
    """A file that can't be shown. The text says why."""


class ListedFile(msgspec.Struct, frozen=True):
    """One file. ``relative`` is its path below the folder, ``modified`` in seconds since 1970."""

    place: Path
    relative: str
    size: int
    modified: float

    @property
    def name(self) -> str:
        """The path as clients know it."""
        return PREFIX + self.relative

    @property
    def secret(self) -> bool:
        """Whether it is nothing but a secret of the server."""
        return self.relative in SECRET_FILES

    @property
    def kept(self) -> bool:
        """Whether it isn't removed like other files."""
        return self.relative in KEPT_FILES


def listed_files(folder: Path) -> list[ListedFile]:
    """Return the regular files below a folder, without hidden ones. Raises ``OSError``."""
    found = sorted(_files(folder, "", 0), key=lambda file: file.relative)
    return found[:COUNT_LIMIT]


def _files(folder: Path, before: str, depth: int) -> Iterator[ListedFile]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            entry.name.encode()
            status = entry.stat(follow_symlinks=False)
        except (OSError, UnicodeError):
            continue
        relative = before + entry.name
        if stat.S_ISREG(status.st_mode):
            yield ListedFile(Path(entry.path), relative, status.st_size, status.st_mtime)
        elif stat.S_ISDIR(status.st_mode) and depth < DEPTH_LIMIT:
            yield from _files(Path(entry.path), f"{relative}/", depth + 1)


class Folder:
    """The folder at one moment, with the secrets that its files hold."""

    def __init__(self, folder: Path) -> None:
        self.files = listed_files(folder)
        self._contents: dict[str, Any] = {}
        for file in self.files:
            if file.place.suffix == ".json" and file.size <= SIZE_LIMIT:
                try:
                    self._contents[file.relative] = json.loads(_text(file))
                except (Unreadable, ValueError, RecursionError):
                    continue
        self._secrets = secrets_in(list(self._contents.values()))

    def file(self, path: str) -> ListedFile | None:
        """Return the file of a path, with or without ``configs/`` before it."""
        files = {file.name: file for file in self.files}
        return files.get(path) or files.get(PREFIX + path)

    def content(self, file: ListedFile) -> str:
        """Return the text of a file without secrets. Raises :class:`Unreadable`."""
        if file.secret:
            return MASK
        if file.relative in self._contents:
            content = self._contents[file.relative]
            if isinstance(content, dict | list):
                text = json.dumps(masked(content, self._secrets), indent=2, ensure_ascii=False)
                # Halves of characters, which JSON can escape, are no text that could be sent.
                return text.encode("utf-8", "replace").decode()
            return MASK
        text = _text(file)
        if file.place.suffix in _PROSE and "/" not in file.relative:
            return masked_text(text, self._secrets)
        # A broken JSON file, too, may hold keys anywhere.
        return MASK

    def described(self, file: ListedFile, uses: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what a list shows of a file; ``uses`` are the places that name it."""
        try:
            preview, mistake = self.content(file)[:_PREVIEW], None
        except Unreadable as error:
            preview, mistake = "", str(error)
        if mistake is None and file.place.suffix == ".json" and file.relative not in self._contents:
            mistake = "this is not JSON"
        expires = self._expires(file)
        return {
            "name": file.place.name,
            "path": file.name,
            "size": file.size,
            "type": self._type(file),
            "provider": file.relative.partition("/")[0] if "/" in file.relative else None,
            "extension": file.place.suffix.removeprefix("."),
            "modified": _moment(file.modified),
            "expiresAt": None if expires is None else _moment(expires),
            "isValid": mistake is None,
            "errorMessage": mistake,
            "isUsed": bool(uses),
            "usageInfo": {"isUsed": bool(uses), "usageType": uses[0]["type"] if uses else None, "usageDetails": uses},
            "preview": preview,
        }

    def exported(self) -> bytes:
        """Return a ZIP of all files without secrets; a note in it says which are left out."""
        left_out: list[str] = []
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in self.files:
                try:
                    if file.secret:
                        raise Unreadable("a secret of the server")
                    content = self.content(file)
                    if content == MASK:
                        raise Unreadable("it can't be told what of it is secret")
                except Unreadable as error:
                    left_out.append(f"{file.name}: {error}")
                    continue
                # Dates before 1980 don't exist in this format.
                entry = zipfile.ZipInfo(
                    file.name, datetime.fromtimestamp(max(file.modified, 315619200)).timetuple()[:6]
                )
                entry.external_attr = 0o600 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
            archive.writestr(_NOTE, _note(left_out))
        return buffer.getvalue()

    def _type(self, file: ListedFile) -> str:
        if file.relative in SECRET_FILES:
            return "api-key"
        content = self._contents.get(file.relative)
        if isinstance(content, dict) and ("refresh_token" in content or "access_token" in content):
            return "oauth"
        if "prompt" in file.place.name:
            return "system-prompt"
        return _TYPES.get(file.relative, "other")

    def _expires(self, file: ListedFile) -> float | None:
        content = self._contents.get(file.relative)
        value = content.get("expiry_date") if isinstance(content, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e14:
            return None
        return value / 1000


def uses_of(files: list[ListedFile], pools: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return which accounts name which files, by the files' paths."""
    places = {os.path.realpath(file.place): file.name for file in files}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, entries in pools.items():
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            for field, value in entry.items() if isinstance(entry, dict) else ():
                if not field.endswith("_FILE_PATH") or not isinstance(value, str) or "\0" in value:
                    continue
                file = places.get(os.path.realpath(value))
                if file is not None:
                    found.setdefault(file, []).append(
                        {
                            "type": "provider_pool",
                            "location": f"provider_pools.json: {name}[{position}]",
                            "providerType": name,
                            "providerIndex": position,
                            "configKey": field,
                            "uuid": entry.get("uuid"),
                        }
                    )
    return found


def _text(file: ListedFile) -> str:
    try:
        # What was a file when it was listed may be a link or a pipe by now.
        descriptor = os.open(file.place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("it is no regular file")
            data = opened.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise Unreadable(f"it can't be read: {error.strerror}") from None
    if len(data) > SIZE_LIMIT:
        raise Unreadable(f"it has more than {SIZE_LIMIT} bytes")
    try:
        return sealed_files.opened(data, file.name).decode("utf-8-sig")
    except sealed_files.SealedFileError as error:
        raise Unreadable(str(error)) from None
    except UnicodeError:
        raise Unreadable("it is no text") from None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _note(left_out: list[str]) -> str:
    lines = ["Secrets in these files are masked: they can't be put back as they are."]
    return "\n".join([*lines, *(["", "Left out:", *left_out] if left_out else []), ""])
