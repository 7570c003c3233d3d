"""Token counts: the target's own counter where it has one, an honest estimate otherwise."""

from __future__ import annotations

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Losses
from codenex.core.request import Request
from codenex.core.spoke import Spoke
from codenex.gateway.accounts import Accounts
from codenex.gateway.edits import edited, head_of
from codenex.gateway.encoding import Target, upstream_model
from codenex.gateway.exchange import Exchange
from codenex.gateway.headers import passed_up
from codenex.gateway.queries import forwarded_query
from codenex.gateway.resolution import Resolution
from codenex.gateway.spokes import SPOKES
from codenex.gateway.tracing import carried, within
from codenex.gateway.upstream import call
from codenex.models.tokens import estimated_input_tokens
from codenex.providers.registry import PROVIDER_TYPES
from codenex.providers.transport import Deadlines, Transport
from codenex.store.settings import Account, ModelFacts

_DEADLINES = Deadlines(connect=5.0, first_byte=15.0, idle=10.0)
_ANSWER_LIMIT = 1024 * 1024


async def counted(
    exchange: Exchange,
    spoke: Spoke,
    body: bytes,
    model: str,
    resolution: Resolution,
    accounts: Accounts,
    transport: Transport,
    corrections: tuple[ModelFacts, ...] = (),
    *,
    key: bytes,
    only: str | None = None,
) -> int:
    """Return the number of input tokens of a request, at least 1. Raises :class:`Fault` (400) for a request that
    is malformed. ``key`` opens what this gateway has sealed; ``only`` is the uuid of the one account that can be asked.

    Counting is cheap and never touches an account's health: whatever goes wrong upstream, the estimate answers.
    """
    request = spoke.decode_count_request(body, model)
    kind = PROVIDER_TYPES.get(resolution.provider)
    account = accounts.choose(resolution.provider, resolution.model, frozenset(), only)
    if kind is not None and account is not None and kind.protocol in SPOKES:
        try:
            return max(
                1, await _asked(exchange, spoke, body, request, resolution, account, transport, corrections, key)
            )
        except (Fault, json.MalformedJson, KeyError):
            pass
    return max(1, estimated_input_tokens(request))


async def _asked(
    exchange: Exchange,
    spoke: Spoke,
    body: bytes,
    request: Request,
    resolution: Resolution,
    account: Account,
    transport: Transport,
    corrections: tuple[ModelFacts, ...],
    key: bytes,
) -> int:
    kind = PROVIDER_TYPES[resolution.provider]
    target = SPOKES[kind.protocol]
    model = upstream_model(account, resolution.model)
    place = Target(kind, account, model, corrections)
    if target.encode_count_request is None:
        raise KeyError(kind.protocol)
    if place.takes(spoke, body):
        head = head_of(body)
        renamed = head.model is not None and head.model != model and spoke.name != "gemini"
        content = edited(head, {"model": model}) if renamed else body
        headers, query = passed_up(exchange.headers), forwarded_query(exchange.query)
    else:
        request = place.opened(request, key, Losses())
        content = target.encode_count_request(request, place.capabilities, Losses()).body
        headers, query = carried(exchange.headers), ""
        if target is spoke:
            headers, query = passed_up(exchange.headers), forwarded_query(exchange.query)
    if "trace" in exchange.notes.more:
        headers = within(headers, exchange.notes)
    response = await call(
        transport,
        kind,
        account,
        "count",
        model,
        content,
        headers=headers,
        request_id=exchange.request_id,
        deadlines=_DEADLINES,
        stream=False,
        query=query,
    )
    try:
        answer = await response.read(_ANSWER_LIMIT)
    finally:
        response.close()
    if response.status != 200:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's counter answered with status {response.status}")
    return target.decode_count(answer)
