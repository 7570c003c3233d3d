"""Serves a job from the embedded simulation: no upstream, the same encoders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import Fault, unsupported
from codenex.core.losses import Losses
from codenex.core.request import Request
from codenex.gateway.commit import CommitGate, Recovery
from codenex.gateway.delivery import Delivery
from codenex.gateway.exchange import Headers
from codenex.gateway.job import Job
from codenex.gateway.lanes import Observation
from codenex.providers.demo import Cut, Delay, Step, demo_events
from codenex.providers.registry import DEMO
from codenex.store.settings import Settings

#: Bytes after which a simulated stream waits for its client.
_PIECE = 64 * 1024


async def demonstrate(settings: Settings, job: Job, common: Headers) -> None:
    """Answer a job. Raises :class:`Fault` while nothing has been sent."""
    notes = job.exchange.notes
    notes.provider, notes.model = DEMO, job.resolution.model
    _refuse_state(job.request)
    losses = Losses()
    losses.extend(job.request.losses)
    if job.conversation is not None:
        job.conversation.renders = True
    steps = demo_events(job.request, faults=settings.demo_faults, losses=losses)
    # The first step settles what the answer leaves out, which the head of the answer tells.
    steps = chain([next(steps)], steps)
    headers = [*common, ("x-codenex-provider", DEMO), *job.settled_losses(losses)]
    if job.stream:
        await _stream(settings, job, headers, steps)
        return
    seen: list[e.StreamEvent] = []
    observation = Observation()
    for step in steps:
        match step:
            case Delay():
                await asyncio.sleep(step.milliseconds / 1000)
            case Cut():
                job.exchange.abort()
                return
            case _:
                observation.see(step)
                seen.append(step)
    context = job.context(translated=True)
    context.losses = losses
    body = job.spoke.encode_response(fold(seen), context)
    body = await job.kept(body)
    notes.usage, notes.finish = observation.usage, observation.finish
    headers = [*common, ("x-codenex-provider", DEMO), *job.answered_losses(losses)]
    job.exchange.respond(200, [("content-type", "application/json"), *headers], body)


def _refuse_state(request: Request) -> None:
    """Raise ``unsupported`` for a conversation that lies elsewhere: to answer without it would be to drop it."""
    state = request.state
    for name in ("previous_response_id", "conversation"):
        if state is not None and getattr(state, name) is not None:
            raise unsupported(f"{name}: the demo keeps no conversations", param=name)


async def _stream(settings: Settings, job: Job, headers: Headers, steps: Iterator[Step]) -> None:
    encoder = job.spoke.stream_encoder(job.context(translated=True))
    delivery = Delivery(
        job.exchange,
        CommitGate(True, settings.commit_after),
        content_type="application/json" if job.array_stream else job.spoke.stream_type,
        encoder=lambda: encoder,
        keep_alive_interval=settings.keep_alive_interval,
    )
    delivery.headers = headers
    observation = Observation()
    with delivery:
        held: list[bytes] = []
        size = 0
        try:
            for step in steps:
                match step:
                    case Delay():
                        await asyncio.sleep(step.milliseconds / 1000)
                    case Cut():
                        delivery.play(b"".join(held))
                        job.exchange.abort()
                        delivery.gate.ended()
                        return
                    case _:
                        observation.see(step)
                        held.append(encoder.send(step))
                        size += len(held[-1])
                if observation.content and size >= _PIECE:
                    delivery.play(b"".join(held))
                    held, size = [], 0
                    await job.exchange.drain()
            held.append(await job.kept_stream(encoder.end()))
            delivery.play(b"".join(held))
            delivery.finish()
        except Fault as fault:
            if delivery.gate.recovery is Recovery.RETRY:
                raise
            delivery.fail(fault)
    notes = job.exchange.notes
    notes.usage, notes.finish = observation.usage, observation.finish
    notes.first_output = delivery.first_output
