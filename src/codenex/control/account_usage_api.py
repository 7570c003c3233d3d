"""Endpoints about what each account was used for: by provider type and account, in the form that clients of this API
know."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from codenex.control.account_health import health_by_account, with_logins
from codenex.control.administration import Refusal
from codenex.control.config_files import PREFIX
from codenex.control.part import ControlPart
from codenex.control.pool_entries import supported_types, type_of
from codenex.control.providers_api import TypeName, Uuid
from codenex.control.quota_view import google_view, quota_view
from codenex.control.state import Part
from codenex.store.settings import Account

#: The period that requests are counted in, in seconds.
PERIOD = 30 * 86_400.0


class Requests(BaseModel):
    """Requests of the last 30 days; ``lastUsed`` is when the latest one was."""

    total: int = 0
    success: int = 0
    error: int = 0
    inputTokens: int = 0  # noqa: N815
    outputTokens: int = 0  # noqa: N815
    cost: float | None = None
    lastUsed: str | None = None  # noqa: N815
    byModel: dict[str, int] = {}  # noqa: N815


class AccountUsage(BaseModel):
    """One account. ``usage`` is the quota that its provider tells; ``null`` where it tells none."""

    uuid: str
    name: str | None
    configFilePath: str | None = None  # noqa: N815
    isHealthy: bool  # noqa: N815
    isDisabled: bool  # noqa: N815
    success: bool
    error: str | None
    usage: dict[str, Any] | None
    requests: Requests


class TypeUsage(BaseModel):
    """The accounts of one provider type. ``successCount`` and ``errorCount`` are accounts."""

    providerType: str  # noqa: N815
    totalCount: int  # noqa: N815
    successCount: int  # noqa: N815
    errorCount: int  # noqa: N815
    requests: Requests
    instances: list[AccountUsage]
    #: whether nobody was asked for this answer, and when last somebody was; only Google is asked
    fromCache: bool = False  # noqa: N815
    cachedAt: str | None = None  # noqa: N815
    serverTime: str  # noqa: N815


class AllUsage(BaseModel):
    """Every provider type that has accounts."""

    timestamp: str
    fromCache: bool = False  # noqa: N815
    serverTime: str  # noqa: N815
    providers: dict[str, TypeUsage]


class OneUsage(AccountUsage):
    """One account, and the server's time."""

    serverTime: str  # noqa: N815


def account_usage_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/usage")

    @router.get("")
    async def usage(part: Part, refresh: bool = False) -> AllUsage:
        """Requests, tokens, health and quotas of every account. Google is asked for its accounts' quotas every five
        minutes at most, with ``refresh`` at once; other providers tell them with their answers."""
        now = _now()
        names = list(part.settings.accounts)
        found = dict(zip(names, [await _of_type(part, name, now, refresh=refresh) for name in names], strict=True))
        cached = [each.fromCache for each in found.values() if each.cachedAt is not None]
        return AllUsage(timestamp=now, serverTime=now, providers=found, fromCache=bool(cached) and all(cached))

    @router.get("/supported-providers")
    async def supported() -> list[str]:
        """The provider types whose usage is told."""
        return supported_types()

    @router.get("/{provider_type}")
    async def of_type(provider_type: TypeName, part: Part, refresh: bool = False) -> TypeUsage:
        """The accounts of one provider type."""
        type_of(provider_type)
        return await _of_type(part, provider_type, _now(), refresh=refresh)

    @router.get("/{provider_type}/{uuid}")
    async def of_account(provider_type: TypeName, uuid: Uuid, part: Part, refresh: bool = False) -> OneUsage:
        """One account."""
        type_of(provider_type)
        now = _now()
        for instance in (await _of_type(part, provider_type, now, refresh=refresh)).instances:
            if instance.uuid == uuid:
                return OneUsage(**instance.model_dump(), serverTime=now)
        raise Refusal(404, f"{provider_type} has no account {uuid[:128]}")

    return router


async def _of_type(part: ControlPart, name: str, now: str, *, refresh: bool = False) -> TypeUsage:
    accounts = part.settings.accounts.get(name, ())
    counted = await _counted(part, {"provider": name}, "account")
    google = [account for account in accounts if account.google is not None and not account.disabled]
    asked = await asyncio.gather(*(part.google_quotas.told(account, refresh=refresh) for account in google))
    told = {account.uuid: each for account, each in zip(google, asked, strict=True)}
    # What is wrong with a login may have been learned just now.
    health = await asyncio.to_thread(with_logins, health_by_account(part.shared, part.settings), part.settings)
    quotas = [] if part.quotas is None else await part.quotas.all()
    instances = [_instance(part, account, health.get(account.uuid, {}), counted) for account in accounts]
    for instance in instances:
        if (each := told.get(instance.uuid)) is not None:
            instance.usage = google_view(each.quotas, each.plan, each.email)
            instance.success = instance.success and each.error is None
            instance.error = instance.error or each.error
        else:
            instance.usage = quota_view([quota for quota in quotas if quota.account == instance.uuid])
    for instance in instances:
        if instance.requests.total:
            instance.requests.byModel = await _by_model(part, {"provider": name, "account": instance.uuid})
    total = (await _counted(part, {"provider": name}, None)).get(None, Requests())
    total.byModel = await _by_model(part, {"provider": name})
    good = sum(1 for instance in instances if instance.success)
    return TypeUsage(
        providerType=name,
        totalCount=len(instances),
        successCount=good,
        errorCount=len(instances) - good,
        requests=total,
        instances=instances,
        fromCache=bool(asked) and all(each.cached for each in asked),
        cachedAt=_moment(min(each.at for each in asked)) if asked else None,
        serverTime=now,
    )


def _instance(
    part: ControlPart, account: Account, health: dict[str, Any], counted: dict[Any, Requests]
) -> AccountUsage:
    healthy = health.get("isHealthy", True)
    return AccountUsage(
        uuid=account.uuid,
        name=account.name,
        configFilePath=_file_of(part, account),
        isHealthy=healthy,
        isDisabled=account.disabled,
        success=healthy,
        error=None if healthy else health.get("lastErrorMessage"),
        usage=None,
        requests=counted.get(account.uuid, Requests()),
    )


def _file_of(part: ControlPart, account: Account) -> str | None:
    """Return the path of an account's credential file as clients know it, where it lies with the configuration."""
    file = None if account.google is None else account.google.credentials_file
    if file is None:
        return None
    try:
        return PREFIX + Path(file).relative_to(Path(part.settings.config_dir).absolute()).as_posix()
    except ValueError:
        return None


async def _counted(part: ControlPart, filters: dict[str, Any], by: str | None) -> dict[Any, Requests]:
    return {row.get("name"): _requests(row) for row in await _sums(part, by, filters)}


async def _by_model(part: ControlPart, filters: dict[str, Any]) -> dict[str, int]:
    rows = await _sums(part, "model", filters)
    return {str(row["name"]): row["requests"] for row in rows if row["name"] is not None}


async def _sums(part: ControlPart, by: str | None, filters: dict[str, Any]) -> list[dict[str, Any]]:
    if part.statistics is None:
        return []
    now = time.time()
    return await part.statistics.sums(by, now - PERIOD, now, filters)


def _requests(row: dict[str, Any]) -> Requests:
    last = row["lastUsed"]
    return Requests(
        total=row["requests"],
        success=row["requests"] - row["errors"],
        error=row["errors"],
        inputTokens=row["inputTokens"],
        outputTokens=row["outputTokens"],
        cost=row["cost"],
        lastUsed=None if last is None else _moment(last),
    )


def _now() -> str:
    return _moment(time.time())


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
