"""Endpoints for client keys: create, limit, replace, revoke. A key itself is in one answer only, when it is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from codenex.control.administration import Refusal
from codenex.control.changing import IfMatch, changed, configuration_file, etag, read_file
from codenex.control.client_keys import entries_of, id_of, keys_of, new_entry, renewed, said
from codenex.control.errors import ConfigurationError
from codenex.control.files import CLIENT_KEYS
from codenex.control.masking import masked
from codenex.control.part import ControlPart
from codenex.control.state import Part
from codenex.control.trash import PutBack, Undo

_T = TypeVar("_T")
_Entries = list[dict[str, Any]]
_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=1000)]
#: What a window's word can count.
_Count = Annotated[int, Field(ge=0, le=16_000_000)]


class Budget(BaseModel):
    """Dollars in each UTC day or month."""

    model_config = ConfigDict(extra="forbid")

    amount: float = Field(gt=0, le=1_000_000)
    period: Literal["day", "month"] = "month"


class BudgetShown(BaseModel):
    """Dollars in each UTC day or month, as the file has them."""

    amount: float
    period: Literal["day", "month"]


class Limits(BaseModel):
    """What a key may do; what is not said stays as it is, ``null`` removes a limit. A name can't be removed."""

    model_config = ConfigDict(extra="forbid")

    name: _Name = ""
    disabled: bool | None = None
    expires: AwareDatetime | None = None
    models: _Names | None = None
    providers: _Names | None = None
    requestsPerMinute: _Count | None = None  # noqa: N815 - the file's own spelling
    tokensPerMinute: _Count | None = None  # noqa: N815
    budget: Budget | None = None

    def fields(self) -> dict[str, Any]:
        """Return what was said, as the file has it."""
        fields: dict[str, Any] = self.model_dump(exclude_unset=True)
        if isinstance(fields.get("expires"), datetime):
            fields["expires"] = fields["expires"].isoformat()
        return fields


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
    budget: BudgetShown | None = None
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
    """The key is there no more; ``undo`` is the way back."""

    success: bool = True
    undo: Undo | None = None


class NewKey(Limits):
    """A key to be made."""

    name: _Name


def client_keys_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/client-keys")

    @router.get("", response_model_exclude_unset=True)
    async def client_keys(part: Part, response: Response) -> AllKeys:
        """The keys with their limits and what they have spent; never the keys themselves."""
        content, revision = await read_file(configuration_file(part, CLIENT_KEYS))
        try:
            keys = keys_of(content)
        except ConfigurationError as error:
            raise Refusal(409, f"{error}; the last good copy is in use") from None
        response.headers["etag"] = etag(revision)
        shown = [_shown(entry, part.spending.of(key)) for entry, key in zip(entries_of(content), keys, strict=True)]
        return AllKeys(keys=shown)

    @router.post("", status_code=201, response_model_exclude_unset=True)
    async def create(body: NewKey, part: Part, response: Response, if_match: IfMatch = None) -> KeyMade:
        """Make a key. It is in this answer and nowhere else."""
        entry, key = new_entry(body.fields())
        await _change(part, response, if_match, lambda entries: ([*entries, entry], entry))
        return _made(part, "add", entry, key, response)

    @router.put("/{key_id}", response_model_exclude_unset=True)
    async def update(key_id: str, body: Limits, part: Part, response: Response, if_match: IfMatch = None) -> KeyChanged:
        """Change a key's limits."""
        fields = body.fields()
        entry = await _change(part, response, if_match, _with(key_id, lambda entry: said({**entry, **fields})))
        _tell(part, "update", key_id)
        return KeyChanged(success=True, key=_shown(entry, None))

    @router.post("/{key_id}/replace", response_model_exclude_unset=True)
    async def replace(key_id: str, part: Part, response: Response, if_match: IfMatch = None) -> KeyMade:
        """Give a key a new secret, with the limits of the old one, which opens nothing any more."""
        keys: list[str] = []

        def replaced(entry: dict[str, Any]) -> dict[str, Any]:
            entry, key = renewed(entry)
            keys.append(key)
            return entry

        entry = await _change(part, response, if_match, _with(key_id, replaced))
        return _made(part, "update", entry, keys[-1], response)

    @router.delete("/{key_id}")
    async def delete(key_id: str, part: Part, response: Response, if_match: IfMatch = None) -> KeyRemoved:
        """Remove a key, so that it opens nothing any more. ``undo`` is the way back, for a minute."""

        def without(entries: _Entries) -> tuple[_Entries, tuple[int, dict[str, Any]]]:
            for position, entry in enumerate(entries):
                if id_of(entry) == key_id:
                    return [*entries[:position], *entries[position + 1 :]], (position, entry)
            raise _unknown(key_id)

        position, gone = await _change(part, response, if_match, without)
        _tell(part, "delete", key_id)

        async def restore() -> PutBack:
            await _change(part, Response(), None, lambda entries: (_put_back(entries, position, gone), None))
            _tell(part, "restore", key_id)
            return PutBack([str(gone.get("name") or key_id)])

        return KeyRemoved(undo=part.trash.keep(len(json.dumps(gone)), restore))

    return router


async def _change(
    part: ControlPart, response: Response, if_match: str | None, change: Callable[[_Entries], tuple[_Entries, _T]]
) -> _T:
    """Change the list of keys and bring it into use before it is answered."""

    def applied(content: dict[str, Any]) -> tuple[dict[str, Any], _T]:
        entries, result = change(entries_of(content))
        return {**content, "keys": entries}, result

    result, revision = await changed(part, CLIENT_KEYS, applied, if_match)
    response.headers["etag"] = etag(revision)
    return result


def _with(
    key_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[_Entries], tuple[_Entries, dict[str, Any]]]:
    """Return a change of one entry, which gives that entry besides. Raises :class:`Refusal`: 404."""

    def act(entries: _Entries) -> tuple[_Entries, dict[str, Any]]:
        for position, entry in enumerate(entries):
            if id_of(entry) == key_id:
                after = change(entry)
                return [*entries[:position], after, *entries[position + 1 :]], after
        raise _unknown(key_id)

    return act


def _put_back(entries: _Entries, position: int, gone: dict[str, Any]) -> _Entries:
    """Return the keys with one where it stood. Raises :class:`Refusal`: 409."""
    if any(id_of(entry) == id_of(gone) or entry.get("digest") == gone.get("digest") for entry in entries):
        raise Refusal(409, "this key is there again already")
    return [*entries[:position], gone, *entries[position:]]


def _made(part: ControlPart, action: str, entry: dict[str, Any], key: str, response: Response) -> KeyMade:
    _tell(part, action, id_of(entry))
    response.headers["cache-control"] = "no-store"
    return KeyMade(success=True, key=key, entry=_shown(entry, None))


def _tell(part: ControlPart, action: str, key_id: str) -> None:
    part.events.publish("config_update", {"action": action, "type": "client_key", "id": key_id})


def _shown(entry: dict[str, Any], spent: float | None) -> KeyShown:
    shown = said({name: masked(value) for name, value in entry.items() if name != "digest"})
    shown["id"] = id_of(entry)
    shown["name"] = str(shown.get("name", "")).strip() or shown["id"]
    budget = shown.pop("budget", None) or {}
    if budget.get("amount"):
        shown["budget"] = {"amount": budget["amount"], "period": budget.get("period") or "month"}
    return KeyShown.model_validate(shown if spent is None else {**shown, "spent": round(spent, 6)})


def _unknown(key_id: str) -> Refusal:
    return Refusal(404, f"there is no client key {key_id[:64]}")
