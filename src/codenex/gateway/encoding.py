"""A request on its way from the hub to one account: signatures opened, facts looked up, encoded. Pure."""

from __future__ import annotations

from functools import cached_property

import msgspec

from codenex.core.envelope import may_hold_envelope, opened_request
from codenex.core.identifiers import digest
from codenex.core.losses import Losses
from codenex.core.request import Request
from codenex.core.reversal import PropertyNames
from codenex.core.spoke import Encoded, Spoke
from codenex.gateway.facts import capabilities_of
from codenex.gateway.spokes import SPOKES
from codenex.models.capabilities import Capabilities
from codenex.models.property_names import with_fitting_names
from codenex.providers.registry import ProviderType
from codenex.store.settings import Account, ModelFacts

_NO_NAMES: PropertyNames = {}


class Target:
    """One account of a provider type and the model (the upstream's name) that a request goes to. What all requests to
    it have in common is found out once."""

    def __init__(
        self, provider: ProviderType, account: Account, model: str, corrections: tuple[ModelFacts, ...] = ()
    ) -> None:
        self.provider = provider
        self.account = account
        self.model = model
        self._corrections = corrections
        #: whose bytes can go on as they are
        self.passes = SPOKES.get(provider.protocol) if not account.normalise and provider.fit is None else None

    @cached_property
    def spoke(self) -> Spoke:
        """What the account speaks."""
        return SPOKES[self.provider.protocol]

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the model takes."""
        return capabilities_of(self.provider, self.account, self.model, self._corrections)

    @cached_property
    def scope(self) -> str:
        """Return what signatures are bound to, beside the model: a hash that tells accounts apart and names none."""
        return digest("scope", self.provider.name, self.account.uuid)

    def takes(self, client: Spoke, body: bytes) -> bool:
        """Whether a client's own bytes can go on. A signature of another vendor's answer, which this gateway sealed, is
        nothing that the upstream could read."""
        return self.passes is client and not may_hold_envelope(body)

    def opened(self, request: Request, key: bytes, losses: Losses) -> Request:
        """Return the request with those signatures that this target can read, and with its name of the model."""
        request = opened_request(request, (key,), self.model, self.scope, losses)
        return request if request.model == self.model else msgspec.structs.replace(request, model=self.model)

    def encoded(self, request: Request, key: bytes, losses: Losses) -> Encoded:
        """Return the request as the account's protocol has it. Raises :class:`Fault` (400) for what can't be said."""
        if request.losses:
            losses.extend(request.losses)
        request = self.opened(request, key, losses)
        capabilities, properties, fit = self.capabilities, _NO_NAMES, self.provider.fit
        if capabilities.property_names != "any":
            request, properties = with_fitting_names(request, capabilities.property_names)
        encoded = self.spoke.encode_request(request, capabilities, losses)
        if fit is not None:
            encoded = msgspec.structs.replace(encoded, body=fit(encoded.body, self.model, losses))
        if not properties:
            return encoded
        reversal = msgspec.structs.replace(encoded.reversal, properties=properties)
        return msgspec.structs.replace(encoded, reversal=reversal)


def upstream_model(account: Account, model: str) -> str:
    """Return the account's own name of a model."""
    return account.aliases.get(model, model)
