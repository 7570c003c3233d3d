"""Logins at Google that are under way, and what becomes of one that succeeds: a file, an account, and a look at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from codenex.control.callbacks import Callbacks
from codenex.control.pool_entries import Pools, numbered
from codenex.core.errors import Fault
from codenex.providers.google.authorization import PATIENCE, Authorization, Client, Refused
from codenex.providers.google.cloud import cloud_of
from codenex.providers.google.credentials import Credential, CredentialInvalid, parsed, written
from codenex.providers.google.service import Service
from codenex.providers.transport import Transport
from codenex.store.files import write_atomically
from codenex.store.settings import Account, Settings

#: The name of a login's file where it is the first one.
FILE = "oauth_creds.json"


class NoClient(Exception):
    """No OAuth client is configured."""


class Done(msgspec.Struct, frozen=True):
    """A login that succeeded: its file, whose it is, and what there is to be said of the account."""

    path: Path
    email: str | None
    words: str


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


def file_for(settings: Settings, service: Service, credential: Credential) -> Path:
    """Return where a credential is kept: in the place of an older one of the same person, or beside the others."""
    folder = Path(settings.config_dir) / service.folder
    for path in sorted(folder.glob("*.json")):
        if credential.email is not None and not path.is_symlink() and _email_in(path) == credential.email:
            return path
    first = folder / FILE
    return first if not first.exists() else folder / f"{int(time.time() * 1000)}_{FILE}"


def keep_file(path: Path, credential: Credential) -> None:
    """Write a credential that nobody else can read. Raises ``OSError``."""
    write_atomically(path, written(credential))


def linked(pools: Pools, service: Service, path: Path, credential: Credential, uuid: str) -> Pools:
    """Return the pools with an account for a file, unless there is one."""
    pools = numbered(pools)
    group = [entry for entry in pools.get(service.name) or [] if isinstance(entry, dict)]
    if any(Path(str(entry.get(service.file_field) or "-")).resolve() == path.resolve() for entry in group):
        return pools
    entry = {"uuid": uuid, "customName": credential.email or path.stem, service.file_field: str(path)}
    return {**pools, service.name: [*group, entry]}


def account_of_file(settings: Settings, service: Service, path: Path) -> Account | None:
    """Return the account that a file belongs to."""
    for account in settings.accounts.get(service.name, ()):
        file = account.google.credentials_file if account.google is not None else None
        if file is not None and Path(file).resolve() == path.resolve():
            return account
    return None


async def looked_at(transport: Transport, service: Service, account: Account | None, email: str | None) -> str:
    """Look at a new account, and set it up at Google where it isn't; return what there is to be said."""
    whose = f"{email} is logged in" if email else "you are logged in"
    if account is None:
        return f"{whose}; the account will be there when the configuration has been read again."
    try:
        standing, quotas = await cloud_of(transport).check(account, service)
    except Fault as fault:
        return f"{whose}, but the account can't be used yet: {fault.notice or fault.message}"
    tier = standing.tier_name or standing.tier
    return f"{whose}. The account can be used: {tier}, project {standing.project}, {len(quotas)} models."


def _email_in(path: Path) -> str | None:
    try:
        return parsed(path.read_bytes()).email
    except (OSError, CredentialInvalid):
        return None
