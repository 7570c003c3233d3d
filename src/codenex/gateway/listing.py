"""Model lists: what the configured providers offer, in the format of the client that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model
from codenex.gateway.exchange import Exchange
from codenex.gateway.resolution import model_not_found
from codenex.gateway.routes import ANTHROPIC, CHAT, GEMINI, Route
from codenex.gateway.spokes import SPOKES
from codenex.gateway.upstream import ask_for_models
from codenex.providers.registry import DEMO, PROVIDER_TYPES
from codenex.providers.transport import Deadlines, Transport
from codenex.store.settings import Account, Settings

#: Seconds that a list from an upstream is used before it is asked again, and that asking may take.
FRESH_FOR = 300.0
_DEADLINES = Deadlines(connect=3.0, first_byte=5.0, idle=5.0)
_LIST_LIMIT = 8 * 1024 * 1024


class Listing:
    """Joins configured, default and detected model lists. ``clock`` gives monotonic seconds."""

    def __init__(self, settings: Settings, transport: Transport, clock: Callable[[], float]) -> None:
        self._transport = transport
        self._clock = clock
        self._found: dict[str, tuple[float, list[Model]]] = {}
        self.detected: dict[str, frozenset[str]] = {}
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings; lists of accounts that stay are kept."""
        self._settings = settings

    async def models(self, provider: str | None) -> list[Model]:
        """Return the models of one provider type or of all, each name once, in order of configuration."""
        settings = self._settings
        names = [provider] if provider is not None else list(settings.accounts)
        if provider is None and not settings.configured_types() and not settings.ever_configured:
            names.insert(0, DEMO)
        groups = await asyncio.gather(*(self._of_type(name) for name in names))
        found: dict[str, Model] = {}
        if provider is None:
            for alias in settings.model_aliases:
                found[alias] = Model(alias)
        for group in groups:
            for model in group:
                found.setdefault(model.id, model)
        return list(found.values())

    async def model(self, name: str, provider: str | None) -> Model:
        """Return one model of the list. Raises :class:`Fault` ``model_not_found`` (404)."""
        for model in await self.models(provider):
            if model.id == name:
                return model
        raise model_not_found(name)

    async def _of_type(self, name: str) -> list[Model]:
        kind = PROVIDER_TYPES.get(name)
        if kind is None:
            return []
        models = [Model(model, owned_by=name) for model in kind.models]
        if kind.program is not None:
            # It lists nothing itself, and serves only where it is.
            models = models if self._settings.accounts.get(name) else []
        accounts = [account for account in self._settings.accounts.get(name, ()) if not account.disabled]
        lists = await asyncio.gather(*(self._of_account(name, account) for account in accounts))
        for account, listed in zip(accounts, lists, strict=True):
            models += [Model(alias, owned_by=name) for alias in account.aliases]
            models += [model for model in listed if model.id not in account.not_supported_models]
        return models

    async def _of_account(self, name: str, account: Account) -> list[Model]:
        if account.supported_models or PROVIDER_TYPES[name].program is not None:
            return [Model(model, owned_by=name) for model in account.supported_models]
        known = self._found.get(account.uuid)
        if known is not None and self._clock() - known[0] < FRESH_FOR:
            return known[1]
        try:
            models = await self._ask(name, account)
        except (Fault, json.MalformedJson):
            # The last known list serves on; an upstream without a list is asked again later.
            models = known[1] if known is not None else []
        self._found[account.uuid] = (self._clock(), models)
        # A new mapping each time: resolutions are remembered for as long as it is the same.
        self.detected = {**self.detected, name: self.detected.get(name, frozenset()) | {model.id for model in models}}
        return models

    async def _ask(self, name: str, account: Account) -> list[Model]:
        kind = PROVIDER_TYPES[name]
        response = await ask_for_models(self._transport, kind, account, _DEADLINES)
        try:
            body = await response.read(_LIST_LIMIT)
        finally:
            response.close()
        if response.status != 200:
            raise Fault(FaultKind.UPSTREAM, f"the upstream answered its model list with status {response.status}")
        return SPOKES[kind.protocol].decode_models(body)


def list_protocol(exchange: Exchange, route: Route) -> str:
    """Return in which protocol's format a client wants a model list: one path serves three kinds of clients."""
    if route.protocol == GEMINI or exchange.header("x-goog-api-key") or exchange.header("x-goog-api-client"):
        return GEMINI
    if exchange.header("anthropic-version") is not None:
        return ANTHROPIC
    return CHAT


def wants_codex(exchange: Exchange) -> bool:
    """Whether the Codex CLI asks, which wants a list of its own shape."""
    return "client_version=" in exchange.query


def codex_models(models: list[Model]) -> bytes:
    """Return the model list that the Codex CLI reads, from which people choose whom to talk to."""
    talking = [model for model in models if not model.embeds]
    return json.encode(
        {"models": [{"slug": model.id, "display_name": model.display_name or model.id} for model in talking]}
    )
