"""What the control part itself asks of upstreams: model lists and checks of single accounts. Its connections are made
when they are first needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from codenex.core.spoke import Model
from codenex.gateway.listing import Listing
from codenex.providers.transport import Transport, trusting
from codenex.store.settings import Settings


class Outward:
    """The control part's own way to upstreams. ``settings`` returns those in use."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._transport: Transport | None = None
        self._authorities: str | None = None
        self._listing: Listing | None = None
        self._configured: Settings | None = None
        self._turn = asyncio.Lock()

    async def transport(self) -> Transport:
        """Return the connections; where other authorities are trusted now, new ones."""
        authorities = self._settings().upstream_ca_file
        async with self._turn:
            if self._transport is None or self._authorities != authorities:
                await self._close()
                # Authorities are read from files.
                contexts = await asyncio.to_thread(trusting, authorities)
                self._transport = Transport(ssl_context_factory=contexts)
                self._authorities = authorities
            return self._transport

    async def models(self, provider: str | None) -> list[Model]:
        """Return the models of one provider type or of all, as clients get them."""
        transport = await self.transport()
        settings = self._settings()
        if self._listing is None:
            self._listing = Listing(settings, transport, time.monotonic)
        elif self._configured is not settings:
            self._listing.configure(settings)
        self._configured = settings
        return await self._listing.models(provider)

    async def close(self) -> None:
        """Close all connections."""
        async with self._turn:
            await self._close()

    async def _close(self) -> None:
        transport, self._transport, self._listing = self._transport, None, None
        if transport is not None:
            await transport.close()
