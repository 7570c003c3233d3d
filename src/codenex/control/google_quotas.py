"""What is left of Google accounts' quotas: asked by this process alone when somebody looks at it, at most every few
minutes, and kept like what other providers tell of theirs. Requests of clients never wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from codenex.control.database.quotas import Quota as KeptQuota
from codenex.control.database.quotas import Quotas
from codenex.core.errors import Fault
from codenex.models.antigravity import public_name
from codenex.providers.google.cloud import cloud_of
from codenex.providers.google.logins import whose
from codenex.providers.google.quota import Quota
from codenex.providers.google.service import Service
from codenex.providers.registry import PROVIDER_TYPES
from codenex.providers.transport import Transport
from codenex.store.settings import Account

#: Seconds for which an answer is good, for which even an operator's ``refresh`` gets it, and that asking may take.
FRESH = 300.0
NEWEST = 5.0
PATIENCE = 20.0


class Told(msgspec.Struct, frozen=True):
    """What an account's quotas are. ``at`` is when Google was asked, in seconds since 1970; ``plan`` is Google's name
    of the account's tier; ``error`` says why there is no newer answer."""

    quotas: list[KeptQuota]
    at: float
    cached: bool = False
    email: str | None = None
    plan: str | None = None
    error: str | None = None


class GoogleQuotas:
    """The quotas of all Google accounts. ``kept`` returns the database's table, where there is one."""

    def __init__(self, transport: Callable[[], Awaitable[Transport]], kept: Callable[[], Quotas | None]) -> None:
        self._transport = transport
        self._kept = kept
        self._told: dict[str, Told] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def told(self, account: Account, *, refresh: bool = False) -> Told:
        """Return an account's quotas; Google is asked where nothing is known that is new enough."""
        async with self._turns.setdefault(account.uuid, asyncio.Lock()):
            known = self._told.get(account.uuid) or await self._restored(account)
            if known is not None and time.time() - known.at < (NEWEST if refresh else FRESH):
                return msgspec.structs.replace(known, cached=True)
            found = self._told[account.uuid] = await self._asked(account, known)
            return found

    async def _asked(self, account: Account, known: Told | None) -> Told:
        service = PROVIDER_TYPES[account.provider].google
        if service is None:
            raise ValueError(f"{account.provider} is none of Google's services")
        now = time.time()
        try:
            async with asyncio.timeout(PATIENCE):
                cloud = cloud_of(await self._transport())
                found = await cloud.quotas(account, service)
        except TimeoutError:
            return _failed(known, now, f"Google did not tell within {PATIENCE:.0f} s")
        except Fault as fault:
            return _failed(known, now, (fault.notice or fault.message)[:500])
        quotas = [_kept(quota, account, service, now) for quota in found]
        table = self._kept()
        if table is not None:
            await table.replace(account.uuid, quotas)
        email, plan = await asyncio.to_thread(whose, account)
        return Told(quotas, now, email=email, plan=plan)

    async def _restored(self, account: Account) -> Told | None:
        table = self._kept()
        quotas = [] if table is None else [quota for quota in await table.all() if quota.account == account.uuid]
        if not quotas:
            return None
        email, plan = await asyncio.to_thread(whose, account)
        return Told(quotas, min(quota.at for quota in quotas), email=email, plan=plan)


def _failed(known: Told | None, now: float, error: str) -> Told:
    """Return what was known before, with what is wrong now."""
    if known is None:
        return Told([], now, error=error)
    return msgspec.structs.replace(known, at=now, cached=True, error=error)


def _kept(quota: Quota, account: Account, service: Service, now: float) -> KeptQuota:
    name = public_name(quota.model) if service.kind == "antigravity" else quota.model
    used = None if quota.remaining is None else round((1 - min(1.0, max(0.0, quota.remaining))) * 100, 2)
    return KeptQuota(
        account.uuid,
        account.provider,
        name or quota.model,
        now,
        used,
        _moment(quota.reset),
        quota.remaining is not None and quota.remaining <= 0,
        {
            name: value
            for name, value in (
                ("modelId", quota.model),
                ("displayName", quota.display_name),
                ("remainingFraction", quota.remaining),
                ("remainingAmount", quota.amount),
                ("resetTime", quota.reset),
            )
            if value is not None
        },
    )


def _moment(text: str | None) -> float | None:
    try:
        moment = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment.timestamp()
