"""The shortcuts of the passthrough lane agree with the decoders that they spare."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.strategies import answers, interleaved_streams

from codenex.core.answer import Answer
from codenex.core.errors import Fault, FaultKind
from codenex.core.events import StreamEvent
from codenex.core.render import RenderContext
from codenex.gateway.lanes import Observation, PassthroughLane
from codenex.gateway.spokes import SPOKES

EXAMPLES = settings(max_examples=max(300, settings.default.max_examples if settings.default else 0))
CONTEXT = {"id": "0" * 32, "created": 1, "requested_model": "m"}


def _stream(name: str, events: list[StreamEvent], ending: str, keep: float) -> bytes:
    encoder = SPOKES[name].stream_encoder(RenderContext(**CONTEXT, include_usage=True))
    out = b"".join(encoder.send(event) for event in events)
    match ending:
        case "whole":
            return out + encoder.end()
        case "error":
            return out + encoder.fail(Fault(FaultKind.OVERLOADED, "too much", from_upstream=True))
        case _:
            whole = out + encoder.end()
            return whole[: int(len(whole) * keep)]


def _observed(name: str, data: bytes, cuts: list[int], *, skimming: bool) -> tuple[bytes, tuple[object, ...]]:
    spoke = SPOKES[name]
    listener = spoke.listener() if skimming and spoke.listener is not None else None
    lane = PassthroughLane(spoke.stream_decoder, spoke.skim if skimming else None, listener=listener)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(lane.feed(data[a:b]) for a, b in pairwise(places) if a < b)
    out += lane.eof()
    seen = lane.seen
    fault = None if seen.fault is None else (seen.fault.kind, seen.fault.message)
    return out, (seen.usage, seen.finish, seen.done, fault, seen.told, seen.content, seen.id, seen.model)


@EXAMPLES
@given(
    events=interleaved_streams(),
    ending=st.sampled_from(["whole", "error", "cut"]),
    keep=st.floats(0, 1),
    cuts=st.lists(st.integers(0, 5000), max_size=4),
)
def test_a_skimmed_stream_tells_what_a_decoded_one_does(events, ending, keep, cuts):
    # Making a stream up takes far longer than reading it.
    for name in SPOKES:
        data = _stream(name, events, ending, keep)
        assert _observed(name, data, cuts, skimming=True) == _observed(name, data, cuts, skimming=False), name


def chunk(choice: int, content: str, finish: str) -> bytes:
    delta = f'{{"index":{choice},"delta":{{"content":"{content}"}},"finish_reason":{finish}}}'
    return b'data: {"id":"c","object":"chat.completion.chunk","choices":[%s]}\n\n' % delta.encode()


def test_a_choice_that_has_begun_keeps_the_answer_open():
    data = chunk(0, "a", "null") + chunk(1, "b", "null") + chunk(0, "", '"stop"')
    skimmed = _observed("openai-chat", data, [len(chunk(0, "a", "null"))], skimming=True)

    assert skimmed == _observed("openai-chat", data, [], skimming=False)
    assert skimmed[1][3] is not None, "the second choice was cut"


@pytest.mark.parametrize("cut", [0, len(chunk(1, "a", "null"))], ids=["at once", "in pieces"])
def test_the_first_choice_may_begin_after_the_second(cut):
    data = chunk(1, "a", "null") + chunk(0, "b", "null") * 9 + chunk(1, "", '"stop"')
    skimmed = _observed("openai-chat", data, [cut], skimming=True)

    assert skimmed == _observed("openai-chat", data, [], skimming=False)
    assert skimmed[1][3] is not None, "the first choice was cut"


@pytest.mark.parametrize("name", [name for name, spoke in SPOKES.items() if spoke.glance is not None])
@EXAMPLES
@given(answer=answers)
def test_a_glance_tells_what_the_decoder_does(name, answer: Answer):
    spoke = SPOKES[name]
    try:
        body = spoke.encode_response(answer, RenderContext(**CONTEXT))
    except Fault:
        return
    assert spoke.glance is not None
    glanced = spoke.glance(body)
    if glanced is None:
        return
    observation = Observation()
    for event in spoke.decode_response(body):
        observation.see(event)
    assert (observation.usage, observation.finish) == (glanced.usage, glanced.finish)
    assert observation.fault is None


_ANSWERS = {
    "openai-chat": b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"x"},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}',
    "anthropic": b'{"type":"message","role":"assistant","content":[{"type":"text","text":"x"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}',
}


@pytest.mark.parametrize("name", _ANSWERS)
def test_an_ordinary_answer_needs_no_decoder(name):
    glance = SPOKES[name].glance
    assert glance is not None
    found = glance(_ANSWERS[name])
    assert found is not None
    assert found.usage is not None
    assert found.usage.total == 3


@pytest.mark.parametrize("name", _ANSWERS)
@pytest.mark.parametrize("damage", [b"", b"null", b"[]", b'{"error":{"message":"no"}}', b"<html>", "cut", "twice"])
def test_anything_else_is_left_to_the_decoder(name, damage):
    glance = SPOKES[name].glance
    assert glance is not None
    whole = _ANSWERS[name]
    body = {"cut": whole[:-1], "twice": whole + whole}.get(damage, damage) if isinstance(damage, str) else damage
    assert glance(body) is None
