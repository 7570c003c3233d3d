"""Deletes kept responses that have expired: on a server without traffic nobody else would."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from codenex.store.responses import ResponseStore, StoreUnavailable
from codenex.store.settings import Settings

_logger = logging.getLogger(__name__)

#: Seconds between two sweeps.
INTERVAL = 60.0


class Sweeper:
    """Sweeps the file of kept responses. ``settings`` returns those in use, ``wall`` seconds since 1970."""

    def __init__(self, settings: Callable[[], Settings], wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._wall = wall

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            await asyncio.to_thread(self.once)
            await asyncio.sleep(INTERVAL)

    def once(self) -> None:
        """Sweep once; where nothing shall be kept any more, everything goes."""
        settings = self._settings()
        store = ResponseStore(Path(settings.data_dir))
        try:
            store.sweep(self._wall(), settings.stored_responses_bytes if settings.store_responses else 0)
        except StoreUnavailable as error:
            _logger.error("kept responses can't be swept: %s", error)
        finally:
            store.close()
