"""Keeps a conversation with the account that has its prompt cache and has made its signatures."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

import msgspec

from codenex.gateway.edits import Head
from codenex.gateway.exchange import Exchange
from codenex.gateway.sessions import identity_of
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory

#: Conversations that a process without shared memory remembers.
_REMEMBERED = 10_000


class Session(msgspec.Struct, frozen=True):
    """A conversation: its key, and the account that it is with, if it is known to be with one."""

    key: int
    account: str | None = None


class Affinity:
    """Which conversation is with which account; all processes know. ``clock`` gives the monotonic seconds that they
    share."""

    def __init__(
        self, settings: Settings, shared: SharedMemory | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._own: OrderedDict[int, tuple[str, float]] = OrderedDict()
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings."""
        self._lifetime = settings.session_affinity
        self._pools = {
            name: sum(not account.disabled for account in group) for name, group in settings.accounts.items()
        }
        self._rows = settings.rows
        self._uuids = {row: uuid for uuid, row in settings.rows.items()}

    def matters(self, provider: str) -> bool:
        """Whether it makes a difference which conversation a request to a provider type belongs to."""
        return bool(self._lifetime) and self._pools.get(provider, 0) > 1

    def session_of(self, protocol: str, exchange: Exchange, head: Head, provider: str) -> Session | None:
        """Return the conversation that a request belongs to; ``None`` where it makes no difference or can't be told."""
        if not self.matters(provider):
            return None
        found = identity_of(protocol, exchange.header, head)
        if found is None:
            return None
        client = exchange.notes.key
        hashed = blake2b(digest_size=8)
        for piece in (str(client), provider, found.name):
            hashed.update(piece.encode("utf-8", "surrogatepass"))
            hashed.update(b"\\x1f")
        key = int.from_bytes(hashed.digest(), "little") | 1
        return Session(key, self._recalled(key) if found.goes_on else None)

    def remember(self, session: Session, account: str) -> None:
        """Say which account a conversation is with now."""
        now = self._clock()
        if self._shared is not None:
            row = self._rows.get(account)
            if row is not None:
                self._shared.remember(session.key, row << 32 | int(now) & 0xFFFFFFFF)
            return
        self._own[session.key] = (account, now)
        self._own.move_to_end(session.key)
        if len(self._own) > _REMEMBERED:
            self._own.popitem(last=False)

    def _recalled(self, key: int) -> str | None:
        now = self._clock()
        if self._shared is None:
            account, at = self._own.get(key, ("", 0.0))
            return account if account and now - at <= self._lifetime else None
        best: tuple[float, int] | None = None
        for value in self._shared.recall(key):
            age = (int(now) - value) & 0xFFFFFFFF
            if age <= self._lifetime and (best is None or age < best[0]):
                best = (age, value >> 32)
        return None if best is None else self._uuids.get(best[1])
