"""What the straight way does for a whole answer in another protocol than the upstream's: the request translated for an
account, the answer translated for the client. It says and notes what an attempt of the general way does."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import msgspec

from codenex.core.answer_losses import AnswerLosses
from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.core.render import RenderContext
from codenex.core.request import Plain, Request
from codenex.gateway.answer_ids import new_id
from codenex.gateway.attempts import Attempts
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import Head
from codenex.gateway.encoding import Target
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.fetching import by_address
from codenex.gateway.job import Job, settled_losses
from codenex.gateway.lanes import TranslationLane
from codenex.gateway.plans import Leg, Plan
from codenex.gateway.routes import ANTHROPIC
from codenex.gateway.upstream import accepted
from codenex.gateway.whole_answers import read_whole
from codenex.models.tokens import estimated_input_tokens
from codenex.providers.transport import UpstreamResponse


def decoded(plan: Plan, head: Head, body: bytes, *, fetches: bool) -> Request | None:
    """Return a request in the hub's form; ``None`` where the general way has to say what is wrong with it, or to fetch
    files that it names by address."""
    try:
        request = plan.spoke.decode_request(body, plan.model, head.split)
    except Fault:
        return None
    if fetches and type(request.turns) is not Plain and by_address(request):
        return None
    # As the job of the general way has it.
    return request if request.stream is head.stream else msgspec.structs.replace(request, stream=head.stream)


class Translation:
    """One request, translated for an account. ``body`` is what is sent. ``key`` opens and seals signatures."""

    __slots__ = ("_exchange", "_key", "_leg", "_losses", "_plan", "_request", "_reversal", "body")

    def __init__(self, exchange: Exchange, plan: Plan, leg: Leg, request: Request, key: bytes, *, strict: bool) -> None:
        """Translate. Raises :class:`Fault` (400) for what can't be said, and with ``strict`` for any loss."""
        losses = Losses()
        encoded = leg.behind.encoded(request, key, losses)
        if losses.found:
            settled_losses(exchange, losses, strict=strict)
        self.body = encoded.body
        self._reversal = encoded.reversal
        self._exchange, self._plan, self._leg, self._request, self._key = exchange, plan, leg, request, key
        self._losses = losses

    def answer(self, response: UpstreamResponse, content: bytes, common: Headers) -> None:
        """Answer with what the account has answered, whose status was 200. Raises :class:`Fault` where it is no
        answer."""
        exchange, plan, request, losses = self._exchange, self._plan, self._request, self._losses
        fields, spoke = response.fields if response.fields is not None else response.first_values(), plan.spoke
        kind = fields["content-type"] if "content-type" in fields else None  # noqa: SIM401
        answer, usage, finish = read_whole(content, kind, spoke, self._leg.behind, self._reversal, losses, self._key)
        context = RenderContext(new_id(), int(time.time()), plan.model, request, None, request.include_usage)
        context.losses = losses
        if spoke.name == ANTHROPIC and (answer.usage is None or answer.usage.input_uncached is None):
            context.estimate = partial(estimated_input_tokens, request)
        body = spoke.encode_response(answer, context)
        exchange.notes.usage, exchange.notes.finish = usage, finish
        headers: Headers = self._leg.headers
        if common or losses.found:
            # What the answer lost can't be undone by being strict any more.
            told = settled_losses(exchange, losses, strict=False) if losses.found else []
            headers = [*headers, *common, *told]
        exchange.respond(200, headers, body)


async def stream_translated(
    attempts: Attempts, job: Job, leg: Leg, beginning: bytes, delivery: Delivery, common: Headers
) -> Fault | None:
    """Make an attempt with an account, whose request begins so, and answer with a stream. Return what went wrong after
    the answer had begun; raises :class:`Fault` for what did before."""
    key, exchange, behind = attempts.envelope_key, job.exchange, leg.behind
    notes, losses = exchange.notes, Losses()
    encoded = behind.encoded(job.request, key, losses)
    told = job.settled_losses(losses) if losses.found else []
    reversal = encoded.reversal
    # No name for the body: this frame lives as long as the answer.
    sending = attempts.transport.send_formatted(
        leg.outbound.origin,
        b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n"
        % (beginning, exchange.request_id.encode("latin-1"), len(encoded.body)),
        encoded.body,
        leg.deadlines,
        with_body=True,
    )
    del encoded
    response = await sending
    try:
        if response.status != 200:
            await accepted(response, behind.spoke, leg.outbound.account)
        delivery.headers = [*common, *leg.headers, *told] if common or told else leg.stream_headers
        if response.content is not None and not reversal and _is_sent_whole(response, job, behind, delivery, losses):
            return None
        context = job.context(translated=True)
        context.losses = losses
        lane = TranslationLane(
            behind.spoke.stream_decoder(),
            job.spoke.stream_encoder(context),
            reversal,
            AnswerLosses(job.spoke.name, losses),
            key=key,
            model=leg.model,
            scope=behind.scope,
        )
        try:
            await delivery.relay(response, lane, partial(attempts.accounts.succeeded, leg.outbound.account))
        except asyncio.CancelledError:
            notes.more["cancelled"] = True
            raise
        finally:
            notes.usage, notes.finish = lane.seen.usage, lane.seen.finish
            if delivery.first_output is not None:
                notes.first_output = delivery.first_output
            if losses.found:
                # The head has gone when the answer comes: what that loses is counted in the record.
                job.answered_losses(losses)
        return lane.seen.fault
    finally:
        response.close()


def _is_sent_whole(response: UpstreamResponse, job: Job, behind: Target, delivery: Delivery, losses: Losses) -> bool:
    """Answer with a stream of one text that is all there; ``False`` where it is any other, and nothing was done."""
    read, write, content = behind.spoke.read_text, job.spoke.write_text, response.content
    if read is None or write is None or content is None or behind.spoke is job.spoke:
        return False
    text = read(response.pieces, content)
    if text is None:
        return False
    request = job.request
    context = RenderContext(job.id, job.created, job.model, None, None, request.include_usage)
    context.losses = losses
    if job.spoke.name == ANTHROPIC and (text.usage is None or text.usage.input_uncached is None):
        context.estimate = partial(estimated_input_tokens, request)
    body = write(text, context)
    if body is None:
        return False
    AnswerLosses(job.spoke.name, losses).see_text(text)
    if losses.found:
        job.answered_losses(losses)
    delivery.whole(body, text)
    return True
