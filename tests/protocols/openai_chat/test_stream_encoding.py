"""Whatever legal order of events goes in, a client of the official SDK assembles the answer that went in."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.protocols.openai_chat.samples import (
    Object,
    chunks_of,
    context,
    request,
    sdk,
    sdk_message,
    streamed,
    unary,
)

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, fold, unfold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import (
    Citation,
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
from codenex.protocols.openai_chat import SPOKE

STOP = FinishDetail(FinishReason.STOP)
CALLS = FinishDetail(FinishReason.TOOL_CALLS)
IMAGE = Media("image", "image/png", "iVBORw0KGgo=")


def made(*parts: Part, finish: FinishDetail = STOP, protocol: str = "anthropic", usage: Usage | None = None) -> Answer:
    return Answer(protocol, choices=(Choice(0, parts, finish),), usage=usage)


def both(found: Answer, **fields: Any) -> tuple[Object, Object]:
    """The message as a whole, and as the SDK assembles it from the stream; both judged by the SDK's types."""
    whole = unary(found, **fields)
    ChatCompletion.model_validate(whole)
    data = streamed(list(unfold(found)), **fields)
    for value in chunks_of(data):
        ChatCompletionChunk.model_validate(value)
    snapshot = json.loads(sdk_message(data).to_json())
    return whole["choices"][0], snapshot["choices"][0]


def same(found: Answer, **fields: Any) -> Object:
    """The message, which must be the same both ways."""
    whole, assembled = both(found, **fields)
    assert assembled["finish_reason"] == whole["finish_reason"]
    left = {key: value for key, value in whole["message"].items() if value is not None}
    right = {key: value for key, value in assembled["message"].items() if value is not None and key != "parsed"}
    for entry in right.get("tool_calls", ()):
        entry.pop("index", None)
        entry.get("function", {}).pop("parsed_arguments", None)
    assert right == left
    return dict(whole["message"])


@pytest.mark.pitfall("SSE-8", "SSE-19")
def test_the_form_of_a_stream():
    data = streamed(list(unfold(made(Text("hi")))))
    assert data.endswith(b"data: [DONE]\n\n")
    values = chunks_of(data)
    assert [value["choices"][0] for value in values] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": "hi"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"},
    ]
    heads = [{key: value for key, value in chunk.items() if key != "choices"} for chunk in values]
    assert (
        heads
        == [
            {
                "id": "chatcmpl-" + "k" * 24,
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": "asked-model",
            }
        ]
        * 3
    )


@pytest.mark.parametrize(
    "found",
    [
        made(),
        made(Text("a"), Text("b")),
        made(Text("Hél👋\u2028\n"), Text("")),
        made(Reasoning(("hm",)), Text("a")),
        made(Reasoning(("one", "two")), Reasoning(("three",)), Text("a")),
        made(Text("a"), ToolCall("x", "f", '{"a":1}'), ToolCall("y", "g", "{}"), finish=CALLS),
        made(ToolCall("x", "f", ""), finish=CALLS),
        made(Text("a"), ToolCall("x", "f", "{}"), Text("b"), finish=CALLS),
        made(ToolCall("x", "f", '{"a":', complete=False), finish=FinishDetail(FinishReason.LENGTH)),
        made(Refusal("no"), finish=FinishDetail(FinishReason.REFUSAL)),
        made(Text("a"), finish=FinishDetail(FinishReason.CONTENT_FILTER)),
        made(Reasoning((), redacted=True, signature=Signature("anthropic", "s")), Text("a")),
        made(Text("a"), IMAGE, Text("b"), IMAGE),
        made(Media("audio", "audio/wav", "AAAA", text="hey")),
        made(ToolCall("x", "f", "{}", signature=Signature("gemini", "s")), finish=CALLS),
    ],
)
def test_stream_and_whole_answer_are_the_same(found: Answer):
    same(found)


def test_content_is_null_only_beside_other_things():
    assert same(made())["content"] == ""
    whole, assembled = both(made(ToolCall("x", "f", "{}"), finish=CALLS))
    assert whole["message"]["content"] is None
    assert assembled["message"].get("content") is None


@pytest.mark.pitfall("TOOL-9")
def test_no_arguments_are_an_empty_object():
    assert same(made(ToolCall("x", "f"), finish=CALLS))["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.pitfall("ROL-10")
def test_text_after_a_call_is_a_paragraph_of_its_own():
    assert same(made(Text("a"), ToolCall("x", "f", "{}"), Text("b"), finish=CALLS))["content"] == "a\n\nb"
    own = made(Text("a"), ToolCall("x", "f", "{}"), Text("b"), finish=CALLS, protocol="openai-chat")
    assert same(own)["content"] == "ab"


@pytest.mark.pitfall("RSN-11", "RSN-17", "SIG-2")
def test_signed_reasoning_comes_back_as_it_was():
    parts = (
        Reasoning(("one",), signature=Signature("openai", "s1")),
        Reasoning(("two",), signature=Signature("openai", "s2")),
        Reasoning(("a", "b"), item_id="rs_1", signature=Signature("openai", "s3", "rs_1")),
        Reasoning((), redacted=True, signature=Signature("openai", "s4")),
    )
    message = same(made(*parts, Text("x")))
    assert message["reasoning_content"] == "one\n\ntwo\n\na\n\nb"
    assert "text" not in message["reasoning_details"][0]
    assert [entry["index"] for entry in message["reasoning_details"]] == list(range(len(message["reasoning_details"])))
    (turn,) = request({}, messages=[message]).turns
    assert turn.parts == (*parts, Text("x"))


def test_an_item_of_the_vendor_comes_back_with_its_id():
    part = Reasoning(("a",), item_id="rs_1", signature=Signature("openai", "s", "rs_1"))
    (turn,) = request({}, messages=[same(made(part, Text("x")))]).turns
    assert turn.parts == (part, Text("x"))


def test_the_signature_of_a_call_comes_back():
    part = ToolCall("x", "f", "{}", signature=Signature("openai", "s"))
    (turn,) = request({}, messages=[same(made(part, finish=CALLS))]).turns
    assert turn.parts == (part,)


@pytest.mark.pitfall("TOOL-24")
def test_sources_come_in_one_chunk_and_count_in_the_joined_text():
    first = Text("ab", (Citation("https://x.example", "X", None, 0, 1),))
    second = Text("cd", (Citation("https://y.example"), Citation(None, "a document")))
    found = made(first, ToolCall("x", "f", "{}"), second)
    message = same(found)
    assert [entry["url_citation"] for entry in message["annotations"]] == [
        {"start_index": 0, "end_index": 1, "url": "https://x.example", "title": "X"},
        {"start_index": 4, "end_index": 6, "url": "https://y.example", "title": ""},
    ]
    data = streamed(list(unfold(found)))
    assert data.count(b'"annotations"') == 1


@pytest.mark.pitfall("TOOL-35")
def test_clients_that_know_functions_only():
    asked = request({"functions": [{"name": "f"}]})
    found = made(Text("a"), ToolCall("x", "f", '{"a":1}'), ToolCall("y", "g", "{}"), finish=CALLS)
    circumstances = context(request=asked)
    whole = json.loads(SPOKE.encode_response(found, circumstances))["choices"][0]
    assert whole["finish_reason"] == "function_call"
    assert whole["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert "tool_calls" not in whole["message"]
    assert [loss.path for loss in circumstances.losses.values()] == ["function_call"]
    assembled = sdk_message(streamed(list(unfold(found)), request=asked)).choices[0]
    assert assembled.finish_reason == "function_call"
    assert (assembled.message.function_call.name, assembled.message.function_call.arguments) == ("f", '{"a":1}')


def test_custom_calls_in_a_stream():
    found = made(ToolCall("x", "patch", "*** go", "custom"), finish=CALLS)
    assert unary(found)["choices"][0]["message"]["tool_calls"] == [
        {"id": "x", "type": "custom", "custom": {"name": "patch", "input": "*** go"}}
    ]
    deltas = [value["choices"][0]["delta"].get("tool_calls") for value in chunks_of(streamed(list(unfold(found))))]
    assert [entries[0] for entries in deltas if entries] == [
        {"index": 0, "id": "x", "type": "custom", "custom": {"name": "patch", "input": ""}},
        {"index": 0, "custom": {"input": "*** go"}},
    ]


@pytest.mark.pitfall("TOOL-14", "TOOL-15")
def test_calls_that_overlap_go_out_one_after_the_other():
    first, second = ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", '{"y":2}')
    events: list[e.StreamEvent] = [
        e.Start("openai-responses"),
        e.PartStart(0, "tool_call", id="a", name="f"),
        e.PartStart(1, "tool_call", id="b", name="g"),
        e.ToolArgumentsDelta(1, '{"y"'),
        e.ToolArgumentsDelta(0, '{"x"'),
        e.PartStart(2, "text"),
        e.TextDelta(2, "t"),
        e.ToolArgumentsDelta(1, ":2}"),
        e.PartStop(1, second),
        e.ToolArgumentsDelta(0, ":1}"),
        e.PartStop(0, first),
        e.PartStop(2, Text("t")),
        e.Finish(CALLS),
    ]
    assembled = sdk_message(streamed(events)).choices[0].message
    assert [(entry.id, entry.function.name, entry.function.arguments) for entry in assembled.tool_calls] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", '{"y":2}'),
    ]
    assert assembled.content == "t"
    indexes = [
        entry["index"]
        for value in chunks_of(streamed(events))
        for entry in value["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert indexes == sorted(indexes)


def test_the_final_part_is_authoritative():
    events: list[e.StreamEvent] = [
        e.Start("gemini"),
        e.PartStart(0, "tool_call", id="a", name="f"),
        e.ToolArgumentsDelta(0, '{"x"'),
        e.PartStop(0, ToolCall("a", "f", '{"x":1}')),
        e.PartStart(1, "text"),
        e.PartStop(1, Text("whole")),
        e.PartStart(2, "reasoning"),
        e.PartStop(2, Reasoning(("thought",))),
        e.PartStart(3, "refusal"),
        e.PartStop(3, Refusal("no")),
        e.Finish(CALLS),
    ]
    message = sdk_message(streamed(events)).choices[0].message
    assert message.tool_calls[0].function.arguments == '{"x":1}'
    assert (message.content, message.reasoning_content, message.refusal) == ("whole", "thought", "no")


@pytest.mark.pitfall("SMP-6")
def test_several_choices():
    found = Answer(
        "gemini",
        choices=(
            Choice(0, (Text("a"),), STOP),
            Choice(1, (ToolCall("x", "f", "{}"), Text("b")), CALLS),
        ),
    )
    whole = unary(found)["choices"]
    assembled = sdk_message(streamed(list(unfold(found)))).choices
    assert [choice["index"] for choice in whole] == [choice.index for choice in assembled] == [0, 1]
    assert [choice["finish_reason"] for choice in whole] == [choice.finish_reason for choice in assembled]
    assert [choice["message"]["content"] for choice in whole] == [choice.message.content for choice in assembled]
    events = list(unfold(found))
    first = [event for event in events[1:] if getattr(event, "choice", 0) == 0 and getattr(event, "index", 0) == 0]
    second = [event for event in events[1:] if event not in first]
    mixed = [event for pair in zip_longest(first, second) for event in pair if event is not None]
    again = sdk_message(streamed([events[0], *mixed])).choices
    assert [choice.message.content for choice in again] == ["a", "b"]


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities():
    token = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    found = Answer("openai-chat", choices=(Choice(0, (Text("a"),), STOP, (token,)),))
    whole, assembled = both(found)
    assert whole["logprobs"] == {"content": [token], "refusal": None}
    assert assembled["logprobs"]["content"] == [token]


# --- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("USE-7")
def test_usage_is_sent_where_it_was_asked_for():
    usage = Usage(10, 5, output_text=3, output_reasoning=2)
    found = made(Text("a"), usage=usage)
    assert b"usage" not in streamed(list(unfold(found)))
    values = chunks_of(streamed(list(unfold(found)), include_usage=True))
    assert all(value["usage"] is None for value in values[:-1])
    assert values[-1]["choices"] == []
    assert values[-1]["usage"] == unary(found)["usage"]
    assert values[-1]["usage"]["prompt_tokens"] == 15
    assert sdk_message(streamed(list(unfold(found)), include_usage=True)).usage.completion_tokens == 5
    unknown = made(Text("a"), usage=Usage())
    assert "usage" not in unary(unknown)
    assert chunks_of(streamed(list(unfold(unknown)), include_usage=True))[-1]["choices"] != []


# --- the end --------------------------------------------------------------------------------------------------------


def test_an_end_without_a_reason():
    open_call: list[e.StreamEvent] = [
        e.Start("gemini"),
        e.PartStart(0, "text"),
        e.TextDelta(0, "a"),
        e.PartStart(1, "tool_call", id="x", name="f"),
        e.ToolArgumentsDelta(1, "{}"),
    ]
    values = chunks_of(streamed(open_call))
    assert values[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert sdk_message(streamed(open_call)).choices[0].message.tool_calls[0].function.arguments == "{}"
    assert chunks_of(streamed([]))[-1]["choices"][0]["finish_reason"] == "stop"


def test_nothing_follows_the_end():
    encoder = SPOKE.stream_encoder(context())
    encoder.send(e.Start("gemini"))
    assert encoder.end().endswith(b"[DONE]\n\n")
    assert (
        encoder.end() == encoder.ping() == encoder.send(e.Ping()) == encoder.fail(Fault(FaultKind.INTERNAL, "x")) == b""
    )


@pytest.mark.pitfall("ERR-7")
def test_an_error_in_the_middle_is_the_last_thing():
    fault = Fault(FaultKind.OVERLOADED, "busy", from_upstream=True)
    for event in (e.Error(fault), None):
        encoder = SPOKE.stream_encoder(context())
        data = b"".join(encoder.send(part) for part in list(unfold(made(Text("a"))))[:3])
        data += encoder.send(event) if event is not None else encoder.fail(fault)
        assert encoder.end() == b""
        assert b"[DONE]" not in data
        body = json.loads(data.rpartition(b"data: ")[2])
        assert body["error"]["message"] == "busy"
        assert set(body["error"]) == {"message", "type", "code", "param", "status"}
        with pytest.raises(openai.APIError, match="busy"):
            list(sdk(data).chat.completions.create(model="m", messages=[], stream=True))


@pytest.mark.parametrize("reason", [FinishReason.MALFORMED_TOOL_CALL, FinishReason.OTHER])
def test_an_answer_of_nothing_is_an_error(reason: FinishReason):
    found = made(finish=FinishDetail(reason, "ODD"))
    with pytest.raises(Fault, match="ODD") as caught:
        unary(found)
    assert caught.value.kind is FaultKind.UPSTREAM
    data = streamed(list(unfold(found)))
    assert b'"error"' in data
    assert b"[DONE]" not in data


@pytest.mark.pitfall("SSE-6")
def test_a_ping_is_a_comment():
    encoder = SPOKE.stream_encoder(context())
    data = encoder.ping() + b"".join(encoder.send(event) for event in unfold(made(Text("a")))) + encoder.ping()
    data += encoder.send(e.Ping()) + encoder.end()
    assert data.count(b": keep-alive\n\n") == 3
    assert sdk_message(data).choices[0].message.content == "a"


def test_what_the_protocol_can_not_say_is_a_loss():
    circumstances = context()
    found = made(
        Text("a", signature=Signature("gemini", "s")),
        ServerTool("anthropic", "web_search", {}),
        Opaque("gemini", "odd", {}),
        Media("video", "video/mp4", "AAAA"),
    )
    SPOKE.encode_response(found, circumstances)
    assert [loss.path for loss in circumstances.losses.values()] == ["content.signature", *["content"] * 3]
    encoder = SPOKE.stream_encoder(circumstances)
    for event in unfold(found):
        encoder.send(event)
    encoder.end()
    assert len(circumstances.losses) == 4


def test_own_fields_come_back():
    extras = {"system_fingerprint": "fp", "service_tier": "flex", "provider": "x"}
    found = Answer("openai-chat", choices=(Choice(0, (Text("a"),), STOP),), extras=extras)
    for value in (unary(found), chunks_of(streamed(list(unfold(found))))[0]):
        assert (value["system_fingerprint"], value["service_tier"]) == ("fp", "flex")
        assert "provider" not in value
    odd = Answer("openai-chat", choices=found.choices, extras={"service_tier": "on_demand"})
    assert "service_tier" not in unary(odd)


def test_an_answer_without_choices_is_empty():
    assert unary(Answer("gemini"))["choices"][0]["message"]["content"] == ""


def test_folding_what_was_streamed_gives_the_answer_back():
    found = made(
        Reasoning(("hm",), raw=True), Text("a"), ToolCall("x", "f", '{"a":1}'), finish=CALLS, protocol="openai-chat"
    )
    decoder = SPOKE.stream_decoder()
    again = fold([*decoder.feed(streamed(list(unfold(found)))), *decoder.eof()])
    assert again.choices[0].parts == found.choices[0].parts
