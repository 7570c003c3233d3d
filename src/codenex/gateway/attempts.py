"""The attempts of one request: choose an account, call it, and move on to another where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from codenex.core.answer import Answer, fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.envelope import sealed_event
from codenex.core.errors import Fault, unsupported
from codenex.core.events import StreamEvent
from codenex.core.losses import Losses
from codenex.core.render import RenderContext
from codenex.core.request import Request
from codenex.core.reversal import Reversal, Reverser
from codenex.core.spoke import Encoded, FailAfter
from codenex.gateway.accounts import Accounts
from codenex.gateway.affinity import Affinity
from codenex.gateway.commit import CommitGate, Recovery
from codenex.gateway.contest import Contest
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import Head, edited
from codenex.gateway.encoding import Target, upstream_model
from codenex.gateway.exchange import Headers
from codenex.gateway.failover import Failover, Tried
from codenex.gateway.fetching import Attachments, by_address
from codenex.gateway.headers import passed_down, passed_up
from codenex.gateway.job import Job
from codenex.gateway.lanes import ArrayLane, Lane, Observation, PassthroughLane, TranslationLane
from codenex.gateway.queries import forwarded_query
from codenex.gateway.resolution import Resolution
from codenex.gateway.spokes import SPOKES
from codenex.gateway.targets import targets_of
from codenex.gateway.tracing import carried, within
from codenex.gateway.upstream import ANSWER_LIMIT, accepted, call
from codenex.protocols.openai_responses.continuation import previous_not_found
from codenex.providers.claude_code.program import DEFAULT_PATH, Bounds, ClaudeCode
from codenex.providers.media import fetcher_of
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.providers.transport import Deadlines, Transport, UpstreamResponse
from codenex.store.responses import Place
from codenex.store.settings import Account, Settings

#: Models behind accounts that are remembered at most, and the longest name among them.
_REMEMBERED = 1024
_LONGEST_MODEL = 256


class Attempts:
    """Serves jobs from upstream accounts."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        affinity: Affinity,
        transport: Transport,
        claude_code: ClaudeCode,
    ) -> None:
        self.settings = settings
        self.accounts = accounts
        self.affinity = affinity
        self.transport = transport
        self.claude_code = claude_code
        self.bounds = Bounds(
            settings.claude_code_path or DEFAULT_PATH,
            settings.claude_code_processes,
            settings.claude_code_timeout,
            settings.claude_code_spares,
        )
        self._deadlines: dict[str, Deadlines] = {}
        self.envelope_key = bytes.fromhex(settings.envelope_key)
        self._targets: dict[tuple[str, str, str], Target] = {}

    def target_of(self, provider: ProviderType, account: Account, model: str) -> Target:
        """Return a model behind an account; those that are asked for again and again are remembered."""
        key = (provider.name, account.uuid, model)
        known = self._targets.get(key)
        if known is None:
            known = Target(provider, account, model, self.settings.model_facts)
            if len(self._targets) < _REMEMBERED and len(model) <= _LONGEST_MODEL:
                self._targets[key] = known
        return known

    def deadlines_of(self, account: Account) -> Deadlines:
        """Return the deadlines of an account's requests: its own, or those of all."""
        known = self._deadlines.get(account.uuid)
        if known is None:
            general = self.settings
            own = (account.connect_timeout, account.first_byte_timeout, account.idle_timeout)
            common = (general.connect_timeout, general.first_byte_timeout, general.idle_timeout)
            chosen = [mine if mine is not None else theirs for mine, theirs in zip(own, common, strict=True)]
            known = self._deadlines[account.uuid] = Deadlines(*chosen)
        return known

    async def serve(self, job: Job, common: Headers, first: Tried | None = None) -> None:
        """Answer a job, of which one attempt may have been made already. Raises :class:`Fault` only while nothing has
        been promised to the client."""
        place = None if job.conversation is None else job.conversation.place
        targets = targets_of(self.settings, job.resolution, job.providers)
        if place is not None:
            del targets[1:]
        if first is not None:
            session = first.session
        elif place is not None:
            session = None
        else:
            session = self.affinity.session_of(job.spoke.name, job.exchange, job.head, targets[0].provider)
        contest = Contest() if self.settings.hedge_after else None
        delivery = self._delivery(job)
        gate = delivery.gate
        with delivery:
            try:

                def run(provider: ProviderType, account: Account, model: str) -> Awaitable[Fault | None]:
                    return Attempt(self, job, provider, account, model, delivery, common, contest).run()

                failover = Failover(
                    self.settings,
                    self.accounts,
                    run,
                    only=None if place is None else place.account,
                    preferred=None if session is None else session.account,
                    contest=contest,
                    notes=job.exchange.notes,
                    first=first,
                )
                fault = await failover.through(targets)
                if fault is None:
                    if session is not None and failover.served is not None:
                        self.affinity.remember(session, failover.served.uuid)
                    return
                if gate.recovery is Recovery.RETRY:
                    raise fault
                delivery.fail(fault)
            finally:
                job.let_files_go()

    async def answer_whole(
        self, job: Job, account: Account, response: UpstreamResponse, content: bytes, common: Headers
    ) -> None:
        """Answer with a whole body that came from an account, whatever it turns out to be. Raises :class:`Fault` where
        it is no answer."""
        provider = PROVIDER_TYPES[account.provider]
        attempt = Attempt(self, job, provider, account, job.resolution.model, self._delivery(job), common)
        await attempt.answer_whole(response, content)

    def _delivery(self, job: Job) -> Delivery:
        return Delivery(
            job.exchange,
            CommitGate(job.stream, self.settings.commit_after),
            content_type="application/json" if job.array_stream else job.spoke.stream_type,
            encoder=lambda: job.spoke.stream_encoder(job.context(translated=False)),
            keep_alive_interval=self.settings.keep_alive_interval,
            on_commit=job.forget,
        )

    def check_place(self, place: Place, resolution: Resolution, head: Head) -> None:
        """Let a request go on from what an account keeps. Raises :class:`Fault` (400) where it doesn't go there."""
        told = head.previous_response_id
        previous = told if isinstance(told, str) else "?"
        if resolution.provider != place.provider:
            raise unsupported(
                f"what the request goes on from is kept by {place.provider}, and it can go on there alone:"
                f" this one is for {resolution.provider}",
                param="previous_response_id",
            )
        if all(account.uuid != place.account for account in self.settings.accounts.get(place.provider, ())):
            raise previous_not_found(previous, " The account that keeps it isn't configured any more.")


class Attempt:
    """One call of one account."""

    def __init__(
        self,
        attempts: Attempts,
        job: Job,
        provider: ProviderType,
        account: Account,
        model: str,
        delivery: Delivery,
        common: Headers,
        contest: Contest | None = None,
    ) -> None:
        self._attempts = attempts
        self._contest = contest
        self._settle: Callable[[bytes], Awaitable[bytes]] | None = None
        self._deadlines = attempts.deadlines_of(account)
        self._key = attempts.envelope_key
        self._job = job
        self._provider = provider
        self._account = account
        self._delivery = delivery
        self._model = upstream_model(account, model)
        self._target = attempts.target_of(provider, account, self._model)
        self._spoke = SPOKES[provider.protocol]
        self._headers: Headers = [*common, ("x-codenex-provider", provider.name)]
        #: what went wrong after the answer had begun, so that it was told in-band
        self.fault: Fault | None = None
        self._name()

    def _name(self) -> None:
        notes = self._job.exchange.notes
        notes["provider"], notes["account"], notes["model"] = self._provider.name, self._account.uuid, self._model

    def _begin(self) -> None:
        """Answer, which no other attempt may do any more: output is there."""
        if self._contest is not None:
            self._contest.claim()
            self._name()
        self._delivery.headers, self._delivery.settle = self._headers, self._settle
        self._attempts.accounts.succeeded(self._account)

    def run(self) -> Awaitable[Fault | None]:
        """Make the attempt; what is awaited returns what went wrong after the answer had begun. Raises :class:`Fault`
        where another account may take over or the status is still open."""
        return self._pass_through() if self._passes() else self._translate()

    def _passes(self) -> bool:
        """Whether bytes go through as they are."""
        conversation = self._job.conversation
        if conversation is not None and conversation.place is not None:
            # Only the account has what the request goes on from, whatever else there is to be said of it.
            return self._spoke is self._job.spoke
        if conversation is not None and conversation.expanded:
            # Answers that are kept here have ids and signatures that the account never made.
            return False
        return self._target.takes(self._job.spoke, self._job.body)

    async def _pass_through(self) -> Fault | None:
        job = self._job
        place = Place(self._provider.name, self._account.uuid)
        if job.conversation is not None:
            job.conversation.renders = False
            self._settle = partial(job.conversation.noted_stream, place)
        changes: dict[str, object] = {}
        if job.head.model is not None and self._spoke.name != "gemini" and job.head.model != self._model:
            changes["model"] = self._model
        option = self._spoke.usage_option
        # There are upstreams that don't know the option which makes them tell the usage of a stream.
        asks = option is not None and job.stream and self._target.capabilities.include_usage_option
        added = option(job.head.fields) if option is not None and asks else {}
        changes.update(added)
        # No name for the body: this frame lives as long as the answer, the body only until content has gone out.
        response = await self._send(
            edited(job.head, changes) if changes else job.body,
            passed_up(job.exchange.headers),
            forwarded_query(job.exchange.query),
        )
        try:
            if not job.stream:
                await self.answer_whole(response, await response.read(ANSWER_LIMIT))
                return None
            self._headers += passed_down([pair for pair in response.headers if pair[0] != "content-type"])
            if _is_json(response):
                # A whole answer in place of a stream, which no client would take for one.
                await self._relay(response, self._translation_lane(Reversal(), job.context(translated=True)))
            else:
                await self._relay(response, self._passthrough_lane(hide=bool(added)))
        finally:
            response.close()
        return self.fault

    async def answer_whole(self, response: UpstreamResponse, content: bytes) -> None:
        """Answer with a whole body of the client's own protocol. Raises :class:`Fault` where it is no answer."""
        job = self._job
        self._headers += passed_down([pair for pair in response.headers if pair[0] != "content-type"])
        glance = self._spoke.glance
        glanced = glance(content) if glance is not None and not _is_event_stream(response) else None
        if job.conversation is not None and not _is_event_stream(response):
            await job.conversation.noted(Place(self._provider.name, self._account.uuid), content)
        if glanced is not None:
            self._begin()
            job.exchange.notes["usage"], job.exchange.notes["finish"] = glanced.usage, glanced.finish
            job.exchange.respond(200, [("content-type", "application/json"), *self._headers], content)
            return
        observation = Observation()
        for event in self._events(response, content):
            observation.see(event)
        if observation.fault is not None:
            raise observation.fault
        if _is_event_stream(response):
            answer = fold(self._events(response, content))
            content = job.spoke.encode_response(answer, job.context(translated=True))
            if job.conversation is not None:
                content = job.conversation.refused(content)
        self._begin()
        self._note(observation)
        job.exchange.respond(200, [("content-type", "application/json"), *self._headers], content)

    async def _translate(self) -> Fault | None:
        job = self._job
        if job.conversation is not None:
            job.conversation.renders = True
            self._settle = job.kept_stream
        losses = Losses()
        encoded = self._encoded(await self._with_files(job.request), losses)
        reversal = encoded.reversal
        told = job.settled_losses(losses)
        headers, query = self._of_the_same_protocol()
        sending = self._send(encoded.body, headers, query)
        del encoded
        response = await sending
        try:
            context = job.context(translated=True)
            context.losses = losses
            if job.stream:
                # The head has gone when the answer comes: what that loses is counted in the record.
                self._headers += told
                try:
                    await self._relay(response, self._translation_lane(reversal, context))
                finally:
                    job.answered_losses(losses)
            else:
                await self._translate_unary(response, reversal, context)
        finally:
            response.close()
        return self.fault

    def _of_the_same_protocol(self) -> tuple[Headers, str]:
        """Return the client's headers and query where they mean something to the upstream: fields of a rebuilt body may
        need them (Anthropic's betas)."""
        if self._spoke is not self._job.spoke:
            return carried(self._job.exchange.headers), ""
        return passed_up(self._job.exchange.headers), forwarded_query(self._job.exchange.query)

    async def _translate_unary(self, response: UpstreamResponse, reversal: Reversal, context: RenderContext) -> None:
        content = await response.read(ANSWER_LIMIT)
        observation = Observation()
        reverser = Reverser(reversal)
        events: list[StreamEvent] = []
        losses = AnswerLosses(self._job.spoke.name, context.losses)
        for event in self._events(response, content):
            observation.see(event)
            losses.see(event)
            sealed = sealed_event(event, self._key, self._model, self._target.scope)
            events.extend(reverser.push(sealed))
        answer: Answer = fold(events)
        body = self._job.spoke.encode_response(answer, context)
        body = await self._job.kept(body)
        self._begin()
        self._note(observation)
        headers = self._headers + self._job.answered_losses(context.losses)
        self._job.exchange.respond(200, [("content-type", "application/json"), *headers], body)

    def _events(self, response: UpstreamResponse, content: bytes) -> list[StreamEvent]:
        """Decode a whole body; an upstream may answer a unary request with a stream."""
        if not _is_event_stream(response):
            return self._spoke.decode_response(content)
        decoder = self._spoke.stream_decoder()
        return [*decoder.feed(content), *decoder.eof()]

    async def _with_files(self, request: Request) -> Request:
        """Return the request with those files inline that the target can't read by address. Raises :class:`Fault`."""
        attempts, job = self._attempts, self._job
        if not attempts.settings.fetch_media or not by_address(request):
            return request
        if job.attachments is None:
            budget, limit = attempts.transport.budget, attempts.settings.max_body_bytes
            job.attachments = Attachments(fetcher_of(attempts.transport), budget, limit)
        return await job.attachments.brought(request, self._spoke, self._target.capabilities)

    def _encoded(self, request: Request, losses: Losses) -> Encoded:
        return self._target.encoded(request, self._key, losses)

    async def _send(self, body: bytes, headers: Headers, query: str) -> UpstreamResponse:
        job = self._job
        if self._provider.program is not None:
            programs, bounds = self._attempts.claude_code, self._attempts.bounds
            response = await programs.send(self._account, body, self._deadlines, bounds)
            return await accepted(response, self._spoke, self._account)
        if "trace" in job.exchange.notes:
            headers = within(headers, job.exchange.notes)
        response = await call(
            self._attempts.transport,
            self._provider,
            self._account,
            "stream" if job.stream else "generate",
            self._model,
            body,
            headers=headers,
            request_id=job.exchange.request_id,
            deadlines=self._deadlines,
            stream=job.stream,
            query=query,
        )
        return await accepted(response, self._spoke, self._account)

    async def _relay(self, response: UpstreamResponse, lane: Lane) -> None:
        self._delivery.headers = self._headers
        try:
            await self._delivery.relay(response, lane, self._begin)
        except asyncio.CancelledError:
            self._job.exchange.notes["cancelled"] = True
            raise
        finally:
            self._note(lane.seen)
        self.fault = lane.seen.fault

    def _passthrough_lane(self, *, hide: bool) -> Lane:
        spoke, decoder = self._spoke, self._spoke.stream_decoder()
        if self._job.array_stream:
            return ArrayLane(decoder, self._delivery.render_failure)
        hidden = spoke.without_usage if hide else None
        fail_after = None if spoke.fail_after is None else partial(self._fail_after, spoke.fail_after)
        return PassthroughLane(decoder, spoke.skim, hidden, spoke.closing, fail_after)

    def _fail_after(self, render: FailAfter, fault: Fault, response_id: str, last: bytes) -> bytes:
        return render(fault, self._job.context(translated=False), response_id, last)

    def _translation_lane(self, reversal: Reversal, context: RenderContext) -> TranslationLane:
        return TranslationLane(
            self._spoke.stream_decoder(),
            self._job.spoke.stream_encoder(context),
            reversal,
            AnswerLosses(self._job.spoke.name, context.losses),
            key=self._key,
            model=self._model,
            scope=self._target.scope,
        )

    def _note(self, seen: Observation) -> None:
        notes = self._job.exchange.notes
        notes["usage"], notes["finish"] = seen.usage, seen.finish
        if self._delivery.first_output is not None:
            notes["first_output"] = self._delivery.first_output


def _is_json(response: UpstreamResponse) -> bool:
    kind = response.header("content-type")
    return kind is not None and kind.startswith("application/json")


def _is_event_stream(response: UpstreamResponse) -> bool:
    kind = response.header("content-type")
    return kind is not None and kind.startswith("text/event-stream")
