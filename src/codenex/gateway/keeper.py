"""The store of responses as coroutines see it: its file is read and written by a thread of its own, so that no request
waits for another one's disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from codenex.store.responses import Kept, Place, ResponseStore

P = ParamSpec("P")
T = TypeVar("T")


class Keeper:
    """Keeps and finds responses. Every method raises :class:`~codenex.store.responses.StoreUnavailable`. ``wall`` gives
    seconds since 1970."""

    def __init__(self, store: ResponseStore, wall: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall = wall
        # SQLite's connection belongs to one thread, and one writer at a time is all that the file takes.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="responses")

    async def find(self, client: str, response_id: str) -> Place | tuple[Kept, ...]:
        """Return the whole conversation up to a response; see :meth:`ResponseStore.find`."""
        return await self._run(self._store.find, client, response_id, self._wall())

    async def one(self, client: str, response_id: str) -> Place | tuple[Kept, ...]:
        """Return one turn; see :meth:`ResponseStore.one`."""
        return await self._run(self._store.one, client, response_id, self._wall())

    async def holder(self, client: str, item_id: str) -> Place | tuple[Kept, ...]:
        """Return the turn that an item belongs to; see :meth:`ResponseStore.holder`."""
        return await self._run(self._store.holder, client, item_id, self._wall())

    async def keep(self, client: str, turn: Kept, lifetime: float, limit: int) -> None:
        """Keep a turn: once this returns, every process finds it."""
        await self._run(self._store.keep, client, turn, self._wall(), lifetime, limit)

    async def place(self, client: str, ids: Sequence[str], place: Place) -> None:
        """Remember which account keeps a response and its items."""
        await self._run(self._store.place, client, ids, place, self._wall())

    async def delete(self, client: str, response_id: str) -> bool:
        """Delete a response; return whether it was there."""
        return await self._run(self._store.delete, client, response_id)

    def close(self) -> None:
        """Wait for what is being written, and close the file."""
        self._thread.shutdown(wait=True)
        self._store.close()

    async def _run(self, function: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
