"""Embeddings: the accounts and lanes of generation for vectors. Never streamed, and never from another provider type
than the one that was meant, because vectors of different models can't be compared."""

from __future__ import annotations

import msgspec

from codenex.core import json
from codenex.core.embeddings import EmbeddingAnswer, EmbeddingRequest, joined
from codenex.core.errors import Fault, FaultKind, unsupported
from codenex.core.losses import Losses
from codenex.core.usage import Usage
from codenex.gateway.attempts import Attempts
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.failover import Failover
from codenex.gateway.headers import passed_down, passed_up
from codenex.gateway.job import settled_losses
from codenex.gateway.queries import forwarded_query
from codenex.gateway.resolution import Resolution
from codenex.gateway.routes import CHAT, GEMINI
from codenex.gateway.spokes import EMBEDDINGS, SPOKES
from codenex.gateway.targets import PoolTarget
from codenex.gateway.tracing import carried, within
from codenex.gateway.upstream import ANSWER_LIMIT, accepted, call
from codenex.models.tokens import estimated_embedding_tokens
from codenex.providers.demo import demo_embeddings
from codenex.providers.endpoints import Method
from codenex.providers.registry import DEMO, PROVIDER_TYPES, ProviderType
from codenex.store.settings import Account

#: The form of embeddings → whose words errors about them have: OpenAI's two protocols have them in common.
_ERRORS = {CHAT: SPOKES[CHAT], GEMINI: SPOKES[GEMINI]}


class Embedding(msgspec.Struct, frozen=True):
    """A request for vectors that is authenticated, read and routed. ``many``: Gemini's method of batches was called."""

    exchange: Exchange
    protocol: str
    many: bool
    body: bytes
    model: str
    resolution: Resolution
    strict: bool = False
    #: the provider types that the client's key may use; none of them means all
    providers: tuple[str, ...] = ()

    @property
    def request(self) -> EmbeddingRequest:
        """The request in the hub's form. Raises :class:`Fault` (400)."""
        return EMBEDDINGS[self.protocol].decode_request(self.body, self.model, many=self.many)


async def embed(work: Embedding, attempts: Attempts, common: Headers) -> None:
    """Answer a request. Raises :class:`Fault`."""
    provider = work.resolution.provider
    if provider == DEMO:
        _demonstrate(work, common)
        return
    kind = PROVIDER_TYPES.get(provider)
    if kind is None or kind.protocol not in EMBEDDINGS:
        raise unsupported(
            f"{provider} has no embeddings: name a model of another provider, or the provider itself"
            " (as a path prefix, before the model's name, or in the header Model-Provider)",
            param="model",
        )

    async def run(kind: ProviderType, account: Account, model: str) -> None:
        await _attempt(work, attempts, kind, account, common)

    failover = Failover(attempts.settings, attempts.accounts, run, notes=work.exchange.notes)
    fault = await failover.through([PoolTarget(provider, work.resolution.model)])
    if fault is not None:
        raise fault


def _demonstrate(work: Embedding, common: Headers) -> None:
    request = work.request
    headers: Headers = [*common, ("x-codenex-provider", DEMO)]
    losses = Losses()
    losses.extend(request.losses)
    headers += settled_losses(work.exchange, losses, strict=work.strict)
    answer = demo_embeddings(request)
    notes = work.exchange.notes
    notes.provider, notes.model, notes.usage = DEMO, work.resolution.model, answer.usage
    _respond(work, EMBEDDINGS[work.protocol].encode_answer(answer, request), headers)


async def _attempt(work: Embedding, attempts: Attempts, kind: ProviderType, account: Account, common: Headers) -> None:
    model = account.aliases.get(work.resolution.model, work.resolution.model)
    notes = work.exchange.notes
    notes.provider, notes.account, notes.model = kind.name, account.uuid, model
    headers: Headers = [*common, ("x-codenex-provider", kind.name)]
    ask = _Asking(work, attempts, kind, account, model)
    if EMBEDDINGS[kind.protocol] is EMBEDDINGS[work.protocol] and not account.normalise:
        await _pass_through(work, ask, headers)
    else:
        await _translate(work, ask, headers)


class _Asking:
    """Calls of one account."""

    def __init__(self, work: Embedding, attempts: Attempts, kind: ProviderType, account: Account, model: str) -> None:
        self._work, self._attempts, self._kind, self._account = work, attempts, kind, account
        self.model = model
        self.target = EMBEDDINGS[kind.protocol]

    async def answer(self, method: Method, body: bytes, headers: Headers, query: str) -> tuple[bytes, Headers]:
        """Return the body and head of an answer. Raises :class:`Fault`."""
        if "trace" in self._work.exchange.notes.more:
            headers = within(headers, self._work.exchange.notes)
        response = await call(
            self._attempts.transport,
            self._kind,
            self._account,
            method,
            self.model,
            body,
            headers=headers,
            request_id=self._work.exchange.request_id,
            deadlines=self._attempts.deadlines_of(self._account),
            stream=False,
            query=query,
        )
        response = await accepted(response, _ERRORS[self.target.name], self._account)
        try:
            return await response.read(ANSWER_LIMIT), response.headers
        finally:
            response.close()


async def _pass_through(work: Embedding, ask: _Asking, headers: Headers) -> None:
    body = work.body
    if ask.model != work.model:
        try:
            body = ask.target.rename(body, ask.model)
        except json.MalformedJson as error:
            raise Fault(FaultKind.INVALID_REQUEST, f"the body can't be read: {error}", code="invalid_json") from None
    method: Method = "embed_many" if work.many else "embed"
    query = forwarded_query(work.exchange.query)
    content, upstream = await ask.answer(method, body, passed_up(work.exchange.headers), query)
    headers = headers + passed_down([pair for pair in upstream if pair[0] != "content-type"])
    usage = ask.target.usage_of(content)
    if usage is None:
        try:
            usage = _estimate(work.request)
        except Fault:
            # What the gateway can't read it can't count; the upstream could, and that is what the client asked for.
            usage = None
    work.exchange.notes.usage = usage
    work.exchange.notes.more["operation"] = "embeddings"
    _respond(work, content, headers)


async def _translate(work: Embedding, ask: _Asking, headers: Headers) -> None:
    request, losses = work.request, Losses()
    losses.extend(request.losses)
    bodies = ask.target.encode_requests(msgspec.structs.replace(request, model=ask.model), losses)
    settled_losses(work.exchange, losses, strict=work.strict)
    answers: list[EmbeddingAnswer] = []
    for body in bodies:
        content, _ = await ask.answer("embed_many", body, carried(work.exchange.headers), "")
        answers.append(ask.target.decode_answer(content))
    answer = joined(answers)
    if len(answer.vectors) != len(request.inputs):
        raise Fault(
            FaultKind.UPSTREAM,
            f"the upstream gave {len(answer.vectors)} vectors for {len(request.inputs)} inputs",
            from_upstream=True,
        )
    if answer.usage is None:
        # Every OpenAI answer has counts, and budgets need one. It is told to be an estimate, and no reason to refuse.
        answer = msgspec.structs.replace(answer, usage=_estimate(request))
        losses.approximate("usage", "the upstream counts no tokens: estimated")
    work.exchange.notes.usage = answer.usage
    work.exchange.notes.more["operation"] = "embeddings"
    content = EMBEDDINGS[work.protocol].encode_answer(answer, request)
    _respond(work, content, headers + settled_losses(work.exchange, losses, strict=False))


def _estimate(request: EmbeddingRequest) -> Usage:
    return Usage(input_uncached=estimated_embedding_tokens(request))


def _respond(work: Embedding, content: bytes, headers: Headers) -> None:
    work.exchange.respond(200, [("content-type", "application/json"), *headers], content)
