"""What the straight way does for a stream that passes through: what it asks of an upstream, and how the answer goes
down."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.spoke import Spoke
from codenex.gateway.attempts import Attempts
from codenex.gateway.delivery import Delivery
from codenex.gateway.edits import Head, edited
from codenex.gateway.exchange import Headers
from codenex.gateway.headers import passed_beside
from codenex.gateway.job import Job
from codenex.gateway.lanes import PassthroughLane
from codenex.gateway.plans import Leg
from codenex.gateway.upstream import accepted
from codenex.providers.transport.light_task import in_task

#: Protocol → the end of a request that asks for the usage of its stream, where nothing like that stands in it.
_options: dict[str, bytes] = {}


def asked(head: Head, body: bytes, spoke: Spoke, leg: Leg) -> tuple[bytes, bool]:
    """Return a request for a stream as it goes up, and whether it asks for usage that the client didn't ask for."""
    renamed = leg.renames_from != head.model
    option = spoke.usage_option if leg.behind.capabilities.include_usage_option else None
    if option is None:
        return edited(head, {"model": leg.model}) if renamed else body, False
    if head.optionless and not renamed:
        # What nearly all clients send: nothing needs to be read.
        name = spoke.name
        members = _options[name] if name in _options else _options.setdefault(name, _members(spoke))
        if body[-1:] == b"}":
            # As appended does.
            return body[:-1] + members, True
    added = option(head.fields)
    changes = {"model": leg.model, **added} if renamed else added
    return edited(head, changes) if changes else body, bool(added)


def _members(spoke: Spoke) -> bytes:
    added: dict[str, Any] = {} if spoke.usage_option is None else spoke.usage_option({})
    return b"," + json.encode(added)[1:]


async def stream_passed(
    attempts: Attempts, job: Job, leg: Leg, beginning: bytes, delivery: Delivery, common: Headers
) -> Fault | None:
    """Make an attempt with an account, whose request begins so, and answer with its stream. Return what went wrong
    after the answer had begun; raises :class:`Fault` for what did before."""
    exchange, spoke, account = job.exchange, job.spoke, leg.outbound.account
    notes = exchange.notes
    told, hide = asked(job.head, job.body, spoke, leg)
    response = await attempts.transport.send_formatted(
        leg.outbound.origin,
        b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n"
        % (beginning, exchange.request_id.encode("latin-1"), len(told)),
        told,
        leg.deadlines,
        with_body=True,
    )
    # This frame lives as long as the answer, the body only until content has gone out.
    del told
    try:
        if response.status != 200:
            await accepted(response, spoke, account)
        fields = response.fields if response.fields is not None else response.first_values()
        kind = fields["content-type"] if "content-type" in fields else ""  # noqa: SIM401
        if spoke.fail_after is not None or kind.startswith("application/json"):
            await in_task()
            return await attempts.attempt(job, account, delivery, common).pass_down(response, hide=hide)
        beside = [*passed_beside(response.headers)]
        delivery.headers = [*common, *leg.headers, *beside] if common or beside else leg.stream_headers
        content, read = response.content, spoke.read_text
        if content is not None and read is not None and kind.startswith("text/event-stream"):
            text = read(response.pieces, content)
            if text is not None:
                if hide and text.alone is not None:
                    start, end = text.alone
                    content = content[:start] + content[end:]
                delivery.whole(content, text)
                return None
        lane = PassthroughLane(
            spoke.stream_decoder,
            spoke.skim,
            spoke.without_usage if hide else None,
            spoke.closing,
            None,
            None if spoke.listener is None else spoke.listener(),
        )
        seen = lane.seen
        try:
            await delivery.relay(response, lane, partial(attempts.accounts.succeeded, account))
        except asyncio.CancelledError:
            notes.more["cancelled"] = True
            raise
        finally:
            notes.usage, notes.finish = seen.usage, seen.finish
            if delivery.first_output is not None:
                notes.first_output = delivery.first_output
        return seen.fault
    finally:
        response.close()
