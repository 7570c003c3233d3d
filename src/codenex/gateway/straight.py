"""The straight way of an ordinary request: known route, known key, an answer of the client's own protocol.

It does what the general way does, in one coroutine and without what only a failure or a translation needs.
Whatever is unusual goes the general way: at once, or after the first attempt has failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from codenex.core.envelope import RARE, may_hold_envelope
from codenex.core.errors import Fault, FaultKind
from codenex.core.request import Request
from codenex.gateway.admission import Admission
from codenex.gateway.affinity import Session
from codenex.gateway.attempts import Attempts
from codenex.gateway.authentication import Keyring
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import Head, edited, head_of
from codenex.gateway.exchange import Exchange, Handler, Headers
from codenex.gateway.failover import Tried
from codenex.gateway.headers import NAMELESS, passed_beside, passed_up
from codenex.gateway.job import Job
from codenex.gateway.plans import Leg, Place, Plan, Resolve, leg_to, planned
from codenex.gateway.queries import forwarded_query
from codenex.gateway.rate_headers import rate_headers
from codenex.gateway.refusing import refuse
from codenex.gateway.routes import Operation, Route
from codenex.gateway.straight_stream import stream_passed
from codenex.gateway.straight_translation import Translation, decoded, stream_translated
from codenex.gateway.tracing import carried
from codenex.gateway.trail import Trail
from codenex.gateway.upstream import ANSWER_LIMIT, accepted
from codenex.pool.verdict import Verdict
from codenex.providers.transport import UpstreamRequest, UpstreamResponse
from codenex.providers.transport.known_heads import KnownHead
from codenex.providers.transport.light_task import in_task
from codenex.store.settings import Account, ClientKey, Settings
from codenex.telemetry.prompt_log import PromptLog
from codenex.wire.head import RepeatedHeaders

#: Serves a request whose key is known and counted: the general way from there on.
Serve = Callable[[Exchange, Route, Headers, ClientKey], Awaitable[None]]
#: Plans that are remembered at most.
_REMEMBERED = 1024
_LONGEST_MODEL = 256
#: Heads of requests to upstreams that are remembered with one head of a client.
_BEGINNINGS = 16
#: The type that nearly all answers have.
_JSON = "application/json"
#: Path, client key, model as the body names it, and whether a stream is wanted.
Name = tuple[str, str, str | None, bool]


class Familiar(msgspec.Struct, eq=False):
    """What follows from a request's head in one generation of settings. All requests with the same head share it."""

    #: of which generation it is; what has been found out in another one says nothing
    generation: object
    route: Route
    key: ClientKey
    #: whether something is counted for the key
    counted: bool
    #: whether the client wants no translation that loses anything
    strict: bool
    #: what of the query goes on to an upstream of the client's own protocol
    query: str
    #: the headers by name
    sent: dict[str, str]
    #: account, model and whether a stream is wanted → the head of the request to the upstream, up to its request id
    beginnings: dict[Place, bytes]


class Straight:
    """The straight way of one generation of settings. ``routes`` are those that were matched before, ``general`` serves
    any request, ``serve`` one whose key is known, ``resolve`` tells where a model is."""

    def __init__(
        self,
        settings: Settings,
        attempts: Attempts,
        admission: Admission,
        keyring: Keyring,
        routes: dict[str, Route],
        prompts: PromptLog,
        *,
        general: Handler,
        serve: Serve,
        resolve: Resolve,
    ) -> None:
        self._settings = settings
        self._attempts = attempts
        self._accounts = attempts.accounts
        self._transport = attempts.transport
        self._admission = admission
        self._recognised = keyring.recognised
        self._routes = routes
        self._prompts = prompts
        self._general = general
        self._serve = serve
        self._resolve = resolve
        #: stands for the settings, and holds nothing of them
        self._generation = object()
        self._now = asyncio.get_running_loop().time
        self._plans: dict[Name, Plan | None] = {}
        #: what asks for more with every request
        self._off = bool(settings.cors_origins or settings.hedge_after or settings.otlp_endpoint)

    def forget(self) -> None:
        """Forget the plans: upstreams have listed other models."""
        self._plans.clear()

    def handle(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        repetition = exchange.repetition
        if repetition is not None:
            known: Familiar | None = repetition.memory
            if known is not None and known.generation is self._generation and not self._prompts.on:
                exchange.light = True
                return self._answer(exchange, known)
        path, headers = exchange.path, exchange.headers
        # Reversed, so that of several headers of a name the first one stays.
        sent = dict(reversed(headers))
        key = self._recognised(sent)
        if (
            key is None
            or path not in self._routes
            or self._routes[path].operation is not Operation.GENERATE
            or self._off
            or self._prompts.on
            or exchange.method != "POST"
            or "model-provider" in sent
            or len(sent) != len(headers)
            or ("connection" in sent and sent["connection"] not in NAMELESS)
        ):
            return self._general(exchange)
        strict = self._settings.strict or ("x-codenex-strict" in sent and sent["x-codenex-strict"] == "1")
        familiar = Familiar(
            self._generation,
            self._routes[path],
            key,
            self._admission.is_counted(key),
            strict,
            forwarded_query(exchange.query),
            sent,
            {},
        )
        if repetition is not None:
            # Neither key nor route can become another one in this generation, nor can the key expire.
            repetition.memory = familiar
        exchange.light = True
        return self._answer(exchange, familiar)

    async def _answer(self, exchange: Exchange, familiar: Familiar) -> None:
        """Answer a request whose route and key are known."""
        accounts, admission, notes = self._accounts, self._admission, exchange.notes
        route, key = familiar.route, familiar.key
        notes.key, notes.protocol = key.id, route.protocol
        common: Headers = []
        try:
            if familiar.counted:
                common = rate_headers(admission.admit(key), route.protocol, time.time())
            body = exchange.plain
            if body is None:
                body = await exchange.body()
            head = head_of(body)
            name = (exchange.path, key.digest, head.model, head.stream)
            plan = self._plans[name] if name in self._plans else self._planned(name, exchange, route, key, head)
            request, translation = None, None
            if (
                plan is None
                or admission.in_progress >= admission.limit
                or (
                    (request := decoded(plan, head, body, fetches=self._settings.fetch_media)) is None
                    if plan.translates
                    else RARE in body and may_hold_envelope(body)
                )
            ):
                # What follows alone holds the body, and lets go of it when no other attempt can follow.
                del body, head
                await in_task()
                await self._serve(exchange, route, common, key)
                return
            provider = plan.provider.name
            session = preferred = None
            if plan.affine:
                session = self._attempts.affinity.session_of(route.protocol, exchange, head, provider)
                preferred = None if session is None else session.account
            account = accounts.entered(provider, plan.resolution.model, preferred)
            if account is None:
                # What follows alone holds the body, and lets go of it when no other attempt can follow.
                del body, head, request
                await in_task()
                await self._serve(exchange, route, common, key)
                return
            if head.stream:
                job = self._job(exchange, plan, familiar, head, body, request)
                del body, head, request
                await self._stream(job, plan, familiar, account, session, common)
                return
            start, going = self._now(), True
            admission.in_progress += 1
            try:
                notes.provider, notes.account = provider, account.uuid
                if account.uuid in plan.legs:
                    leg = plan.legs[account.uuid]
                else:
                    notes.model = plan.resolution.model
                    leg = leg_to(self._attempts, plan, account)
                notes.model = leg.model
                if request is not None:
                    translation = Translation(
                        exchange, plan, leg, request, self._attempts.envelope_key, strict=familiar.strict
                    )
                    told = translation.body
                else:
                    told = body if leg.renames_from == head.model else edited(head, {"model": leg.model})
                outbound, beginnings = leg.outbound, familiar.beginnings
                beginning = (
                    beginnings[leg.place] if leg.place in beginnings else _beginning(familiar, leg, exchange.headers)
                )
                rest = f"x-request-id: {exchange.request_id}\r\ncontent-length: {len(told)}\r\n\r\n"
                response = await self._transport.send_formatted(
                    outbound.origin, beginning + rest.encode(), told, leg.deadlines
                )
                try:
                    if response.status != 200:
                        await accepted(response, plan.upstream, account)
                    content, known = response.content, None
                    if content is not None:
                        known = None if common else response.known
                    else:
                        content = response.whole(ANSWER_LIMIT)
                        if content is None:
                            content = await response.read(ANSWER_LIMIT)
                    if translation is not None:
                        translation.answer(response, content, common)
                    else:
                        memory = None if known is None else known.memory
                        if memory is not None and memory[0] == leg.headers:
                            down = memory[1]
                        else:
                            down = _going_down(response, leg, common, known)
                        glanced = None if down is None else plan.glance(content)
                        if down is None or glanced is None:
                            await in_task()
                            job = self._job(exchange, plan, familiar, head, body, None)
                            await self._attempts.answer_whole(job, account, response, content, common)
                        else:
                            notes.usage, notes.finish = glanced.usage, glanced.finish
                            exchange.respond(200, down, content)
                finally:
                    if response.charged or not response.complete:
                        response.close()
                going = False
                accounts.left(account)
                if session is not None:
                    self._attempts.affinity.remember(session, account.uuid)
            except Fault as fault:
                going = False
                accounts.ended(account, probe=False)
                job = self._job(exchange, plan, familiar, head, body, request)
                del body, head, request, translation
                await in_task()
                await self._attempts.serve(job, common, Tried(account, fault, start, session))
            except asyncio.CancelledError:
                if going:
                    _left(exchange, account, plan.resolution.model, start)
                raise
            finally:
                if going:
                    accounts.ended(account, probe=False)
                admission.in_progress -= 1
                if key.tokens_per_minute:
                    admission.settle(key, notes.usage)
        except Fault as fault:
            refuse(exchange, fault, route.protocol, common)

    async def _stream(
        self, job: Job, plan: Plan, familiar: Familiar, account: Account, session: Session | None, common: Headers
    ) -> None:
        """Answer with a stream from an account with which an attempt has begun."""
        attempts, accounts, notes, key = self._attempts, self._accounts, job.exchange.notes, familiar.key
        model, start, going = plan.resolution.model, self._now(), True
        self._admission.in_progress += 1
        try:
            with attempts.delivery_of(job) as delivery:
                try:
                    in_band = await self._relayed(job, plan, familiar, account, delivery, common)
                    going = False
                    if in_band is None:
                        accounts.left(account)
                    else:
                        accounts.ended(account, probe=False)
                        Trail(notes, always=False, start=start).served(
                            account.provider, account.uuid, model, 0.0, in_band
                        )
                        verdict = Verdict()
                        accounts.count(model, [*verdict.failed(account.uuid, in_band), *verdict.closed()])
                    if session is not None:
                        attempts.affinity.remember(session, account.uuid)
                except Fault as fault:
                    going = False
                    accounts.ended(account, probe=False)
                    await in_task()
                    await attempts.serve_by(delivery, job, common, Tried(account, fault, start, session))
        except asyncio.CancelledError:
            if going:
                _left(job.exchange, account, model, start)
            raise
        finally:
            if going:
                accounts.ended(account, probe=False)
            self._admission.in_progress -= 1
            if key.tokens_per_minute:
                self._admission.settle(key, notes.usage)

    def _relayed(
        self, job: Job, plan: Plan, familiar: Familiar, account: Account, delivery: Delivery, common: Headers
    ) -> Awaitable[Fault | None]:
        """Return the attempt at a stream. Raises :class:`Fault` where nothing can be sent."""
        attempts, exchange = self._attempts, job.exchange
        notes = exchange.notes
        notes.provider, notes.account, notes.model = account.provider, account.uuid, plan.resolution.model
        leg = plan.legs[account.uuid] if account.uuid in plan.legs else leg_to(attempts, plan, account)
        beginnings = familiar.beginnings
        beginning = beginnings[leg.place] if leg.place in beginnings else _beginning(familiar, leg, exchange.headers)
        notes.model = leg.model
        stream = stream_translated if plan.translates else stream_passed
        return stream(attempts, job, leg, beginning, delivery, common)

    def _planned(self, name: Name, exchange: Exchange, route: Route, key: ClientKey, head: Head) -> Plan | None:
        try:
            plan = planned(self._attempts, self._resolve, exchange, route, key, head)
        except Fault:
            # The general way says so, and what else there is to note of the request.
            return None
        if len(self._plans) < _REMEMBERED and (head.model is None or len(head.model) <= _LONGEST_MODEL):
            self._plans[name] = plan
        return plan

    def _job(
        self,
        exchange: Exchange,
        plan: Plan,
        familiar: Familiar,
        head: Head,
        body: bytes,
        request: Request | None = None,
    ) -> Job:
        return Job(
            exchange,
            plan.spoke,
            head,
            body,
            plan.model,
            head.stream,
            plan.resolution,
            strict=familiar.strict,
            providers=familiar.key.providers,
            _request=request,
        )


def _going_down(response: UpstreamResponse, leg: Leg, common: Headers, known: KnownHead | None) -> Headers | None:
    """Return the headers of an answer as they go to the client, to be kept beside its head where that is ``known``;
    ``None`` where it is no whole answer by its type."""
    fields = response.fields if response.fields is not None else response.first_values()
    kind = fields["content-type"] if "content-type" in fields else None  # noqa: SIM401
    if kind != _JSON and (kind is None or kind.startswith("text/event-stream")):
        return None
    down: Headers = [*leg.headers, *common, *passed_beside(response.headers)]
    if known is not None:
        down = RepeatedHeaders(down)
        known.memory = leg.headers, down
    return down


def _left(exchange: Exchange, account: Account, model: str, start: float) -> None:
    """Note that the client has left during its only attempt."""
    trail = Trail(exchange.notes, always=False, start=start)
    trail.ended(account.provider, account.uuid, model, 0.0, FaultKind.CANCELLED.value)


def _beginning(familiar: Familiar, leg: Leg, headers: Headers) -> bytes:
    """Return the head of a request to an upstream, up to its request id. Raises :class:`Fault` where it can't be
    sent."""
    target = leg.target
    if leg.behind.spoke.name == familiar.route.protocol:
        if familiar.query:
            target += ("&" if "?" in target else "?") + familiar.query
        up = leg.outbound.with_missing(passed_up(headers), familiar.sent)
    else:
        up = leg.outbound.with_defaults(carried(headers))
    made = UpstreamRequest("POST", leg.outbound.origin, target, up, b"", leg.outbound.lines).beginning()
    if len(familiar.beginnings) >= _BEGINNINGS:
        familiar.beginnings.clear()
    familiar.beginnings[leg.place] = made
    return made
