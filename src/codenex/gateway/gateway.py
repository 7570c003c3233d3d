"""The handler of every request: route, authenticate, read, admit, resolve, serve; and one place where faults
become answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.gateway import listing
from codenex.gateway.accounts import Accounts, Tell
from codenex.gateway.admission import Admission
from codenex.gateway.affinity import Affinity
from codenex.gateway.attempts import Attempts
from codenex.gateway.authentication import Keyring, check_permission, may_be_session
from codenex.gateway.conversation import opened
from codenex.gateway.cors import cors_headers, preflight
from codenex.gateway.counting import counted
from codenex.gateway.demonstration import demonstrate
from codenex.gateway.eavesdropping import overheard
from codenex.gateway.edits import head_of
from codenex.gateway.embedding import Embedding, embed
from codenex.gateway.exchange import Exchange, Handler, Headers
from codenex.gateway.generations import Generations
from codenex.gateway.job import Job
from codenex.gateway.keeper import Keeper
from codenex.gateway.metrics import CONTENT_TYPE, metrics
from codenex.gateway.model_names import model_of
from codenex.gateway.pool_report import pool_report
from codenex.gateway.queries import wants_array
from codenex.gateway.rate_headers import rate_headers
from codenex.gateway.refusing import refuse
from codenex.gateway.resolution import Resolution, resolved
from codenex.gateway.routes import CHAT, GEMINI, RESPONSES, Operation, Route, is_control, matched, protocol_of
from codenex.gateway.spokes import SPOKES
from codenex.gateway.stored import StoredResponses
from codenex.gateway.straight import Straight
from codenex.gateway.tracing import begin_trace
from codenex.providers.claude_code.program import ClaudeCode
from codenex.providers.registry import DEMO, is_known
from codenex.providers.transport import Transport
from codenex.store.settings import ClientKey, Settings
from codenex.store.shared_memory import SharedMemory
from codenex.telemetry.prompt_log import PromptLog

_JSON: Headers = [("content-type", "application/json")]
_LISTS = frozenset({Operation.MODELS, Operation.MODEL})
#: What uses up a client key's limits.
_COUNTED = frozenset({Operation.GENERATE, Operation.EMBED, Operation.EMBED_MANY})
#: What an admin session opens as well.
_ADMINISTRATIVE = frozenset({Operation.PROVIDER_HEALTH, Operation.METRICS})
#: Routes and resolutions that are remembered at most, and the longest path of a route.
_REMEMBERED = 1024
_LONGEST_PATH = 256


class Gateway:
    """The data plane of one process.

    ``control`` answers ``/api`` and pages; without it they are a 503. ``generations`` brings new settings while it
    runs, ``shared`` is the memory in common with other processes, ``tell`` takes events for the event stream,
    ``keeper`` keeps responses, ``prompts`` logs conversations, ``flush`` brings what is measured up to date.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        control: Handler | None = None,
        *,
        generations: Generations | None = None,
        shared: SharedMemory | None = None,
        tell: Tell = lambda name, data: None,
        keeper: Keeper | None = None,
        prompts: PromptLog | None = None,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self._flush = flush
        self._keeper = keeper
        self._prompts = PromptLog() if prompts is None else prompts
        self.transport = transport
        self._shared = shared
        self.accounts = Accounts(settings, shared=shared, tell=tell)
        self.affinity = Affinity(settings, shared)
        self.listing = listing.Listing(settings, transport, asyncio.get_running_loop().time)
        self.admission = Admission(settings, shared)
        self.claude_code = ClaudeCode(transport.budget, tell)
        transport.closing.append(self.claude_code.close)
        self._generations = generations
        self._control = control
        #: Whether the server ends, and takes no new connections.
        self.draining: Callable[[], bool] = lambda: False
        self._open: dict[Operation, Callable[[Exchange, Route, Headers], Awaitable[None]]] = {
            Operation.HEALTH: self._alive,
            Operation.READY: self._ready,
            Operation.CONTROL: self._page,
            Operation.PROBE: self._page,
        }
        self._guarded: dict[Operation, Callable[[Exchange, Route, Headers, ClientKey], Awaitable[None]]] = {
            Operation.GENERATE: self._generate,
            Operation.COUNT: self._count,
            Operation.EMBED: self._embed,
            Operation.EMBED_MANY: self._embed,
            Operation.MODELS: self._models,
            Operation.MODEL: self._model,
            Operation.STORED_RESPONSE: self._stored_response,
            Operation.PROVIDER_HEALTH: self._provider_health,
            Operation.METRICS: self._metrics,
        }
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings; requests in flight keep theirs."""
        self.settings = settings
        self._prompts.hide(
            tuple(s for group in settings.accounts.values() for account in group for s in account.secrets)
        )
        #: there is an account to ask, or nobody has ever configured one and the demo answers
        self._can_answer = not settings.ever_configured or any(
            not account.disabled for group in settings.accounts.values() for account in group
        )
        self.accounts.configure(settings)
        self.listing.configure(settings)
        self.admission.configure(settings)
        self._keyring = Keyring(settings.client_keys)
        self.affinity.configure(settings)
        self._attempts = Attempts(settings, self.accounts, self.affinity, self.transport, self.claude_code)
        #: clients send the same few paths again and again
        self._routes: dict[str, Route] = {}
        #: what was asked → where it goes, for these settings and the models that upstreams have listed
        self._resolutions: dict[tuple[str, str | None, str | None], Resolution] = {}
        self._resolved_with = self.listing.detected
        self._straight = Straight(
            settings,
            self._attempts,
            self.admission,
            self._keyring,
            self._routes,
            self._prompts,
            general=self._general,
            serve=self._generate,
            resolve=self._resolved,
        )

    def handle(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        if self._generations is not None and self._generations.renewed():
            self.configure(self._generations.current)
        if self._resolved_with is not self.listing.detected:
            self._resolutions.clear()
            self._resolved_with = self.listing.detected
            self._straight.forget()
        return self._straight.handle(exchange)

    async def _general(self, exchange: Exchange) -> None:
        """Answer any request."""
        # Other origins may use the client APIs; the management API is for its own pages alone.
        origins = self.settings.cors_origins
        if origins and is_control(exchange.path):
            origins = ()
        common = cors_headers(exchange, origins)
        protocol = CHAT
        try:
            if exchange.method == "OPTIONS":
                status, headers = preflight(exchange, origins)
                exchange.respond(status, headers, b"")
                return
            route = self._routes.get(exchange.path) or self._matched(exchange.path)
            protocol = route.protocol
            if route.operation in _LISTS:
                protocol = listing.list_protocol(exchange, route)
            if route.operation in self._open:
                if exchange.method not in route.methods:
                    raise _wrong_method(exchange, route)
                await self._open[route.operation](exchange, route, common)
                return
            try:
                key = self._keyring.authenticate(exchange)
            except Fault:
                if self._control is None or route.operation not in _ADMINISTRATIVE or not may_be_session(exchange):
                    raise
                # Who has no client key may have an admin session, which the control part knows.
                await self._control(exchange)
                return
            exchange.notes.key, exchange.notes.protocol = key.id, route.protocol
            if self.settings.otlp_endpoint is not None and self._control is not None:
                begin_trace(exchange)
            if exchange.method not in route.methods:
                raise _wrong_method(exchange, route)
            if route.operation in _COUNTED and (allowances := self.admission.admit(key)):
                common = [*common, *rate_headers(allowances, route.protocol, time.time())]
            await self._guarded[route.operation](exchange, route, common, key)
        except Fault as fault:
            if fault.code == "unknown_endpoint" and protocol == CHAT:
                protocol = protocol_of(exchange.path)
            refuse(exchange, fault, protocol, common)

    def _matched(self, path: str) -> Route:
        route = matched(path)
        if len(self._routes) < _REMEMBERED and len(path) <= _LONGEST_PATH:
            self._routes[path] = route
        return route

    async def _alive(self, exchange: Exchange, route: Route, common: Headers) -> None:
        exchange.respond(200, [*_JSON, ("cache-control", "no-store"), *common], b'{"status":"ok"}')

    async def _ready(self, exchange: Exchange, route: Route, common: Headers) -> None:
        """Say whether this process takes work. Accounts that rest don't matter: what they wait for is elsewhere, and a
        gateway that is taken out of service for it could not even say so."""
        state = "draining" if self.draining() else "ok" if self._can_answer else "unconfigured"
        headers = [*_JSON, ("cache-control", "no-store"), *common]
        if state != "ok":
            headers.append(("retry-after", "1"))
        exchange.respond(200 if state == "ok" else 503, headers, json.encode({"status": state}))

    async def _page(self, exchange: Exchange, route: Route, common: Headers) -> None:
        if route.operation is Operation.PROBE and (exchange.method == "HEAD" or self._control is None):
            exchange.respond(200, [("content-type", "text/plain; charset=utf-8"), *common], b"codenex\n")
            return
        if self._control is None:
            raise Fault(FaultKind.UNAVAILABLE, "the management API is not running", code="control_unavailable")
        await self._control(exchange)

    async def _generate(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        body = await exchange.body()
        head = head_of(body)
        stream = head.stream if route.stream is None else route.stream
        model = model_of(route, head)
        watch = overheard(self._prompts, exchange, body, key=key.id, protocol=route.protocol, model=model)
        with self.admission, watch as exchange:
            resolution = self._noted(exchange, route, model)
            check_permission(key, resolution.provider, resolution.model, model)
            job = Job(
                exchange,
                SPOKES[route.protocol],
                head,
                body,
                model,
                stream,
                resolution,
                array_stream=route.protocol == GEMINI and stream and wants_array(exchange.query),
                strict=self.settings.strict or exchange.header("x-codenex-strict") == "1",
                providers=key.providers,
            )
            if (keeper := self._keeper_for(route)) is not None:
                going_on = await opened(keeper, self.settings, key.id, head, body)
                if (place := going_on.conversation.place) is not None:
                    self._attempts.check_place(place, resolution, head)
                job.go_on(going_on)
                del going_on
            # From here on the job alone holds the body, and lets go of it when no other attempt can follow.
            del body, head
            try:
                if resolution.provider == DEMO:
                    await demonstrate(self.settings, job, common)
                else:
                    await self._attempts.serve(job, common)
            finally:
                self.admission.settle(key, exchange.notes.usage)

    async def _count(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        body = await exchange.body()
        model = model_of(route, head_of(body))
        spoke = SPOKES[route.protocol]
        resolution = self._resolved(exchange, route, model)
        check_permission(key, resolution.provider, resolution.model, model)
        facts = self.settings.model_facts
        only = None
        if (keeper := self._keeper_for(route)) is not None:
            head = head_of(body)
            going_on = await opened(keeper, self.settings, key.id, head, body)
            body = going_on.body
            if (place := going_on.conversation.place) is not None:
                self._attempts.check_place(place, resolution, head)
                only = place.account
        tokens = await counted(
            exchange,
            spoke,
            body,
            model,
            resolution,
            self.accounts,
            self.transport,
            facts,
            key=self._attempts.envelope_key,
            only=only,
        )
        provider = ("x-codenex-provider", resolution.provider)
        exchange.respond(200, [*_JSON, provider, *common], spoke.encode_count(tokens))

    async def _embed(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        body = await exchange.body()
        model = model_of(route, head_of(body))
        with self.admission:
            resolution = self._noted(exchange, route, model)
            check_permission(key, resolution.provider, resolution.model, model)
            work = Embedding(
                exchange,
                route.protocol,
                route.operation is Operation.EMBED_MANY,
                body,
                model,
                resolution,
                strict=self.settings.strict or exchange.header("x-codenex-strict") == "1",
                providers=key.providers,
            )
            try:
                await embed(work, self._attempts, common)
            finally:
                self.admission.settle(key, exchange.notes.usage)

    async def _models(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        models = await self.listing.models(self._named_provider(exchange, route))
        if listing.wants_codex(exchange):
            body = listing.codex_models(models)
        else:
            body = SPOKES[listing.list_protocol(exchange, route)].encode_models(models)
        exchange.respond(200, [*_JSON, *common], body)

    async def _model(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        model = await self.listing.model(route.model or "", self._named_provider(exchange, route))
        body = SPOKES[listing.list_protocol(exchange, route)].encode_model(model)
        exchange.respond(200, [*_JSON, *common], body)

    def _keeper_for(self, route: Route) -> Keeper | None:
        """Return who keeps the responses of a request, if anybody does."""
        return self._keeper if route.protocol == RESPONSES and self.settings.store_responses else None

    async def _stored_response(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        if (keeper := self._keeper_for(route)) is not None:
            await StoredResponses(keeper, self._attempts, key.id).serve(exchange, common)
            return
        name = exchange.path.rstrip("/").rpartition("/responses/")[2].partition("/")[0]
        raise Fault(
            FaultKind.NOT_FOUND, f"no response {name[:100]!r} is stored here", code="response_not_found", param="id"
        )

    async def _provider_health(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        body = json.encode(pool_report(self.accounts.report(), exchange.query, time.time()))
        exchange.respond(200, [*_JSON, ("cache-control", "no-store"), *common], body)

    async def _metrics(self, exchange: Exchange, route: Route, common: Headers, key: ClientKey) -> None:
        self._flush()
        body = await asyncio.to_thread(metrics, self.accounts.report(), self._shared)
        exchange.respond(200, [("content-type", CONTENT_TYPE), ("cache-control", "no-store"), *common], body)

    def _resolved(self, exchange: Exchange, route: Route, model: str) -> Resolution:
        header = exchange.header("model-provider")
        key = (model, route.provider, header)
        known = self._resolutions.get(key)
        if known is not None:
            return known
        if len(self._resolutions) >= _REMEMBERED:
            self._resolutions.clear()
        found = self._resolutions[key] = resolved(self.settings, model, route.provider, header, self.listing.detected)
        return found

    def _noted(self, exchange: Exchange, route: Route, model: str) -> Resolution:
        """Resolve a model, and let the record of the request say to which, also where no account can be called."""
        found = self._resolved(exchange, route, model)
        exchange.notes.provider, exchange.notes.model = found.provider, found.model
        return found

    def _named_provider(self, exchange: Exchange, route: Route) -> str | None:
        named = route.provider or exchange.header("model-provider")
        return named if named is not None and is_known(named) else None


def _wrong_method(exchange: Exchange, route: Route) -> Fault:
    return Fault(
        FaultKind.METHOD_NOT_ALLOWED,
        f"{exchange.method} is not allowed here; use {', '.join(route.methods)}",
        code="method_not_allowed",
        headers=(("allow", ", ".join(route.methods)),),
    )
