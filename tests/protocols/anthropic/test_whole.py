"""The shortcut for whole answers says what the fold of their events says, or leaves them to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.answer import Answer, Choice, fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.losses import Losses
from codenex.core.parts import Citation, Signature, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.gateway.spokes import SPOKES
from codenex.protocols.anthropic import SPOKE
from codenex.protocols.anthropic.response import _message, _plain_message, encode_response
from codenex.protocols.anthropic.whole import read_answer

COUNTS = st.sampled_from([None, 0, 3, -1, 2.5, "4", True])
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_creation_input_tokens": COUNTS,
        "cache_creation": st.none() | st.fixed_dictionaries({"ephemeral_5m_input_tokens": COUNTS}),
        "server_tool_use": st.sampled_from([None, {"web_search_requests": 1}]),
        "service_tier": st.sampled_from([None, "standard", "odd"]),
        "iterations": st.sampled_from([None, [{"input_tokens": 1}, {"input_tokens": 2}]]),
        "odd_tokens": COUNTS,
    },
)
BLOCKS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.sampled_from(["", "hi", " "])}),
    st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": st.sampled_from(["", "toolu_1", "toolu_2"]),
            "name": st.sampled_from(["", "f"]),
            "input": st.sampled_from([{}, {"a": 1.0}, "{}", None, {"é": [None]}]),
        },
        optional={"caller": st.just({"type": "direct"})},
    ),
    st.just({"type": "thinking", "thinking": "hm", "signature": "s"}),
    st.just({"type": "text", "text": "a", "citations": []}),
    st.just({"type": "text", "text": "a", "citations": None}),
    st.just({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
)
BODIES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["message", "message", "message", "error"]),
        "content": st.lists(BLOCKS, max_size=3),
        "stop_reason": st.sampled_from(["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal", "odd", None]),
    },
    optional={
        "id": st.sampled_from(["m", "", None]),
        "model": st.sampled_from(["c", "", None]),
        "role": st.sampled_from(["assistant", "user"]),
        "stop_sequence": st.sampled_from([None, "END"]),
        "stop_details": st.sampled_from([None, {"type": "refusal", "explanation": "no"}]),
        "container": st.sampled_from([None, {"id": "c"}]),
        "usage": st.none() | USAGE,
        "odd": st.sampled_from([None, 1]),
    },
)


@settings(deadline=None)
@given(BODIES, st.sampled_from(sorted(SPOKES)))
def test_the_shortcut_agrees_with_the_fold(body: dict[str, Any], client: str) -> None:
    agree({"id": "m", "model": "c", **body}, client)


def agree(body: dict[str, Any], client: str) -> bool:
    data = json.dumps(body).encode()
    found = read_answer(data, True)
    if found is None:
        return False
    called = any(isinstance(part, ToolCall) for part in found.choices[0].parts)
    assert read_answer(data) == (None if called else found)
    short, long = Losses(), Losses()
    AnswerLosses(client, short).see_plain(found)
    seen = AnswerLosses(client, long)
    events = SPOKE.decode_response(data)
    for event in events:
        seen.see(event)
    assert found == fold(events)
    assert short.values() == long.values()
    return True


def test_ordinary_answers_take_the_shortcut() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "c",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    for answer in (body, {**body, "content": [*body["content"], call], "stop_reason": "tool_use"}):
        assert all(agree(answer, client) for client in SPOKES)


TEXTS = st.builds(
    Text,
    st.sampled_from(["", "hi", "é\n"]),
    st.sampled_from([(), (Citation("https://e.x", "t"),)]),
    extras=st.sampled_from([None, {"a": 1}]),
    signature=st.sampled_from([None, Signature("gemini", "c2ln")]),
)
FEW = st.none() | st.integers(0, 9)
USAGES = st.builds(
    Usage, FEW, FEW, FEW, FEW, FEW, FEW, FEW, st.sampled_from([None, {"web_search_requests": 2}]), raw=st.just({"a": 1})
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(["openai-chat", "gemini", "anthropic"]),
    st.none() | st.just("id"),
    choices=st.lists(
        st.builds(
            Choice,
            st.just(0),
            st.lists(TEXTS, max_size=2).map(tuple),
            st.none() | st.builds(FinishDetail, st.sampled_from(FinishReason)),
            st.sampled_from([(), ({"token": "a"},)]),
        ),
        max_size=2,
    ).map(tuple),
    usage=st.none() | USAGES,
    extras=st.sampled_from([None, {"container": {"id": "c"}}]),
)


@settings(deadline=None)
@given(ANSWERS, st.sampled_from([None, lambda: 5]))
def test_an_answer_of_one_text_is_told_as_any_other(answer: Answer, estimate: Callable[[], int] | None) -> None:
    context = RenderContext("a" * 24, 1, "asked", estimate=estimate)
    short = _plain_message(answer, context)
    if short is not None and answer.protocol != "anthropic":
        assert context.losses.found == {}
        assert json.loads(encode_response(answer, context)) == json.loads(msgspec.json.encode(short))
        # In the same order, too.
        assert msgspec.json.encode(short) == msgspec.json.encode(_message(answer, context, own=False))
        assert context.losses.found == {}
