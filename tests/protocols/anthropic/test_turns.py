"""Turns that are decoded by types are those that the general decoder makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.errors import Fault
from codenex.core.json import Raw, decode_raw_object
from codenex.protocols.anthropic.request import _request, _turns
from codenex.protocols.anthropic.turns import usual_turns

Object = dict[str, Any]
TEXTS = st.sampled_from(["", " ", "hi", "é\n"])
MARKS: dict[str, Any] = {
    "cache_control": st.sampled_from(
        [
            None,
            {"type": "ephemeral"},
            {"type": "ephemeral", "ttl": "1h"},
            {"type": "ephemeral", "ttl": "5m"},
            {"type": "ephemeral", "ttl": None},
            {"type": "ephemeral", "ttl": "2h"},
            {"type": "ephemeral", "scope": "x"},
            {"ttl": "1h"},
        ]
    )
}
SAID = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS}, optional=MARKS)
BLOCKS = st.one_of(
    SAID,
    st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": st.sampled_from(["toolu_1", ""]),
            "name": st.sampled_from(["f", ""]),
            "input": st.sampled_from([{}, {"a": 1.0, "é": [None, 10**30]}, {"tools": []}]),
        },
        optional=MARKS,
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("tool_result"),
            "tool_use_id": st.sampled_from(["toolu_1", ""]),
            "content": TEXTS | st.lists(SAID, max_size=2),
        },
        optional={"is_error": st.booleans(), **MARKS},
    ),
    st.fixed_dictionaries(
        {"type": st.just("thinking"), "thinking": TEXTS},
        optional={"signature": st.sampled_from([None, "", "c2ln"])},
    ),
)
ODD = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aaaa"}},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "a", "citations": []},
        {"type": "tool_use", "id": "a", "name": "b", "input": "{}"},
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]},
        {"type": "tool_result", "tool_use_id": "a", "content": "a", "is_error": None},
        {"type": "thinking", "thinking": None},
        {"text": "a"},
        "a",
        None,
    ]
)
ROLES = st.sampled_from(["user", "assistant"])
TURNS = st.lists(st.fixed_dictionaries({"role": ROLES, "content": TEXTS | st.lists(BLOCKS, max_size=3)}), max_size=4)


@settings(deadline=None, max_examples=200)
@given(TURNS)
def test_usual_turns_are_those_of_the_general_decoder(messages: list[Object]) -> None:
    found = usual_turns(Raw(json.dumps(messages).encode()))
    if found is not None:
        assert tuple(found) == _turns((), messages)
    elif "2h" not in str(messages) and "scope" not in str(messages) and "{'ttl'" not in str(messages):
        pytest.fail("these are usual")


@settings(deadline=None)
@given(TURNS, ROLES | st.just("system"), st.lists(BLOCKS | ODD, min_size=1, max_size=2) | st.none(), st.booleans())
def test_a_request_is_the_same_whether_it_came_split_or_not(
    messages: list[Object], role: str, more: Any, system: bool
) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [*messages, {"role": role, "content": more}], "metadata": {}}
    if system:
        body["system"] = "be brief"
    data = json.dumps(body).encode()
    assert _read(data, split=True) == _read(data, split=False)


@pytest.mark.parametrize("messages", [b"null", b"{}", b"[1]", b'"hi"', b'[{"role":"user"}]', b"[]"])
def test_what_is_wrong_is_told_in_the_same_words(messages: bytes) -> None:
    data = b'{"model":"m","max_tokens":5,"messages":' + messages + b"}"
    assert _read(data, split=True) == _read(data, split=False)


def _read(data: bytes, *, split: bool) -> Any:
    try:
        return _request(data, None, decode_raw_object(data) if split else None, counting=False)
    except Fault as fault:
        return fault.status, fault.message, fault.param
