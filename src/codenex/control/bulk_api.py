"""Accounts that are switched or deleted together, and the way back from their deletion."""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from codenex.control.changing import IfMatch, changed, etag
from codenex.control.files import POOLS
from codenex.control.part import ControlPart
from codenex.control.pool_bulk import Gone, put_back, switched, taken_out
from codenex.control.pool_entries import Pools, from_elsewhere, type_of
from codenex.control.state import Part
from codenex.control.trash import PutBack, Undo

#: Accounts in one call at most.
COUNT_LIMIT = 20_000


class AccountNamed(BaseModel):
    """One account."""

    model_config = ConfigDict(extra="forbid")

    providerType: str = Field(max_length=64)  # noqa: N815 - as in all answers
    uuid: str = Field(max_length=128)


class Bulk(BaseModel):
    """What is to be done with which accounts."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["enable", "disable", "delete"]
    accounts: list[AccountNamed] = Field(min_length=1, max_length=COUNT_LIMIT)


class BulkFailure(AccountNamed):
    """An account that was left as it is, and why."""

    message: str


class BulkDone(BaseModel):
    """What was done, and what could not be; ``undo`` is the way back from a deletion."""

    success: bool
    message: str
    doneCount: int  # noqa: N815
    done: list[AccountNamed]
    failed: list[BulkFailure]
    undo: Undo | None = None


def bulk_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/providers")

    @router.post("/bulk")
    async def bulk(body: Bulk, part: Part, response: Response, if_match: IfMatch = None) -> BulkDone:
        """Switch or delete many accounts in one change of the file. What can't be done is told beside what was."""
        elsewhere = {
            (name, one.uuid): one.source
            for name, group in part.settings.accounts.items()
            for one in group
            if one.source is not None
        }
        asked = dict.fromkeys((type_of(one.providerType).name, one.uuid) for one in body.accounts)
        wanted: dict[str, set[str]] = {}
        for name, uuid in asked:
            if (name, uuid) not in elsewhere:
                wanted.setdefault(name, set()).add(uuid)

        def change(pools: Pools) -> tuple[Pools, tuple[list[Gone], list[tuple[str, str]]]]:
            if body.action == "delete":
                pools, gone = taken_out(pools, wanted)
                return pools, (gone, [(one.provider, one.entry["uuid"]) for one in gone])
            pools, done = switched(pools, wanted, body.action == "disable")
            return pools, ([], done)

        (gone, done), revision = await changed(part, POOLS, change, if_match)
        response.headers["etag"] = etag(revision)
        there = set(done)
        failed = [
            BulkFailure(providerType=name, uuid=uuid, message=_reason(name, uuid, elsewhere.get((name, uuid))))
            for name, uuid in asked
            if (name, uuid) not in there
        ]
        if done:
            told = {"action": f"{body.action}_many", "filePath": POOLS, "count": len(done)}
            part.events.publish("config_update", told)
        return BulkDone(
            success=not failed,
            message=f"{body.action}: {len(done)} accounts" + (f", {len(failed)} failed" if failed else ""),
            doneCount=len(done),
            done=[AccountNamed(providerType=name, uuid=uuid) for name, uuid in done],
            failed=failed,
            undo=undo_of(part, gone),
        )

    return router


def undo_of(part: ControlPart, gone: list[Gone]) -> Undo | None:
    """Keep deleted accounts for a minute; ``None`` where there are none or they are too large."""
    if not gone:
        return None

    async def restore() -> PutBack:
        back, _ = await changed(part, POOLS, lambda pools: put_back(pools, gone), None)
        part.events.publish("config_update", {"action": "restore", "filePath": POOLS, "count": len(back)})
        there = {one.entry["uuid"] for one in back}
        skipped = [f"{one.name}: it is there again already" for one in gone if one.entry["uuid"] not in there]
        return PutBack([one.name for one in back], skipped)

    return part.trash.keep(sum(len(json.dumps(one.entry)) for one in gone), restore)


def _reason(name: str, uuid: str, source: str | None) -> str:
    if source is not None:
        return from_elsewhere(source)
    return f"{name} has no account {uuid}"
