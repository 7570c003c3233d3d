"""Every scenario, rendered by every vendor, whole and streamed, is what the vendor's own SDK reads out of it."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import openai.types.chat
import openai.types.responses
import pytest
from google.genai import types
from pydantic import TypeAdapter
from tests.rig.sdk import ASK, Understood
from tests.support.scenario import SCENARIOS, Refusal, Scenario
from tests.support.sse import decode
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.gemini.answers import array

PROTOCOLS = tuple(DIALECTS)
FINISH = {
    "openai_chat": ("stop", "stop", "length", "tool_calls", "content_filter", "stop"),
    "openai_responses": ("completed", "completed", "incomplete", "completed", "incomplete", "completed"),
    "anthropic": ("end_turn", "stop_sequence", "max_tokens", "tool_use", "refusal", "refusal"),
    "gemini": ("STOP", "STOP", "MAX_TOKENS", "STOP", "SAFETY", "SAFETY"),
}
REASONS = ("stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal")


def parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def expected(protocol: ProtocolName, scenario: Scenario) -> Understood:
    """What an SDK should understand; each difference is a thing that the protocol can't say."""
    text, refusal = scenario.text, scenario.refusal
    if protocol == "gemini":
        text, refusal = text + refusal, ""
    return Understood(
        text=text,
        reasoning=scenario.reasoning,
        refusal=refusal,
        calls=[(call.id, call.name, call.arguments) for call in scenario.tool_calls],
        finish=dict(zip(REASONS, FINISH[protocol], strict=True))[scenario.finish],
        input_total=scenario.usage.input_total,
        output_total=scenario.usage.output_total,
    )


def readable(protocol: ProtocolName, name: str, stream: bool) -> bool:
    """Whether the SDK can say what the scenario says."""
    if name == "length in a tool call":
        # The stream helpers parse arguments, and two protocols have them as objects.
        return not stream and protocol.startswith("openai")
    # OpenAI's stream helper raises when an answer was ended early.
    return not (stream and protocol == "openai_chat" and SCENARIOS[name].finish in ("length", "content_filter"))


READABLE = [
    (protocol, name, stream)
    for protocol in PROTOCOLS
    for name in SCENARIOS
    for stream in (False, True)
    if readable(protocol, name, stream)
]


@pytest.mark.parametrize(("protocol", "name", "stream"), READABLE)
async def test_the_sdk_understands_every_scenario(protocol: ProtocolName, name: str, stream: bool) -> None:
    scenario = SCENARIOS[name]
    async with ScriptedVendor(protocol, scenario=scenario) as vendor:
        understood = await ASK[protocol](vendor, stream=stream)
    wanted = expected(protocol, scenario)
    understood.calls = [(id_, called, parsed(text)) for id_, called, text in understood.calls]
    wanted.calls = [(id_, called, parsed(text)) for id_, called, text in wanted.calls]
    assert understood == wanted
    assert vendor.problems == []


UNARY_TYPES: dict[ProtocolName, Any] = {
    "openai_chat": openai.types.chat.ChatCompletion,
    "openai_responses": openai.types.responses.Response,
    "anthropic": anthropic.types.Message,
    "gemini": types.GenerateContentResponse,
}
EVENT_TYPES: dict[ProtocolName, Any] = {
    "openai_chat": openai.types.chat.ChatCompletionChunk,
    "openai_responses": openai.types.responses.ResponseStreamEvent,
    "anthropic": anthropic.types.RawMessageStreamEvent,
    "gemini": types.GenerateContentResponse,
}


def known(protocol: ProtocolName, value: Any) -> Any:
    """The value without the one field that Google's API sends and its SDK's closed type doesn't have."""
    if protocol == "gemini":
        value["usageMetadata"].pop("serviceTier")
    return value


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_body_and_event_has_the_sdk_s_type(protocol: ProtocolName, name: str) -> None:
    dialect = DIALECTS[protocol]
    scenario = SCENARIOS[name].asked(dialect.default_model)
    request = {"model": dialect.default_model, "stream_options": {"include_usage": True}}
    whole = json.loads(dialect.answers.unary(scenario, request))
    TypeAdapter(UNARY_TYPES[protocol]).validate_python(known(protocol, whole))
    adapter = TypeAdapter(EVENT_TYPES[protocol])
    for event in decode(b"".join(dialect.answers.stream(scenario, request))):
        if event.data == "[DONE]" or event.type == "ping":
            continue
        adapter.validate_python(known(protocol, json.loads(event.data)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_gemini_array_holds_the_objects_of_the_events(name: str) -> None:
    dialect = DIALECTS["gemini"]
    scenario = SCENARIOS[name].asked(dialect.default_model)
    events = [json.loads(event.data) for event in decode(b"".join(dialect.answers.stream(scenario, {})))]
    assert json.loads(b"".join(array(scenario, {}))) == events


def test_a_chat_stream_has_usage_only_when_asked() -> None:
    dialect = DIALECTS["openai_chat"]
    scenario = SCENARIOS["text"].asked("m")
    silent = decode(b"".join(dialect.answers.stream(scenario, {})))
    asked = decode(b"".join(dialect.answers.stream(scenario, {"stream_options": {"include_usage": True}})))
    assert all("usage" not in json.loads(event.data) for event in silent[:-1])
    assert [json.loads(event.data)["usage"] is not None for event in asked[:-1]] == [False] * (len(asked) - 2) + [True]
    assert json.loads(asked[-2].data)["choices"] == []
    assert silent[-1].data == asked[-1].data == "[DONE]"


def test_a_responses_stream_is_numbered_and_ends_in_what_the_unary_answer_says() -> None:
    dialect = DIALECTS["openai_responses"]
    for scenario in SCENARIOS.values():
        events = [json.loads(event.data) for event in decode(b"".join(dialect.answers.stream(scenario.asked("m"), {})))]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
        assert events[0]["response"]["output"] == []
        assert events[-1]["response"] == json.loads(dialect.answers.unary(scenario.asked("m"), {}))


def test_anthropic_blocks_are_opened_and_closed_in_order() -> None:
    dialect = DIALECTS["anthropic"]
    for scenario in SCENARIOS.values():
        events = [json.loads(event.data) for event in decode(b"".join(dialect.answers.stream(scenario.asked("m"), {})))]
        marks = [(event["type"], event["index"]) for event in events if event["type"].startswith("content_block_st")]
        blocks = [part for part in scenario.parts if not isinstance(part, Refusal)]
        wanted = [(kind, n) for n in range(len(blocks)) for kind in ("content_block_start", "content_block_stop")]
        assert marks == wanted
        assert [event["type"] for event in (events[0], *events[-2:])] == [
            "message_start",
            "message_delta",
            "message_stop",
        ]
