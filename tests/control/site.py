"""The whole way of a management request: gateway on a port, relay, Unix socket, and the real application behind it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher
from tests.support.client import RawClient, RawResponse
from tests.support.clock import VirtualClock
from tests.support.gateway import RunningGateway, running_gateway, settings_for

from codenex.control.administration import Administration
from codenex.control.passwords import Passwords
from codenex.control.service import ControlService
from codenex.control.setup import setup_notice, token_path
from codenex.providers.transport import Transport
from codenex.server.relay import ControlRelay
from codenex.store.settings import Settings

PASSWORD = "correct horse battery"
#: Hashes passwords in no time.
HASTY = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Site:
    gateway: RunningGateway
    administration: Administration
    clock: VirtualClock
    #: The control part's socket.
    socket: str
    session: str = ""

    @property
    def settings(self) -> Settings:
        return self.administration.settings

    @property
    def configs(self) -> Path:
        return Path(self.settings.config_dir)

    @property
    def token(self) -> str:
        """The setup token in the file."""
        return token_path(self.settings).read_text().strip()

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.session}"}

    @property
    def cookie(self) -> dict[str, str]:
        return {"cookie": f"codenex_session={self.session}"}

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        async with await RawClient.connect(self.gateway.port) as client:
            return await client.ask(method, target, body, headers or {})

    async def status(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> int:
        return (await self.ask(method, target, None, headers)).status

    def make_token(self) -> None:
        """Do as a start does, at the virtual clock's time."""
        setup_notice(self.settings)
        now = self.clock.wall()
        os.utime(token_path(self.settings), (now, now))

    async def set_up(self, password: str = PASSWORD) -> RawResponse:
        """Set the password and keep the session."""
        answer = await self.ask("POST", "/api/setup", {"token": self.token, "password": password})
        if answer.status == 200:
            self.session = answer.json["token"]
        return answer

    async def log_in(self, password: str = PASSWORD) -> RawResponse:
        """Log in and keep the session."""
        answer = await self.ask("POST", "/api/login", {"password": password})
        if answer.status == 200:
            self.session = answer.json["token"]
        return answer


@asynccontextmanager
async def running_site(
    folder: Path, settings: Settings | None = None, *, database_url: str | None = None
) -> AsyncIterator[Site]:
    """Gateway and control part, fresh from the first start, until the block ends. ``folder`` holds ``configs``."""
    # The tests stand before the gateway as a reverse proxy does.
    trusting = settings_for(trusted_proxies=("127.0.0.1",))
    settings = settings or trusting
    settings = msgspec.structs.replace(
        settings, config_dir=str(folder / "configs"), database_url=database_url or settings.database_url
    )
    clock = VirtualClock()
    administration = Administration(settings, clock, clock.wall)
    administration.passwords = Passwords(HASTY)
    # A Unix socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="codenex-") as private:
        path = Path(private) / "control.sock"
        service = ControlService(administration, path)
        await service.start()

        async def address() -> str:
            return str(path)

        def control(transport: Transport) -> Any:
            return ControlRelay(transport, address).handle

        try:
            async with running_gateway(settings, control=control) as gateway:
                site = Site(gateway, administration, clock, str(path))
                site.make_token()
                yield site
        finally:
            await service.stop()
