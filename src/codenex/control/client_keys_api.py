"""Endpoints for client keys: create, limit, replace, revoke. A key itself is in one answer only, when it is made."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from codenex.control.administration import Refusal
from codenex.control.client_keys import ClientKeyFile
from codenex.control.part import ControlPart
from codenex.control.state import Part

_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=1000)]
#: What a window's word can count.
_Count = Annotated[int, Field(ge=0, le=16_000_000)]


class Budget(BaseModel):
    """Dollars in each UTC day or month."""

    model_config = ConfigDict(extra="forbid")

    amount: float = Field(gt=0, le=1_000_000)
    period: Literal["day", "month"] = "month"


class Limits(BaseModel):
    """What a key may do; what is not said stays as it is, ``null`` removes a limit."""

    model_config = ConfigDict(extra="forbid")

    name: _Name | None = None
    disabled: bool | None = None
    expires: AwareDatetime | None = None
    models: _Names | None = None
    providers: _Names | None = None
    requestsPerMinute: _Count | None = None  # noqa: N815 - the file's own spelling
    tokensPerMinute: _Count | None = None  # noqa: N815
    budget: Budget | None = None

    def fields(self) -> dict[str, Any]:
        """Return what was said, as the file has it."""
        said: dict[str, Any] = self.model_dump(exclude_unset=True)
        if isinstance(said.get("expires"), datetime):
            said["expires"] = said["expires"].isoformat()
        return said


class KeyShown(BaseModel):
    """A key with its limits, without itself; ``spent`` are dollars in the current period of its budget."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    disabled: bool = False
    created: Any = None
    expires: str | None = None
    models: list[str] | None = None
    providers: list[str] | None = None
    requestsPerMinute: int | None = None  # noqa: N815
    tokensPerMinute: int | None = None  # noqa: N815
    budget: Budget | None = None
    spent: float | None = None


class AllKeys(BaseModel):
    """Every named key."""

    keys: list[KeyShown]


class KeyMade(BaseModel):
    """A key, for this once."""

    success: bool = True
    key: str
    entry: KeyShown


class KeyChanged(BaseModel):
    """A key after a change."""

    success: bool = True
    key: KeyShown


class KeyRemoved(BaseModel):
    """The key is there no more."""

    success: bool = True


class NewKey(Limits):
    """A key to be made."""

    name: _Name


def client_keys_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/client-keys")

    @router.get("", response_model_exclude_unset=True)
    async def client_keys(part: Part) -> AllKeys:
        """The keys with their limits and what they have spent; never the keys themselves."""
        spent = {key.id: part.spending.of(key) for key in part.settings.client_keys}
        return AllKeys(keys=[_shown(entry, spent.get(entry.get("id", ""))) for entry in _file(part).entries()])

    @router.post("", status_code=201, response_model_exclude_unset=True)
    async def create(body: NewKey, part: Part, response: Response) -> KeyMade:
        """Make a key. It is in this answer and nowhere else."""
        entry, key = _file(part).create(body.fields())
        return await _made(part, entry, key, response)

    @router.put("/{key_id}", response_model_exclude_unset=True)
    async def update(key_id: str, body: Limits, part: Part) -> KeyChanged:
        """Change a key's limits."""
        entry = _file(part).update(key_id, body.fields())
        if entry is None:
            raise _unknown(key_id)
        await _changed(part, "update", key_id)
        return KeyChanged(success=True, key=_shown(entry, None))

    @router.post("/{key_id}/replace", response_model_exclude_unset=True)
    async def replace(key_id: str, part: Part, response: Response) -> KeyMade:
        """Give a key a new secret, with the limits of the old one, which opens nothing any more."""
        made = _file(part).replace_secret(key_id)
        if made is None:
            raise _unknown(key_id)
        return await _made(part, *made, response)

    @router.delete("/{key_id}")
    async def delete(key_id: str, part: Part) -> KeyRemoved:
        """Remove a key, so that it opens nothing any more."""
        if not _file(part).delete(key_id):
            raise _unknown(key_id)
        await _changed(part, "delete", key_id)
        return KeyRemoved()

    return router


async def _made(part: ControlPart, entry: dict[str, Any], key: str, response: Response) -> KeyMade:
    await _changed(part, "add", entry["id"])
    response.headers["cache-control"] = "no-store"
    return KeyMade(success=True, key=key, entry=_shown(entry, None))


async def _changed(part: ControlPart, action: str, key_id: str) -> None:
    """Bring a change into use before it is answered."""
    await part.supervision.reload()
    part.events.publish("config_update", {"action": action, "type": "client_key", "id": key_id})


def _file(part: ControlPart) -> ClientKeyFile:
    return ClientKeyFile(Path(part.settings.config_dir))


def _shown(entry: dict[str, Any], spent: float | None) -> KeyShown:
    shown = {name: value for name, value in entry.items() if name != "digest"}
    return KeyShown.model_validate(shown if spent is None else {**shown, "spent": round(spent, 6)})


def _unknown(key_id: str) -> Refusal:
    return Refusal(404, f"there is no client key {key_id[:64]}")
