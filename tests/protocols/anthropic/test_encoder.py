"""Events to Anthropic's stream and message object: legal whatever comes, and the same content either way."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.anthropic.frames import (
    context,
    decoded,
    encoded,
    ending,
    message_of,
    start,
    stream,
    values,
)
from tests.protocols.corpus.anthropic import CITATION, STREAMS

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, fold, unfold
from codenex.core.envelope import UNSIGNED
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import (
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
)
from codenex.core.usage import Usage
from codenex.protocols.anthropic import SPOKE
from codenex.protocols.anthropic.finish import STOP_REASONS, STOP_WORDS

STOP = FinishDetail(FinishReason.STOP)


def answer(*parts: Part, finish: FinishDetail | None = STOP, protocol: str = "openai-chat", **changes: Any) -> Answer:
    return Answer(protocol, "up_1", "upstream-model", choices=(Choice(0, parts, finish),), **changes)


def unary(given: Answer) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(SPOKE.encode_response(given, context()))
    return out


def both(given: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message as a whole and as put together from the stream; equal but for how inputs are spelled."""
    whole = unary(given)
    streamed = message_of(encoded(list(unfold(given))))
    for block in streamed["content"]:
        if isinstance(block.get("input"), str):
            block["input"] = json.loads(block["input"])
    return whole, streamed


def content(given: Answer) -> list[dict[str, Any]]:
    whole, streamed = both(given)
    assert whole["content"] == streamed["content"]
    assert whole["stop_reason"] == streamed["stop_reason"]
    for key in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        assert whole["usage"][key] == streamed["usage"][key]
    found: list[dict[str, Any]] = whole["content"]
    return found


@pytest.mark.pitfall("NET-5", "NET-6")
def test_the_frame_of_a_message() -> None:
    whole, streamed = both(answer(Text("hi"), usage=Usage(input_uncached=3, output_text=2)))
    for message in (whole, streamed):
        assert message["id"] == "msg_" + "A" * 24
        assert message["model"] == "claude-alias"
        assert (message["type"], message["role"]) == ("message", "assistant")
        assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
        assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (3, 2)


def test_the_vendors_own_id_and_fields_are_kept() -> None:
    given = Answer(
        "anthropic",
        "msg_01",
        "m",
        choices=(
            Choice(0, (Text("x"),), STOP, extras={"container": {"id": "c"}, "context_management": {"edits": []}}),
        ),
        extras={"diagnostics": {"a": 1}},
        usage=Usage(input_uncached=1, output_text=1, raw={"input_tokens": 1, "output_tokens": 1, "speed": "fast"}),
    )
    whole = unary(given)
    assert whole["id"] == "msg_01"
    assert whole["diagnostics"] == {"a": 1}
    assert whole["container"] == {"id": "c"}
    assert whole["usage"]["speed"] == "fast"
    events = values(encoded(list(unfold(given))))
    assert events[0]["message"]["diagnostics"] == {"a": 1}
    assert events[-2]["delta"]["container"] == {"id": "c"}
    assert events[-2]["context_management"] == {"edits": []}


@pytest.mark.parametrize(
    "name",
    ["text", "thinking and text", "calls", "redacted", "omitted thinking", "search", "empty", "stop sequence", "rich"],
)
def test_own_streams_come_out_as_they_went_in(name: str) -> None:
    original, again = message_of(STREAMS[name]), message_of(encoded(decoded(STREAMS[name])))
    assert again["content"] == original["content"]
    assert again["stop_reason"] == original["stop_reason"]
    assert again["usage"]["output_tokens"] == original["usage"]["output_tokens"]
    folded = fold(decoded(STREAMS[name]))
    assert [block["type"] for block in unary(folded)["content"]] == [block["type"] for block in original["content"]]


@pytest.mark.pitfall("RSN-14", "SSE-4")
def test_reasoning() -> None:
    signed = Reasoning(("a", "b"), signature=Signature("anthropic", "sig"))
    assert content(answer(signed)) == [{"type": "thinking", "thinking": "a\n\nb", "signature": "sig"}]
    # The vendor refuses thinking without a signature, so that what has none has to be known again.
    assert content(answer(Reasoning(("a",)))) == [{"type": "thinking", "thinking": "a", "signature": UNSIGNED}]
    assert content(answer(Reasoning())) == []
    events = values(encoded(list(unfold(answer(signed)))))
    assert [event["delta"]["type"] for event in events if event["type"] == "content_block_delta"][-1] == (
        "signature_delta"
    )


@pytest.mark.pitfall("RSN-17", "SIG-1")
def test_reasoning_without_text_travels_redacted() -> None:
    sealed = Signature("openai", "envelope")
    expected = [{"type": "redacted_thinking", "data": "envelope"}]
    assert content(answer(Reasoning(signature=sealed))) == expected
    assert content(answer(Reasoning(redacted=True, signature=Signature("anthropic", "envelope")))) == expected
    omitted = Reasoning(signature=Signature("anthropic", "s"))
    assert content(answer(omitted)) == [{"type": "thinking", "thinking": "", "signature": "s"}]


def test_the_signature_of_a_call_travels_before_it() -> None:
    call = ToolCall("call_1", "f", "{}", signature=Signature("gemini", "envelope"))
    assert content(answer(call)) == [
        {"type": "redacted_thinking", "data": "envelope"},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {}},
    ]


@pytest.mark.pitfall("TOOL-1", "TOOL-9", "TOOL-40", "FIN-1")
@pytest.mark.parametrize(
    ("call", "call_id", "given"),
    [
        (ToolCall("call_1", "f", '{"a": 1}'), "call_1", {"a": 1}),
        (ToolCall("functions.f:0", "f", ""), None, {}),
        (ToolCall("", "f", "null"), None, {}),
        (ToolCall("call_1", "f", "  "), "call_1", {}),
        (ToolCall("call_1", "f", '"{\\"a\\": 1}"'), "call_1", {"a": 1}),
        (ToolCall("call_1", "f", "[1]"), "call_1", {"value": [1]}),
        (ToolCall("call_1", "f", "raw text", "custom"), "call_1", {"input": "raw text"}),
    ],
)
def test_calls(call: ToolCall, call_id: str | None, given: dict[str, Any]) -> None:
    found = content(answer(call))
    assert len(found) == 1
    assert found[0]["input"] == given
    assert found[0]["id"].startswith("toolu_") if call_id is None else found[0]["id"] == call_id
    assert unary(answer(call))["stop_reason"] == "tool_use"


@pytest.mark.pitfall("TOOL-8")
def test_calls_that_are_cut_off() -> None:
    given = answer(Text("x"), ToolCall("c", "f", '{"a": "b', complete=False), finish=FinishDetail(FinishReason.LENGTH))
    whole = unary(given)
    assert [block["type"] for block in whole["content"]] == ["text"]
    streamed = message_of(encoded(list(unfold(given))))
    assert streamed["content"][1]["input"] == '{"a": "b'
    assert whole["stop_reason"] == streamed["stop_reason"] == "max_tokens"
    silent = answer(ToolCall("c", "f", '{"a": "b', complete=False))
    assert unary(silent)["stop_reason"] == "max_tokens"
    assert message_of(encoded(list(unfold(silent))))["stop_reason"] == "max_tokens"


@pytest.mark.pitfall("TOOL-13", "FIN-2")
def test_a_call_without_a_name_is_left_out() -> None:
    given = answer(Text("x"), ToolCall("c", "", "{}"), finish=FinishDetail(FinishReason.TOOL_CALLS))
    assert [block["type"] for block in content(given)] == ["text"]
    assert unary(given)["stop_reason"] == "end_turn"


@pytest.mark.pitfall("FIN-4")
def test_refusals() -> None:
    finish = FinishDetail(FinishReason.REFUSAL, message="not allowed")
    whole, streamed = both(answer(Refusal("I can't."), finish=finish))
    for message in (whole, streamed):
        assert message["content"] == [{"type": "text", "text": "I can't."}]
        assert message["stop_reason"] == "refusal"
        assert message["stop_details"] == {"type": "refusal", "category": None, "explanation": "not allowed"}
    assert content(answer(Refusal(""), finish=finish)) == []


@pytest.mark.pitfall("FIN-4")
def test_an_explained_refusal_of_the_vendor_comes_out_as_it_went_in() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "not allowed"}
    data = stream(start(), *ending("refusal", stop_details=details))
    events = decoded(data)
    assert fold(events).choices[0].parts == (Refusal("not allowed"),)
    for message in (message_of(encoded(events)), unary(fold(events))):
        assert message["content"] == []
        assert message["stop_details"] == details


@pytest.mark.pitfall("TOOL-24")
def test_citations() -> None:
    web = Citation("https://a.example", "A", "x", 0, 3, raw={"type": "url_citation"})
    found = content(answer(Text("sky", (web, Citation(raw=CITATION), Citation(title="nowhere")))))
    assert found == [
        {
            "type": "text",
            "text": "sky",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "url": "https://a.example",
                    "title": "A",
                    "cited_text": "x",
                    "encrypted_index": "",
                },
                CITATION,
            ],
        }
    ]


def test_what_has_no_place_is_a_loss() -> None:
    for part in (
        Media("image", "image/png", "QQ=="),
        ServerTool("openai-responses", "web_search_call", {}),
        Opaque("gemini", "x", {}),
        Compaction("openai-responses", {}),
    ):
        given = context()
        assert json.loads(SPOKE.encode_response(answer(part), given))["content"] == []
        assert [loss.action for loss in given.losses.values()] == ["dropped"]
        streaming = context()
        assert message_of(encoded(list(unfold(answer(part))), streaming))["content"] == []
        assert streaming.losses.values() == given.losses.values()
    assert content(answer(Media("audio", "audio/wav", "QQ==", text="spoken"))) == [{"type": "text", "text": "spoken"}]


@pytest.mark.pitfall("SMP-6")
def test_further_choices_are_left_out() -> None:
    given = Answer("openai-chat", choices=(Choice(0, (Text("a"),), STOP), Choice(1, (Text("b"),), STOP)))
    assert content(given) == [{"type": "text", "text": "a"}]


@pytest.mark.pitfall("SMP-5", "FIN-6")
def test_finish_tables() -> None:
    assert set(STOP_WORDS) == set(FinishReason)
    for word, reason in STOP_REASONS.items():
        assert STOP_WORDS[reason] == word
    assert {word for word in STOP_WORDS.values() if word is not None} == set(STOP_REASONS)
    for reason, word in STOP_WORDS.items():
        if word is None:
            continue
        finish = FinishDetail(reason, stop_sequence="END" if reason is FinishReason.STOP_SEQUENCE else None)
        whole, streamed = both(answer(Text("x"), finish=finish))
        settled = "end_turn" if reason is FinishReason.TOOL_CALLS else word
        assert whole["stop_reason"] == streamed["stop_reason"] == settled
        assert whole["stop_sequence"] == streamed["stop_sequence"] == finish.stop_sequence
    unnamed = unary(answer(Text("x"), finish=FinishDetail(FinishReason.STOP_SEQUENCE)))
    assert (unnamed["stop_reason"], unnamed["stop_sequence"]) == ("end_turn", None)


@pytest.mark.pitfall("FIN-5")
def test_a_missing_finish_is_settled_by_the_content() -> None:
    assert unary(answer(Text("x"), finish=None))["stop_reason"] == "end_turn"
    assert unary(answer(ToolCall("c", "f"), finish=None))["stop_reason"] == "tool_use"
    events = [event for event in unfold(answer(ToolCall("c", "f"))) if not isinstance(event, e.Finish)]
    assert message_of(encoded(events))["stop_reason"] == "tool_use"


def test_malformed_calls_are_errors() -> None:
    given = answer(Text("x"), finish=FinishDetail(FinishReason.MALFORMED_TOOL_CALL))
    with pytest.raises(Fault):
        SPOKE.encode_response(given, context())
    last = values(encoded(list(unfold(given))))[-1]
    assert (last["type"], last["error"]["type"]) == ("error", "api_error")


@pytest.mark.pitfall("USE-5", "USE-6", "USE-15")
def test_usage_is_stated_twice_and_complete_at_the_end() -> None:
    events: list[e.StreamEvent] = [
        e.Start("openai-chat"),
        e.PartStart(0, "text"),
        e.TextDelta(0, "x"),
        e.PartStop(0, Text("x")),
        e.Finish(STOP),
        e.UsageSnapshot(Usage(40, 7, 2, 1, 5, 6, 4, {"web_search_requests": 3})),
    ]
    found = values(encoded(events, context(estimate=lambda: 50)))
    assert found[0]["message"]["usage"]["input_tokens"] == 50
    assert found[0]["message"]["usage"]["output_tokens"] == 0
    assert found[-2]["usage"] == {
        "input_tokens": 45,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 7,
        "output_tokens": 10,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0},
    }
    unknown = values(encoded(events[:-1], context(estimate=lambda: 50)))
    assert unknown[-2]["usage"]["input_tokens"] == 50
    assert unknown[-2]["usage"]["output_tokens"] == 0


@pytest.mark.pitfall("TOOL-14", "TOOL-16", "TOOL-17", "SSE-3")
def test_interleaved_calls_come_one_after_the_other() -> None:
    events: list[e.StreamEvent] = [
        e.Start("openai-chat"),
        e.PartStart(0, "tool_call", id="a", name="f"),
        e.ToolArgumentsDelta(0, '{"x"'),
        e.PartStart(1, "tool_call", id="b", name="g"),
        e.ToolArgumentsDelta(1, '{"y":'),
        e.ToolArgumentsDelta(0, ":1}"),
        e.ToolArgumentsDelta(1, "2}"),
        e.PartStop(1, ToolCall("b", "g", '{"y":2}')),
        e.PartStop(0, ToolCall("a", "f", '{"x":1}')),
        e.Finish(FinishDetail(FinishReason.TOOL_CALLS)),
    ]
    assert [(block["name"], block["input"]) for block in message_of(encoded(events))["content"]] == [
        ("f", '{"x":1}'),
        ("g", '{"y":2}'),
    ]
    # The first call is not held back.
    encoder = SPOKE.stream_encoder(context())
    assert b"tool_use" in b"".join(encoder.send(event) for event in events[:3])


@pytest.mark.pitfall("TOOL-11")
def test_the_final_part_adds_only_what_is_missing() -> None:
    events: list[e.StreamEvent] = [
        e.Start("openai-chat"),
        e.PartStart(0, "text"),
        e.TextDelta(0, "Hel"),
        e.PartStop(0, Text("Hello")),
        e.PartStart(1, "tool_call", id="a", name="f"),
        e.ToolArgumentsDelta(1, '{"x":'),
        e.PartStop(1, ToolCall("a", "f", '{"x":1}')),
        e.PartStart(2, "reasoning"),
        e.ReasoningDelta(2, "one"),
        e.PartStop(2, Reasoning(("one", "two"))),
        e.Finish(STOP),
    ]
    blocks = message_of(encoded(events))["content"]
    assert (blocks[0]["text"], blocks[1]["input"], blocks[2]["thinking"]) == ("Hello", '{"x":1}', "one\n\ntwo")


@pytest.mark.pitfall("SSE-6")
def test_pings_never_come_before_the_message() -> None:
    encoder = SPOKE.stream_encoder(context())
    first = values(encoder.ping())
    assert [event["type"] for event in first] == ["message_start", "ping"]
    rest = b"".join([encoder.send(event) for event in unfold(answer(Text("x")))] + [encoder.end()])
    assert "message_start" not in [event["type"] for event in values(rest)]
    assert encoder.ping() == encoder.end() == encoder.fail(Fault(FaultKind.UPSTREAM, "x")) == b""


@pytest.mark.pitfall("ERR-7")
def test_failures_end_the_stream() -> None:
    encoder = SPOKE.stream_encoder(context())
    encoder.send(e.Start("openai-chat"))
    failure = values(encoder.fail(Fault(FaultKind.OVERLOADED, "busy")))
    assert failure == [{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}]
    assert encoder.end() == encoder.send(e.Ping()) == b""
    inside = SPOKE.stream_encoder(context())
    assert b"event: error" in inside.send(e.Error(Fault(FaultKind.RATE_LIMIT, "slow")))
    assert inside.end() == b""


def test_an_empty_answer_is_a_whole_stream() -> None:
    assert message_of(encoded([]))["content"] == []
    assert message_of(encoded([e.Start("gemini"), e.Finish(STOP)]))["stop_reason"] == "end_turn"


def test_events_of_other_protocols_are_left_out() -> None:
    events = [e.Start("openai-responses"), e.Raw("openai-responses", "response.x", {"type": "response.x"}), e.Ping()]
    assert [event["type"] for event in values(encoded(events))][:2] == ["message_start", "ping"]
    own = [e.Start("anthropic"), e.Raw("anthropic", "novelty", {"type": "novelty"})]
    assert values(encoded(own))[1] == {"type": "novelty"}


TEXTS = st.text(max_size=6)
SIGNATURES = st.none() | st.builds(Signature, st.sampled_from(["anthropic", "openai", "gemini"]), st.just("cGF5"))
ARGUMENTS = st.sampled_from(["", "{}", '{"a": 1}', '{"a": "ü\\n"}', "[1]", '"x"', "null"])
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Refusal, TEXTS),
    st.builds(lambda texts, sig: Reasoning(tuple(texts), signature=sig), st.lists(TEXTS, max_size=3), SIGNATURES),
    st.builds(
        lambda call_id, name, text, sig: ToolCall(call_id, name, text, signature=sig),
        st.sampled_from(["c1", "c.2", ""]),
        st.sampled_from(["f", "", "g"]),
        ARGUMENTS,
        SIGNATURES,
    ),
    st.just(ServerTool("anthropic", "server_tool_use", {"type": "server_tool_use", "id": "s", "input": {"q": 1}})),
    st.just(Media("image", "image/png", "QQ==")),
)


@pytest.mark.pitfall("SSE-15", "SSE-16")
@settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))
@given(st.lists(PARTS, max_size=5), st.sampled_from(list(FinishReason)), st.integers(0, 2**32))
def test_any_order_of_events_gives_the_same_message(parts: list[Part], reason: FinishReason, seed: int) -> None:
    source = random.Random(seed)
    if STOP_WORDS[reason] is None:
        return
    given_answer = answer(*parts, finish=FinishDetail(reason))
    expected = unary(given_answer)
    # Shuffle the events of different parts into one another, each part's own in order and starts in order.
    queues: list[list[e.StreamEvent]] = [[] for _ in parts]
    rest: list[e.StreamEvent] = []
    first: list[e.StreamEvent] = []
    for event in unfold(given_answer):
        if isinstance(event, e.Start):
            first.append(event)
        elif isinstance(event, e.Finish | e.UsageSnapshot):
            rest.append(event)
        else:
            queues[event.index].append(event)
    shuffled: list[e.StreamEvent] = []
    begun = 0
    while any(queues):
        ready = [number for number, queue in enumerate(queues) if queue and number <= begun]
        chosen = source.choice(ready)
        begun = max(begun, chosen + 1)
        shuffled.append(queues[chosen].pop(0))
    streamed = message_of(encoded([*first, *shuffled, *rest]))
    for block in streamed["content"]:
        if isinstance(block.get("input"), str):
            block["input"] = json.loads(block["input"])
    key = json.dumps
    assert sorted(map(key, streamed["content"])) == sorted(map(key, expected["content"]))
    assert streamed["stop_reason"] == expected["stop_reason"]
