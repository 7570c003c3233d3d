"""What all processes know of one login beside its file: the access token in use, the project, and what is wrong.

There is one file for each refresh token, so that accounts that share one share this too. A change is made under a lock
that ends with its process, and written whole: killed at any moment, it leaves the old state or the new one.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from codenex.core import json
from codenex.providers.google.credentials import Credential
from codenex.providers.google.states import Problem
from codenex.store.files import private_folder, write_atomically
from codenex.store.sealing import PLAIN, Sealing

#: Seconds between two looks at whether another process has let go of the lock.
_LOOK = 0.02


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known; ``expires`` is in seconds since 1970. ``replaced`` is the refresh token that Google gave in place
    of the one that this is about: what is known stands there then."""

    access_token: str | None = None
    expires: float = 0.0
    replaced: str | None = None
    project: str | None = None
    tier: str | None = None
    problem: Problem | None = None


class Ledger:
    """The state of one login: of a refresh token and the client that it was made for."""

    def __init__(
        self,
        folder: Path,
        credential: Credential,
        client: tuple[str | None, str | None],
        sealing: Sealing = PLAIN,
    ) -> None:
        self._sealing = sealing
        secret = "\0".join(piece or "" for piece in (*client, credential.refresh_token or credential.access_token))
        self.path = folder / f"{hashlib.sha256(secret.encode()).hexdigest()[:32]}.json"

    def read(self) -> Known:
        """Return what is known; nothing where the file is not there or can't be read. Raises :class:`SealingError`
        where it is encrypted and can't be opened: what stands there must not be overwritten."""
        try:
            return json.decode_as(Known, self._sealing.opened(self.path.read_bytes()))
        except (OSError, json.MalformedJson):
            return Known()

    def write(self, known: Known) -> None:
        """Write what is known. Raises ``OSError``. Only for whoever holds the lock."""
        write_atomically(self.path, self._sealing.sealed(json.encode(known)))

    def stamp(self) -> tuple[int, int] | None:
        """Return what changes with every write."""
        return stamp_of(self.path)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the lock of all processes. Waiting may be cancelled."""
        descriptor = await asyncio.to_thread(self._open)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOOK)
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        private_folder(self.path.parent)
        return os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)


def stamp_of(path: Path | str) -> tuple[int, int] | None:
    """Return what changes with a file's content; ``None`` where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
