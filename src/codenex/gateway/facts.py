"""What a model behind an account takes: the tables of ``models``, corrected by the configuration."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from codenex.models.capabilities import Capabilities
from codenex.providers.registry import ProviderType
from codenex.store.settings import Account, ModelFacts


def capabilities_of(
    provider: ProviderType, account: Account, model: str, corrections: tuple[ModelFacts, ...]
) -> Capabilities:
    """Return the facts of ``model`` (the upstream's name). Of the corrections, later ones win, and an account's own
    win over all."""
    overrides: dict[str, Any] = {}
    for correction in corrections:
        if correction.provider in (None, provider.name) and fnmatchcase(model.lower(), correction.model.lower()):
            overrides = _joined(overrides, correction.facts)
    host = account.base_url or provider.base_url
    return provider.capabilities(model, host, _joined(overrides, account.capabilities))


def _joined(facts: dict[str, Any], further: dict[str, Any]) -> dict[str, Any]:
    joined = {**facts, **further}
    if facts.get("extras") and further.get("extras"):
        joined["extras"] = {**facts["extras"], **further["extras"]}
    return joined
