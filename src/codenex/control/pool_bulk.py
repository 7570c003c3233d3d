"""Changes of many accounts of ``provider_pools.json`` at once, each in one pass: taken out, put back, switched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from codenex.control.administration import Refusal
from codenex.control.pool_entries import Fields, Pools, identity_of, numbered, objects_in
from codenex.providers.registry import PROVIDER_TYPES

#: Uuids by provider type.
Wanted = Mapping[str, Collection[str]]


class Gone(msgspec.Struct, frozen=True):
    """An account that was taken out, where it stood among those of its type, and whether another one of them had the
    same key and address."""

    provider: str
    position: int
    entry: Fields
    twin: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        name = self.entry.get("customName")
        return name if isinstance(name, str) and name else str(self.entry["uuid"])


def taken_out(pools: Pools, wanted: Wanted) -> tuple[Pools, list[Gone]]:
    """Return the pools without some accounts (and without types that have none left), and those accounts. Uuids that
    are not there are passed over."""
    pools = numbered(pools)
    gone: list[Gone] = []
    for provider, uuids in wanted.items():
        group = objects_in(pools.get(provider))
        left = [entry for entry in group if entry.get("uuid") not in uuids]
        if len(left) == len(group):
            continue
        kind = PROVIDER_TYPES[provider]
        known = {identity_of(kind, entry) for entry in left}
        gone += [
            Gone(provider, at, entry, identity_of(kind, entry) in known)
            for at, entry in enumerate(group)
            if entry.get("uuid") in uuids
        ]
        pools[provider] = left
        if not left:
            del pools[provider]
    return pools, gone


def put_back(pools: Pools, gone: list[Gone]) -> tuple[Pools, list[Gone]]:
    """Return the pools with accounts where they stood, and those that are back. An account whose uuid or key has come
    back otherwise is left out. Raises :class:`Refusal` (409) where that holds for all."""
    pools = numbered(pools)
    taken = {entry.get("uuid") for group in pools.values() if isinstance(group, list) for entry in objects_in(group)}
    back: list[Gone] = []
    for provider in dict.fromkeys(one.provider for one in gone):
        kind = PROVIDER_TYPES[provider]
        group = list(objects_in(pools.get(provider)))
        known = {identity_of(kind, entry) for entry in group}
        for one in sorted((one for one in gone if one.provider == provider), key=lambda one: one.position):
            identity = identity_of(kind, one.entry)
            again = not one.twin and identity is not None and identity in known
            if again or one.entry["uuid"] in taken:
                continue
            group.insert(one.position, one.entry)
            back.append(one)
        if group:
            pools[provider] = group
    if gone and not back:
        raise Refusal(409, "what was deleted is there again already")
    return pools, back


def switched(pools: Pools, wanted: Wanted, disabled: bool) -> tuple[Pools, list[tuple[str, str]]]:
    """Return the pools with some accounts switched, and their types and uuids."""
    pools = numbered(pools)
    done: list[tuple[str, str]] = []
    for provider, uuids in wanted.items():
        group: list[Any] = list(objects_in(pools.get(provider)))
        for at, entry in enumerate(group):
            if entry.get("uuid") in uuids:
                group[at] = {**entry, "isDisabled": disabled}
                done.append((provider, entry["uuid"]))
        if group:
            pools[provider] = group
    return pools, done
