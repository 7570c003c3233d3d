"""The simulated answers as hub events."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import pytest

from codenex.core import events as e
from codenex.core import json
from codenex.core.answer import Answer, fold
from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.core.finish import FinishReason
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Reasoning, Text, ToolCall, ToolResult
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    ToolChoice,
    Turn,
)
from codenex.core.stream_validator import StreamValidator
from codenex.providers.demo.script import demo_events
from codenex.providers.demo.steps import Cut, Delay, Step
from codenex.providers.demo.triggers import KIND_OF_STATUS

WEATHER = FunctionTool(
    "get_weather",
    "Get the current weather in a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = FunctionTool("clock", "Tell the time", {"type": "object", "properties": {}})
ASKED = "What's the weather in Paris?"


def asking(*parts: Part | str, **fields: Any) -> Request:
    turn = Turn("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))
    return Request("openai_chat", "demo", (turn,), **fields)


def played(request: Request, *, faults: bool = False) -> list[Step]:
    return list(demo_events(request, faults=faults))


def answered(request: Request, *, faults: bool = False) -> Answer:
    validator = StreamValidator()
    events: list[e.StreamEvent] = []
    for step in demo_events(request, faults=faults):
        assert not isinstance(step, Delay | Cut)
        validator.check(step)
        events.append(step)
    validator.end()
    return fold(events)


def text_of(answer: Answer, choice: int = 0) -> str:
    return "".join(part.text for part in answer.choices[choice].parts if isinstance(part, Text))


def calls_of(answer: Answer) -> list[ToolCall]:
    return [part for part in answer.choices[0].parts if isinstance(part, ToolCall)]


def finish_of(answer: Answer) -> FinishReason:
    detail = answer.choices[0].finish
    assert detail is not None
    return detail.reason


def test_a_plain_question_is_echoed_and_the_answer_says_what_it_is() -> None:
    answer = answered(asking("Hello there"))
    assert text_of(answer).startswith("This is the simulated answer of the demo provider.")
    assert "“Hello there”" in text_of(answer)
    assert finish_of(answer) is FinishReason.STOP
    assert answer.usage is not None
    assert answer.usage.input_total is not None
    assert answer.usage.input_total > 0
    assert answer.usage.output_reasoning == 0


def test_text_streams_in_words_and_usage_counts_them() -> None:
    deltas = [step for step in played(asking("Hello")) if isinstance(step, e.TextDelta)]
    assert len(deltas) > 10
    answer = answered(asking("Hello"))
    assert answer.usage is not None
    assert answer.usage.output_text == len(deltas)


def test_the_same_request_gives_the_same_events() -> None:
    request = asking(ASKED + " [[tools]] [[think]]", tools=(WEATHER, CLOCK))
    assert played(request) == played(request)


@pytest.mark.parametrize("text", [ASKED, "[[tool]] in Paris", "How is the Weather in Paris"])
def test_a_question_or_the_trigger_calls_the_tool(text: str) -> None:
    answer = answered(asking(text, tools=(CLOCK, WEATHER) if "[[" not in text else (WEATHER, CLOCK)))
    (call,) = calls_of(answer)
    assert (call.name, json.decode(call.arguments), call.complete) == ("get_weather", {"city": "Paris"}, True)
    assert finish_of(answer) is FinishReason.TOOL_CALLS
    assert text_of(answer) == ""


@pytest.mark.parametrize("text", ["Hello", "", "Write me a poem", "please get it", "use a tool to read this file"])
def test_other_words_call_nothing(text: str) -> None:
    tools = (WEATHER, FunctionTool("Write", "Write a file"), FunctionTool("get_data", "Get data"))
    assert calls_of(answered(asking(text, tools=tools))) == []


def test_a_question_matches_a_chinese_description() -> None:
    tool = FunctionTool("f1", "查询城市天气", {"type": "object"})
    assert [call.name for call in calls_of(answered(asking("北京天气怎么样", tools=(CLOCK, tool))))] == ["f1"]


def test_what_an_agent_adds_to_a_turn_is_not_the_question() -> None:
    reminder = "<system-reminder>The weather tool [[tool]] is nice</system-reminder>"
    assert calls_of(answered(asking(reminder, "Hello", tools=(WEATHER,)))) == []


def test_two_calls_in_parallel() -> None:
    both = calls_of(answered(asking("[[tools]]", tools=(WEATHER, CLOCK))))
    assert {call.name for call in both} == {"get_weather", "clock"}
    twice = calls_of(answered(asking("[[tools]] in Paris and London", tools=(WEATHER,))))
    assert [json.decode(call.arguments)["city"] for call in twice] == ["Paris", "London"]
    assert len({call.id for call in (*twice, *both)}) == 4


def test_no_parallel_calls_where_they_are_not_wanted() -> None:
    assert len(calls_of(answered(asking("[[tools]]", tools=(WEATHER, CLOCK), parallel_tool_calls=False)))) == 1


@pytest.mark.parametrize(
    ("choice", "text", "names"),
    [
        (ToolChoice("none"), "[[tool]]", []),
        (ToolChoice("auto"), "Hello", []),
        (ToolChoice("required"), "Hello", ["get_weather"]),
        (ToolChoice("one", ("clock",)), ASKED, ["clock"]),
        (ToolChoice("allowed", ("clock",)), ASKED, []),
        (ToolChoice("allowed", ("clock",), required=True), ASKED, ["clock"]),
        (ToolChoice("one", ("absent",)), ASKED, []),
    ],
)
def test_the_tool_choice_is_obeyed(choice: ToolChoice, text: str, names: list[str]) -> None:
    answer = answered(asking(text, tools=(WEATHER, CLOCK), tool_choice=choice))
    assert [call.name for call in calls_of(answer)] == names


def test_namespaces_and_custom_tools_are_kept() -> None:
    tool = CustomTool("shell", "Run it", namespace="box")
    (call,) = calls_of(answered(asking('[[tool]] "ls -l"', tools=(tool,))))
    assert (call.kind, call.namespace, call.arguments) == ("custom", "box", "ls -l")


def conversation(*after: Part, **fields: Any) -> Request:
    call = ToolCall("c1", "get_weather", '{"city":"Paris"}')
    return Request(
        "openai_chat",
        "demo",
        (
            Turn("user", (Text(ASKED),)),
            Turn("assistant", (call,)),
            Turn("user", (ToolResult("c1", (Text("sunny, 21 °C"),)), *after)),
        ),
        tools=(WEATHER,),
        **fields,
    )


def test_results_are_quoted_and_nothing_is_called_again() -> None:
    answer = answered(conversation())
    assert "The tool get_weather answered: sunny, 21 °C." in text_of(answer)
    assert calls_of(answer) == []
    assert calls_of(answered(conversation(Text("So how is the weather in Paris?")))) == []


def test_a_trigger_behind_the_results_or_a_forced_choice_calls_again() -> None:
    for request in (conversation(Text("[[tool]]")), conversation(tool_choice=ToolChoice("required"))):
        (call,) = calls_of(answered(request))
        assert call.id != "c1"


def test_results_in_turns_of_their_own_and_failed_ones() -> None:
    request = conversation()
    failed = Turn("user", (ToolResult("c1", (Text("no network"),), is_error=True),))
    answer = answered(Request("x", "demo", (*request.turns[:2], failed, Turn("user", (Text("and?"),)))))
    assert "failed with: no network." in text_of(answer)
    assert "“and?”" in text_of(answer)


def test_the_ids_of_successive_calls_differ() -> None:
    first = calls_of(answered(asking("[[tool]]", tools=(WEATHER,))))[0]
    later = conversation(Text("[[tool]]"))
    assert calls_of(answered(later))[0].id != first.id


@pytest.mark.parametrize(
    ("text", "options", "shown", "counted"),
    [
        ("[[think]] Hello", None, True, True),
        ("Hello", None, False, False),
        ("Hello", ReasoningOptions(effort="high"), True, True),
        ("Hello", ReasoningOptions(budget=1024), True, True),
        ("Hello", ReasoningOptions(visible=True), True, True),
        ("Hello", ReasoningOptions(adaptive=True), True, True),
        ("Hello", ReasoningOptions(effort="none", visible=True), False, False),
        ("Hello", ReasoningOptions(budget=0), False, False),
        ("Hello", ReasoningOptions(effort="high", visible=False), False, True),
    ],
)
def test_reasoning_stands_before_the_text(
    text: str, options: ReasoningOptions | None, shown: bool, counted: bool
) -> None:
    answer = answered(asking(text, reasoning=options))
    assert [type(part) for part in answer.choices[0].parts] == ([Reasoning, Text] if shown else [Text])
    assert answer.usage is not None
    assert (answer.usage.output_reasoning != 0) is counted


def test_a_json_schema_gives_an_instance() -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = answered(asking("This is about John, he is 25", output=OutputFormat("json_schema", schema=schema)))
    assert json.decode(text_of(answer)) == {"name": "John", "age": 25}


def test_a_json_object_is_an_object() -> None:
    answer = answered(asking('say "hi"', output=OutputFormat("json_object")))
    assert json.decode_object(text_of(answer))["question"] == 'say "hi"'


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480) + b"\x08\x06\0\0\0"


@pytest.mark.parametrize(
    ("media", "phrase"),
    [
        (
            Media("image", "image/png", base64.b64encode(PNG).decode()),
            f"an image of type image/png with {len(PNG)} bytes (640 by 480 pixels)",
        ),
        (Media("image", url="https://u:pw@example.com/a/cat.png?key=secret"), "an image at example.com/a/cat.png."),
        (Media("image", url="data:image/gif;base64,AAAA"), "an image of type image/gif with 3 bytes"),
        (Media("image", url="http://[bad"), "an image at an unreadable address"),
        (
            Media("document", "application/pdf", "AAA=", filename="a.pdf"),
            "a document named a.pdf of type application/pdf with 2 bytes",
        ),
        (Media("document", text="hello"), "a document with 5 characters"),
        (Media("audio", file_id="file-1"), "an audio stored as file-1"),
    ],
)
def test_media_is_described(media: Media, phrase: str) -> None:
    assert phrase in text_of(answered(asking("look", media)))
    assert phrase.rstrip(".") in text_of(answered(conversation(ToolResult("c1", (media,)))))


@pytest.mark.parametrize("limit", [1, 5, 12])
def test_the_output_limit_cuts_the_text(limit: int) -> None:
    answer = answered(asking("Hello", max_output_tokens=limit))
    assert finish_of(answer) is FinishReason.LENGTH
    assert len(text_of(answer).split()) == limit
    assert answer.usage is not None
    assert answer.usage.output_total == limit


def test_a_wide_limit_changes_nothing() -> None:
    assert answered(asking("Hello", max_output_tokens=4096)).choices == answered(asking("Hello")).choices


def test_reasoning_counts_against_the_limit() -> None:
    answer = answered(asking("[[think]] Hello", max_output_tokens=4))
    assert [type(part) for part in answer.choices[0].parts] == [Reasoning]
    assert finish_of(answer) is FinishReason.LENGTH


def test_a_call_beyond_the_limit_is_incomplete() -> None:
    answer = answered(asking('[[tool]] in "' + "x" * 100 + '"', tools=(WEATHER,), max_output_tokens=2))
    (call,) = calls_of(answer)
    assert not call.complete
    assert finish_of(answer) is FinishReason.LENGTH


def test_stop_sequences() -> None:
    answer = answered(asking("Hello", sampling=Sampling(stop=("", "absent", "answer", "demo"))))
    assert text_of(answer) == "This is the simulated "
    detail = answer.choices[0].finish
    assert detail is not None
    assert (detail.reason, detail.stop_sequence) == (FinishReason.STOP_SEQUENCE, "answer")
    nothing = answered(asking("Hello", sampling=Sampling(stop=("This",))))
    assert nothing.choices[0].parts == ()


def test_several_choices() -> None:
    answer = answered(asking("Hello", sampling=Sampling(choices=3)))
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({text_of(answer, choice) for choice in range(3)}) == 3
    calls = answered(asking("[[tool]]", tools=(WEATHER,), sampling=Sampling(choices=2)))
    assert len({part.id for choice in calls.choices for part in choice.parts if isinstance(part, ToolCall)}) == 2


@pytest.mark.parametrize("status", sorted(KIND_OF_STATUS))
def test_status_faults(status: int) -> None:
    with pytest.raises(Fault) as caught:
        played(asking(f"[[status={status}]]"), faults=True)
    fault = caught.value
    assert fault.kind is KIND_OF_STATUS[status]
    assert fault.status == (503 if status == 529 else status) == DEFAULT_STATUS[fault.kind]
    assert fault.retry_after == (1.0 if status in (429, 503, 529) else None)
    assert fault.from_upstream


def test_statuses_outside_the_table() -> None:
    for status, kind in ((418, FaultKind.INVALID_REQUEST), (599, FaultKind.UPSTREAM)):
        with pytest.raises(Fault) as caught:
            played(asking(f"[[status={status}]]"), faults=True)
        assert (caught.value.kind, caught.value.status) == (kind, status)
    assert "[[status=200]]" in text_of(answered(asking("[[status=200]]"), faults=True))


def test_a_delay_comes_first_even_before_a_fault() -> None:
    assert played(asking("[[delay=500]] Hello"), faults=True)[0] == Delay(500)
    steps = demo_events(asking("[[status=429]] [[delay=20]]"), faults=True)
    assert next(steps) == Delay(20)
    with pytest.raises(Fault):
        next(steps)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_cut_ends_the_stream_after_some_text(after: int) -> None:
    steps = played(asking(f"[[cut={after}]] Hello"), faults=True)
    assert steps[-1] == Cut()
    assert sum(isinstance(step, e.TextDelta) for step in steps) == after
    assert not any(isinstance(step, e.Finish) for step in steps)


def test_a_cut_beyond_the_end_still_cuts() -> None:
    steps = played(asking("[[cut=5000]] Hello"), faults=True)
    assert isinstance(steps[0], e.Start)
    assert steps[-1] == Cut()
    assert not any(isinstance(step, e.Finish) for step in steps)


@pytest.mark.parametrize("trigger", ["[[status=429]]", "[[delay=500]]", "[[cut=1]]"])
def test_faults_are_text_unless_enabled(trigger: str) -> None:
    assert trigger in text_of(answered(asking(trigger), faults=False))


def test_odd_text_comes_through_and_is_bounded() -> None:
    odd = "👩‍👩‍👧 שלום\u2028مرحبا 你好 \x00"
    assert "👩‍👩‍👧 שלום" in text_of(answered(asking(odd)))
    begin = time.perf_counter()
    huge = text_of(answered(asking("né [[ x 😀 " * 200_000 + ASKED, tools=(WEATHER,))))
    assert time.perf_counter() - begin < 2
    assert len(huge) < 1000


def test_the_last_user_turn_counts_even_before_a_prefill() -> None:
    request = Request(
        "anthropic",
        "demo",
        (Turn("user", (Text("one"),)), Turn("user", (Text("two"),)), Turn("assistant", (Text("So"),))),
    )
    assert "“two”" in text_of(answered(request))
    assert "You sent no text." in text_of(answered(Request("x", "demo", (Turn("system", (Text("[[tool]]"),)),))))


def test_what_is_left_out_is_a_loss() -> None:
    losses = Losses()
    hosted = HostedTool("openai_responses", "web_search", {"type": "web_search"})
    request = asking("Hello", tools=(hosted,), sampling=Sampling(logprobs=True, seed=0, temperature=0.0))
    list(demo_events(request, faults=False, losses=losses))
    assert [(loss.path, loss.action) for loss in losses.values()] == [
        ("logprobs", "dropped"),
        ("tools.web_search", "dropped"),
    ]
