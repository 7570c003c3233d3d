"""One call of one account for a request: its bytes as they are, or translated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from codenex.core.answer import fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.core.render import RenderContext
from codenex.core.request import Request
from codenex.core.reversal import Reversal
from codenex.core.spoke import Encoded, FailAfter
from codenex.gateway.contest import Contest
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import edited
from codenex.gateway.encoding import upstream_model
from codenex.gateway.exchange import Headers
from codenex.gateway.fetching import Attachments, by_address
from codenex.gateway.headers import passed_down, passed_up
from codenex.gateway.job import Job
from codenex.gateway.lanes import ArrayLane, Lane, Observation, PassthroughLane, TranslationLane
from codenex.gateway.means import Means
from codenex.gateway.queries import forwarded_query
from codenex.gateway.tracing import carried, within
from codenex.gateway.upstream import ANSWER_LIMIT, accepted, call
from codenex.gateway.whole_answers import events_of, is_event_stream, read_whole
from codenex.providers.media import fetcher_of
from codenex.providers.registry import ProviderType
from codenex.providers.transport import UpstreamResponse
from codenex.store.responses import Place
from codenex.store.settings import Account


class Attempt:
    """One call of one account."""

    def __init__(
        self,
        means: Means,
        job: Job,
        provider: ProviderType,
        account: Account,
        model: str,
        delivery: Delivery,
        common: Headers,
        contest: Contest | None = None,
    ) -> None:
        self._means = means
        self._contest = contest
        self._settle: Callable[[bytes], Awaitable[bytes]] | None = None
        self._key = means.envelope_key
        self._job = job
        self._provider = provider
        self._account = account
        self._delivery = delivery
        self._model = upstream_model(account, model)
        self._target = means.target_of(provider, account, self._model)
        self._spoke = self._target.spoke
        self._headers: Headers = [*common, ("x-codenex-provider", provider.name)]
        #: what went wrong after the answer had begun, so that it was told in-band
        self.fault: Fault | None = None
        self._name()

    def _name(self) -> None:
        notes = self._job.exchange.notes
        notes.provider, notes.account, notes.model = self._provider.name, self._account.uuid, self._model

    def _begin(self) -> None:
        """Answer, which no other attempt may do any more: output is there."""
        if self._contest is not None:
            self._contest.claim()
            self._name()
        self._delivery.headers, self._delivery.settle = self._headers, self._settle
        self._means.accounts.succeeded(self._account)

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
            return await self.pass_down(response, hide=bool(added))
        finally:
            response.close()

    async def pass_down(self, response: UpstreamResponse, *, hide: bool) -> Fault | None:
        """Answer with a stream of the client's own protocol; ``hide`` the usage that the client didn't ask for. Returns
        and raises as :meth:`run` does."""
        self._headers += passed_down([pair for pair in response.headers if pair[0] != "content-type"])
        if _is_json(response):
            # A whole answer in place of a stream, which no client would take for one.
            await self._relay(response, self._translation_lane(Reversal(), self._job.context(translated=True)))
        else:
            await self._relay(response, self._passthrough_lane(hide=hide))
        return self.fault

    async def answer_whole(self, response: UpstreamResponse, content: bytes) -> None:
        """Answer with a whole body of the client's own protocol. Raises :class:`Fault` where it is no answer."""
        job = self._job
        self._headers += passed_down([pair for pair in response.headers if pair[0] != "content-type"])
        glance, streamed = self._spoke.glance, is_event_stream(response.header("content-type"))
        glanced = glance(content) if glance is not None and not streamed else None
        if job.conversation is not None and not streamed:
            await job.conversation.noted(Place(self._provider.name, self._account.uuid), content)
        if glanced is not None:
            self._begin()
            job.exchange.notes.usage, job.exchange.notes.finish = glanced.usage, glanced.finish
            job.exchange.respond(200, [("content-type", "application/json"), *self._headers], content)
            return
        observation = Observation()
        for event in events_of(self._spoke, content, streamed=streamed):
            observation.see(event)
        if observation.fault is not None:
            raise observation.fault
        if streamed:
            answer = fold(events_of(self._spoke, content, streamed=streamed))
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
        content, job, observation = await response.read(ANSWER_LIMIT), self._job, Observation()
        answer, observation.usage, observation.finish = read_whole(
            content,
            response.header("content-type"),
            job.spoke,
            self._target,
            reversal,
            context.losses,
            self._key,
        )
        body = await job.kept(job.spoke.encode_response(answer, context))
        self._begin()
        self._note(observation)
        headers = self._headers + job.answered_losses(context.losses)
        job.exchange.respond(200, [("content-type", "application/json"), *headers], body)

    async def _with_files(self, request: Request) -> Request:
        """Return the request with those files inline that the target can't read by address. Raises :class:`Fault`."""
        means, job = self._means, self._job
        if not means.settings.fetch_media or not by_address(request):
            return request
        if job.attachments is None:
            budget, limit = means.transport.budget, means.settings.max_body_bytes
            job.attachments = Attachments(fetcher_of(means.transport), budget, limit)
        return await job.attachments.brought(request, self._spoke, self._target.capabilities)

    def _encoded(self, request: Request, losses: Losses) -> Encoded:
        return self._target.encoded(request, self._key, losses)

    async def _send(self, body: bytes, headers: Headers, query: str) -> UpstreamResponse:
        job = self._job
        deadlines = self._means.deadlines_of(self._account)
        if self._provider.program is not None:
            programs, bounds = self._means.claude_code, self._means.bounds
            response = await programs.send(self._account, body, deadlines, bounds)
            return await accepted(response, self._spoke, self._account)
        if "trace" in job.exchange.notes.more:
            headers = within(headers, job.exchange.notes)
        response = await call(
            self._means.transport,
            self._provider,
            self._account,
            "stream" if job.stream else "generate",
            self._model,
            body,
            headers=headers,
            request_id=job.exchange.request_id,
            deadlines=deadlines,
            stream=job.stream,
            query=query,
        )
        return await accepted(response, self._spoke, self._account)

    async def _relay(self, response: UpstreamResponse, lane: Lane) -> None:
        self._delivery.headers = self._headers
        try:
            await self._delivery.relay(response, lane, self._begin)
        except asyncio.CancelledError:
            self._job.exchange.notes.more["cancelled"] = True
            raise
        finally:
            self._note(lane.seen)
        self.fault = lane.seen.fault

    def _passthrough_lane(self, *, hide: bool) -> Lane:
        spoke = self._spoke
        if self._job.array_stream:
            return ArrayLane(spoke.stream_decoder(), self._delivery.render_failure)
        hidden = spoke.without_usage if hide else None
        fail_after = None if spoke.fail_after is None else partial(self._fail_after, spoke.fail_after)
        listener = None if spoke.listener is None else spoke.listener()
        return PassthroughLane(spoke.stream_decoder, spoke.skim, hidden, spoke.closing, fail_after, listener)

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
        notes.usage, notes.finish = seen.usage, seen.finish
        if self._delivery.first_output is not None:
            notes.first_output = self._delivery.first_output


def _is_json(response: UpstreamResponse) -> bool:
    kind = response.header("content-type")
    return kind is not None and kind.startswith("application/json")
