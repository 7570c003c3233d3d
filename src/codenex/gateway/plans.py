"""What all ordinary requests of one kind have in common: found out with the first of them, for one generation of
settings."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from codenex.core.spoke import Glance, Spoke
from codenex.gateway.attempts import Attempts
from codenex.gateway.authentication import check_permission
from codenex.gateway.delivery import STREAM_HEADERS
from codenex.gateway.edits import Head
from codenex.gateway.encoding import Target, upstream_model
from codenex.gateway.exchange import Exchange
from codenex.gateway.model_names import model_of
from codenex.gateway.resolution import Resolution
from codenex.gateway.routes import GEMINI, RESPONSES, Operation, Route
from codenex.gateway.spokes import SPOKES
from codenex.gateway.upstream import Outbound, outbound
from codenex.providers.endpoints import quoted_model
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.providers.transport import Deadlines
from codenex.store.settings import Account, ClientKey
from codenex.wire.head import RepeatedHeaders

#: Account, the upstream's name of the model, and whether a stream is wanted.
Place = tuple[str, str, bool]
Resolve = Callable[[Exchange, Route, str], Resolution]


class Leg(msgspec.Struct, frozen=True):
    """The way to one account of a plan: where bytes go, and under which name of the model."""

    #: the upstream's name of the model
    model: str
    #: what tells heads of requests apart that go this way
    place: Place
    #: the name in a body that can go on as it is; where the body has none it is in the path
    renames_from: str | None
    outbound: Outbound
    target: str
    deadlines: Deadlines
    #: headers of the answer that are always the same; of a stream, but for its type
    headers: RepeatedHeaders
    #: the whole head of a stream that has no other
    stream_headers: RepeatedHeaders
    #: what a request is translated for, where bytes don't go on as they are
    behind: Target


class Plan(msgspec.Struct):
    """Where requests with the same path, client key, model and form of the answer go. All accounts take a client's own
    bytes, or none does."""

    route: Route
    spoke: Spoke
    #: what the accounts speak
    upstream: Spoke
    #: whether what goes to them is translated
    translates: bool
    stream: bool
    glance: Callable[[bytes], Glance | None]
    model: str
    resolution: Resolution
    provider: ProviderType
    #: whether the account depends on the conversation
    affine: bool
    legs: dict[str, Leg]


def planned(
    attempts: Attempts, resolve: Resolve, exchange: Exchange, route: Route, key: ClientKey, head: Head
) -> Plan | None:
    """Return the plan of such requests as this one; ``None`` where they are not ordinary. Raises :class:`Fault`."""
    settings, spoke = attempts.settings, SPOKES.get(route.protocol)
    if spoke is None or spoke.glance is None or route.operation is not Operation.GENERATE:
        return None
    if route.protocol in (GEMINI, RESPONSES) or settings.max_attempts < 1:
        return None
    model = model_of(route, head)
    resolution = resolve(exchange, route, model)
    check_permission(key, resolution.provider, resolution.model, model)
    provider = PROVIDER_TYPES.get(resolution.provider)
    accounts = settings.accounts.get(resolution.provider, ())
    if provider is None or provider.program is not None or provider.google is not None or not accounts:
        return None
    pass_through = {
        attempts.target_of(provider, account, upstream_model(account, resolution.model)).passes is spoke
        for account in accounts
    }
    if len(pass_through) > 1:
        return None
    return Plan(
        route,
        spoke,
        SPOKES[provider.protocol],
        translates=False in pass_through,
        stream=head.stream,
        glance=spoke.glance,
        model=model,
        resolution=resolution,
        provider=provider,
        affine=attempts.affinity.matters(resolution.provider),
        legs={},
    )


def leg_to(attempts: Attempts, plan: Plan, account: Account) -> Leg:
    """Return the way to an account. Raises :class:`Fault` where its headers can't be sent."""
    known = plan.legs.get(account.uuid)
    if known is None:
        model = upstream_model(account, plan.resolution.model)
        way = outbound(plan.provider, account, "stream" if plan.stream else "generate", plan.stream)
        target = way.target.replace("{model}", quoted_model(model)) if way.takes_model else way.target
        own = (("x-codenex-provider", plan.provider.name),)
        known = plan.legs[account.uuid] = Leg(
            model,
            (account.uuid, model, plan.stream),
            None if plan.route.model is not None else model,
            way,
            target,
            attempts.deadlines_of(account),
            RepeatedHeaders(own if plan.stream else (("content-type", "application/json"), *own)),
            RepeatedHeaders((("content-type", plan.spoke.stream_type), *STREAM_HEADERS, *own)),
            attempts.target_of(plan.provider, account, model),
        )
    return known
