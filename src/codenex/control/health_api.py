"""Endpoints about the health of accounts: check them, forget what went wrong, find their models, remove those that
fail."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel

from codenex.control import pool_entries
from codenex.control.account_health import health_by_account
from codenex.control.administration import Refusal
from codenex.control.bulk_api import undo_of
from codenex.control.changing import IfMatch, changed, configuration_file, etag, read_file
from codenex.control.entries import Entry
from codenex.control.errors import ConfigurationError
from codenex.control.files import POOLS
from codenex.control.masking import MaskedValue, restored
from codenex.control.part import ControlPart
from codenex.control.pool_bulk import taken_out
from codenex.control.pool_entries import Fields, Pools, numbered, type_of
from codenex.control.pools import account_of
from codenex.control.probing import Checked, checked, listed_models
from codenex.control.providers_api import TypeName, Uuid
from codenex.control.state import Part
from codenex.control.trash import Undo
from codenex.core.errors import Fault
from codenex.core.json import MalformedJson
from codenex.pool.health import RETIREMENT
from codenex.store.health_changes import EVERY_MODEL, HealthChange, encoded_change
from codenex.store.settings import Account

#: Accounts that are checked at once.
_AT_ONCE = 4


class CheckResult(BaseModel):
    """One checked account. ``success`` is ``null`` where its upstream was not to be asked."""

    uuid: str
    success: bool | None
    modelName: str | None  # noqa: N815
    message: str
    isAuthError: bool  # noqa: N815


class TypeChecked(BaseModel):
    """All checked accounts of a type."""

    success: bool = True
    message: str
    successCount: int  # noqa: N815
    failCount: int  # noqa: N815
    totalCount: int  # noqa: N815
    results: list[CheckResult]


class AccountChecked(BaseModel):
    """One checked account."""

    success: bool = True
    providerType: str  # noqa: N815
    uuid: str
    healthy: bool | None
    modelName: str | None  # noqa: N815
    message: str
    isAuthError: bool  # noqa: N815


class HealthReset(BaseModel):
    """How many accounts were resting, of how many."""

    success: bool = True
    message: str
    resetCount: int  # noqa: N815
    totalCount: int  # noqa: N815
    providerType: str  # noqa: N815


class ModelsDetected(BaseModel):
    """What an account's upstream lists, and what is chosen of it."""

    success: bool = True
    providerType: str  # noqa: N815
    uuid: str
    count: int
    models: list[str]
    selectedModels: list[str]  # noqa: N815


class RemovedAccount(BaseModel):
    """An account that is there no more."""

    uuid: str
    customName: str | None  # noqa: N815


class UnhealthyRemoved(BaseModel):
    """The accounts that failed and are there no more."""

    success: bool = True
    message: str
    deletedCount: int  # noqa: N815
    remainingCount: int  # noqa: N815
    deletedProviders: list[RemovedAccount]  # noqa: N815
    undo: Undo | None = None


class Detection(BaseModel):
    """Fields that are tried in place of the stored ones; a masked value means the stored one."""

    providerConfig: dict[str, Any] | None = None  # noqa: N815


class UuidRenewed(BaseModel):
    """One account under its new uuid."""

    success: bool = True
    message: str
    oldUuid: str  # noqa: N815
    newUuid: str  # noqa: N815


def health_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/providers")

    @router.post("/{provider_type}/health-check")
    async def check_type(provider_type: TypeName, part: Part) -> TypeChecked:
        """Ask every account of a type that is in use, but those with ``checkHealth: false``; each gets 15 seconds."""
        type_of(provider_type)
        accounts = part.settings.accounts.get(provider_type, ())
        if not accounts:
            raise Refusal(404, f"{provider_type} has no accounts")
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(account: Account) -> CheckResult:
            async with places:
                return _result(account, await check_account(part, account))

        asked = [account for account in accounts if not account.disabled and account.check_health]
        results = await asyncio.gather(*map(one, asked))
        good = sum(1 for result in results if result.success)
        bad = sum(1 for result in results if result.success is False)
        shown = [result.model_dump() for result in results]
        _publish(part, "health_check", provider_type, results=shown)
        return TypeChecked(
            message=f"{good} of {len(results)} accounts answered",
            successCount=good,
            failCount=bad,
            totalCount=len(results),
            results=list(results),
        )

    @router.post("/{provider_type}/{uuid}/health-check")
    async def check_one(provider_type: TypeName, uuid: Uuid, part: Part) -> AccountChecked:
        """Ask one account, whatever its state; it gets 15 seconds."""
        account = _account(part, provider_type, uuid)
        found = await check_account(part, account)
        _publish(part, "health_check_single", provider_type, uuid, result=_result(account, found).model_dump())
        return AccountChecked(
            providerType=provider_type,
            uuid=uuid,
            healthy=found.healthy,
            modelName=found.model,
            message=found.message,
            isAuthError=found.refused,
        )

    @router.post("/{provider_type}/reset-health")
    async def reset(provider_type: TypeName, part: Part) -> HealthReset:
        """Forget every rest of a type's accounts, so that requests go to them at once."""
        type_of(provider_type)
        accounts = part.settings.accounts.get(provider_type, ())
        known = health_by_account(part.shared, part.settings)
        resting = sum(1 for account in accounts if not known.get(account.uuid, {}).get("isHealthy", True))
        for account in accounts:
            trust(part, account)
        _publish(part, "reset_health", provider_type)
        return HealthReset(
            message=f"{resting} of {len(accounts)} accounts rested",
            resetCount=resting,
            totalCount=len(accounts),
            providerType=provider_type,
        )

    @router.delete("/{provider_type}/delete-unhealthy")
    async def delete_unhealthy(
        provider_type: TypeName, part: Part, response: Response, if_match: IfMatch = None
    ) -> UnhealthyRemoved:
        """Remove the accounts of a type that rest because of errors. Those of the environment stay."""
        kind = type_of(provider_type)
        known = health_by_account(part.shared, part.settings)
        failing = {uuid for uuid, health in known.items() if not health["isHealthy"]}

        gone, revision = await changed(part, POOLS, lambda pools: taken_out(pools, {kind.name: failing}), if_match)
        response.headers["etag"] = etag(revision)
        removed = [RemovedAccount(uuid=one.entry["uuid"], customName=_name_of(one.entry)) for one in gone]
        _publish(part, "delete_unhealthy", provider_type, results=[one.model_dump() for one in removed])
        return UnhealthyRemoved(
            message=f"{len(removed)} accounts were removed",
            deletedCount=len(removed),
            remainingCount=len(part.settings.accounts.get(provider_type, ())),
            deletedProviders=removed,
            undo=undo_of(part, gone),
        )

    @router.post("/{provider_type}/{uuid}/detect-models")
    async def detect(provider_type: TypeName, uuid: Uuid, part: Part, body: Detection | None = None) -> ModelsDetected:
        """The models that an account's upstream lists, with fields that may not be stored yet."""
        kind = type_of(provider_type)
        account = _account(part, provider_type, uuid)
        if body is not None and body.providerConfig:
            stored = (await _entries(part)).get(uuid, {})
            try:
                fields = {**stored, **restored(body.providerConfig, stored, "providerConfig"), "uuid": uuid}
                account = msgspec.structs.replace(
                    account_of(kind, Entry(fields, "providerConfig"), 0), proxy_url=account.proxy_url
                )
            except (ConfigurationError, MaskedValue) as error:
                raise Refusal(422, str(error)) from None
        try:
            models = sorted(set(await listed_models(await part.outward.transport(), account)))
        except Fault as fault:
            raise Refusal(400, f"the upstream has told no models: {fault.message[:300]}") from None
        except MalformedJson:
            raise Refusal(400, "the upstream has told no models: its answer can't be read") from None
        return ModelsDetected(
            providerType=provider_type,
            uuid=uuid,
            count=len(models),
            models=models,
            selectedModels=list(account.supported_models),
        )

    @router.post("/{provider_type}/{uuid}/refresh-uuid")
    async def refresh_uuid(
        provider_type: TypeName, uuid: Uuid, part: Part, response: Response, if_match: IfMatch = None
    ) -> UuidRenewed:
        """Give an account another uuid, so that it begins without a history."""
        kind = type_of(provider_type)
        new = str(uuid4())

        def change(pools: Pools) -> tuple[Pools, None]:
            return pool_entries.renamed(pools, kind, uuid, new), None

        _, revision = await changed(part, POOLS, change, if_match)
        response.headers["etag"] = etag(revision)
        _publish(part, "refresh_uuid", provider_type, new)
        return UuidRenewed(message=f"{uuid} is {new} now", oldUuid=uuid, newUuid=new)

    return router


async def _entries(part: ControlPart) -> dict[str, Fields]:
    """Return what the file of pools says of each account; nothing where it can't be read."""
    try:
        pools, _ = await read_file(configuration_file(part, POOLS))
    except Refusal:
        return {}
    groups = [entries for entries in numbered(pools).values() if isinstance(entries, list)]
    return {str(entry.get("uuid")): entry for entries in groups for entry in entries if isinstance(entry, dict)}


def _account(part: ControlPart, provider_type: str, uuid: str) -> Account:
    type_of(provider_type)
    for account in part.settings.accounts.get(provider_type, ()):
        if account.uuid == uuid:
            return account
    raise Refusal(404, f"{provider_type} has no account {uuid[:128]}")


async def check_account(part: ControlPart, account: Account, *, wanted: bool = True) -> Checked:
    """Check an account and tell the workers: one that answers is trusted again, one whose key is refused rests.
    ``wanted`` says that an operator asks for it, and not the clock."""
    named = account.check_model
    found = await checked(await part.outward.transport(), account, part.settings, named, wanted=wanted)
    checked_at = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    part.checks[account.uuid] = {"lastHealthCheckTime": checked_at, "lastHealthCheckModel": found.model}
    if found.healthy:
        trust(part, account)
    elif found.refused:
        now = time.monotonic()
        _tell(part, HealthChange(account.uuid, now + RETIREMENT, "", 0.0, found.message, now, retired=True))
    return found


def trust(part: ControlPart, account: Account) -> None:
    """Tell the workers that requests may go to an account again."""
    _tell(part, HealthChange(account.uuid, 0.0, EVERY_MODEL, 0.0, None, time.monotonic()))


def _tell(part: ControlPart, change: HealthChange) -> None:
    part.shared.append(encoded_change(change))


def _result(account: Account, found: Checked) -> CheckResult:
    return CheckResult(
        uuid=account.uuid,
        success=found.healthy,
        modelName=found.model,
        message=found.message,
        isAuthError=found.refused,
    )


def _name_of(entry: Fields) -> str | None:
    name = entry.get("customName")
    return name if isinstance(name, str) else None


def _publish(part: ControlPart, action: str, provider_type: str, uuid: str | None = None, **more: Any) -> None:
    data = {"action": action, "filePath": POOLS, "providerType": provider_type, "providerUuid": uuid, **more}
    part.events.publish("config_update", data)
