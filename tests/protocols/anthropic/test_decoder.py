"""Anthropic answers to events: streams in every cut, whole answers, and what upstreams get wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocols.anthropic.frames import (
    begin,
    call_block,
    check,
    cuts,
    decoded,
    delta,
    ending,
    frame,
    start,
    stop,
    stream,
    text_block,
)
from tests.protocols.corpus.anthropic import CITATION, MESSAGE, STREAMS, THINKING
from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.answer import Answer, fold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishReason
from codenex.core.parts import Compaction, Opaque, Reasoning, ServerTool, Signature, Text, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.anthropic import SPOKE


def answered(data: bytes) -> Answer:
    return fold(decoded(data))


def parts(data: bytes) -> tuple[Any, ...]:
    return answered(data).choices[0].parts


def test_text() -> None:
    answer = answered(STREAMS["text"])
    assert answer.id == "msg_01"
    assert answer.model == "claude-sonnet-4-5"
    assert answer.choices[0].parts == (Text("Hello 🌍\u2028"),)
    finish = answer.choices[0].finish
    assert finish is not None
    assert (finish.reason, finish.raw) == (FinishReason.STOP, "end_turn")


@pytest.mark.pitfall("RSN-17", "SIG-5")
def test_thinking_is_reasoning_with_a_signature() -> None:
    assert parts(STREAMS["thinking and text"]) == (
        Reasoning(("hm ü",), signature=Signature("anthropic", "c2ln")),
        Text("hi"),
    )
    assert parts(STREAMS["redacted"])[0] == Reasoning(redacted=True, signature=Signature("anthropic", "ZGF0YQ=="))


@pytest.mark.pitfall("RSN-5")
def test_omitted_thinking_keeps_its_signature() -> None:
    data = stream(
        start(),
        begin(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, "signature_delta", signature="first"),
        delta(0, "signature_delta", signature="second"),
        stop(0),
        *ending(),
    )
    assert parts(data) == (Reasoning(signature=Signature("anthropic", "second")),)


@pytest.mark.pitfall("TOOL-7", "TOOL-9")
def test_calls() -> None:
    answer = answered(STREAMS["calls"])
    assert answer.choices[0].parts == (
        Text("let me"),
        ToolCall("toolu_1", "weather", '{"city":"Oslo"}'),
        ToolCall("toolu_2", "clock"),
    )
    finish = answer.choices[0].finish
    assert finish is not None
    assert finish.reason is FinishReason.TOOL_CALLS


def test_server_tools_and_citations() -> None:
    search, found, text = parts(STREAMS["search"])
    assert isinstance(search, ServerTool)
    assert search.raw["input"] == {"query": "sky"}
    assert search.text == '[web_search] {"query":"sky"}'
    assert isinstance(found, ServerTool)
    assert found.text == "A <https://a.example>"
    assert found.call_id == "srvtoolu_1"
    assert text.citations[0].raw == CITATION
    assert (text.citations[0].title, text.citations[0].cited_text) == ("Colours", "sky")


@pytest.mark.pitfall("TOOL-11")
def test_initial_input_is_replayed_once() -> None:
    whole = begin(0, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}})
    assert parts(stream(start(), whole, stop(0), *ending("tool_use"))) == (ToolCall("toolu_1", "f", '{"a":1}'),)
    again = delta(0, "input_json_delta", partial_json='{"a":1}')
    assert parts(stream(start(), whole, again, stop(0), *ending("tool_use"))) == (ToolCall("toolu_1", "f", '{"a":1}'),)


def test_initial_text_is_replayed() -> None:
    data = stream(
        start(),
        begin(0, {"type": "text", "text": "Hel"}),
        delta(0, "text_delta", text="lo"),
        stop(0),
        begin(1, {"type": "thinking", "thinking": "t", "signature": "s"}),
        stop(1),
        *ending(),
    )
    assert parts(data) == (Text("Hello"), Reasoning(("t",), signature=Signature("anthropic", "s")))


@pytest.mark.pitfall("TOOL-8", "FIN-3")
@pytest.mark.parametrize("reason", ["max_tokens", "tool_use", "end_turn"])
def test_a_call_that_is_cut_off_is_not_complete(reason: str) -> None:
    data = stream(start(), *call_block(0, "toolu_1", "f", '{"a": "b'), *ending(reason))
    answer = answered(data)
    assert answer.choices[0].parts == (ToolCall("toolu_1", "f", '{"a": "b', complete=False),)
    finish = answer.choices[0].finish
    assert finish is not None
    assert finish.reason is FinishReason.LENGTH
    assert finish.raw == reason


@pytest.mark.pitfall("FIN-1", "FIN-2")
def test_reason_and_content_agree() -> None:
    with_call = answered(stream(start(), *call_block(0, "toolu_1", "f", "{}"), *ending("end_turn")))
    without = answered(stream(start(), *text_block(0, "x"), *ending("tool_use")))
    reasons = [answer.choices[0].finish.reason for answer in (with_call, without) if answer.choices[0].finish]
    assert reasons == [FinishReason.TOOL_CALLS, FinishReason.STOP]


@pytest.mark.pitfall("FIN-5", "USE-5")
def test_several_message_deltas_count_as_their_last_statements() -> None:
    data = stream(
        start(),
        *text_block(0, "x"),
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 5}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": None},
            "usage": {
                "input_tokens": 12,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 4},
                "cache_read_input_tokens": None,
            },
        },
        {"type": "message_stop"},
    )
    answer = answered(data)
    finish = answer.choices[0].finish
    assert finish is not None
    assert finish.reason is FinishReason.LENGTH
    usage = answer.usage
    assert usage is not None
    assert (usage.input_uncached, usage.input_cache_read, usage.output_text, usage.output_reasoning) == (12, 3, 5, 4)


@pytest.mark.pitfall("SSE-17")
def test_spliced_streams() -> None:
    same = stream(start(), start(), *text_block(0, "a"), *ending())
    assert parts(same) == (Text("a"),)
    other = stream(start(), *text_block(0, "a"), start(id="msg_02"), *text_block(1, "b"), *ending())
    events = decoded(other)
    assert isinstance(events[-1], e.Error)
    assert events[-1].fault.kind is FaultKind.UPSTREAM


@pytest.mark.pitfall("ERR-8", "ERR-9", "SSE-18")
@pytest.mark.parametrize("count", range(5))
def test_the_end_of_bytes_before_the_end_of_the_answer_is_an_error(count: int) -> None:
    values = [start(), *text_block(0, "a"), *ending()]
    events = decoded(stream(*values[: count + 1]))
    assert isinstance(events[-1], e.Error)
    assert events[-1].fault.kind is FaultKind.UPSTREAM_TRUNCATED


def test_an_error_event_ends_the_stream() -> None:
    events = decoded(STREAMS["error"])
    assert isinstance(events[-1], e.Error)
    fault = events[-1].fault
    assert (fault.kind, fault.status, fault.message) == (FaultKind.OVERLOADED, 529, "Overloaded")


@pytest.mark.pitfall("SSE-12")
def test_nothing_counts_after_the_end() -> None:
    data = STREAMS["text"] + stream(*text_block(1, "late"), *ending("max_tokens"))
    assert decoded(data) == decoded(STREAMS["text"])


def test_unknown_blocks_and_events_are_kept() -> None:
    data = stream(
        start(),
        {"type": "novelty", "a": 1},
        begin(0, {"type": "hologram", "x": 1}),
        delta(0, "hologram_delta", x=2),
        stop(0),
        begin(1, {"type": "compaction", "content": None}),
        delta(1, "compaction_delta", content="so "),
        delta(1, "compaction_delta", content="far"),
        stop(1),
        *ending(),
    )
    answer = answered(data)
    assert answer.choices[0].parts == (
        Opaque("anthropic", "hologram", {"type": "hologram", "x": 1}),
        Compaction("anthropic", {"type": "compaction", "content": "so far"}, "so far"),
    )
    assert [raw.type for raw in answer.raws] == ["novelty", "content_block_delta"]


@pytest.mark.pitfall("RSN-18")
def test_misshapen_blocks_lose_nothing() -> None:
    data = stream(
        delta(0, "text_delta", text="no start"),
        stop(0),
        begin(1, {"type": "text", "text": ""}),
        delta(1, "thinking_delta", thinking="in a text block"),
        delta(1, "text_delta", text="text"),
        begin(2, {"type": "text", "text": ""}),
        delta(2, "text_delta", text="never stopped"),
        stop(7),
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "?"}},
        begin(3, {"type": "tool_use", "name": "f"}),
        *ending("tool_use"),
    )
    found = parts(data)
    assert [type(part) for part in found[:4]] == [Text, Reasoning, Text, Text]
    assert next(part for part in found if isinstance(part, ToolCall)).id.startswith("toolu_")


@pytest.mark.parametrize("junk", [b"data: {nope\n\n", b"data: [1]\n\n", b"event: x\ndata: \xff\n\n"])
def test_broken_events_end_in_an_error(junk: bytes) -> None:
    events = decoded(frame(start()) + junk)
    assert isinstance(events[-1], e.Error)
    assert events[-1].fault.kind is FaultKind.UPSTREAM


def test_empty_data_comments_and_done_are_harmless() -> None:
    data = b": hello\n\nevent: ping\ndata:\n\n" + STREAMS["text"][:-2] + b"\n\ndata: [DONE]\n\n"
    assert [event for event in decoded(data) if not isinstance(event, e.Ping)] == [
        event for event in decoded(STREAMS["text"]) if not isinstance(event, e.Ping)
    ]


# Whole answers


def test_whole_answers_are_the_fold_of_their_streams() -> None:
    events = SPOKE.decode_response(json.dumps(MESSAGE).encode())
    check(events)
    answer = fold(events)
    assert answer.choices[0].parts[2] == ToolCall("toolu_1", "f", '{"a":1.0,"b":[null]}')
    assert answer.choices[0].extras == {"container": MESSAGE["container"]}
    streamed = stream(
        start(usage={"input_tokens": 10, "output_tokens": 1}),
        *THINKING,
        *text_block(1, "hi"),
        *call_block(2, "toolu_1", "f", '{"a":1.0,"b":[null]}'),
        *call_block(3, "toolu_2", "g"),
        *ending("tool_use", container=MESSAGE["container"]),
    )
    assert fold(decoded(streamed)).choices[0].parts[:2] == answer.choices[0].parts[:2]
    assert fold(decoded(streamed)).choices[0].extras == answer.choices[0].extras
    assert fold(decoded(streamed)).usage == answer.usage


@pytest.mark.pitfall("SSE-10")
def test_json_in_place_of_a_stream_and_a_stream_in_place_of_json() -> None:
    body = json.dumps(MESSAGE).encode()
    whole = SPOKE.decode_response(body)
    for pieces in cuts(b" \n" + body):
        decoder = SPOKE.stream_decoder()
        events = [event for piece in pieces for event in decoder.feed(piece)]
        assert [*events, *decoder.eof()] == whole
    assert spread(SPOKE.decode_response(STREAMS["text"])) == decoded(STREAMS["text"])


@pytest.mark.pitfall("ERR-9")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', FaultKind.OVERLOADED),
        (b'{"error":{"message":"no"}}', FaultKind.INTERNAL),
        (b'{"error":"no"}', FaultKind.INTERNAL),
        (b'{"id":"msg_1"}', FaultKind.UPSTREAM),
        (b"<html>502</html>", FaultKind.UPSTREAM),
        (b"", FaultKind.UPSTREAM),
        (b"[]", FaultKind.UPSTREAM),
        (STREAMS["truncated"], FaultKind.UPSTREAM_TRUNCATED),
    ],
)
def test_errors_inside_a_success(body: bytes, kind: FaultKind) -> None:
    with pytest.raises(Fault) as found:
        SPOKE.decode_response(body)
    assert found.value.kind is kind
    assert found.value.from_upstream
    decoder = SPOKE.stream_decoder()
    events = [*decoder.feed(body), *decoder.eof()]
    assert isinstance(events[-1], e.Error)


@pytest.mark.pitfall("USE-1", "USE-2", "USE-9")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"input_tokens": 5, "output_tokens": 2}, Usage(input_uncached=5, output_text=2)),
        (
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 4},
                "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
                "service_tier": "standard",
            },
            Usage(5, 7, 10, 20, None, 5, 4, {"web_search_requests": 2, "web_fetch_requests": 0}, "standard"),
        ),
        ({"cache_creation_input_tokens": 30}, Usage(input_cache_write_5m=30)),
        (
            {"cache_creation_input_tokens": None, "output_tokens": "7", "input_tokens": 3.0, "cache_creation": None},
            Usage(input_uncached=3, output_text=7),
        ),
        (
            {"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 9}},
            Usage(output_text=0, output_reasoning=9),
        ),
        ({"input_tokens": True, "output_tokens": "many"}, Usage()),
    ],
)
def test_usage(raw: dict[str, Any], expected: Usage) -> None:
    assert SPOKE.usage_of is not None
    usage = SPOKE.usage_of(json.dumps({"usage": raw}).encode())
    assert usage is not None
    assert {name: getattr(usage, name) for name in Usage.__struct_fields__ if name != "raw"} == {
        name: getattr(expected, name) for name in Usage.__struct_fields__ if name != "raw"
    }
    assert usage.raw == raw


def test_no_usage() -> None:
    assert SPOKE.usage_of is not None
    assert SPOKE.usage_of(b"{}") is None
    assert SPOKE.usage_of(b"nope") is None
