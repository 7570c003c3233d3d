"""What becomes of credentials that are new here, by a login or brought along: a file, an account, a look at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import uuid4

import msgspec

from codenex.control.pool_entries import Pools, numbered
from codenex.core.errors import Fault
from codenex.providers.google.cloud import cloud_of
from codenex.providers.google.credentials import Credential, CredentialInvalid, parsed, written
from codenex.providers.google.service import Service
from codenex.providers.transport import Transport
from codenex.store.files import write_atomically
from codenex.store.sealing import Sealing, SealingError, sealing_of
from codenex.store.settings import Account, Settings

#: The name of a credential's file where it is the first one.
FILE = "oauth_creds.json"

#: Changes the file of pools by a function and brings the change into use; returns the settings from then on.
Link = Callable[[Callable[[Pools], Pools]], Awaitable[Settings]]


class Done(msgspec.Struct, frozen=True):
    """A login that succeeded: its file, whose it is, what there is to be said of the account, and the account itself
    where it is in use already."""

    path: Path
    email: str | None
    words: str
    account: Account | None = None


async def kept(service: Service, credential: Credential, settings: Settings, link: Link, transport: Transport) -> Done:
    """Keep a credential, make an account of it, and look at that. Raises ``OSError`` and what ``link`` raises."""
    path = await asyncio.to_thread(written_file, settings, service, credential)
    renewed = await link(lambda pools: linked(pools, service, {path: credential}))
    account = account_of_file(renewed, service, path)
    return Done(path, credential.email, await _looked_at(transport, service, account, credential.email), account)


def written_file(settings: Settings, service: Service, credential: Credential) -> Path:
    """Write a credential that nobody else can read: in the place of an older one of the same person, or beside the
    others. Raises ``OSError``, :class:`SealingError`."""
    sealing = sealing_of(settings.credentials_key_file)
    path = _file_for(Path(settings.config_dir) / service.folder, credential, sealing)
    write_atomically(path, sealing.sealed(written(credential)))
    return path


def linked(pools: Pools, service: Service, files: Mapping[Path, Credential]) -> Pools:
    """Return the pools with an account for each file that has none."""
    pools = numbered(pools)
    group = [entry for entry in pools.get(service.name) or [] if isinstance(entry, dict)]
    named = {Path(str(entry.get(service.file_field) or "-")).resolve() for entry in group}
    new = [
        {"uuid": str(uuid4()), "customName": credential.email or path.stem, service.file_field: str(path)}
        for path, credential in files.items()
        if path.resolve() not in named
    ]
    return {**pools, service.name: [*group, *new]} if new else pools


def account_of_file(settings: Settings, service: Service, path: Path) -> Account | None:
    """Return the account that a file belongs to."""
    for account in settings.accounts.get(service.name, ()):
        file = account.google.credentials_file if account.google is not None else None
        if file is not None and Path(file).resolve() == path.resolve():
            return account
    return None


async def _looked_at(transport: Transport, service: Service, account: Account | None, email: str | None) -> str:
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


def _file_for(folder: Path, credential: Credential, sealing: Sealing) -> Path:
    for path in sorted(folder.glob("*.json")):
        if credential.email is not None and not path.is_symlink() and _email_in(path, sealing) == credential.email:
            return path
    path, moment = folder / FILE, int(time.time() * 1000)
    while path.exists() or path.is_symlink():
        path, moment = folder / f"{moment}_{FILE}", moment + 1
    return path


def _email_in(path: Path, sealing: Sealing) -> str | None:
    try:
        return parsed(sealing.opened(path.read_bytes())).email
    except (OSError, CredentialInvalid, SealingError):
        return None
