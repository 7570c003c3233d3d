"""The attempts of one request: choose an account, call it, and move on to another where that may help."""

from __future__ import annotations

from collections.abc import Awaitable

from codenex.core.errors import Fault, unsupported
from codenex.gateway.attempt import Attempt
from codenex.gateway.commit import CommitGate, Recovery
from codenex.gateway.contest import Contest
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import Head
from codenex.gateway.exchange import Headers
from codenex.gateway.failover import Failover, Tried
from codenex.gateway.job import Job
from codenex.gateway.means import Means
from codenex.gateway.resolution import Resolution
from codenex.gateway.targets import targets_of
from codenex.protocols.openai_responses.continuation import previous_not_found
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.providers.transport import UpstreamResponse
from codenex.store.responses import Place
from codenex.store.settings import Account


class Attempts(Means):
    """Serves jobs from upstream accounts."""

    async def serve(self, job: Job, common: Headers, first: Tried | None = None) -> None:
        """Answer a job, of which one attempt may have been made already. Raises :class:`Fault` only while nothing has
        been promised to the client."""
        with self.delivery_of(job) as delivery:
            await self.serve_by(delivery, job, common, first)

    async def serve_by(self, delivery: Delivery, job: Job, common: Headers, first: Tried | None = None) -> None:
        """Do so by a delivery that has begun already."""
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
            if delivery.gate.recovery is Recovery.RETRY:
                raise fault
            delivery.fail(fault)
        finally:
            job.let_files_go()

    async def answer_whole(
        self, job: Job, account: Account, response: UpstreamResponse, content: bytes, common: Headers
    ) -> None:
        """Answer with a whole body that came from an account, whatever it turns out to be. Raises :class:`Fault` where
        it is no answer."""
        await self.attempt(job, account, self.delivery_of(job), common).answer_whole(response, content)

    def attempt(self, job: Job, account: Account, delivery: Delivery, common: Headers) -> Attempt:
        """Return an attempt with an account of the provider type and the model that a job goes to."""
        return Attempt(self, job, PROVIDER_TYPES[account.provider], account, job.resolution.model, delivery, common)

    def delivery_of(self, job: Job) -> Delivery:
        """Return the delivery of all attempts of a job."""
        return Delivery(
            job.exchange,
            CommitGate(job.stream, self.settings.commit_after),
            content_type="application/json" if job.array_stream else job.spoke.stream_type,
            encoder=lambda: job.spoke.stream_encoder(job.context(translated=False)),
            keep_alive_interval=self.settings.keep_alive_interval,
            on_commit=job.forget,
            vigil=self.vigil,
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
