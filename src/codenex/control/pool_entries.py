"""Changes of what ``provider_pools.json`` holds: accounts are found by their uuid, and fields that this version does
not know stay as they are."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from codenex.control.administration import Refusal
from codenex.control.entries import Entry
from codenex.control.errors import ConfigurationError
from codenex.control.masking import restored
from codenex.control.pools import uuid_of
from codenex.providers.registry import DEMO, PROVIDER_TYPES, ProviderType

#: What other programs and older versions keep in an account beside its configuration. Nobody may set these by hand.
KEPT_FIELDS = frozenset(
    [
        "errorCount",
        "isHealthy",
        "lastErrorMessage",
        "lastErrorStatusCode",
        "lastErrorTime",
        "lastHealthCheckModel",
        "lastHealthCheckTime",
        "lastRefreshTime",
        "lastUsed",
        "circuit",
        "restingModels",
        "scheduledRecoveryTimes",
        "successRate",
        "needsRefresh",
        "refreshCount",
        "scheduledRecoveryTime",
        "usageCount",
        "uuid",
        "_lastSelectionSeq",
        "source",
        "activeRequests",
        "waitingRequests",
    ]
)
_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Pools = dict[str, Any]
Fields = dict[str, Any]


def supported_types() -> list[str]:
    """Return the provider types that accounts can be added to."""
    return [name for name in PROVIDER_TYPES if name != DEMO]


def type_of(name: str) -> ProviderType:
    """Return a provider type. Raises :class:`Refusal`, 404."""
    kind = PROVIDER_TYPES.get(name)
    if kind is None or name == DEMO:
        raise Refusal(404, f"there is no provider type {name[:64]!r}; there are {', '.join(supported_types())}")
    return kind


def numbered(pools: Pools) -> Pools:
    """Return the pools with the uuid of every account written down: one that only follows from its place would change
    with its neighbours. Raises :class:`ConfigurationError`."""
    found: Pools = {}
    for name, entries in pools.items():
        kind = PROVIDER_TYPES.get(name)
        if kind is None or not isinstance(entries, list):
            found[name] = entries
            continue
        found[name] = [
            entry if not isinstance(entry, dict) or entry.get("uuid") else {"uuid": _derived(kind, entry, at), **entry}
            for at, entry in enumerate(entries)
        ]
    return found


def _derived(kind: ProviderType, entry: Fields, position: int) -> str:
    return uuid_of(kind, Entry(entry, f"{kind.name}[{position}]"), position)


def added(pools: Pools, kind: ProviderType, sent: Fields) -> tuple[Pools, Fields]:
    """Return the pools with one account more, and its entry. Raises :class:`Refusal` (409, 422)."""
    pools = numbered(pools)
    entry = {"uuid": str(uuid4()), **restored(sent, None, "providerConfig")}
    if not isinstance(entry["uuid"], str) or _UUID.fullmatch(entry["uuid"]) is None:
        raise Refusal(422, "providerConfig: uuid must be letters, digits, dots, hyphens and underscores")
    for name, group in pools.items():
        for other in objects_in(group):
            if other.get("uuid") == entry["uuid"]:
                raise Refusal(409, f"the uuid {entry['uuid']} is taken by an account of {name}")
            if name == kind.name and _same_account(kind, other, entry):
                raise Refusal(409, f"{name} has this account already: {other.get('uuid')}")
    return {**pools, kind.name: [*objects_in(pools.get(kind.name)), entry]}, entry


def updated(pools: Pools, kind: ProviderType, uuid: str, sent: Fields) -> tuple[Pools, Fields]:
    """Return the pools with fields of one account changed (``None`` removes one), and its entry.

    Raises :class:`Refusal` (404, 409) and :class:`~codenex.control.masking.MaskedValue`.
    """
    pools = numbered(pools)
    group, position = _found(pools, kind, uuid)
    before = group[position]
    changes = {
        name: value for name, value in restored(sent, before, "providerConfig").items() if name not in KEPT_FIELDS
    }
    entry = {name: value for name, value in {**before, **changes}.items() if name not in changes or value is not None}
    # Two that are the same already may differ in anything else, and one of them has to be switched off somehow.
    another = identity_of(kind, entry) != identity_of(kind, before)
    for other in group[:position] + group[position + 1 :]:
        if another and _same_account(kind, other, entry):
            raise Refusal(409, f"{kind.name} has this account already: {other.get('uuid')}")
    return {**pools, kind.name: [*group[:position], entry, *group[position + 1 :]]}, entry


def renamed(pools: Pools, kind: ProviderType, uuid: str, new: str) -> Pools:
    """Return the pools with another uuid of one account. Raises :class:`Refusal`, 404."""
    pools = numbered(pools)
    group, position = _found(pools, kind, uuid)
    return {**pools, kind.name: [*group[:position], {**group[position], "uuid": new}, *group[position + 1 :]]}


def _found(pools: Pools, kind: ProviderType, uuid: str) -> tuple[list[Fields], int]:
    group = pools.get(kind.name, [])
    for position, entry in enumerate(objects_in(group)):
        if entry.get("uuid") == uuid:
            return group, position
    raise Refusal(404, f"{kind.name} has no account {uuid[:128]}")


def objects_in(group: Any) -> list[Fields]:
    """Return the accounts of a type. Raises :class:`ConfigurationError`."""
    if group is None:
        return []
    if not isinstance(group, list) or not all(isinstance(entry, dict) for entry in group):
        raise ConfigurationError("the file of pools holds something else than lists of objects: mend it first")
    return group


def _same_account(kind: ProviderType, one: Fields, other: Fields) -> bool:
    identity = identity_of(kind, one)
    return identity is not None and identity == identity_of(kind, other)


def identity_of(kind: ProviderType, entry: Fields) -> tuple[Any, str] | None:
    """Return what makes an account the same as another one: the same key at the same address; ``None`` where it has no
    key, since two without one may differ in anything."""
    address = entry.get(kind.base_url_field or "") or kind.base_url
    key = entry.get(kind.key_field or "")
    key = key.strip() if isinstance(key, str) else key
    return (key, str(address).rstrip("/")) if key else None


def from_elsewhere(source: str) -> str:
    """Return why an account that is not in the file of pools can't be changed there."""
    return f"this account comes from {source}, so that it is changed there"
