"""Laws that hold for every request and answer that the protocol can express."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.openai_chat.samples import OPENAI, UNKNOWN, decoded, streamed, unary

from codenex.core.answer import Answer, Choice, fold, unfold
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Reasoning, Refusal, Signature, Text, ToolCall, ToolResult
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    ToolChoice,
    Turn,
)
from codenex.core.stream_validator import StreamValidator
from codenex.core.usage import Usage
from codenex.models.openai import chat_capabilities
from codenex.protocols.openai_chat import SPOKE

EXAMPLES = settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))
OPENROUTER = chat_capabilities("vendor/model", "openrouter.ai")
#: everything that the protocol itself can say
ALL = msgspec.structs.replace(
    OPENROUTER,
    sampling=OPENROUTER.sampling | {"top_k"},
    developer_role=True,
    custom_tools=True,
    efforts=("low", "high"),
)

# Small sets of awkward values: drawing them is quick, so that a thousand examples take seconds.
WORDS = st.sampled_from(["a", " b ", "é👋", "\u2028", "{}", "x" * 70, '"\\n', "[tool", "data: [DONE]", "\ud7ff\x00"])
SAID = st.sampled_from(["a", " b ", "é👋", "{}", "x" * 70, '"\\n', "[tool", "data: [DONE]", "two words", "1"])
NAMES = st.sampled_from(["f", "get_weather", "a-b", "A1", "_", "x" * 64])
ARGUMENTS = st.sampled_from(["{}", '{"x":1}', '{ "é" : "\\u2028" }', '{"a":{"b":[1.0,null]}}'])
MAYBE = st.none() | st.booleans()
NUMBERS = st.sampled_from([None, 0.0, 0.5, 1.0, 2.0])
COUNTS = st.sampled_from([None, 0, 1, 20])
FLAGS = st.integers(0, 2**16 - 1)

IMAGE = Media("image", "image/png", "iVBORw0KGgoAAAAA")
MEDIA = st.sampled_from(
    [
        IMAGE,
        Media("image", "image/jpeg", "/9j/4AAAAAAAAAAA", detail="low"),
        Media("image", url="https://x.example/a"),
        Media("document", "application/pdf", "JVBERi0xLjcK", filename="a.pdf"),
        Media("document", file_id="file-1"),
        Media("audio", "audio/wav", "AAAA"),
    ]
)
REASONING = st.sampled_from(
    [
        Reasoning(("one",), signature=Signature("openai", "s")),
        Reasoning(("two\n\nthree",), signature=Signature("openai", "t"), extras={"format": "unknown"}),
        Reasoning(("a", "b"), item_id="rs_1", signature=Signature("openai", "u", "rs_1")),
        Reasoning((), redacted=True, signature=Signature("openai", "d")),
    ]
)
SPOKEN = SAID.map(Text)
ASKED = st.lists(SPOKEN | MEDIA, min_size=1, max_size=3)
THOUGHTS = st.lists(REASONING, max_size=2)
SPEECH = st.lists(SPOKEN, max_size=2)
CALLS = st.lists(st.tuples(st.booleans(), NAMES, ARGUMENTS, MAYBE, SAID), max_size=2)
LENGTHS = st.integers(0, 3)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    flags = draw(FLAGS)
    turns: list[Turn] = []
    if flags & 1:
        turns.append(Turn("system", (Text(draw(SAID)),), "system"))
    if flags & 2:
        turns.append(Turn("system", (Text(draw(SAID)),), "developer", "ann"))
    turns.append(Turn("user", (Text("q"),)))
    for number in range(draw(LENGTHS)):
        if turns[-1].role == "assistant" or flags & 4 << number:
            turns.append(Turn("user", tuple(draw(ASKED)), name="bob" if flags & 32 << number else None))
            continue
        refusal = (Refusal("no"),) if flags & 256 << number else ()
        said: tuple[Part, ...] = (*draw(THOUGHTS), *draw(SPEECH), *refusal)
        given = draw(CALLS)
        calls = tuple(
            ToolCall(f"call_{number}_{position}", name, arguments, "custom" if custom else "function")
            for position, (custom, name, arguments, _, _) in enumerate(given)
        )
        turns.append(Turn("assistant", (*said, *calls) if said or calls else (Text("x"),)))
        results = tuple(
            ToolResult(call.id, (Text(text),), call.name, failed is True, call.kind)
            for call, (_, _, _, failed, text) in zip(calls, given, strict=True)
        )
        if results:
            turns.append(Turn("user", results))
    return tuple(turns)


SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = st.lists(
    st.sampled_from(
        [
            FunctionTool("f"),
            FunctionTool("get_weather", "Tells.", SCHEMA, True),
            FunctionTool("a-b", None, SCHEMA, False, extras={"function.odd": 1, "outer": 2}),
            CustomTool("patch", "Applies.", {"type": "grammar", "syntax": "lark", "definition": "start: X"}),
            CustomTool("note"),
        ]
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
CHOICES = st.sampled_from(["auto", "none", "required", "one", "allowed", None])
OUTPUTS = st.sampled_from(
    [
        None,
        OutputFormat("text"),
        OutputFormat("json_object"),
        OutputFormat("json_schema", "n", "d", SCHEMA, True),
        OutputFormat("json_schema", "n", None, SCHEMA),
    ]
)
SAMPLINGS = st.builds(
    Sampling,
    NUMBERS,
    NUMBERS,
    COUNTS,
    st.sampled_from([None, ("a",), ("a", "b")]),
    COUNTS,
    COUNTS,
    NUMBERS,
    NUMBERS,
    st.sampled_from([None, {"1": -100.0}]),
    MAYBE,
    COUNTS,
)
REASONINGS = st.sampled_from([None, ReasoningOptions("low", raw={"reasoning": {"effort": "low"}})])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    tools = draw(TOOLS)
    mode = draw(CHOICES) if tools else None
    names = {"one": (tools[0].name,) if tools else (), "allowed": tuple(tool.name for tool in tools)}
    choice = ToolChoice(mode, names.get(mode, ()), mode == "allowed") if mode is not None else None
    flags = draw(FLAGS)
    return Request(
        "openai-chat",
        "some-model",
        draw(conversations()),
        tools,
        choice,
        draw(MAYBE) if tools else None,
        draw(SAMPLINGS),
        500 if flags & 128 else None,
        draw(REASONINGS),
        draw(OUTPUTS),
        "low" if flags & 1 else None,
        bool(flags & 2),
        bool(flags & 2),
        "user" if flags & 4 else None,
        {"a": "b"} if flags & 8 else None,
        "flex" if flags & 16 else None,
        "key" if flags & 32 else None,
        extras={"modalities": ["text"], "odd": {"a": [1, None]}} if flags & 64 else None,
    )


def _demand(holds: bool) -> None:
    assert holds


@EXAMPLES
@given(requests())
def test_what_the_protocol_can_say_survives(asked: Request):
    losses = Losses()
    body = SPOKE.encode_request(asked, ALL, losses).body
    assert losses.values() == ()
    assert SPOKE.decode_request(body, None) == asked


@EXAMPLES
@given(requests(), st.sampled_from(["anthropic", "gemini", "openai-responses"]), st.sampled_from([OPENAI, UNKNOWN]))
def test_every_request_of_another_protocol_is_sent_or_refused(asked: Request, protocol: str, capabilities: Any):
    other = msgspec.structs.replace(asked, protocol=protocol)
    losses = Losses()
    try:
        result = SPOKE.encode_request(other, capabilities, losses)
    except Fault as fault:
        _demand(fault.code == "unsupported_parameter")
        return
    again = SPOKE.encode_request(other, capabilities, Losses())
    assert again == result
    back = SPOKE.decode_request(result.body, None)
    texts = [part.text for turn in other.turns for part in turn.parts if isinstance(part, Text)]
    said = "".join(part.text for turn in back.turns for part in turn.parts if isinstance(part, Text))
    assert all(text in said for text in texts)
    if asked.extras:
        assert {"modalities", "odd"} <= {loss.path for loss in losses.values()}
        assert "odd" not in (back.extras or {})


PARTS = st.lists(
    st.one_of(
        WORDS.map(Text),
        WORDS.map(Refusal),
        st.sampled_from([Reasoning(("one", "two")), Reasoning(("three",)), IMAGE, ToolCall("", "f", "{}")]),
        REASONING,
        st.builds(ToolCall, st.just(""), NAMES, ARGUMENTS),
    ),
    max_size=5,
)
REASONS = st.sampled_from([FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
USAGES = st.none() | st.builds(Usage, COUNTS, COUNTS, output_text=COUNTS, output_reasoning=COUNTS)


@st.composite
def answers(draw: st.DrawFn, protocol: str) -> Answer:
    choices = []
    number = 0
    for index in range(1 + draw(st.booleans())):
        parts: list[Part] = []
        for part in draw(PARTS):
            if isinstance(part, ToolCall):
                number += 1
                part = msgspec.structs.replace(part, id=f"call_{number}")
            parts.append(part)
        called = any(isinstance(part, ToolCall) for part in parts)
        choices.append(Choice(index, tuple(parts), settled(FinishDetail(draw(REASONS)), has_tool_calls=called)))
    return Answer(protocol, choices=tuple(choices), usage=draw(USAGES))


@EXAMPLES
@given(answers("anthropic") | answers("openai-chat"), st.integers(25, 400))
def test_stream_and_whole_answer_say_the_same_however_it_is_cut(found: Answer, length: int):
    whole = fold(SPOKE.decode_response(json.dumps(unary(found)).encode()))
    data = streamed(list(unfold(found)), include_usage=True)
    events = decoded(data)
    assert decoded(data, (data[start : start + length] for start in range(0, len(data), length))) == events
    again = fold(events)

    def told(answer: Answer) -> list[Any]:
        out: list[Any] = []
        for choice in answer.choices:
            texts = "".join(part.text for part in choice.parts if isinstance(part, Text))
            refusals = "".join(part.text for part in choice.parts if isinstance(part, Refusal))
            calls = [part for part in choice.parts if isinstance(part, ToolCall)]
            media = [part for part in choice.parts if isinstance(part, Media)]
            out.append((choice.index, texts, refusals, calls, media, choice.finish))
        return [*out, answer.usage]

    assert told(again) == told(whole)
    calls = [part for choice in found.choices for part in choice.parts if isinstance(part, ToolCall)]
    assert [part for choice in whole.choices for part in choice.parts if isinstance(part, ToolCall)] == calls


@EXAMPLES
@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f"data: {text}\n\n".encode()))
def test_no_bytes_raise_and_every_stream_ends(data: bytes):
    decoder = SPOKE.stream_decoder()
    validator = StreamValidator()
    for event in [*decoder.feed(data), *decoder.eof()]:
        validator.check(event)
    validator.end()
    assert decoder.done


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "choices", "delta", "message", "content", "tool_calls", "function", "name", "arguments", "id", "index",
                "type", "text", "reasoning_details", "reasoning", "usage", "logprobs", "annotations", "audio", "images",
                "finish_reason", "error", "refusal", "extra_content", "google", "role", "messages", "image_url", "url",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@EXAMPLES
@given(JSON, JSON)
def test_no_json_raises(first: Any, second: Any):
    values = [{"choices": [{"index": 0, "delta": value}]} for value in (first, second)]
    data = "".join(f"data: {json.dumps(value)}\n\n" for value in [*values, second])
    decoder = SPOKE.stream_decoder()
    validator = StreamValidator()
    for event in [*decoder.feed(data.encode()), *decoder.feed(b"data: [DONE]\n\n"), *decoder.eof()]:
        validator.check(event)
    validator.end()
    for body in (first, {"messages": [first, second]}):
        encoded = json.dumps(body).encode()
        try:
            SPOKE.decode_request(encoded, "m")
        except Fault as fault:
            _demand(fault.status == 400)
        SPOKE.decode_error(500, [], encoded)
        try:
            SPOKE.decode_response(encoded)
        except Fault as fault:
            _demand(fault.from_upstream)
