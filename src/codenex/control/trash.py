"""What was deleted a moment ago, for whoever wants it back.

It is in the memory of the control process alone, since it holds keys and logins: nothing of it is ever written or sent,
and it is forgotten after a minute, when it takes too much room, and with the process.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

import msgspec
from pydantic import BaseModel

from codenex.control.administration import Refusal

#: Seconds for which something can be had back.
WINDOW = 60.0
#: Deletions that are kept at most, and bytes of all of them together.
COUNT_LIMIT = 64
SIZE_LIMIT = 32 * 1024 * 1024


class Undo(BaseModel):
    """The way back from a deletion: ``POST /api/undo/{id}``, once, for as many ``seconds``."""

    id: str
    seconds: int


class PutBack(msgspec.Struct, frozen=True):
    """What is there again, and what isn't, with the reasons; both as people read them."""

    restored: list[str]
    skipped: list[str] = []


#: Puts something back. Raises :class:`Refusal`; nothing is changed then.
Restore = Callable[[], Awaitable[PutBack]]


class _Kept(msgspec.Struct, frozen=True):
    restore: Restore
    size: int
    until: float


class Trash:
    """Deletions of the last minute, by ids that nobody can guess. Used in one event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, size: int, restore: Restore) -> Undo | None:
        """Keep a deletion of ``size`` bytes; ``None`` where that is more than may be kept at all. The oldest ones make
        room."""
        if size > SIZE_LIMIT:
            return None
        self._forget_old()
        while self._kept and (len(self._kept) >= COUNT_LIMIT or self._size() + size > SIZE_LIMIT):
            del self._kept[next(iter(self._kept))]
        name = secrets.token_urlsafe(18)
        self._kept[name] = _Kept(restore, size, self._clock() + WINDOW)
        # Secrets are forgotten in time, also where nobody deletes anything afterwards.
        asyncio.get_running_loop().call_later(WINDOW + 1, self._forget_old)
        return Undo(id=name, seconds=int(WINDOW))

    async def restore(self, name: str) -> PutBack:
        """Put a deletion back. An id is good for one success. Raises :class:`Refusal`: 404 (used, too old or unknown),
        and what stands against it."""
        self._forget_old()
        kept = self._kept.pop(name, None)
        if kept is None:
            raise Refusal(404, "this can't be undone any more")
        try:
            return await kept.restore()
        except Refusal:
            self._kept[name] = kept
            raise

    def _size(self) -> int:
        return sum(kept.size for kept in self._kept.values())

    def _forget_old(self) -> None:
        now = self._clock()
        for name in [name for name, kept in self._kept.items() if kept.until <= now]:
            del self._kept[name]
