"""Endpoints about models: what each provider type offers, as clients would be told."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from codenex.control.pool_entries import type_of
from codenex.control.providers_api import TypeName
from codenex.control.state import Part


class ModelsOfType(BaseModel):
    """The models of one provider type."""

    providerType: str  # noqa: N815
    models: list[str]


def models_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/provider-models")

    @router.get("")
    async def all_models(part: Part) -> dict[str, list[str]]:
        """The models of every provider type that has accounts, asked of the upstreams where no list is configured."""
        return {name: await _models(part, name) for name in part.settings.configured_types()}

    @router.get("/{provider_type}")
    async def of_type(provider_type: TypeName, part: Part) -> ModelsOfType:
        """The models of one provider type."""
        type_of(provider_type)
        return ModelsOfType(providerType=provider_type, models=await _models(part, provider_type))

    return router


async def _models(part: Part, provider_type: str) -> list[str]:
    found = await part.outward.models(provider_type)
    return list(dict.fromkeys(model.id for model in found))
