"""The shortcut for whole answers says what the fold of their events says, or leaves them to it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.answer import fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.core.parts import ToolCall
from codenex.gateway.spokes import SPOKES
from codenex.protocols.openai_chat import SPOKE
from codenex.protocols.openai_chat.whole import read_answer

COUNTS = st.none() | st.integers(0, 9)
DETAILS = st.none() | st.fixed_dictionaries(
    {}, optional={"cached_tokens": COUNTS, "reasoning_tokens": COUNTS, "x": COUNTS}
)
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "total_tokens": COUNTS,
        "prompt_tokens_details": DETAILS,
        "completion_tokens_details": DETAILS,
        "num_search_queries": COUNTS,
        "odd_tokens": COUNTS,
    },
)
CALLS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["c", "d", ""]),
        "function": st.fixed_dictionaries(
            {
                "name": st.sampled_from(["f", "g", "parallel"]),
                "arguments": st.sampled_from(['{"a":1}', "{}", "", "[1]", '{"a']),
            }
        ),
    },
    optional={"type": st.sampled_from(["function", "custom"]), "index": st.sampled_from([0, 1, None]), "x": st.just(1)},
)
MESSAGES = st.fixed_dictionaries(
    {"content": st.none() | st.just("") | st.text(max_size=5)},
    optional={
        "role": st.sampled_from(["assistant", None, "user"]),
        "refusal": st.sampled_from([None, "", "no"]),
        "tool_calls": st.none() | st.lists(CALLS, max_size=2),
        "reasoning_content": st.sampled_from([None, "hm", ""]),
        "reasoning": st.sampled_from([None, "ha", ""]),
        "annotations": st.just([]),
        "audio": st.none(),
    },
)
CHOICES = st.fixed_dictionaries(
    {"message": MESSAGES, "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "odd", None])},
    optional={
        "index": st.sampled_from([0, 0, 1]),
        "logprobs": st.sampled_from([None, {"content": []}]),
        "x": st.none(),
    },
)
BODIES = st.fixed_dictionaries(
    {"choices": st.lists(CHOICES, min_size=1, max_size=1) | st.lists(CHOICES, max_size=2)},
    optional={
        "id": st.sampled_from(["i", "", None]),
        "object": st.sampled_from(["chat.completion", "chat.completion", "error"]),
        "created": st.sampled_from([1, 1, 0, 1.5]),
        "model": st.sampled_from(["m", "m", ""]),
        "usage": st.none() | USAGE,
        "service_tier": st.sampled_from([None, "default", "flex"]),
        "system_fingerprint": st.sampled_from([None, "fp"]),
        "error": st.sampled_from([None, {"message": "no"}]),
    },
)


@settings(deadline=None)
@given(BODIES, st.sampled_from(sorted(SPOKES)))
def test_the_shortcut_agrees_with_the_fold(body: dict[str, Any], client: str) -> None:
    agree(json.dumps(body).encode(), client)


def agree(data: bytes, client: str) -> bool:
    found = read_answer(data, True)
    if found is None:
        return False
    called = any(isinstance(part, ToolCall) for part in found.choices[0].parts)
    assert read_answer(data) == (None if called else found)
    short, long = Losses(), Losses()
    AnswerLosses(client, short).see_plain(found)
    seen = AnswerLosses(client, long)
    try:
        events = SPOKE.decode_response(data)
    except Fault as fault:
        raise AssertionError("the shortcut takes what the decoder refuses") from fault
    for event in events:
        seen.see(event)
    assert found == fold(events)
    assert short.values() == long.values()
    return True


def test_ordinary_answers_take_the_shortcut() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "odd_tokens": 1}
    body = {"id": "i", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    more = {"service_tier": "flex", "system_fingerprint": "fp"}
    calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}} for i in "ab"]
    calling = {**choice, "message": {**choice["message"], "tool_calls": calls}, "finish_reason": "tool_calls"}
    for answer in (body, {**body, **more}, {**body, "choices": [calling]}):
        assert all(agree(json.dumps(answer).encode(), client) for client in SPOKES)
