"""The endpoint that makes accounts of credential files that lie below the configuration's folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from codenex.control import pool_entries
from codenex.control.administration import Refusal
from codenex.control.changing import changed
from codenex.control.config_files import Folder
from codenex.control.files import POOLS
from codenex.control.part import ControlPart
from codenex.control.pool_entries import Fields, Pools, type_of
from codenex.control.state import Part
from codenex.control.uploads import folder_of

_Path = Annotated[str, Field(min_length=1, max_length=1000)]


class Links(BaseModel):
    """One file, or several."""

    model_config = ConfigDict(extra="forbid")

    filePath: _Path | None = None  # noqa: N815
    filePaths: Annotated[list[_Path], Field(max_length=1000)] | None = None  # noqa: N815


class LinkResult(BaseModel):
    """What became of one file."""

    filePath: str  # noqa: N815
    success: bool
    message: str
    providerType: str | None = None  # noqa: N815
    uuid: str | None = None


class Linked(BaseModel):
    """What became of all files."""

    success: bool
    message: str
    successCount: int  # noqa: N815
    failCount: int  # noqa: N815
    results: list[LinkResult]


def linking_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.post("/quick-link-provider")
    async def quick_link(body: Links, part: Part) -> Linked:
        """Make an account of each credential file; its folder says of which provider type."""
        paths = [*([body.filePath] if body.filePath else []), *(body.filePaths or [])]
        if not paths:
            raise Refusal(400, "filePath or filePaths says which files to link")
        results = [await _linked(part, path) for path in dict.fromkeys(paths)]
        good = sum(result.success for result in results)
        shown = [result.model_dump() for result in results]
        part.events.publish("config_update", {"action": "quick_link_batch", "filePath": POOLS, "results": shown})
        return Linked(
            success=good == len(results),
            message=f"{good} of {len(results)} files were linked",
            successCount=good,
            failCount=len(results) - good,
            results=results,
        )

    return router


async def _linked(part: ControlPart, path: str) -> LinkResult:
    try:
        name, provider, entry = await _link(part, path)
    except Refusal as refusal:
        return LinkResult(filePath=path, success=False, message=refusal.message)
    return LinkResult(
        filePath=name,
        success=True,
        message=f"an account of {provider} uses it",
        providerType=provider,
        uuid=entry["uuid"],
    )


async def _link(part: ControlPart, path: str) -> tuple[str, str, Fields]:
    configs = Path(part.settings.config_dir)
    folder = await asyncio.to_thread(Folder, configs)
    file = folder.file(path)
    if file is None:
        raise Refusal(404, "File does not exist")
    place = folder_of(file.relative.partition("/")[0])
    kind = type_of(place.provider)
    stored = str(configs / file.relative)

    def change(pools: Pools) -> tuple[Pools, Any]:
        for entry in pools.get(kind.name, []):
            if isinstance(entry, dict) and entry.get(place.field) == stored:
                raise Refusal(409, f"an account uses this file already: {entry.get('uuid')}")
        return pool_entries.added(pools, kind, {place.field: stored})

    entry, _ = await changed(part, POOLS, change, None)
    return file.name, kind.name, entry
