"""``codenex login``: one login at Google from a terminal, with or without a browser on this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codenex.control.errors import ConfigurationError
from codenex.control.evaluation import evaluated
from codenex.control.files import POOLS
from codenex.control.google_keeping import Done, kept
from codenex.control.google_login import Login, NoClient, client_of
from codenex.control.pool_entries import Pools
from codenex.control.proposals import ConfigurationFile
from codenex.providers.google.authorization import Authorization, Refused
from codenex.providers.google.credentials import Credential
from codenex.providers.google.service import SERVICES, Service
from codenex.providers.transport import Transport, trusting
from codenex.store.settings import Settings


def log_in(provider: str, flags: dict[str, Any]) -> None:
    """Log in and say what became of it. Raises :class:`ConfigurationError` where nothing did."""
    service = SERVICES.get(provider)
    if service is None:
        raise ConfigurationError(f"{provider[:64]!r} has no login; {' and '.join(SERVICES)} have")
    settings = evaluated(flags, None, make=False).settings
    try:
        done = asyncio.run(_logged_in(service, settings, flags))
    except (NoClient, Refused) as error:
        raise ConfigurationError(str(error)) from None
    print(f"{done.words}\nThe login is kept in {done.path}.")


async def _logged_in(service: Service, settings: Settings, flags: dict[str, Any]) -> Done:
    authorization = Authorization(service, client_of(settings, service))
    async with Transport(ssl_context_factory=trusting(settings.upstream_ca_file)) as transport:

        async def keep(service: Service, credential: Credential) -> Done:
            return await kept(service, credential, settings, link, transport)

        async def link(change: Callable[[Pools], Pools]) -> Settings:
            return await asyncio.to_thread(_linked, change, settings, flags)

        login = Login(authorization, settings.oauth_bind, transport, keep)
        if service.warning is not None:
            print(f"Warning: {service.warning}.\n")
        print(f"Open this page and log in:\n\n{authorization.url}\n")
        try:
            await login.start()
            print(f"Waiting for the answer on {service.redirect_uri}. ", end="")
        except OSError as error:
            print(f"Port {service.port} can't be listened on ({error.strerror}). ", end="")
        print("If the browser can't open that page, paste its address here:", flush=True)
        stop = _on_lines(lambda line: asyncio.ensure_future(_pasted(login, line)))
        try:
            return await login.done
        finally:
            stop()


def _linked(change: Callable[[Pools], Pools], settings: Settings, flags: dict[str, Any]) -> Settings:
    told = {name: str(value) for name, value in flags.items() if value is not None}
    ConfigurationFile(POOLS, Path(settings.pools_file), told).change(change)
    return evaluated(flags, None, make=False).settings


async def _pasted(login: Login, line: str) -> None:
    try:
        await login.take_address(line)
    except Refused as error:
        if not login.done.done():
            print(f"{error}. Paste the address again:", flush=True)


def _on_lines(take: Callable[[str], object]) -> Callable[[], object]:
    """Call ``take`` for every line that is typed; return what ends that."""
    loop = asyncio.get_running_loop()
    rest = b""

    def read() -> None:
        nonlocal rest
        data = os.read(descriptor, 65_536)
        if not data:
            loop.remove_reader(descriptor)
        *lines, rest = (rest + data).split(b"\n")
        for line in filter(None, map(bytes.strip, lines)):
            take(line.decode("utf-8", "replace"))

    try:
        descriptor = sys.stdin.fileno()
        loop.add_reader(descriptor, read)
    except (AttributeError, OSError, ValueError):
        # Nobody can type anything there.
        return lambda: None
    return lambda: loop.remove_reader(descriptor)
