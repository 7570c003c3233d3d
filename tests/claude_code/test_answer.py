"""The way back: what the CLI prints becomes one answer of the API, whatever it does beside that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_cli import Json, as_tools, events_of, failing, good
from tests.support.scenario import Scenario, Text, ToolCall, say
from tests.support.sse import decode

from codenex.core import json
from codenex.core.losses import Losses
from codenex.providers.claude_code.answer import Answer
from codenex.providers.claude_code.dialogue import Dialogue
from codenex.providers.claude_code.fitting import fitted
from codenex.providers.claude_code.invocation import Invocation, invocation
from codenex.providers.claude_code.stops import StopFinder

TOOL = {"name": "look", "input_schema": {"type": "object"}}
SCHEMA = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
CALLS = Scenario(
    parts=(ToolCall("toolu_1", "look", '{"q":1}'), ToolCall("toolu_2", "look", '{"q":2}')), finish="tool_calls"
)


def asked(**fields: Any) -> Invocation:
    body = {"model": "sonnet", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return invocation(fitted(json.encode(body), "sonnet", Losses()))


def played(answer: Answer, *messages: Json) -> list[Json]:
    """The events that the client gets."""
    out = b""
    for message in messages:
        out += answer.result(message) if message["type"] == "result" else answer.event(message)
    return [json.decode_object(event.data) for event in decode(out)]


def calls_in(events: list[Json]) -> list[str]:
    blocks = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    return [block["id"] for block in blocks if block["type"] == "tool_use"]


def text_in(events: list[Json]) -> str:
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


def formed(text: str, prose: str = "") -> list[Json]:
    parts = (*((Text(prose),) if prose else ()), ToolCall("toolu_9", "StructuredOutput", text))
    return events_of(Scenario(parts=parts, finish="tool_calls"))


def test_one_call_at_a_time_is_held_to() -> None:
    events = as_tools(events_of(CALLS))
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert calls_in(played(Answer(asked(tools=[TOOL], tool_choice=choice)), *events)) == ["toolu_1"]
    assert calls_in(played(Answer(asked(tools=[TOOL])), *events)) == ["toolu_1", "toolu_2"]


def test_a_call_of_a_tool_that_nobody_has_keeps_its_name() -> None:
    events = played(Answer(asked(tools=[TOOL])), *events_of(CALLS))
    names = {event["content_block"]["name"] for event in events if event["type"] == "content_block_start"}
    assert names == {"look"}


def test_nothing_comes_after_the_end() -> None:
    answer = Answer(asked())
    events = played(answer, *events_of(say("One.")), *events_of(say("Two.")), good())
    assert text_in(events) == "One."
    assert [event["type"] for event in events].count("message_stop") == 1
    assert answer.done
    assert not answer.abandoned


@pytest.mark.parametrize(
    "scenario", [Scenario(parts=()), Scenario(parts=(Text("cut"),), finish="length")], ids=["empty", "length"]
)
def test_the_program_is_not_left_to_try_again(scenario: Scenario) -> None:
    answer = Answer(asked())
    played(answer, *events_of(scenario))
    assert answer.done
    assert answer.abandoned


def test_of_two_forms_the_first_is_the_answer() -> None:
    answer = Answer(asked(output_config=SCHEMA))
    events = played(answer, *formed('{"a":1}', "Here:"), *formed('{"a":2}'), good(usage={"output_tokens": 5}))
    assert text_in(events) == '{"a":1}'
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert events[-2]["usage"] == {"output_tokens": 5}
    assert [event["index"] for event in events if event["type"] == "content_block_start"] == [0]


def test_a_form_that_was_cut_is_told_as_cut() -> None:
    answer = Answer(asked(output_config=SCHEMA))
    cut = events_of(Scenario(parts=(ToolCall("toolu_9", "StructuredOutput", '{"a":'),), finish="length"))
    events = played(answer, *cut, *formed('{"a":2}'), good())
    assert text_in(events) == '{"a":'
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"
    assert answer.abandoned


def test_prose_before_a_call_is_said() -> None:
    call = as_tools(events_of(Scenario(parts=(Text("I look."), CALLS.parts[0]), finish="tool_calls")))
    events = played(Answer(asked(output_config=SCHEMA, tools=[TOOL])), *call, good())
    assert text_in(events) == "I look."
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_an_error_without_a_status_is_judged_by_its_words() -> None:
    answer = Answer(asked())
    assert answer.result(failing("Invalid API key · Please run /login")) == b""
    assert answer.failure is not None
    assert answer.failure.status == 401


def test_events_of_other_agents_and_noise_are_nobodys() -> None:
    dialogue = Dialogue(asked())
    dialogue.opening()
    start = events_of(say("x"))[0]
    for line in (b"", b"null", b"[]", b"{", b'{"type":"keep_alive"}', b'{"type":"assistant","message":{}}'):
        assert dialogue.take(line) == (b"", b"")
    other = {"type": "stream_event", "event": start, "parent_tool_use_id": "toolu_x"}
    assert dialogue.take(json.encode(other)) == (b"", b"")


def test_an_unknown_question_gets_an_answer() -> None:
    dialogue = Dialogue(asked())
    question = {"type": "control_request", "request_id": "q1", "request": {"subtype": "something_new"}}
    reply, out = dialogue.take(json.encode(question))
    assert json.decode_object(reply)["response"] == {"subtype": "success", "request_id": "q1", "response": {}}
    assert out == b""


def test_a_greeting_that_fails_is_a_failure() -> None:
    dialogue = Dialogue(asked())
    dialogue.opening()
    response = {"subtype": "error", "request_id": "greeting", "error": "no such schema"}
    dialogue.take(json.encode({"type": "control_response", "response": response}))
    assert dialogue.answer.failure is not None
    assert b"no such schema" in dialogue.answer.failure.body


@given(st.lists(st.text("ab<", max_size=6), max_size=12), st.lists(st.text("ab<", max_size=4), max_size=3))
def test_a_stop_sequence_is_found_however_the_text_is_cut(pieces: list[str], stops: list[str]) -> None:
    finder = StopFinder(tuple(stops))
    out = "".join(finder.feed(piece) for piece in pieces) + finder.flush()
    text = "".join(pieces)
    places = [text.find(stop) for stop in stops if stop and stop in text]
    if not places:
        assert (out, finder.found) == (text, None)
    else:
        assert finder.found is not None
        assert text.startswith(out + finder.found)
        assert len(out) <= max(places)
        assert not any(stop in out for stop in stops if stop)
