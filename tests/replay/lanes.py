"""The gateways that captured requests are sent through: the demo, and one in front of each scripted vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from tests.support.gateway import PROVIDERS, RunningGateway, account_for, running_gateway, settings_for
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

TARGETS: Final[Mapping[ProtocolName, tuple[tuple[str, bool], ...]]] = {
    "openai_chat": (("gpt-5.4-mini", True), ("gpt-4o", False)),
    "openai_responses": (("gpt-5.4", True), ("gpt-4o", False)),
    "anthropic": (("claude-opus-5", True), ("claude-haiku-4-5", False)),
    "gemini": (("gemini-3-flash-preview", True), ("gemini-2.5-flash", False)),
}
"""Models that foreign requests are sent to: of each vendor a newer and an older one, which take different things, and
whether the facts of the vendor's own host are taken for it, or those of a compatible server."""

LENIENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "anthropic": {"system_turns": True},
    "gemini": {"snake_case": True, "call_ids": True},
}
"""What a vendor's rules bear of its own clients, who believe more of a model than its documentation says."""


@dataclass(frozen=True)
class Lane:
    """One way to an upstream. ``model`` is the upstream's for every request; None keeps the client's."""

    gateway: RunningGateway
    vendor: ScriptedVendor
    account: Account
    model: str | None
    rebuilt: bool
    compatible: bool = False
    """Whether the upstream is a compatible server of which nothing is known, and not the vendor itself."""
    """Whether requests of the vendor's own protocol go through the hub, too."""

    @property
    def protocol(self) -> ProtocolName:
        return self.vendor.dialect.name

    @property
    def provider(self) -> str:
        return PROVIDERS[self.protocol][0]

    def takes(self, protocol: ProtocolName) -> bool:
        """Whether requests of a client protocol are tried here: foreign ones by model, its own with their own."""
        return (self.model is None) == (protocol == self.protocol)

    def name(self) -> str:
        return f"→ {self.protocol} {self.model or ('rebuilt' if self.rebuilt else 'as it is')}"


@asynccontextmanager
async def lanes(models: Iterable[str]) -> AsyncIterator[list[Lane]]:
    """Every lane, running, for requests that name these models."""
    asked = sorted(set(models))
    async with AsyncExitStack() as stack:
        found: list[Lane] = []
        for protocol, targets in TARGETS.items():
            for model, own_host in targets:
                facts = _facts(protocol, model) if own_host else {}
                lane = await _lane(stack, protocol, asked, model, capabilities=facts)
                found.append(replace(lane, compatible=not own_host))
            for rebuilt in (False, True):
                found.append(await _lane(stack, protocol, asked, None, normalise=rebuilt))
        yield found


async def _lane(
    stack: AsyncExitStack, protocol: ProtocolName, asked: list[str], model: str | None, **fields: Any
) -> Lane:
    vendor = await stack.enter_async_context(ScriptedVendor(protocol, models=asked))
    aliases = {} if model is None else dict.fromkeys(asked, model)
    account = account_for(vendor, aliases=aliases, **fields)
    gateway = await stack.enter_async_context(running_gateway(settings_for(account)))
    return Lane(gateway, vendor, account, model, account.normalise)


def _facts(protocol: ProtocolName, model: str) -> dict[str, Any]:
    """What is known of a model on its vendor's own host, as overrides for the scripted one."""
    kind = PROVIDER_TYPES[PROVIDERS[protocol][0]]
    return msgspec.structs.asdict(kind.capabilities(model, kind.base_url, {}))
