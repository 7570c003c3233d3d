"""Whole answers of an upstream in the hub's form: names of tools put back, signatures sealed, losses noted. Pure."""

from __future__ import annotations

from codenex.core.answer import Answer, fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.envelope import sealed_event
from codenex.core.events import StreamEvent
from codenex.core.finish import FinishDetail
from codenex.core.losses import Losses
from codenex.core.reversal import NO_REVERSAL, Reversal, Reverser
from codenex.core.spoke import Spoke
from codenex.core.usage import Usage
from codenex.gateway.encoding import Target
from codenex.gateway.lanes import Observation

#: An answer, its usage, and how it ended.
Read = tuple[Answer, Usage | None, FinishDetail | None]


def read_whole(
    content: bytes, kind: str | None, client: Spoke, target: Target, reversal: Reversal, losses: Losses, key: bytes
) -> Read:
    """Return what an account has answered to a request that was translated for it. ``kind`` is the content type: an
    upstream may answer with a stream. ``losses`` takes what the client's protocol has no place for, ``key`` seals
    signatures. Raises the :class:`~codenex.core.errors.Fault` of what is no answer."""
    seen, spoke = AnswerLosses(client.name, losses), target.spoke
    streamed = kind != "application/json" and is_event_stream(kind)
    if not streamed and spoke.read_answer is not None:
        answer = spoke.read_answer(content, reversal is NO_REVERSAL or not reversal)
        if answer is not None:
            seen.see_plain(answer)
            return answer, answer.usage, answer.choices[0].finish
    observation, reverser = Observation(), Reverser(reversal)
    events: list[StreamEvent] = []
    for event in events_of(spoke, content, streamed=streamed):
        observation.see(event)
        seen.see(event)
        events.extend(reverser.push(sealed_event(event, key, target.model, target.scope)))
    return fold(events), observation.usage, observation.finish


def events_of(spoke: Spoke, content: bytes, *, streamed: bool) -> list[StreamEvent]:
    """Decode a whole body. Raises the :class:`~codenex.core.errors.Fault` of what is no answer, but that of a stream is
    an event."""
    if not streamed:
        return spoke.decode_response(content)
    decoder = spoke.stream_decoder()
    return [*decoder.feed(content), *decoder.eof()]


def is_event_stream(kind: str | None) -> bool:
    """Whether a content type is that of a stream."""
    return kind is not None and kind.startswith("text/event-stream")
