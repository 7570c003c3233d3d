"""Credential files at rest: encrypted where the operator has given a key, and read either way.

A sealed file is one JSON object: which key, a nonce and what AES-256-GCM makes of the content. The key lies in a file
of its own, outside of what is backed up with the credentials; further keys in it open what older ones have sealed.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import msgspec

from codenex.core import json

#: Bytes of a key, and of a nonce (NIST SP 800-38D section 8.2.2: random, so at most 2^32 contents with one key).
KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = "codenex-sealed-1"
_MARK = b'{"format":"' + _FORMAT.encode() + b'"'
_FILE_LIMIT = 64 * 1024


class SealingError(ValueError):
    """A key file, or a sealed content, that can't be used; the text says why, and shows nothing of either."""


class _Sealed(msgspec.Struct):
    format: str
    key: str
    nonce: str
    content: str


class Sealing:
    """Keys, newest first; without any, contents stay as they are."""

    def __init__(self, keys: tuple[bytes, ...] = ()) -> None:
        self._ciphers = {_name(key): _cipher(key) for key in keys}

    @property
    def seals(self) -> bool:
        """Whether there is a key."""
        return bool(self._ciphers)

    def sealed(self, content: bytes) -> bytes:
        """Return the content as it is to be written."""
        if not self._ciphers or is_sealed(content):
            return content
        name, cipher = next(iter(self._ciphers.items()))
        nonce = os.urandom(_NONCE_BYTES)
        made = cipher.encrypt(nonce, content, _FORMAT.encode())
        return json.encode(_Sealed(_FORMAT, name, b64encode(nonce).decode(), b64encode(made).decode())) + b"\n"

    def opened(self, content: bytes) -> bytes:
        """Return a content as it was before it was sealed, if it was. Raises :class:`SealingError`."""
        if not is_sealed(content):
            return content
        try:
            found = json.decode_as(_Sealed, content)
            nonce, made = b64decode(found.nonce, validate=True), b64decode(found.content, validate=True)
        except ValueError:
            raise SealingError("it is encrypted, and damaged") from None
        cipher = self._ciphers.get(found.key)
        if cipher is None:
            known = f"CREDENTIALS_KEY_FILE has other keys than {found.key[:8]!r}" if self._ciphers else "there is none"
            raise SealingError(f"it is encrypted, and its key is missing: {known}")
        try:
            return bytes(cipher.decrypt(nonce, made, _FORMAT.encode()))
        except Exception:
            # The library's own exception has no text, and may only be named where the library is installed.
            raise SealingError("it is encrypted, and damaged") from None


PLAIN = Sealing()
#: By path and what changes with the file.
_known: dict[str, tuple[tuple[int, int], Sealing]] = {}


def is_sealed(content: bytes) -> bool:
    """Whether a file's content is encrypted."""
    return content.lstrip().startswith(_MARK)


def sealing_of(path: str | Path | None) -> Sealing:
    """Return the keys in a file, which is read anew when it changes. Raises :class:`SealingError`."""
    if path is None:
        return PLAIN
    place = str(path)
    try:
        status = os.stat(place)
        stamp = status.st_mtime_ns, status.st_ino
        known = _known.get(place)
        if known is not None and known[0] == stamp:
            return known[1]
        if status.st_mode & 0o077:
            raise SealingError(f"{place} can be read by others than its owner: chmod 600 {place}")
        with open(place, "rb") as file:
            content = file.read(_FILE_LIMIT)
    except OSError as error:
        raise SealingError(f"{place} can't be read: {error.strerror}") from None
    found = Sealing(_keys(content, place))
    _known[place] = stamp, found
    return found


def new_key() -> str:
    """Return a line for a key file."""
    return b64encode(os.urandom(KEY_BYTES)).decode()


def _keys(content: bytes, place: str) -> tuple[bytes, ...]:
    keys: list[bytes] = []
    for number, line in enumerate(content.split(), 1):
        try:
            key = b64decode(line, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise SealingError(f"{place}: word {number} is no key: base64 of {KEY_BYTES} bytes, one for each line")
        keys.append(key)
    if not keys:
        raise SealingError(f"{place} holds no key: codenex seal-credentials --new-key makes one")
    return tuple(keys)


def _name(key: bytes) -> str:
    return hashlib.sha256(b"codenex key name\0" + key).hexdigest()[:16]


def _cipher(key: bytes) -> Any:
    # An extra, and heavy: loaded where there is a key.
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise SealingError(
            "CREDENTIALS_KEY_FILE needs a library that is not installed: pip install 'codenex-ai-proxy-api[encryption]'"
        ) from None
    return AESGCM(key)
