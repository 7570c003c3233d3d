"""Admin sessions: random tokens, kept hashed, ended by idleness, age, logout and a change of password."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

#: Seconds.
IDLE_LIMIT = 3600.0
AGE_LIMIT = 12 * 3600.0
#: Sessions at once; the oldest one ends when there are more.
COUNT_LIMIT = 100


class Sessions:
    """The sessions of one control process. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[float, float]] = {}

    def begin(self) -> str:
        """Open a session; return its token, which is kept nowhere."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        while len(self._open) >= COUNT_LIMIT:
            del self._open[next(iter(self._open))]
        self._open[_digest(token)] = (now, now)
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
            return False
        self._open[key] = (began, now)
        return True

    def end(self, token: str) -> None:
        """Close a session."""
        self._open.pop(_digest(token), None)

    def end_all(self) -> None:
        """Close every session."""
        self._open.clear()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
