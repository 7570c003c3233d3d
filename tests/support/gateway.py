"""The gateway itself, running in the test's event loop on a real port, in front of whatever the test names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor

from codenex.gateway.authentication import digest_of
from codenex.gateway.exchange import Handler
from codenex.gateway.gateway import Gateway
from codenex.gateway.keeper import Keeper
from codenex.gateway.refusing import render_error
from codenex.providers.transport import Transport
from codenex.server import AccessRecord, Limits, Server
from codenex.store.settings import Account, ClientKey, Settings
from codenex.supervisor.listeners import listen

KEY = "cdx-key-for-tests"

#: Provider type and version path under which each scripted vendor is configured.
PROVIDERS = {
    "openai_chat": ("openai-custom", "/v1"),
    "openai_responses": ("openaiResponses-custom", "/v1"),
    "anthropic": ("claude-custom", ""),
    "gemini": ("gemini-custom", ""),
}


@dataclass
class RunningGateway:
    """``url`` has no slash at the end; ``records`` are the access-log records so far."""

    url: str
    port: int
    gateway: Gateway
    server: Server
    transport: Transport
    key: str = KEY
    records: list[AccessRecord] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def idle(self) -> bool:
        """Whether no request is in progress and no upstream connection is in use."""
        return self.server.request_count == 0 and all(not count.in_use for count in self.transport.counts().values())


def account_for(vendor: ScriptedVendor, number: int = 0, **fields: Any) -> Account:
    """An account at a scripted vendor."""
    provider, path = PROVIDERS[vendor.dialect.name]
    fields.setdefault("api_key", UPSTREAM_KEY)
    return Account(f"{provider}-{number}", provider, base_url=vendor.url + path, **fields)


def settings_for(*accounts: Account, **fields: Any) -> Settings:
    """Settings with the tests' client key and some accounts. Files that requests name by address lie somewhere in the
    internet: nobody fetches them, where a test does not ask for it."""
    groups: dict[str, tuple[Account, ...]] = {}
    for account in accounts:
        groups[account.provider] = (*groups.get(account.provider, ()), account)
    values: dict[str, Any] = {
        "client_keys": (ClientKey(digest_of(KEY), "tests"),),
        "accounts": groups,
        "ever_configured": bool(accounts),
        "envelope_key": "00" * 32,
        "fetch_media": False,
        "port": 0,
    }
    return msgspec.structs.replace(Settings(), **{**values, **fields})


@asynccontextmanager
async def running_gateway(
    settings: Settings | None = None,
    *,
    limits: Limits | None = None,
    transport: Callable[[], Transport] = Transport,
    control: Callable[[Transport], Handler] | None = None,
    keeper: Keeper | None = None,
) -> AsyncIterator[RunningGateway]:
    """Serve on a free loopback port until the block ends. ``control`` makes the handler of ``/api``; without a
    ``keeper`` no response is kept."""
    settings = settings if settings is not None else settings_for()
    async with transport() as client:
        gateway = Gateway(settings, client, None if control is None else control(client), keeper=keeper)
        records: list[AccessRecord] = []
        crashes: list[BaseException] = []
        server = Server(
            gateway.handle,
            limits if limits is not None else Limits(body_bytes=settings.max_body_bytes),
            render_error=render_error,
            trusted_proxies=settings.trusted_proxies,
            budget=client.budget,
            on_record=records.append,
            on_crash=lambda _, error: crashes.append(error),
        )
        gateway.draining = lambda: server.draining
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        await server.start([listener])
        try:
            yield RunningGateway(f"http://127.0.0.1:{port}", port, gateway, server, client, records=records)
        finally:
            await server.drain(0)
        if crashes:
            raise AssertionError("the gateway crashed") from crashes[0]
