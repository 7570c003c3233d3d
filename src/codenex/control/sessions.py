"""Admin sessions: random tokens, kept hashed, ended by idleness, age, logout and a change of password."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping

import msgspec

#: Seconds.
IDLE_LIMIT = 3600.0
AGE_LIMIT = 12 * 3600.0
KEEP_INTERVAL = 60.0
#: Sessions at once; the oldest one ends when there are more.
COUNT_LIMIT = 100


class Session(msgspec.Struct, frozen=True):
    """An open session, in seconds since 1970. ``id`` tells which it is and opens nothing."""

    id: str
    began: float
    used: float

    @property
    def expires(self) -> float:
        """When it ends if nobody uses it any more."""
        return min(self.began + AGE_LIMIT, self.used + IDLE_LIMIT)


class Sessions:
    """The sessions of one control process. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[float, float]] = {}
        #: Whether something has to be kept that was not there at the last :meth:`snapshot`.
        self.changed = False
        self._kept = clock()

    def begin(self) -> str:
        """Open a session; return its token, which is kept nowhere."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        while len(self._open) >= COUNT_LIMIT:
            del self._open[next(iter(self._open))]
        self._open[_digest(token)] = (now, now)
        self.changed = True
        return token

    def holds(self, token: str) -> bool:
        """Whether a token's session is open; using it keeps it from idling out."""
        key = _digest(token)
        times = self._open.get(key)
        if times is None:
            return False
        began, used = times
        now = self._clock()
        if now - began > AGE_LIMIT or now - used > IDLE_LIMIT:
            del self._open[key]
            self.changed = True
            return False
        self._open[key] = (began, now)
        # Not worth a write each time: a session that idles out a minute early after a crash hurts nobody.
        self.changed = self.changed or now - self._kept > KEEP_INTERVAL
        return True

    def snapshot(self, wall: float) -> dict[str, tuple[float, float]]:
        """Return begin and last use of each session by its digest, in seconds since 1970; ``wall`` is now."""
        self._kept = self._clock()
        ago = wall - self._kept
        return {digest: (began + ago, used + ago) for digest, (began, used) in self._open.items()}

    def restore(self, kept: Mapping[str, tuple[float, float]], wall: float) -> None:
        """Take over the sessions of a former process that :meth:`snapshot` has returned."""
        ago = wall - self._clock()
        for digest, (began, used) in kept.items():
            self._open.setdefault(digest, (began - ago, used - ago))

    def listed(self, wall: float) -> list[Session]:
        """Return the open sessions; ``wall`` is now, in seconds since 1970."""
        ago = wall - self._clock()
        found = [Session(_id(digest), began + ago, used + ago) for digest, (began, used) in self._open.items()]
        return [session for session in found if session.expires > wall]

    def id_of(self, token: str) -> str:
        """Return the id of a token's session."""
        return _id(_digest(token))

    def end_by_id(self, name: str) -> bool:
        """Close the session with this id; return whether there was one."""
        digests = [digest for digest in self._open if _id(digest) == name]
        for digest in digests:
            del self._open[digest]
        self.changed = self.changed or bool(digests)
        return bool(digests)

    def end(self, token: str) -> None:
        """Close a session."""
        self._open.pop(_digest(token), None)
        self.changed = True

    def end_all(self) -> None:
        """Close every session."""
        self._open.clear()
        self.changed = True


def _id(digest: str) -> str:
    # The beginning of the digest of 256 random bits: nothing leads from it to the token.
    return digest[:16]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
