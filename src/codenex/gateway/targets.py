"""Where a request may be served: the provider type and model that it means, then those that stand in for them. Pure."""

from __future__ import annotations

import msgspec

from codenex.gateway.resolution import Resolution
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Settings


class PoolTarget(msgspec.Struct, frozen=True):
    """A provider type and the model that its accounts are asked for. ``fallback``: it stands in for another one."""

    provider: str
    model: str
    fallback: bool = False


def targets_of(settings: Settings, resolution: Resolution, providers: tuple[str, ...] = ()) -> list[PoolTarget]:
    """Return where a request may be served, in order; the first one always, the others where they have accounts.

    ``providers`` are those that the client's key may use, none of them means all. A provider that the client named has
    no stand-in unless that is configured.
    """
    first = PoolTarget(resolution.provider, resolution.model)
    alone = not (settings.fallback_chain or settings.model_fallback)
    if alone or (resolution.explicit and not settings.explicit_fallback):
        return [first]
    found = {(first.provider, first.model): first}
    pairs = [(name, resolution.model) for name in settings.fallback_chain.get(resolution.provider, ())]
    mapped = settings.model_fallback.get(resolution.model)
    if mapped is not None:
        pairs.append(mapped)
    for name, model in pairs:
        if name in PROVIDER_TYPES and (not providers or name in providers) and _serves(settings, name, model):
            found.setdefault((name, model), PoolTarget(name, model, fallback=True))
    return list(found.values())


def _serves(settings: Settings, provider: str, model: str) -> bool:
    return any(
        not account.disabled
        and model not in account.not_supported_models
        and (not account.supported_models or model in account.supported_models or model in account.aliases)
        for account in settings.accounts.get(provider, ())
    )
