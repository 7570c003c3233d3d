"""Files of the configuration that may be encrypted: each keeps the form that it has.

The keys are those of :mod:`codenex.store.sealing`, in the file that ``CREDENTIALS_KEY_FILE`` names in the environment:
what stands in ``config.json`` can't say how that itself is read. A file that is new is encrypted where the key of this
installation's own (:data:`SIGN`) beside it is.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from codenex.store.files import create_once, write_atomically
from codenex.store.sealing import Sealing, SealingError, is_sealed, sealing_of

KEY_FILE = "CREDENTIALS_KEY_FILE"
#: The file whose form new ones beside it get.
SIGN = "envelope_key"


class SealedFileError(OSError):
    """A file is encrypted and can't be read, or can't be encrypted. ``strerror`` says why, and holds no key."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EACCES, message)

    def __str__(self) -> str:
        return str(self.strerror)


def keys() -> Sealing:
    """Return the keys that the environment names. Raises :class:`SealedFileError`."""
    try:
        return sealing_of(os.environ.get(KEY_FILE) or None)
    except SealingError as error:
        raise SealedFileError(f"{KEY_FILE}: {error}") from None


def opened(data: bytes, name: str) -> bytes:
    """Return the content of a file. Raises :class:`SealedFileError`."""
    if not is_sealed(data):
        return data
    try:
        return keys().opened(data)
    except SealingError as error:
        raise SealedFileError(f"{name}: {error}") from None


def read(path: Path) -> bytes:
    """Return the content of a file. Raises ``OSError``."""
    return opened(path.read_bytes(), path.name)


def write(path: Path, content: bytes, mode: int = 0o600, *, like: Path | None = None) -> None:
    """Write a file whole, in the form that it has; a new one in the form of ``like``, or of its folder.

    One that is encrypted and can't be read isn't overwritten. Raises ``OSError``.
    """
    if path.exists():
        data = path.read_bytes()
        opened(data, path.name)
        seal = is_sealed(data)
    else:
        seal = _is_sealed_file(like if like is not None else path.with_name(SIGN))
    write_atomically(path, _sealed(content) if seal else content, mode)


def create(path: Path, content: bytes) -> bool:
    """Create a file unless it exists, in the form of its folder; return whether this call made it. Raises
    ``OSError``."""
    return create_once(path, _sealed(content) if _is_sealed_file(path.with_name(SIGN)) else content)


def change_form(path: Path, *, seal: bool) -> bool:
    """Encrypt a file with the first key, or decrypt it; return whether that changed it. Raises ``OSError``."""
    data = path.read_bytes()
    content = opened(data, path.name)
    changed = _sealed(content) if seal else content
    if changed == data:
        return False
    write_atomically(path, changed)
    return True


def _sealed(content: bytes) -> bytes:
    known = keys()
    if not known.seals:
        raise SealedFileError(f"{KEY_FILE} names no file with keys, and the others are encrypted")
    return known.sealed(content)


def _is_sealed_file(path: Path) -> bool:
    try:
        return is_sealed(path.read_bytes())
    except OSError:
        return False
