"""Upstream streams become the same events however they are cut and whatever is odd about them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests.protocols.openai_responses.samples import (
    CALL,
    COMPLETED,
    CREATED,
    CUSTOM,
    MESSAGE,
    REASONING,
    USAGE,
    answered,
    decoded,
    item_events,
    response,
    sse,
    stream,
)

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishReason
from codenex.core.parts import Media, Opaque, Part, Reasoning, Refusal, ServerTool, Signature, Text, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.openai_responses import SPOKE

REFUSAL = {**MESSAGE, "id": "msg_2", "content": [{"type": "refusal", "refusal": "No."}]}
CHAIN = {"id": "rs_9", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}

TEXT_PART = Text("Grüße 👋", item_id="msg_1")
REASONING_PART = Reasoning(("First.", "Second."), item_id="rs_1", signature=Signature("openai", "secret", "rs_1"))
CALL_PART = ToolCall("call_1", "look_up", '{"q":"a"}', item_id="fc_1")
CUSTOM_PART = ToolCall("call_2", "patch", "*** Begin\n+x\n", "custom", "ctc_1")

WHOLE: dict[str, tuple[list[dict[str, Any]], tuple[Part, ...], FinishReason]] = {
    "text": ([MESSAGE], (TEXT_PART,), FinishReason.STOP),
    "reasoning": ([REASONING, MESSAGE], (REASONING_PART, TEXT_PART), FinishReason.STOP),
    "chain": (
        [CHAIN, MESSAGE],
        (Reasoning(("hm",), raw=True, item_id="rs_9"), TEXT_PART),
        FinishReason.STOP,
    ),
    "call": ([CALL], (CALL_PART,), FinishReason.TOOL_CALLS),
    "custom": ([CUSTOM], (CUSTOM_PART,), FinishReason.TOOL_CALLS),
    "many": (
        [REASONING, MESSAGE, CALL, CUSTOM],
        (REASONING_PART, TEXT_PART, CALL_PART, CUSTOM_PART),
        FinishReason.TOOL_CALLS,
    ),
    "refusal": ([REFUSAL], (Refusal("No.", item_id="msg_2"),), FinishReason.REFUSAL),
    "empty": ([], (), FinishReason.STOP),
}


@pytest.mark.pitfall("SSE-1", "SSE-2", "FIN-1", "SSE-15")
@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_is_read_however_it_is_cut(name: str) -> None:
    items, parts, reason = WHOLE[name]
    data = sse(*stream(*items))
    events = decoded(data)
    answer = fold(events)
    assert answer.choices[0].parts == parts if parts else answer.choices[0].parts == ()
    assert answer.choices[0].finish is not None
    assert answer.choices[0].finish.reason is reason
    assert (answer.id, answer.model, answer.created) == ("resp_1", "gpt-x", 1700000000)
    assert decoded(data, step=1) == events
    for seed in range(5):
        chosen = sorted(random.Random(seed).sample(range(len(data)), 20))
        assert decoded(data, cuts=chosen) == events
    whole = json.dumps(response("completed", output=items, usage=USAGE)).encode()
    assert fold(SPOKE.decode_response(whole)) == answer


@pytest.mark.pitfall("SSE-2", "SSE-7", "SSE-20")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("named", [True, False])
def test_framing_does_not_matter(end: str, named: bool) -> None:
    events = stream(REASONING, MESSAGE, CALL)
    expected = decoded(sse(*events))
    assert decoded(sse(": comment", "\n\n", *events, end=end, named=named)) == expected
    assert decoded(b"\xef\xbb\xbf" + sse(*events, end=end, named=named), step=1) == expected
    assert decoded(sse(*events, end=end, named=named).rstrip()) == expected
    assert decoded(sse(*events).replace(b"data: ", b"data:")) == expected
    assert decoded(sse(*events, "data: [DONE]\n\n")) == expected


def test_usage_comes_in_disjoint_buckets() -> None:
    usage = answered(sse(*stream(MESSAGE))).usage
    assert usage == Usage(
        input_uncached=10,
        input_cache_read=8,
        input_cache_write_5m=2,
        output_text=7,
        output_reasoning=5,
        raw=USAGE,
    )


# --- what upstreams do wrong ---


@pytest.mark.pitfall("RSP-18")
def test_ids_may_change_with_every_event() -> None:
    events = stream(REASONING, MESSAGE, CALL)
    for number, event in enumerate(events):
        if "item_id" in event:
            event["item_id"] = f"odd_{number}"
        if "item" in event:
            event["item"] = {**event["item"], "id": f"odd_{number}"}
        if "response" in event:
            event["response"] = {**event["response"], "id": f"resp_{number}"}
            event["response"]["output"] = [
                {**item, "id": f"odd_end_{place}"} for place, item in enumerate(event["response"]["output"])
            ]
    parts = answered(sse(*events)).choices[0].parts
    kinds = [type(part) for part in parts]
    assert kinds == [Reasoning, Text, ToolCall]
    reasoning, text, call = parts
    assert isinstance(reasoning, Reasoning)
    assert isinstance(text, Text)
    assert isinstance(call, ToolCall)
    assert reasoning.segments == ("First.", "Second.")
    assert (text.text, call.id, call.arguments) == ("Grüße 👋", "call_1", '{"q":"a"}')


@pytest.mark.pitfall("RSN-9")
def test_the_encrypted_content_of_the_end_counts() -> None:
    events = stream(REASONING)
    events[2]["item"] = {**events[2]["item"], "encrypted_content": "incomplete"}
    part = answered(sse(*events)).choices[0].parts[0]
    assert isinstance(part, Reasoning)
    assert part.signature == Signature("openai", "secret", "rs_1")


def test_items_may_come_only_when_they_are_done() -> None:
    done = [event for event in stream(REASONING, MESSAGE, CALL) if not event["type"].endswith((".delta", ".added"))]
    assert answered(sse(*done)) == answered(sse(*stream(REASONING, MESSAGE, CALL)))


def test_items_may_come_only_in_the_end() -> None:
    events = [CREATED, stream(REASONING, MESSAGE, CALL, CUSTOM)[-1]]
    assert answered(sse(*events)) == answered(sse(*stream(REASONING, MESSAGE, CALL, CUSTOM)))


def test_the_end_may_repeat_nothing() -> None:
    assert answered(sse(*stream(MESSAGE, CALL, last=COMPLETED))) == answered(sse(*stream(MESSAGE, CALL)))


def test_the_beginning_may_be_missing_or_bare() -> None:
    events = stream(MESSAGE)
    answer = answered(sse(*events[2:]))
    assert answer.choices[0].parts == (TEXT_PART,)
    bare = {"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress"}}
    assert answered(sse(bare, *events[2:])).id == "resp_1"


def test_numbers_and_indexes_may_be_missing() -> None:
    events = stream(MESSAGE, CALL)
    for event in events:
        for key in ("sequence_number", "output_index", "content_index"):
            event.pop(key, None)
    assert answered(sse(*events)).choices[0].parts == (TEXT_PART, CALL_PART)


@pytest.mark.pitfall("TOOL-15")
def test_every_item_may_claim_the_same_index() -> None:
    events = stream(MESSAGE, CALL, CUSTOM)
    for event in events:
        if "output_index" in event:
            event["output_index"] = 0
    assert answered(sse(*events)).choices[0].parts == (TEXT_PART, CALL_PART, CUSTOM_PART)


def test_content_indexes_may_count_across_items() -> None:
    events = stream(REASONING, MESSAGE)
    for event in events:
        if "content_index" in event:
            event["content_index"] += 3
    assert answered(sse(*events)).choices[0].parts == (REASONING_PART, TEXT_PART)


def test_items_may_overlap() -> None:
    first, second = {**CALL, "id": "fc_a", "call_id": "a"}, {**CALL, "id": "fc_b", "call_id": "b"}
    one, two = item_events(0, first), item_events(1, second)
    mixed = [event for pair in zip(one, two, strict=True) for event in pair]
    parts = answered(sse(CREATED, *mixed, COMPLETED)).choices[0].parts
    assert [(part.id, part.arguments) for part in parts if isinstance(part, ToolCall)] == [
        ("a", '{"q":"a"}'),
        ("b", '{"q":"a"}'),
    ]


def test_deltas_may_come_for_items_that_were_never_announced() -> None:
    events = [event for event in stream(MESSAGE) if not event["type"].endswith("item.added")]
    assert [part.text for part in answered(sse(*events)).choices[0].parts if isinstance(part, Text)] == ["Grüße 👋"]


@pytest.mark.pitfall("TOOL-13")
def test_the_name_of_a_call_may_come_late() -> None:
    events = stream(CALL)
    events[2]["item"] = {**events[2]["item"], "name": "", "call_id": ""}
    assert answered(sse(*events)).choices[0].parts == (CALL_PART,)


@pytest.mark.pitfall("FIN-2")
def test_a_call_without_a_name_is_no_call() -> None:
    nameless = {**CALL, "name": ""}
    answer = answered(sse(*stream(nameless)))
    assert answer.choices[0].parts == ()
    assert answer.choices[0].finish is not None
    assert answer.choices[0].finish.reason is FinishReason.STOP


@pytest.mark.pitfall("TOOL-11")
def test_arguments_that_come_again_are_not_doubled() -> None:
    events = stream(CALL)
    events.insert(-2, {**events[-3]})
    assert answered(sse(*events)).choices[0].parts == (CALL_PART,)
    whole = stream(CALL)
    whole[2]["item"] = CALL
    only_done = [event for event in whole if not event["type"].endswith(".delta")]
    assert answered(sse(*only_done)).choices[0].parts == (CALL_PART,)


@pytest.mark.pitfall("TOOL-8", "FIN-3", "FIN-9")
def test_arguments_that_were_cut_off_are_incomplete() -> None:
    events = stream(CALL)[:7]
    cut = {
        "type": "response.incomplete",
        "response": response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
    }
    answer = answered(sse(*events, cut))
    call = answer.choices[0].parts[0]
    assert isinstance(call, ToolCall)
    assert (call.complete, call.arguments) == (False, '{"q"'[: len(call.arguments)])
    assert answer.choices[0].finish is not None
    assert answer.choices[0].finish.reason is FinishReason.LENGTH


@pytest.mark.pitfall("ERR-8", "SSE-18", "FIN-5")
@pytest.mark.parametrize("count", range(0, 22, 3))
def test_an_end_in_the_middle_is_an_error(count: int) -> None:
    events = decoded(sse(*stream(REASONING, MESSAGE)[:count]))
    assert isinstance(events[-1], e.Error)
    assert events[-1].fault.kind is FaultKind.UPSTREAM_TRUNCATED


def _failed(status: str = "failed", **error: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": response(status, error=error or None)}


@pytest.mark.pitfall("ERR-7", "ERR-9")
@pytest.mark.parametrize(
    ("event", "kind", "code"),
    [
        ({"type": "error", "code": "slow_down", "message": "x", "param": None}, FaultKind.OVERLOADED, "slow_down"),
        ({"type": "error", "error": {"code": "rate_limit_exceeded"}}, FaultKind.RATE_LIMIT, "rate_limit_exceeded"),
        (_failed(code="server_error", message="x"), FaultKind.INTERNAL, "server_error"),
        (_failed(), FaultKind.UPSTREAM, None),
        (_failed("completed", code="insufficient_quota"), FaultKind.BILLING, "insufficient_quota"),
        ({"error": {"message": "The prompt is too long"}}, FaultKind.CONTEXT_LENGTH, None),
    ],
)
def test_errors_inside_a_stream(event: dict[str, Any], kind: FaultKind, code: str | None) -> None:
    data = sse(*stream(MESSAGE)[:5]) + f"data: {json.dumps(event)}\n\n".encode() + sse(COMPLETED)
    events = decoded(data)
    assert isinstance(events[-1], e.Error)
    fault = events[-1].fault
    assert (fault.kind, fault.code, fault.from_upstream) == (kind, code, True)


@pytest.mark.pitfall("SSE-17")
def test_a_second_answer_inside_the_first_is_an_error() -> None:
    again = {"type": "response.created", "response": response(id="resp_2")}
    events = decoded(sse(*stream(MESSAGE)[:5], again, *stream(MESSAGE)))
    assert isinstance(events[-1], e.Error)
    same = decoded(sse(*stream(MESSAGE)[:2], CREATED, *stream(MESSAGE)[2:]))
    assert same == decoded(sse(*stream(MESSAGE)))


@pytest.mark.pitfall("SSE-12")
def test_nothing_after_the_end_counts() -> None:
    assert decoded(sse(*stream(MESSAGE), *stream(CALL))) == decoded(sse(*stream(MESSAGE)))


@pytest.mark.parametrize("nonsense", [b"data: {\n\n", b"data: 17\n\n", b'data: "x"\n\n', b"data: \xff\xfe\n\n"])
def test_nonsense_is_an_error_and_never_an_exception(nonsense: bytes) -> None:
    events = decoded(sse(CREATED) + nonsense)
    assert isinstance(events[-1], e.Error)
    assert events[-1].fault.kind is FaultKind.UPSTREAM


def test_strange_fields_never_raise() -> None:
    for event in stream(REASONING, MESSAGE, CALL):
        for value in (None, 7, "x", [], [None], {}, {"type": 5}):
            for key in list(event):
                if key != "type":
                    SPOKE.stream_decoder().feed(sse(CREATED, {**event, key: value}, COMPLETED))


def test_done_without_the_terminal_event_ends_an_answer_that_is_whole() -> None:
    without = stream(MESSAGE)[:-1]
    assert answered(sse(*without, "data: [DONE]\n\n")).choices[0].parts == (TEXT_PART,)
    events = decoded(sse(*without[:5], "data: [DONE]\n\n"))
    assert isinstance(events[-1], e.Error)


@pytest.mark.pitfall("SSE-10")
def test_a_json_body_in_place_of_a_stream() -> None:
    body = json.dumps(response("completed", output=[MESSAGE], usage=USAGE)).encode()
    assert fold(decoded(body, step=1)) == fold(SPOKE.decode_response(body))
    error = decoded(b' {"error":{"message":"no","type":"invalid_request_error","code":null}}')
    assert isinstance(error[-1], e.Error)
    assert error[-1].fault.kind is FaultKind.INVALID_REQUEST
    html = decoded(b"<html><title>Bad gateway</title></html>")
    assert isinstance(html[-1], e.Error)
    assert "<" not in html[-1].fault.message


# --- what only this protocol has ---


@pytest.mark.pitfall("RSP-21")
def test_unknown_items_and_events_are_kept() -> None:
    item = {"id": "zz_1", "type": "dream_call", "colour": "red"}
    events = decoded(sse(CREATED, {"type": "response.dream.begun", "x": 1}, *item_events(0, item), COMPLETED))
    assert [event.type for event in events if isinstance(event, e.Raw)] == ["response.dream.begun"]
    assert fold(events).choices[0].parts == (Opaque("openai-responses", "dream_call", item),)


def test_tools_of_the_vendor_are_told_in_words() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    search |= {"action": {"type": "search", "query": "ruby", "sources": [{"type": "url", "url": "https://r.org"}]}}
    progress = {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"}
    events = decoded(sse(CREATED, progress, *item_events(0, search), COMPLETED))
    assert any(isinstance(event, e.Ping) for event in events)
    (part,) = fold(events).choices[0].parts
    assert isinstance(part, ServerTool)
    assert (part.raw, part.text) == (search, "[Web search]\nruby\nhttps://r.org")


@pytest.mark.pitfall("RSP-8")
@pytest.mark.parametrize(
    ("item", "name", "arguments"),
    [
        ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}}, "local_shell",
         '{"type":"exec","command":["ls"],"env":{}}'),
        ({"type": "shell_call", "action": {"commands": ["ls"]}}, "shell", '{"commands":["ls"]}'),
        ({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}}, "apply_patch",
         '{"type":"delete_file","path":"a"}'),
        ({"type": "tool_search_call", "execution": "client", "arguments": {"q": "x"}}, "tool_search", '{"q":"x"}'),
    ],
)  # fmt: skip
def test_built_in_calls_are_function_calls(item: dict[str, Any], name: str, arguments: str) -> None:
    answer = answered(sse(*stream({"id": "x_1", "call_id": "call_9", "status": "completed", **item})))
    assert answer.choices[0].parts == (ToolCall("call_9", name, arguments, item_id="x_1"),)
    assert answer.choices[0].finish is not None
    assert answer.choices[0].finish.reason is FinishReason.TOOL_CALLS


def test_what_the_vendor_runs_in_its_container_is_no_call() -> None:
    shell = {"id": "sh_1", "type": "shell_call", "call_id": "c", "status": "completed", "action": {"commands": ["ls"]}}
    shell["environment"] = {"type": "container_reference", "container_id": "cntr_1"}
    search = {"id": "ts_1", "type": "tool_search_call", "status": "completed", "execution": "server", "arguments": {}}
    parts = answered(sse(*stream(shell, search))).choices[0].parts
    assert [type(part) for part in parts] == [ServerTool, ServerTool]


def test_a_generated_image_is_media() -> None:
    image = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="}
    (part,) = answered(sse(*stream({**image, "output_format": "webp"}))).choices[0].parts
    assert isinstance(part, Media)
    assert (part.kind, part.media_type, part.data) == ("image", "image/webp", "iVBORw0KGgo=")


@pytest.mark.pitfall("TOOL-24")
def test_annotations_are_citations_once() -> None:
    annotation = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
    message = {**MESSAGE, "content": [{"type": "output_text", "text": "Grüße", "annotations": [annotation]}]}
    events = stream(message)
    place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    added = {"type": "response.output_text.annotation.added", **place, "annotation_index": 0, "annotation": annotation}
    with_event = decoded(sse(*events[:6], added, *events[6:]))
    assert sum(isinstance(event, e.CitationAdd) for event in with_event) == 1
    assert fold(with_event) == answered(sse(*events))
    (part,) = fold(with_event).choices[0].parts
    assert isinstance(part, Text)
    assert [(one.url, one.title, one.start, one.end) for one in part.citations] == [("https://a", "A", 0, 2)]


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities_have_bytes_and_come_once() -> None:
    token = {"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "e", "logprob": -1.0}]}
    message = {**MESSAGE, "content": [{"type": "output_text", "text": "é", "annotations": [], "logprobs": [token]}]}
    events = stream(message)
    in_deltas = [{**one, "logprobs": [token]} if one["type"] == "response.output_text.delta" else one for one in events]
    expected = ({**token, "bytes": [195, 169], "top_logprobs": [{"token": "e", "logprob": -1.0, "bytes": [101]}]},)
    assert answered(sse(*events)).choices[0].logprobs == expected
    assert answered(sse(*in_deltas)).choices[0].logprobs == expected


@pytest.mark.pitfall("ROL-13")
def test_the_phase_of_a_message_is_kept() -> None:
    (part,) = answered(sse(*stream({**MESSAGE, "phase": "commentary"}))).choices[0].parts
    assert isinstance(part, Text)
    assert part.extras == {"phase": "commentary"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"17",
        b"<html>",
        b'{"object":"list","data":[]}',
        b'{"status":"queued","output":[]}',
        b'{"error":"x"}',
    ],
)
def test_a_unary_answer_that_is_none_is_a_fault(body: bytes) -> None:
    with pytest.raises(Fault) as caught:
        SPOKE.decode_response(body)
    assert caught.value.from_upstream
