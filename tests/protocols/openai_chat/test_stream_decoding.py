"""Streams of upstreams, well-behaved and not, become the same events however the bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocols.openai_chat.samples import (
    Object,
    answer,
    call,
    calls_of,
    chunk,
    decoded,
    every_cut,
    folded,
    stream,
    text_of,
    usage_chunk,
)

from codenex.core import events as e
from codenex.core.answer import Answer, fold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Citation, Media, Reasoning, Refusal, Signature, Text, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.openai_chat import SPOKE


def answered(message: Object) -> Answer:
    """A whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return fold(SPOKE.decode_response(json.dumps({**chunk(), "choices": [choice]}).encode()))


def fault_of(data: bytes) -> Fault:
    last = every_cut(data)[-1]
    assert isinstance(last, e.Error)
    return last.fault


def finish_of(found: Answer) -> FinishReason:
    assert found.choices[0].finish is not None
    return found.choices[0].finish.reason


HELLO = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hél"}),
    chunk({"content": "lo 👋\u2028"}),
    chunk({}, "stop"),
)


def test_a_plain_answer():
    assert every_cut(stream(*HELLO, usage_chunk(prompt_tokens=3, completion_tokens=2, total_tokens=5))) == [
        e.Start("openai-chat", "chatcmpl-1", "gpt-4o", 1700000000),
        e.PartStart(0, "text"),
        e.TextDelta(0, "Hél"),
        e.TextDelta(0, "lo 👋\u2028"),
        e.UsageSnapshot(Usage(3, output_text=2, raw={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})),
        e.PartStop(0, Text("Hél" + "lo 👋\u2028")),
        e.Finish(FinishDetail(FinishReason.STOP, "stop")),
    ]


# --- framing --------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("SSE-1", "SSE-2", "SSE-20")
@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: data.replace(b"data: ", b"data:"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b": OPENROUTER PROCESSING\n\n" + data.replace(b"\n\n", b"\n\n: ping\n\n"),
        lambda data: data.rstrip(b"\n"),
        lambda data: data.replace(b"data: {", b"event: message\nid: 1\nretry: 5\ndata: {"),
        lambda data: b"\n\n\n" + data,
        lambda data: data.replace(b'"choices": [{', b'"choices":\ndata: [{'),
    ],
    ids=["crlf", "cr", "no space", "bom", "comments", "no last newline", "other fields", "blank lines", "split data"],
)
def test_ways_to_frame(change: Any):
    assert every_cut(change(stream(*HELLO))) == decoded(stream(*HELLO))


@pytest.mark.pitfall("SSE-12")
def test_nothing_counts_after_the_end():
    extra = stream(chunk({"content": "more"}), chunk({}, "length"))
    assert every_cut(stream(*HELLO) + extra) == decoded(stream(*HELLO))


@pytest.mark.pitfall("SSE-10")
def test_a_whole_answer_in_place_of_a_stream():
    body = answer({"content": "hi", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}, "stop")
    for data in (body, b"\n " + body):
        found = fold(every_cut(data))
        assert text_of(found) == "hi"
        assert calls_of(found) == [("a", "f", "{}")]


def test_an_error_in_place_of_a_stream():
    fault = fault_of(b'{"error": {"message": "too fast", "type": "requests", "code": "rate_limit_exceeded"}}')
    assert (fault.kind, fault.message) == (FaultKind.RATE_LIMIT, "too fast")
    fault = fault_of(b'[{"error": {"message": "wrong", "code": 400, "status": "INVALID_ARGUMENT"}}]')
    assert fault.kind is FaultKind.INVALID_REQUEST


@pytest.mark.parametrize("data", [b"", b"\n", b"<html>busy</html>", b": nothing\n\n", answer({"content": "x"})[:40]])
def test_no_answer_at_all(data: bytes):
    assert fault_of(data).kind is FaultKind.UPSTREAM_TRUNCATED


def test_garbage_in_a_frame():
    assert fault_of(b"data: {oops\n\n").kind is FaultKind.UPSTREAM
    assert fault_of(b"data: 5\n\n").kind is FaultKind.UPSTREAM


@pytest.mark.pitfall("SSE-1")
def test_half_a_surrogate_pair():
    broken = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n'
    found = fold(every_cut(broken + stream(chunk({}, "stop"))))
    assert text_of(found) == "a\ufffd"


def test_large_frames():
    text = "x" * 2_000_000
    assert text_of(fold(decoded(stream(chunk({"content": text}), chunk({}, "stop"))))) == text


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("FIN-5", "ERR-8")
def test_an_end_at_every_place():
    assert finish_of(folded(*HELLO, done=False)) is FinishReason.STOP
    assert finish_of(folded(*HELLO[:-1])) is FinishReason.STOP
    for length in range(1, len(HELLO)):
        fault = fault_of(stream(*HELLO[:length], done=False))
        assert fault.kind is FaultKind.UPSTREAM_TRUNCATED


@pytest.mark.pitfall("FIN-5")
def test_the_first_reason_counts():
    found = folded(chunk({"content": "x"}), chunk({}, "length"), chunk({}, "stop"))
    assert finish_of(found) is FinishReason.LENGTH


@pytest.mark.pitfall("FIN-8")
def test_a_reason_on_every_chunk_ends_nothing():
    found = folded(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "stop"), chunk(call(0, id="x", name="f")))
    assert text_of(found) == "ab"
    assert finish_of(found) is FinishReason.TOOL_CALLS


@pytest.mark.pitfall("FIN-1", "FIN-2")
def test_content_decides_about_tool_calls():
    assert finish_of(folded(chunk(call(0, id="a", name="f", arguments="{}")), chunk({}, "stop"))) is (
        FinishReason.TOOL_CALLS
    )
    assert finish_of(folded(chunk({"content": "x"}), chunk({}, "tool_calls"))) is FinishReason.STOP


@pytest.mark.pitfall("FIN-3", "TOOL-8")
def test_a_call_that_was_cut_off():
    found = folded(chunk(call(0, id="a", name="f", arguments='{"x": "ha')), chunk({}, "length"))
    (part,) = found.choices[0].parts
    assert part == ToolCall("a", "f", '{"x": "ha', complete=False)
    assert finish_of(found) is FinishReason.LENGTH


@pytest.mark.pitfall("USE-15")
def test_usage_after_the_reason():
    found = folded(*HELLO, chunk(usage=None), usage_chunk(prompt_tokens=1, completion_tokens=2))
    assert found.usage is not None
    assert (found.usage.input_total, found.usage.output_total) == (1, 2)


def test_running_usage_is_replaced_and_placeholders_count_not():
    found = folded(
        chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1}),
        chunk({}, "stop", usage={"prompt_tokens": 5, "completion_tokens": 3}),
        usage_chunk(prompt_tokens=0, completion_tokens=0),
    )
    assert found.usage is not None
    assert (found.usage.input_total, found.usage.output_total) == (5, 3)


# --- errors inside --------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("ERR-9")
@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'data: {"error": {"message": "down", "code": 502}, "choices": []}', FaultKind.UPSTREAM),
        (b'data: {"error": {"message": "down", "type": "overloaded_error"}}', FaultKind.OVERLOADED),
        (b'data: {"error": "down"}', FaultKind.UPSTREAM),
        (b'event: error\ndata: {"message": "down", "code": "rate_limit_exceeded"}', FaultKind.RATE_LIMIT),
        (b'data: {"object": "error", "message": "down", "code": 400}', FaultKind.INVALID_REQUEST),
        (b'data: {"type": "error", "error": {"message": "down"}}', FaultKind.UPSTREAM),
        (
            b'data: {"id":"1","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],'
            b'"error":{"message":"down","code":503}}',
            FaultKind.OVERLOADED,
        ),
    ],
)
def test_errors_in_the_middle(frame: bytes, kind: FaultKind):
    fault = fault_of(stream(*HELLO[:2], done=False) + frame + b"\n\n" + stream(*HELLO))
    assert (fault.kind, fault.message, fault.from_upstream) == (kind, "down", True)


@pytest.mark.pitfall("ERR-7", "ERR-9")
def test_an_error_in_a_field_of_its_own():
    begun = stream(*HELLO[:2], done=False)
    # Clients ignore the field, so that it counts as an end without an error that they have been told.
    for frame in (b'error: {"error": {"message": "down"}}', b'error: {"message": "down"}', b"error: down"):
        fault = fault_of(begun + frame + b"\n\n")
        assert (fault.kind, fault.message) == (FaultKind.UPSTREAM_TRUNCATED, "down")


def test_a_reason_that_is_a_failure():
    assert fault_of(stream(*HELLO[:2], chunk({}, "error"))).kind is FaultKind.UPSTREAM
    assert fault_of(stream(*HELLO[:2], chunk({}, "insufficient_system_resource"))).kind is FaultKind.OVERLOADED


def test_an_error_that_is_null_is_none():
    assert text_of(folded(chunk({"content": "x"}, "stop", error=None))) == "x"


@pytest.mark.parametrize("choices", [None, []])
def test_no_choice_at_all(choices: Any):
    assert fault_of(stream({"id": "1", "choices": choices})).kind is FaultKind.UPSTREAM


# --- content --------------------------------------------------------------------------------------------------------


def test_chunks_without_what_they_should_have():
    found = folded(
        {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": []},
        {"id": "c1", "model": "m", "created": 7, "choices": [{"delta": {"content": "a"}}]},
        {"choices": None},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "finish_reason": "stop"}]},
    )
    assert (found.id, found.model, found.created) == ("c1", "m", 7)
    assert text_of(found) == "a"


def test_a_message_in_place_of_a_delta():
    whole: Object = {**chunk(), "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}
    assert text_of(folded(whole, chunk({}, "stop"))) == "hi"
    repeated: Object = {**chunk(), "choices": [{"index": 0, "delta": {}, "message": {"content": "Hello"}}]}
    assert text_of(folded(*HELLO, repeated)) == "Hél" + "lo 👋\u2028"


@pytest.mark.pitfall("RSN-11", "TOOL-17")
def test_reasoning_text_and_calls_take_turns():
    found = folded(
        chunk({"role": "assistant", "content": "", "reasoning_content": ""}),
        chunk({"reasoning_content": "h", "content": None}),
        chunk({"reasoning_content": "m"}),
        chunk({"content": "a"}),
        chunk({"reasoning": "again"}),
        chunk({"content": "b"}),
        chunk(call(0, id="x", name="f", arguments='{"a"')),
        chunk({"content": "", "reasoning_content": None, **call(0, arguments=":1}")}),
        chunk({}, "tool_calls"),
    )
    assert found.choices[0].parts == (
        Reasoning(("hm",), raw=True),
        Text("a"),
        Reasoning(("again",), raw=True),
        Text("b"),
        ToolCall("x", "f", '{"a":1}'),
    )


def test_details_of_reasoning():
    form = {"format": "anthropic-claude-v1", "index": 0}
    found = folded(
        chunk({"reasoning": "h", "reasoning_details": [{"type": "reasoning.text", "text": "h", **form}]}),
        chunk({"reasoning": "m", "reasoning_details": [{"type": "reasoning.text", "text": "m", **form}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "s", **form}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "next", "index": 1}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "next", "signature": "t", "index": 1}]}),
        chunk({"content": "x"}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "id": "rs_1", "index": 2}]}),
        chunk({}, "stop"),
    )
    assert found.choices[0].parts == (
        Reasoning(("hm",), signature=Signature("openai", "s"), extras={"format": "anthropic-claude-v1"}),
        Reasoning(("next",), signature=Signature("openai", "t")),
        Text("x"),
        Reasoning((), redacted=True, item_id="rs_1", signature=Signature("openai", "d", "rs_1")),
    )


def thinking(text: str, signature: str | None = None) -> Object:
    return {"thinking_blocks": [{"type": "thinking", "thinking": text, "signature": signature}]}


@pytest.mark.pitfall("RSN-11")
def test_blocks_of_another_gateway():
    found = folded(
        chunk({"reasoning_content": "h", **thinking("h")}),
        chunk({"reasoning_content": "m", **thinking("m")}),
        chunk({"reasoning_content": "", **thinking("", "s")}),
        chunk({"thinking_blocks": [{"type": "redacted_thinking", "data": "d"}]}),
        chunk({"content": "x"}),
        chunk({}, "stop"),
    )
    thought = Reasoning(("hm",), signature=Signature("openai", "s"))
    redacted = Reasoning((), redacted=True, signature=Signature("openai", "d"))
    assert found.choices[0].parts == (thought, redacted, Text("x"))
    blocks = [*thinking("hm", "s")["thinking_blocks"], {"type": "redacted_thinking", "data": "d"}]
    whole = {"reasoning_content": "hm", "thinking_blocks": blocks, "content": "x"}
    assert answered(whole).choices[0].parts == (thought, redacted, Text("x"))


@pytest.mark.parametrize("odd", [None, 7, "x", [{"text": 1}]])
def test_odd_entries_lose_nothing_else(odd: Any):
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}, odd]
    for odd_text in (odd, "hm"):
        found = answered({"reasoning_content": odd_text, "reasoning_details": details, "content": "x"})
        assert found.choices[0].parts == (Reasoning(("hm",), signature=Signature("openai", "s")), Text("x"))


def test_an_image_that_is_none():
    found = folded(chunk({"images": [{"image_url": {"url": 7}}]}), chunk({"content": "x"}, "stop"))
    assert found.choices[0].parts == (Text("x"),)
    assert [raw.type for raw in found.raws] == ["image_url"]


def test_content_as_a_list():
    found = folded(
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
        chunk({"content": [{"type": "text", "text": "x"}, {"type": "reference", "reference_ids": [1]}]}),
        chunk({}, "stop"),
    )
    assert found.choices[0].parts == (Reasoning(("hm",), raw=True), Text("x"))
    assert [raw.type for raw in found.raws] == ["reference"]


@pytest.mark.pitfall("FIN-4")
def test_a_refusal():
    found = folded(chunk({"refusal": "I "}), chunk({"refusal": "won't"}), chunk({}, "stop"))
    assert found.choices[0].parts == (Refusal("I won't"),)
    assert found.choices[0].finish == FinishDetail(FinishReason.REFUSAL, "stop")


@pytest.mark.pitfall("SMP-6")
def test_several_choices():
    found = folded(
        chunk({"content": "a"}),
        chunk({"content": "b"}, choice_fields={"index": 1}),
        chunk({"content": "A"}),
        chunk(call(0, id="x", name="f", arguments="{}"), choice_fields={"index": 1}),
        chunk({}, "stop"),
        chunk({}, "tool_calls", choice_fields={"index": 1}),
    )
    assert [text_of(found, number) for number in (0, 1)] == ["aA", "b"]
    assert [choice.finish.reason for choice in found.choices if choice.finish] == [
        FinishReason.STOP,
        FinishReason.TOOL_CALLS,
    ]
    fault = fault_of(stream(chunk({"content": "a"}, "stop"), chunk({}, choice_fields={"index": 1}), done=False))
    assert fault.kind is FaultKind.UPSTREAM_TRUNCATED


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities():
    token = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    found = folded(
        chunk({"content": "a"}, choice_fields={"logprobs": {"content": [token], "refusal": None}}),
        chunk({"refusal": "b"}, "stop", choice_fields={"logprobs": {"content": None, "refusal": [token, token]}}),
    )
    assert found.choices[0].logprobs == (token,)
    assert found.choices[0].refusal_logprobs == (token, token)


@pytest.mark.pitfall("TOOL-24")
def test_sources():
    annotation = {
        "type": "url_citation",
        "url_citation": {"url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1},
    }
    found = folded(chunk({"content": "a", "annotations": [annotation]}), chunk({}, "stop"))
    assert found.choices[0].parts == (Text("a", (Citation("https://x.example", "X", None, 0, 1, annotation),)),)
    results = [{"url": "https://y.example", "title": "Y"}]
    found = folded(
        chunk({"content": "a"}, citations=["https://y.example"]),
        chunk({}, "stop", citations=["https://y.example"], search_results=results),
    )
    assert found.choices[0].parts == (Text("a", (Citation("https://y.example", "Y"),)),)


def test_generated_media():
    image = {"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    found = folded(
        chunk({"content": "a", "images": [image]}),
        chunk({"audio": {"id": "au", "transcript": "he"}}),
        chunk({"audio": {"data": "AAAA"}}),
        chunk({"audio": {"data": "BBBB", "transcript": "y", "expires_at": 5}}),
        chunk({}, "stop"),
    )
    assert found.choices[0].parts == (
        Text("a"),
        Media("image", "image/png", "iVBORw0KGgo="),
        Media("audio", None, "AAAABBBB", text="hey", extras={"id": "au", "expires_at": 5}),
    )


def test_what_stands_beside_is_kept():
    found = folded(
        chunk({"content": "a"}, system_fingerprint="fp", service_tier="flex"),
        chunk({}, "stop", choice_fields={"native_finish_reason": "end_turn"}),
    )
    assert found.extras == {"system_fingerprint": "fp", "service_tier": "flex"}
    assert found.choices[0].extras == {"native_finish_reason": "end_turn"}


# --- whole answers --------------------------------------------------------------------------------------------------


def test_a_whole_answer_is_the_fold_of_its_stream():
    usage = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": ""}},
    ]
    whole = fold(
        SPOKE.decode_response(
            answer({"content": "t", "reasoning_content": "r", "tool_calls": calls}, "tool_calls", usage=usage)
        )
    )
    pieces = folded(
        chunk({"reasoning_content": "r"}),
        chunk({"content": "t"}),
        chunk(call(0, id="a", name="f", arguments='{"x"')),
        chunk(call(0, arguments=":1}")),
        chunk(call(1, id="b", name="f")),
        chunk({}, "tool_calls"),
        usage_chunk(**usage),
    )
    assert whole == pieces


def test_a_whole_answer_is_its_message_even_beside_an_empty_delta():
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    body = {"object": "chat.completion", "choices": [{**choice, "delta": {"role": "assistant", "content": ""}}]}
    assert text_of(fold(SPOKE.decode_response(json.dumps(body).encode()))) == "hi"


@pytest.mark.pitfall("TOOL-15")
def test_calls_of_a_whole_answer_are_never_one():
    same = {"function": {"name": "f", "arguments": ""}}
    found = fold(SPOKE.decode_response(answer({"tool_calls": [same, same]}, "tool_calls")))
    assert len({identity for identity, _, _ in calls_of(found)}) == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FaultKind.UPSTREAM),
        (b"<html>", FaultKind.UPSTREAM),
        (b"[]", FaultKind.UPSTREAM),
        (b"{}", FaultKind.UPSTREAM),
        (b'{"choices": []}', FaultKind.UPSTREAM),
        (b'{"error": {"message": "no", "code": "invalid_api_key"}}', FaultKind.AUTHENTICATION),
        (b'{"detail": "no"}', FaultKind.UPSTREAM),
        (b'[{"error": {"message": "no", "code": 429}}]', FaultKind.RATE_LIMIT),
        (answer({"content": None}, "error"), FaultKind.UPSTREAM),
    ],
)
def test_no_answer_in_a_whole_body(body: bytes, kind: FaultKind):
    with pytest.raises(Fault) as caught:
        SPOKE.decode_response(body)
    assert caught.value.kind is kind


def test_usage_alone():
    assert SPOKE.usage_of is not None
    usage = SPOKE.usage_of(answer({"content": "x"}, usage={"prompt_tokens": 3, "completion_tokens": 4}))
    assert usage is not None
    assert (usage.input_total, usage.output_total) == (3, 4)
    assert SPOKE.usage_of(b"{}") is None
    assert SPOKE.usage_of(b"nonsense") is None
    assert SPOKE.usage_of(json.dumps({"usage": "none"}).encode()) is None
