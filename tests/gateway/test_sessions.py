"""Which conversation a request belongs to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codenex.gateway.edits import head_of
from codenex.gateway.sessions import Identity, identity_of

USER = {"role": "user", "content": "hello"}
ANSWER = {"role": "assistant", "content": "hi"}


def identity(protocol: str, body: dict[str, Any], **headers: str) -> Identity | None:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return identity_of(protocol, sent.get, head_of(json.dumps(body).encode()))


@pytest.mark.pitfall("CLI-9")
def test_a_client_may_name_its_conversation() -> None:
    one = identity("anthropic", {"messages": [USER]}, x_claude_code_session_id="s")
    assert one is not None
    assert one.goes_on
    assert one == identity("anthropic", {"messages": []}, x_claude_code_session_id="s")
    agent = identity("anthropic", {"messages": []}, x_claude_code_session_id="s", x_claude_code_agent_id="a")
    assert agent not in (one, None)
    codex = identity("openai-responses", {"input": "x"}, session_id="s")
    assert codex is not None
    assert codex.goes_on


def test_claude_code_names_it_in_the_metadata_and_others_name_their_users_there() -> None:
    named = identity("anthropic", {"messages": [USER], "metadata": {"user_id": "user_x_account__session_y"}})
    assert named is not None
    assert named.goes_on
    users = identity("anthropic", {"messages": [USER], "metadata": {"user_id": "u1"}})
    assert users == identity("anthropic", {"messages": [USER]})


@pytest.mark.parametrize(
    ("protocol", "first", "later", "other"),
    [
        ("openai-chat", {"messages": [USER]}, {"messages": [USER, ANSWER, USER]}, {"messages": [ANSWER]}),
        ("anthropic", {"messages": [USER]}, {"messages": [USER, ANSWER, USER]}, {"messages": [ANSWER]}),
        (
            "openai-responses",
            {"input": [USER]},
            {"input": [USER, ANSWER, USER]},
            {"input": [{"role": "user", "content": "other"}]},
        ),
        (
            "gemini",
            {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
            {"contents": [{"role": "user", "parts": [{"text": "x"}]}, {"role": "model", "parts": [{"text": "y"}]}]},
            {"contents": [{"role": "user", "parts": [{"text": "z"}]}]},
        ),
    ],
)
def test_else_its_beginning_names_it_once_there_is_an_answer(
    protocol: str, first: dict[str, Any], later: dict[str, Any], other: dict[str, Any]
) -> None:
    begun, going = identity(protocol, first), identity(protocol, later)
    assert begun is not None
    assert going is not None
    assert (begun.name, begun.goes_on, going.goes_on) == (going.name, False, True)
    assert identity(protocol, other) is None or identity(protocol, other) != begun


def test_marks_that_move_make_no_other_conversation() -> None:
    text = {"type": "text", "text": "hello"}
    marked = {"role": "user", "content": [{**text, "cache_control": {"type": "ephemeral"}}]}
    one = identity("anthropic", {"messages": [marked]})
    two = identity("anthropic", {"messages": [{"role": "user", "content": [text]}, ANSWER]})
    assert one is not None
    assert two is not None
    assert one.name == two.name


def test_a_cache_key_holds_from_the_first_turn_on_but_for_one_conversation_only() -> None:
    one = identity("openai-responses", {"input": [USER], "prompt_cache_key": "k"})
    assert one is not None
    assert one.goes_on
    other = [{"role": "user", "content": "other"}]
    assert one != identity("openai-responses", {"input": other, "prompt_cache_key": "k"})


@pytest.mark.parametrize("value", [None, 5, "x", [], [5], [None], {}, [{"role": 5}], [{"role": "user"}]])
def test_what_can_not_be_read_is_nobody_s_business_here(value: Any) -> None:
    for protocol, field in (("openai-chat", "messages"), ("openai-responses", "input"), ("gemini", "contents")):
        identity(protocol, {field: value})
    identity("anthropic", {"messages": value, "metadata": value})
