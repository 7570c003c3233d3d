"""Endpoints for the accounts of provider types: read, add, change, switch, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from codenex.control import pool_entries
from codenex.control.account_health import health_by_account, with_logins
from codenex.control.administration import Refusal
from codenex.control.bulk_api import undo_of
from codenex.control.changing import IfMatch, changed, configuration_file, etag, read_file
from codenex.control.files import POOLS
from codenex.control.masking import masked, secrets_in
from codenex.control.part import ControlPart
from codenex.control.pool_bulk import Gone, taken_out
from codenex.control.pool_entries import Fields, Pools, from_elsewhere, numbered, supported_types, type_of
from codenex.control.state import Part
from codenex.control.trash import Undo
from codenex.core.redaction import hinted
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

TypeName = Annotated[str, Path(max_length=64, description="A provider type.")]
Uuid = Annotated[str, Path(max_length=128, description="The uuid of an account.")]


class ProviderConfig(BaseModel):
    """Fields of an account, as ``provider_pools.json`` has them. A masked value keeps what is stored; ``null`` removes
    a field."""

    model_config = ConfigDict(extra="forbid")

    providerConfig: dict[str, Any] = Field(max_length=200)  # noqa: N815 - existing clients send this name


class NewProvider(ProviderConfig):
    """An account to be added."""

    providerType: str = Field(max_length=64)  # noqa: N815


class AllProviders(BaseModel):
    """Accounts by provider type, and the types that can be added to."""

    providers: dict[str, list[dict[str, Any]]]
    supportedProviders: list[str]  # noqa: N815


class ProvidersOfType(BaseModel):
    """The accounts of one type."""

    providerType: str  # noqa: N815
    providers: list[dict[str, Any]]
    totalCount: int  # noqa: N815
    healthyCount: int  # noqa: N815


class ProviderChanged(BaseModel):
    """One account after a change."""

    success: bool = True
    message: str
    provider: dict[str, Any]
    providerType: str  # noqa: N815


class ProviderRemoved(BaseModel):
    """The account that is there no more."""

    success: bool = True
    message: str
    deletedProvider: dict[str, Any]  # noqa: N815
    undo: Undo | None = None


def providers_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/providers")

    @router.get("")
    async def providers(part: Part, response: Response) -> AllProviders:
        """The accounts by provider type; secrets are masked. ``ETag`` is the revision of the file."""
        found, revision = await _accounts(part)
        response.headers["etag"] = etag(revision)
        return AllProviders(providers=found, supportedProviders=supported_types())

    @router.get("/supported")
    async def supported() -> list[str]:
        """The provider types that accounts can be added to."""
        return supported_types()

    @router.get("/{provider_type}")
    async def of_type(provider_type: TypeName, part: Part, response: Response) -> ProvidersOfType:
        """The accounts of one type; secrets are masked."""
        found, revision = await _accounts(part)
        if provider_type not in found:
            type_of(provider_type)
        group = found.get(provider_type, [])
        healthy = sum(1 for account in group if account["isHealthy"] and not account["isDisabled"])
        response.headers["etag"] = etag(revision)
        return ProvidersOfType(providerType=provider_type, providers=group, totalCount=len(group), healthyCount=healthy)

    @router.post("", status_code=201)
    async def add(body: NewProvider, part: Part, response: Response, if_match: IfMatch = None) -> ProviderChanged:
        """Add an account. It is in use when this answers."""
        kind = type_of(body.providerType)
        return await _change(
            part,
            kind.name,
            "add",
            lambda pools: pool_entries.added(pools, kind, body.providerConfig),
            if_match,
            response,
        )

    @router.put("/{provider_type}/{uuid}")
    async def update(
        provider_type: TypeName,
        uuid: Uuid,
        body: ProviderConfig,
        part: Part,
        response: Response,
        if_match: IfMatch = None,
    ) -> ProviderChanged:
        """Change fields of an account; the others stay as they are, also those that this version does not know."""
        return await _update(part, provider_type, uuid, "update", body.providerConfig, if_match, response)

    @router.post("/{provider_type}/{uuid}/enable")
    async def enable(
        provider_type: TypeName, uuid: Uuid, part: Part, response: Response, if_match: IfMatch = None
    ) -> ProviderChanged:
        """Let requests go to an account again."""
        return await _update(part, provider_type, uuid, "enable", {"isDisabled": False}, if_match, response)

    @router.post("/{provider_type}/{uuid}/disable")
    async def disable(
        provider_type: TypeName, uuid: Uuid, part: Part, response: Response, if_match: IfMatch = None
    ) -> ProviderChanged:
        """Let no more requests go to an account; those in progress end in peace."""
        return await _update(part, provider_type, uuid, "disable", {"isDisabled": True}, if_match, response)

    @router.delete("/{provider_type}/{uuid}")
    async def delete(
        provider_type: TypeName, uuid: Uuid, part: Part, response: Response, if_match: IfMatch = None
    ) -> ProviderRemoved:
        """Remove an account. ``undo`` is the way back, for a minute."""
        kind = type_of(provider_type)
        _refuse_unwritten(part, kind.name, uuid)
        out: list[Gone] = []

        def change(pools: Pools) -> tuple[Pools, Fields]:
            pools, out[:] = taken_out(pools, {kind.name: {uuid}})
            if not out:
                raise Refusal(404, f"{kind.name} has no account {uuid[:128]}")
            return pools, out[0].entry

        done = await _change(part, kind.name, "delete", change, if_match, response)
        return ProviderRemoved(
            message=f"the account {uuid} was removed", deletedProvider=done.provider, undo=undo_of(part, out)
        )

    return router


async def _update(
    part: ControlPart, name: str, uuid: str, action: str, fields: Fields, if_match: str | None, response: Response
) -> ProviderChanged:
    kind = type_of(name)
    _refuse_unwritten(part, kind.name, uuid)
    return await _change(
        part, kind.name, action, lambda pools: pool_entries.updated(pools, kind, uuid, fields), if_match, response
    )


async def _change(
    part: ControlPart,
    name: str,
    action: str,
    change: Callable[[Pools], tuple[Pools, Fields]],
    if_match: str | None,
    response: Response,
) -> ProviderChanged:
    entry, revision = await changed(part, POOLS, change, if_match)
    uuid = entry["uuid"]
    part.events.publish(
        "config_update", {"action": action, "filePath": POOLS, "providerType": name, "providerUuid": uuid}
    )
    response.headers["etag"] = etag(revision)
    shown = _shown(entry, {}, secrets_in(entry))
    return ProviderChanged(message=f"{action}: {name} {uuid}", provider=shown, providerType=name)


def _refuse_unwritten(part: ControlPart, name: str, uuid: str) -> None:
    """Refuse to change an account that is not in the file of pools."""
    for account in part.settings.accounts.get(name, ()):
        if account.uuid == uuid and account.source is not None:
            raise Refusal(409, from_elsewhere(account.source))


async def _accounts(part: ControlPart) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Return all accounts as they are shown, those of the file first, and the file's revision."""
    pools, revision = await read_file(configuration_file(part, POOLS))
    secrets = secrets_in(pools)
    health = await asyncio.to_thread(with_logins, health_by_account(part.shared, part.settings), part.settings)
    found = {
        name: [_shown(entry, health.get(entry.get("uuid", ""), {}), secrets) for entry in entries]
        for name, entries in numbered(pools).items()
        if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    }
    for name, group in part.settings.accounts.items():
        for account in group:
            if account.source is not None:
                found.setdefault(name, []).append(_from_elsewhere(account, health.get(account.uuid, {})))
    return found, revision


def _shown(entry: Fields, health: Fields, secrets: tuple[str, ...]) -> Fields:
    shown = {"customName": None, **masked(entry, secrets), "isHealthy": True, "lastErrorMessage": None}
    return {**shown, "lastErrorTime": None, **health, "isDisabled": entry.get("isDisabled") is True, "source": POOLS}


def _from_elsewhere(account: Account, health: Fields) -> Fields:
    kind = PROVIDER_TYPES[account.provider]
    entry: Fields = {"uuid": account.uuid, "customName": account.name, "isDisabled": account.disabled}
    if kind.base_url_field and account.base_url:
        entry[kind.base_url_field] = account.base_url
    shown = _shown(entry, health, ())
    if kind.key_field and account.api_key:
        shown[kind.key_field] = hinted(account.api_key)
    return {**shown, "source": account.source}
