"""Endpoints about what the accounts have left of their quotas, as their upstreams last told."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path

from codenex.control.account_health import health_by_account
from codenex.control.administration import Refusal
from codenex.control.database.quotas import Quota
from codenex.control.part import ControlPart
from codenex.control.state import Part
from codenex.providers.registry import CLAUDE_CODE
from codenex.store.settings import Account

#: The provider types whose upstreams tell quotas.
TELLING = (CLAUDE_CODE,)
#: Percent above which a limit is called so.
_LEVELS = ((90.0, "danger"), (70.0, "warning"))

TypeName = Annotated[str, Path(max_length=64, description="A provider type.")]
Uuid = Annotated[str, Path(max_length=128, description="The uuid of an account.")]


def quota_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/usage")

    @router.get("")
    async def usage(part: Part) -> dict[str, Any]:
        """Quotas of all accounts whose upstreams tell them, by provider type."""
        found = {name: await _of_type(part, name) for name in TELLING if part.settings.accounts.get(name)}
        return {"timestamp": _moment(time.time()), "serverTime": _moment(time.time()), "providers": found}

    @router.get("/supported-providers")
    async def supported() -> list[str]:
        """The provider types whose upstreams tell quotas."""
        return list(TELLING)

    @router.get("/{provider_type}")
    async def of_type(provider_type: TypeName, part: Part) -> dict[str, Any]:
        """Quotas of the accounts of one type."""
        return {**await _of_type(part, _checked(provider_type)), "serverTime": _moment(time.time())}

    @router.get("/{provider_type}/{uuid}")
    async def of_account(provider_type: TypeName, uuid: Uuid, part: Part) -> dict[str, Any]:
        """Quotas of one account."""
        found = await _of_type(part, _checked(provider_type))
        for instance in found["instances"]:
            if instance["uuid"] == uuid:
                return {**instance, "serverTime": _moment(time.time())}
        raise Refusal(404, f"{provider_type} has no account {uuid}")

    return router


def _checked(name: str) -> str:
    if name not in TELLING:
        raise Refusal(404, f"{name[:64]!r} is no provider type that tells quotas; there are {', '.join(TELLING)}")
    return name


async def _of_type(part: ControlPart, name: str) -> dict[str, Any]:
    kept = [] if part.quotas is None else await part.quotas.all()
    health = health_by_account(part.shared)
    instances = [
        _instance(account, [quota for quota in kept if quota.account == account.uuid], health.get(account.uuid, {}))
        for account in part.settings.accounts.get(name, ())
    ]
    told = sum(1 for instance in instances if instance["success"])
    counts = {"totalCount": len(instances), "successCount": told, "errorCount": len(instances) - told}
    return {"providerType": name, **counts, "instances": instances}


def _instance(account: Account, quotas: list[Quota], health: dict[str, Any]) -> dict[str, Any]:
    items = [_item(quota) for quota in quotas]
    percents = [item["percent"] for item in items if item["percent"] is not None]
    used = max(percents, default=None)
    resets = max((item["resetAt"] for item in items if item["resetAt"]), default=None)
    summary = {"usedPercent": used, "status": _level(used), "resetAt": resets, "unit": "percent"}
    return {
        "uuid": account.uuid,
        "name": account.name,
        "isHealthy": health.get("isHealthy", True),
        "isDisabled": account.disabled,
        "success": bool(quotas),
        "error": None if quotas else "nothing has been told yet: a subscription tells its limits with an answer",
        "usage": {"summary": summary, "items": items, "raw": {quota.limit: quota.raw for quota in quotas}},
    }


def _item(quota: Quota) -> dict[str, Any]:
    # A limit that has begun anew since it was told is unused, as far as anybody knows.
    over = quota.resets_at is not None and quota.resets_at <= time.time()
    used = 0.0 if over else quota.used
    return {
        "id": quota.limit,
        "label": quota.limit.replace("_", " "),
        "used": used,
        "limit": 100,
        "percent": used,
        "unit": "percent",
        "status": _level(used),
        "resetAt": None if quota.resets_at is None else _moment(quota.resets_at),
        "at": _moment(quota.at),
    }


def _level(percent: float | None) -> str:
    return next((word for bound, word in _LEVELS if percent is not None and percent > bound), "normal")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
