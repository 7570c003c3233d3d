"""Laws of requests: what the protocol can express survives it, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Losses
from codenex.core.parts import CacheHint, Media, Reasoning, Refusal, Signature, Text, ToolCall, ToolResult
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    State,
    Turn,
)
from codenex.models.openai import RESPONSES_BASE
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.fields import Fields

NORMAL = settings.default.max_examples if settings.default is not None else 100
EXAMPLES = settings(max_examples=max(1000, NORMAL))
FEWER = settings(max_examples=max(150, NORMAL // 10))

WORDS = st.text(st.sampled_from('aé👋 \n"\\{}\u2028\x00'), max_size=4)
NAMES = st.sampled_from(["a", "B-2", "get_weather", "_", "0", "shell", "apply_patch", "x" * 64])
IDS = st.sampled_from([None, "fc_1", "msg_2", "x"])
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.sampled_from(["", "x", "function", "message"])
SCHEMAS = st.none() | st.dictionaries(st.sampled_from(["type", "title", "x"]), WORDS, max_size=2)
HINTS = st.none() | st.builds(CacheHint, st.none() | st.just("30m"))

INPUT_TEXTS = st.builds(Text, WORDS, cache=HINTS)
MEDIA = st.one_of(
    st.builds(Media, st.just("image"), url=st.just("https://x/a.png"), detail=st.none() | st.just("low"), cache=HINTS),
    st.just(Media("image", "image/png", "iVBORw0KGgo=")),
    st.just(Media("image", file_id="file-1")),
    st.just(Media("document", "application/pdf", "JVBERi0x", filename="a.pdf")),
    st.just(Media("document", url="https://x/a")),
)
REASONING = st.builds(
    lambda segments, raw, name: Reasoning(
        segments, raw and bool(segments), not any(segments), name, Signature("openai", "blob", name)
    ),
    st.lists(WORDS, max_size=3).map(tuple),
    st.booleans(),
    NAMES,
)
CALLS = st.one_of(
    st.builds(
        ToolCall, NAMES, NAMES, VALUES.map(lambda value: json.dumps({"a": value})), st.just("function"), IDS,
        st.none() | NAMES, st.booleans(),
    ),
    st.builds(ToolCall, NAMES, NAMES, WORDS, st.just("custom"), IDS),
)  # fmt: skip


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Turns in the form in which they are decoded: after a turn of the assistant comes one with its results."""
    turns: list[Turn] = []
    instructions = draw(st.none() | WORDS)
    if instructions is not None:
        turns.append(Turn("system", (Text(instructions),), "instructions"))
    used: set[str] = set()
    for _ in range(draw(st.integers(1, 3))):
        match draw(st.sampled_from(["user", "system", "developer", "assistant"])):
            case "user":
                turns.append(Turn("user", tuple(draw(st.lists(INPUT_TEXTS | MEDIA, min_size=1, max_size=3)))))
            case "assistant":
                if turns and turns[-1].role == "assistant":
                    continue
                texts = st.builds(Text, WORDS) | st.builds(Refusal, WORDS)
                parts = draw(st.lists(texts | REASONING | CALLS, min_size=1, max_size=4))
                kept = [one for one in parts if not (isinstance(one, ToolCall) and one.id in used)]
                calls: list[ToolCall] = []
                for part in list(kept):
                    if isinstance(part, ToolCall):
                        if part.id in used:
                            kept.remove(part)
                        else:
                            used.add(part.id)
                            calls.append(part)
                if kept:
                    turns.append(Turn("assistant", tuple(kept), phase=draw(st.none() | st.just("commentary"))))
                    phased = any(isinstance(one, Text | Refusal) for one in kept)
                    if not phased:
                        turns[-1] = Turn("assistant", tuple(kept))
                results = tuple(
                    ToolResult(
                        call.id,
                        tuple(draw(st.lists(st.builds(Text, WORDS.filter(bool)) | MEDIA, max_size=2))),
                        call.name,
                        kind=call.kind,
                        item_id=draw(IDS),
                    )
                    for call in calls
                )
                if results:
                    turns.append(Turn("user", results))
            case role:
                turns.append(Turn("system", (draw(INPUT_TEXTS),), role))
    if not any(turn.role != "system" for turn in turns):
        turns.append(Turn("user", (Text("x"),)))
    return tuple(turns)


TOOLS = st.lists(
    st.one_of(
        st.builds(FunctionTool, NAMES, st.none() | WORDS, SCHEMAS, st.none() | st.booleans()),
        st.builds(CustomTool, NAMES, st.none() | WORDS, st.none() | st.just({"type": "grammar", "syntax": "lark"})),
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)
REQUESTS = st.builds(
    Request,
    st.just("openai-responses"),
    st.just("m"),
    conversations(),
    tools=TOOLS,
    parallel_tool_calls=st.none() | st.booleans(),
    sampling=st.builds(
        Sampling, st.none() | st.integers(0, 2).map(float), st.none() | st.integers(0, 1).map(float)
    ) | st.builds(Sampling, logprobs=st.just(True), top_logprobs=st.none() | st.integers(0, 20)),
    max_output_tokens=st.none() | st.integers(16, 10**6),
    reasoning=st.none() | st.builds(
        ReasoningOptions, st.none() | st.sampled_from(["none", "low", "max"]), raw=st.none() | st.just({"mode": "x"})
    ),
    output=st.none() | st.builds(OutputFormat, st.just("json_object")) | st.builds(
        OutputFormat, st.just("json_schema"), NAMES, st.none() | WORDS, st.just({"type": "object"}),
        st.none() | st.booleans(),
    ),
    verbosity=st.none() | st.just("low"),
    stream=st.booleans(),
    include_usage=st.just(True),
    end_user=st.none() | NAMES,
    metadata=st.none() | st.dictionaries(NAMES, WORDS, min_size=1, max_size=2),
    service_tier=st.none() | st.just("flex"),
    cache_key=st.none() | NAMES,
    state=st.none() | st.builds(State, st.booleans(), st.none() | NAMES, st.none() | st.just({"id": "conv"})),
    extras=st.none() | st.just({"max_tool_calls": 3, "novelty": {"a": [1]}}),
)  # fmt: skip


def survives(asked: Request) -> None:
    losses = Losses()
    encoded = SPOKE.encode_request(asked, RESPONSES_BASE, losses)
    assert SPOKE.decode_request(encoded.body, None) == asked
    assert losses.values() == ()
    assert not encoded.reversal


@EXAMPLES
@given(conversations())
def test_what_is_encoded_decodes_to_the_same(turns: tuple[Turn, ...]) -> None:
    survives(Request("openai-responses", "m", turns, include_usage=True))


@FEWER
@given(REQUESTS)
def test_with_options_as_well(asked: Request) -> None:
    survives(asked)


@FEWER
@given(REQUESTS, st.sampled_from(["openai-chat", "anthropic", "gemini"]))
def test_what_comes_from_elsewhere_is_always_encoded(asked: Request, protocol: str) -> None:
    given_request = msgspec.structs.replace(asked, protocol=protocol)
    if given_request.state is not None and given_request.state != State(given_request.state.store):
        with pytest.raises(Fault) as caught:
            SPOKE.encode_request(given_request, RESPONSES_BASE, Losses())
        assert caught.value.kind is FaultKind.UNSUPPORTED
        return
    files = any(
        isinstance(part, Media) and part.file_id is not None
        for turn in given_request.turns
        for outer in turn.parts
        for part in (outer.parts if isinstance(outer, ToolResult) else (outer,))
    )
    if files and protocol != "openai-chat":
        with pytest.raises(Fault, match="file id"):
            SPOKE.encode_request(given_request, RESPONSES_BASE, Losses())
        return
    encoded = SPOKE.encode_request(given_request, RESPONSES_BASE, Losses())
    body: dict[str, Any] = json.loads(encoded.body)
    assert body["store"] is False
    assert body["input"]
    assert "novelty" not in body
    calls = [item["call_id"] for item in body["input"] if item["type"].endswith("_call")]
    outputs = [item["call_id"] for item in body["input"] if item["type"].endswith("_output")]
    assert sorted(calls) == sorted(outputs)
    assert all(tool.get("strict") is not None for tool in body.get("tools", []) if tool["type"] == "function")
    assert SPOKE.encode_request(given_request, RESPONSES_BASE, Losses()).body == encoded.body


KEYS = ["input", "type", "role", "content", "text", "tools", "name", "call_id", "output", "format", "id", "summary"]
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner)
)


@FEWER
@given(ANYTHING)
def test_any_json_is_understood_or_refused(value: Any) -> None:
    refusals: list[int] = []
    for body in (value, {"model": "m", "input": value}, {"model": "m", "input": "x", "tools": value, "text": value}):
        try:
            asked = SPOKE.decode_request(json.dumps(body).encode(), None)
        except Fault as fault:
            refusals.append(fault.status)
        else:
            SPOKE.decode_request(SPOKE.encode_request(asked, RESPONSES_BASE, Losses()).body, None)
    assert set(refusals) <= {400}


def test_reading_a_field_takes_it_out() -> None:
    fields = Fields({"a": 1, "b": None, "c": "x"}, "p")
    assert (fields.integer("a"), fields.string("b"), fields.at("c")) == (1, None, "p.c")
    assert fields.extras() == {"c": "x"}
