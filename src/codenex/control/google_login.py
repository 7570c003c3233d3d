"""Logins at Google that are under way: each has a listener for its answer, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codenex.control.callbacks import Callbacks
from codenex.control.google_keeping import Done
from codenex.core.errors import Fault
from codenex.providers.google.authorization import PATIENCE, Authorization, Client, Refused
from codenex.providers.google.credentials import Credential
from codenex.providers.google.service import Service
from codenex.providers.transport import Transport
from codenex.store.settings import Settings


class NoClient(Exception):
    """No OAuth client is configured."""


#: Does with a credential what is to be done; returns what there is to be said.
Keep = Callable[[Service, Credential], Awaitable[Done]]


class Login:
    """One login that is under way: a listener for its answer, and an end."""

    def __init__(self, authorization: Authorization, bind: str, transport: Transport, keep: Keep) -> None:
        self.authorization = authorization
        self._transport = transport
        self._keep = keep
        self._callbacks = Callbacks(bind, authorization.service.port, self._take)
        self.done: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._turn = asyncio.Lock()
        self._end: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen for the answer, for ten minutes at most. Raises ``OSError`` where the port is taken."""
        await self._callbacks.start()
        reason = "nobody logged in within ten minutes: begin again"
        self._end = asyncio.get_running_loop().call_later(PATIENCE, self.give_up, reason)

    def give_up(self, reason: str) -> None:
        """End without a login."""
        if not self.done.done():
            self.done.set_exception(Refused(reason))
            # Whoever began may not be there to hear of it.
            self.done.exception()
        self._stop()

    async def take_address(self, address: str) -> str:
        """Take the answer from a pasted address; return what there is to be said. Raises :class:`Refused`."""
        return await self._finished(self.authorization.code_of_address(address))

    async def _take(self, query: str) -> str:
        return await self._finished(self.authorization.code_of(query))

    async def _finished(self, code: str) -> str:
        async with self._turn:
            if self.done.done():
                raise Refused("this login is over: begin again")
            try:
                credential = await self.authorization.credential(self._transport, code)
                done = await self._keep(self.authorization.service, credential)
            except Fault as fault:
                refused = Refused(f"Google can't be reached: {fault.message}")
                self.give_up(str(refused))
                raise refused from None
            except (Refused, OSError) as error:
                reason = (
                    str(error) if isinstance(error, Refused) else "the login can't be kept: a file can't be written"
                )
                self.give_up(reason)
                raise Refused(reason) from None
            self.done.set_result(done)
            self._stop()
            return done.words

    def _stop(self) -> None:
        self._callbacks.stop()
        if self._end is not None:
            self._end.cancel()


def client_of(settings: Settings, service: Service) -> Client:
    """Return the operator's OAuth client. Raises :class:`NoClient`."""
    pair = settings.google_clients.get(service.name)
    if pair is None:
        raise NoClient(
            f"{service.name} needs an OAuth client of yours: set {service.client_id_field} and"
            f" {service.client_secret_field} (its redirect URI is exactly {service.redirect_uri})"
        )
    return Client(
        *pair,
        settings.google_auth_url,
        settings.google_token_url,
        settings.google_userinfo_url,
        settings.google_token_proxy,
        settings.google_userinfo_proxy,
    )
