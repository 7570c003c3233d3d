"""Answers for clients: every stream is legal, holds what the unary object holds, and the official SDK reads both."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.protocols.openai_responses.samples import (
    CALL,
    CONTEXT_ID,
    CUSTOM,
    MESSAGE,
    REASONING,
    context,
    decoded,
    rendered,
    request,
    sse,
    stream,
    unframed,
)

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, fold, part_events, unfold
from codenex.core.envelope import UNSIGNED
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Citation, Media, Part, Reasoning, Refusal, ServerTool, Signature, Text, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.body import response_body
from codenex.protocols.openai_responses.usage import STATUSES

EVENT = TypeAdapter[Any](ResponseStreamEvent)
BODY = TypeAdapter(Response)


def answer(*parts: Part, reason: FinishReason = FinishReason.STOP, usage: Usage | None = None) -> Answer:
    return Answer("other", "x", "real", 1.0, (Choice(0, parts, FinishDetail(reason)),), usage)


def unary(given: Answer, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(SPOKE.encode_response(given, context(**fields)))
    BODY.validate_python(body)
    return body


def streamed(given: Answer, **fields: Any) -> list[dict[str, Any]]:
    events = rendered(unfold(given), **fields)
    for event in events:
        EVENT.validate_python(event)
    return events


def read_by_sdk(data: bytes) -> tuple[list[str], Any]:
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=data))
    client = openai.OpenAI(api_key="k", base_url="http://t/v1", http_client=httpx2.Client(transport=transport))
    with client.responses.stream(model="m", input="x") as events:
        return [event.type for event in events], events.get_final_response()


def types_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


@pytest.mark.pitfall("SSE-7", "CLI-22", "USE-14", "RSP-16")
def test_a_text_is_a_message_with_content() -> None:
    given = answer(Text("Hello"), usage=Usage(input_uncached=3, input_cache_read=2, output_text=4, output_reasoning=1))
    events = streamed(given)
    assert types_of(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    message_id = f"msg_{CONTEXT_ID}0000"
    content = {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}
    item = {"id": message_id, "type": "message", "status": "completed", "role": "assistant", "content": [content]}
    assert events[2]["item"] == {**item, "status": "in_progress", "content": []}
    assert events[3]["part"] == {**content, "text": ""}
    assert events[7]["item"] == item
    final = events[-1]["response"]
    assert final == unary(given)
    assert final["output"] == [item]
    assert (final["id"], final["model"], final["created_at"]) == (f"resp_{CONTEXT_ID}", "alias", 1700000000)
    assert final["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }
    assert events[0]["response"]["usage"] is None
    assert events[0]["response"]["output"] == []


@pytest.mark.pitfall("RSP-13", "RSP-17", "RSP-14", "USE-14", "RSP-16")
def test_the_object_is_whole_from_the_first_event_on() -> None:
    # The fields that the open specification of the response resource requires (version 2026-04-24).
    required = {
        *("id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "output", "error"),
        *("previous_response_id", "instructions", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text"),
        *("top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage"),
        *("max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata"),
        *("safety_identifier", "prompt_cache_key"),
    }
    created = streamed(answer(Text("x")))[0]["response"]
    assert required <= created.keys()
    assert "output_text" not in created
    defaults = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "temperature": 1.0, "top_p": 1.0}
    defaults |= {"truncation": "disabled", "text": {"format": {"type": "text"}}, "store": False, "metadata": {}}
    assert {key: created[key] for key in defaults} == defaults


def test_the_object_repeats_the_request() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    echo = {"tools": [tool], "tool_choice": "required", "temperature": 0, "top_p": 0.0, "instructions": "Be terse"}
    echo |= {"metadata": {"a": "b"}, "text": {"verbosity": "low"}, "reasoning": {"effort": "low"}, "store": True}
    echo |= {"previous_response_id": "resp_0", "conversation": "conv_1", "parallel_tool_calls": False, "user": None}
    body = unary(answer(Text("x")), echo=echo, stored=True)
    for key in ("tool_choice", "temperature", "top_p", "instructions", "metadata", "previous_response_id"):
        assert body[key] == echo[key]
    assert body["tools"] == [{**tool, "description": None}]
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["reasoning"] == {"effort": "low", "summary": None}
    assert (body["store"], body["conversation"], body["parallel_tool_calls"]) == (True, {"id": "conv_1"}, False)


def test_without_an_echo_the_decoded_request_speaks() -> None:
    asked = request(
        temperature=0, text={"format": {"type": "json_object"}, "verbosity": "low"}, reasoning={"effort": "low"}
    )
    body = response_body(context(request=asked), "completed", [])
    assert (body["temperature"], body["reasoning"]["effort"]) == (0, "low")
    assert body["text"] == {"format": {"type": "json_object"}, "verbosity": "low"}


@pytest.mark.pitfall("RSN-14")
@pytest.mark.parametrize("raw", [True, False])
def test_reasoning_is_one_item_with_its_paragraphs(raw: bool) -> None:
    given = answer(Reasoning(("One", "Two"), raw, signature=Signature("x", "sealed")), Text("Hi"))
    events = streamed(given)
    (item, _) = events[-1]["response"]["output"]
    member = "reasoning_text" if raw else "summary_text"
    assert item["content" if raw else "summary"] == [{"type": member, "text": "One"}, {"type": member, "text": "Two"}]
    assert item["summary"] == [] or not raw
    assert item["encrypted_content"] == "sealed"
    added, done = ("content_part.added", "content_part.done") if raw else (
        "reasoning_summary_part.added",
        "reasoning_summary_part.done",
    )  # fmt: skip
    text = "reasoning_text" if raw else "reasoning_summary_text"
    once = [added, f"{text}.delta", f"{text}.done", done]
    assert types_of(events)[2:12] == ["output_item.added", *once, *once, "output_item.done"]
    assert [event.get("content_index" if raw else "summary_index") for event in events[3:11]] == [0] * 4 + [1] * 4
    assert events[-1]["response"] == unary(given)


@pytest.mark.pitfall("RSN-9", "RSP-18")
def test_the_id_of_reasoning_stays_with_what_is_encrypted() -> None:
    given = answer(Reasoning(("a",), item_id="rs_vendor", signature=Signature("openai", "p", "rs_vendor")), Text("b"))
    events = streamed(given)
    ids = {event.get("item_id", event.get("item", {}).get("id")) for event in events if event.get("output_index") == 0}
    assert ids == {"rs_vendor"}
    twice = answer(Reasoning(("a",), item_id="rs_1"), Text("b"), Reasoning(("c",), item_id="rs_1"))
    found = [item["id"] for item in unary(twice)["output"]]
    assert len(set(found)) == 3


@pytest.mark.pitfall("TOOL-9", "TOOL-5")
def test_calls_stream_their_arguments() -> None:
    given = answer(ToolCall("call_a", "f", '{"x":1}'), ToolCall("call_b", "g"), reason=FinishReason.TOOL_CALLS)
    events = streamed(given)
    assert types_of(events)[2:] == [
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done") * 2,
        "completed",
    ]
    first, second = events[-1]["response"]["output"]
    assert (first["call_id"], first["arguments"], first["status"]) == ("call_a", '{"x":1}', "completed")
    assert (second["call_id"], second["arguments"]) == ("call_b", "{}")
    assert first["id"] == f"fc_{CONTEXT_ID}0000"
    assert events[2]["item"]["arguments"] == ""
    assert events[-1]["response"] == unary(given)


@pytest.mark.pitfall("TOOL-32", "CLI-26")
def test_free_text_calls_have_their_own_item() -> None:
    events = streamed(answer(ToolCall("c", "patch", "*** x", "custom"), reason=FinishReason.TOOL_CALLS))
    assert types_of(events)[3:5] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["input"], item["id"]) == ("custom_tool_call", "*** x", f"ctc_{CONTEXT_ID}0000")


@pytest.mark.pitfall("TOOL-33", "CLI-26")
def test_the_namespace_comes_back() -> None:
    body = unary(answer(ToolCall("c", "spawn", "{}", namespace="agents"), reason=FinishReason.TOOL_CALLS))
    assert (body["output"][0]["namespace"], body["output"][0]["name"]) == ("agents", "spawn")


@pytest.mark.pitfall("TOOL-1", "TOOL-40")
@pytest.mark.parametrize("call_id", ["", "functions.f:0", "x" * 80])
def test_ids_of_calls_can_be_sent_back(call_id: str) -> None:
    first, again = (unary(answer(ToolCall(call_id, "f", "{}")))["output"][0]["call_id"] for _ in range(2))
    assert first == again
    assert 0 < len(first) <= 64
    assert first.replace("_", "").isalnum()


@pytest.mark.pitfall("TOOL-6")
def test_a_repeated_id_is_given_once() -> None:
    body = unary(answer(ToolCall("0", "f", "{}"), ToolCall("0", "f", "{}"), reason=FinishReason.TOOL_CALLS))
    first, second = (item["call_id"] for item in body["output"])
    assert first == "0"
    assert second != first


@pytest.mark.pitfall("RSP-8")
@pytest.mark.parametrize(
    ("tool", "name", "arguments", "item"),
    [
        ({"type": "local_shell"}, "local_shell", {"type": "exec", "command": ["ls"], "env": {}},
         {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}}),
        ({"type": "shell"}, "shell", {"commands": ["ls"]}, {"type": "shell_call", "action": {"commands": ["ls"]}}),
        ({"type": "apply_patch"}, "apply_patch", {"type": "delete_file", "path": "a"},
         {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}}),
        ({"type": "tool_search", "execution": "client"}, "tool_search", {"query": "x"},
         {"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}}),
    ],
)  # fmt: skip
def test_calls_of_built_in_tools_come_back_in_their_own_form(
    tool: dict[str, Any], name: str, arguments: dict[str, Any], item: dict[str, Any]
) -> None:
    given = answer(ToolCall("call_1", name, json.dumps(arguments)), reason=FinishReason.TOOL_CALLS)
    asked = request(tools=[tool])
    events = streamed(given, request=asked)
    assert types_of(events)[2:] == ["output_item.added", "output_item.done", "completed"]
    (found,) = events[-1]["response"]["output"]
    assert item.items() <= found.items()
    assert (found["call_id"], found["status"]) == ("call_1", "completed")
    assert events[-1]["response"] == unary(given, request=asked)
    own_function = request(tools=[{"type": "function", "name": name, "parameters": {"type": "object"}}])
    assert unary(given, request=own_function)["output"][0]["type"] == "function_call"


@pytest.mark.pitfall("TOOL-8", "FIN-9", "FIN-3")
def test_a_call_that_was_cut_off_is_incomplete() -> None:
    given = answer(ToolCall("c", "f", '{"a', complete=False), reason=FinishReason.LENGTH)
    body = unary(given)
    assert body["output"][0]["status"] == "incomplete"
    assert body["output"][0]["arguments"] == '{"a'
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert streamed(given)[-1]["type"] == "response.incomplete"


@pytest.mark.pitfall("FIN-9")
def test_the_last_message_shares_the_status_of_the_answer() -> None:
    body = unary(answer(Text("a"), ToolCall("c", "f", "{}"), Text("b"), reason=FinishReason.LENGTH))
    assert [item["status"] for item in body["output"]] == ["completed", "completed", "incomplete"]


@pytest.mark.pitfall("FIN-4")
def test_refusals() -> None:
    spoken = unary(answer(Refusal("No."), reason=FinishReason.REFUSAL))
    assert spoken["status"] == "completed"
    assert spoken["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    silent = unary(answer(reason=FinishReason.REFUSAL))
    assert (silent["status"], silent["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    events = streamed(answer(Refusal("No."), reason=FinishReason.REFUSAL))
    assert types_of(events)[3:7] == ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"]


@pytest.mark.parametrize("reason", FinishReason)
def test_every_reason_ends_a_legal_stream(reason: FinishReason) -> None:
    given = answer(Text("x"), reason=reason)
    events = streamed(given)
    final = events[-1]["response"]
    assert final == unary(given)
    status, why = STATUSES[reason]
    if reason is not FinishReason.REFUSAL:
        assert (final["status"], (final["incomplete_details"] or {}).get("reason")) == (status, why)
    assert events[-1]["type"] in ("response.completed", "response.incomplete", "response.failed")
    assert (final["error"] is not None) == (final["status"] == "failed")


@pytest.mark.pitfall("ROL-9", "ROL-10")
def test_neighbouring_texts_share_a_message() -> None:
    body = unary(answer(Text("a"), Text("b"), ToolCall("c", "f", "{}"), Text("d")))
    assert [item["type"] for item in body["output"]] == ["message", "function_call", "message"]
    assert [part["text"] for part in body["output"][0]["content"]] == ["a", "b"]
    assert BODY.validate_python(body).output_text == "abd"
    own = unary(answer(Text("a", item_id="msg_1"), Text("b", item_id="msg_2")))
    assert [item["type"] for item in own["output"]] == ["message", "message"]


@pytest.mark.pitfall("SSE-16", "ROL-8")
def test_empty_texts_leave_no_trace() -> None:
    assert unary(answer(Text(""), Text("a"), Text("")))["output"][0]["content"][0]["text"] == "a"
    assert unary(answer(Text("")))["output"] == []
    assert types_of(streamed(answer(Text("")))) == ["created", "in_progress", "completed"]


@pytest.mark.pitfall("TOOL-24")
def test_sources_are_annotations() -> None:
    cited = Text("Hello", (Citation("https://a", "A", "quote"), Citation("https://b", "B", start=1, end=3), Citation()))
    events = streamed(answer(cited))
    whole = {"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://a", "title": "A"}
    part = {"type": "url_citation", "start_index": 1, "end_index": 3, "url": "https://b", "title": "B"}
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == [whole, part]
    added = [event for event in events if event["type"] == "response.output_text.annotation.added"]
    assert [(event["annotation_index"], event["annotation"]) for event in added] == [(0, whole), (1, part)]


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities_belong_to_their_text() -> None:
    token = {"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    choice = Choice(
        0, (Reasoning(("r",)), Text("a"), ToolCall("c", "f", "{}")), FinishDetail(FinishReason.STOP), (token,)
    )
    body = unary(Answer("other", choices=(choice,)))
    assert body["output"][1]["content"][0]["logprobs"] == [token]
    late = [
        e.Start("x"),
        *part_events(0, Text("a")),
        e.LogprobDelta((token,)),
        e.Finish(FinishDetail(FinishReason.STOP)),
    ]
    assert rendered(late)[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]


@pytest.mark.pitfall("RSN-10", "RSN-22")
@pytest.mark.parametrize(("protocol", "mark"), [("openai-chat", UNSIGNED), ("openai-responses", None)])
def test_unsigned_reasoning_of_another_vendor_is_marked(protocol: str, mark: str | None) -> None:
    """The vendor would look for it by its id else; what a server of this protocol leaves unsigned, it takes so."""
    events = [e.Start(protocol), *part_events(0, Reasoning(("a",), True)), e.Finish(FinishDetail(FinishReason.STOP))]
    (item,) = rendered(events)[-1]["response"]["output"]
    assert item.get("encrypted_content") == mark


@pytest.mark.pitfall("SIG-1", "SIG-4")
def test_signatures_of_calls_and_texts_get_items_of_reasoning() -> None:
    signature = Signature("gemini", "sealed")
    body = unary(
        answer(
            ToolCall("c", "f", "{}", signature=signature), Text("t", signature=signature), Text("", signature=signature)
        )
    )
    carrier = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    kinds = [item["type"] for item in body["output"]]
    assert kinds == ["reasoning", "function_call", "message", "reasoning", "reasoning"]
    assert {key: body["output"][0][key] for key in carrier} == carrier
    assert len({item["id"] for item in body["output"]}) == 5
    late = [e.Start("x"), e.PartStart(0, "tool_call", id="c", name="f"), e.ToolArgumentsDelta(0, "{}")]
    late += [e.PartStop(0, ToolCall("c", "f", "{}", signature=signature)), e.Finish(FinishDetail(FinishReason.STOP))]
    assert [item["type"] for item in rendered(late)[-1]["response"]["output"]] == ["function_call", "reasoning"]


def test_images_are_generated_images() -> None:
    given = answer(Media("image", "image/png", "iVBORw0KGgo="))
    events = streamed(given)
    assert types_of(events)[2:-1] == [
        "output_item.added",
        "image_generation_call.in_progress",
        "image_generation_call.completed",
        "output_item.done",
    ]
    assert unary(given)["output"][0]["result"] == "iVBORw0KGgo="


def test_what_cannot_be_said_is_a_loss() -> None:
    told = context()
    tool = ServerTool("anthropic", "server_tool_use", {})
    given = answer(tool, Media("audio", data="AAAA"), Media("audio", text="spoken"))
    body = json.loads(SPOKE.encode_response(given, told))
    assert [loss.action for loss in told.losses.values()] == ["dropped", "dropped", "adapted"]
    assert body["output"][0]["content"][0]["text"] == "spoken"


@pytest.mark.pitfall("SMP-6")
def test_one_choice_only() -> None:
    told = context()
    encoder = SPOKE.stream_encoder(told)
    events = [
        e.Start("x"),
        e.PartStart(0, "text"),
        e.PartStart(1, "text", 1),
        e.TextDelta(1, "no"),
        e.TextDelta(0, "yes"),
    ]
    events += [e.PartStop(1, Text("no"), 1), e.PartStop(0, Text("yes")), e.Finish(FinishDetail(FinishReason.STOP))]
    data = b"".join(encoder.send(event) for event in [*events, e.Finish(FinishDetail(FinishReason.LENGTH), 1)])
    final = unframed(data + encoder.end())[-1]
    assert [part["text"] for part in final["response"]["output"][0]["content"]] == ["yes"]
    assert final["type"] == "response.completed"
    assert [loss.path for loss in told.losses.values()] == ["choices"]


@pytest.mark.pitfall("ERR-7", "CLI-23")
@pytest.mark.parametrize("count", range(8))
def test_a_failure_is_told_inside_the_stream(count: int) -> None:
    encoder = SPOKE.stream_encoder(context())
    events = list(unfold(answer(Text("abc"), ToolCall("c", "f", '{"a":1}'))))[:count]
    data = b"".join(encoder.send(event) for event in events)
    data += encoder.fail(Fault(FaultKind.RATE_LIMIT, "Too fast.", retry_after=3.2))
    assert encoder.end() == b"" == encoder.send(e.TextDelta(0, "x"))
    told = unframed(data)
    for event in told[:-1]:
        EVENT.validate_python(event)
    assert told[0]["type"] == "response.created"
    assert told[-1]["type"] == "response.failed"
    failed = told[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"] == {"code": "rate_limit_exceeded", "message": "Too fast. Please try again in 3.2s."}
    EVENT.validate_python(told[-1])


def test_an_error_event_fails_the_stream() -> None:
    events = [e.Start("x"), e.Error(Fault(FaultKind.CONTEXT_LENGTH, "too long"))]
    told = rendered(events)
    assert types_of(told) == ["created", "in_progress", "failed"]
    assert told[-1]["response"]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("count", range(1, 14))
def test_the_end_closes_whatever_is_open(count: int) -> None:
    given = answer(Reasoning(("r",)), Text("abc"), ToolCall("c", "f", '{"a":1}'), ToolCall("d", "g", "x", "custom"))
    told = rendered(list(unfold(given))[:count])
    for event in told:
        EVENT.validate_python(event)
    opened = sum(event["type"] == "response.output_item.added" for event in told)
    assert opened == len(told[-1]["response"]["output"]) == sum(e["type"] == "response.output_item.done" for e in told)
    assert told[-1]["type"] == "response.completed"


def test_keep_alives_are_comments() -> None:
    assert SPOKE.stream_encoder(context()).ping() == b": keep-alive\n\n"
    assert SPOKE.stream_encoder(context()).send(e.Ping()) == b""


@pytest.mark.pitfall("USE-15", "USE-6")
def test_usage_may_follow_the_finish() -> None:
    events = [e.Start("x", usage=Usage(input_uncached=1)), e.Finish(FinishDetail(FinishReason.STOP))]
    final = rendered([*events, e.UsageSnapshot(Usage(input_uncached=7, output_text=2))])[-1]["response"]
    assert final["usage"]["total_tokens"] == 9
    assert unary(answer(Text("x")))["usage"] is None


@pytest.mark.pitfall("SMP-10")
@pytest.mark.parametrize(
    ("tier", "told"), [("priority", "priority"), ("standard", "default"), ("ON_DEMAND", "default")]
)
def test_tiers_of_other_vendors_are_none_of_openai(tier: str, told: str) -> None:
    usage = Usage(input_uncached=1, output_text=1, service_tier=tier)
    assert unary(answer(Text("x"), usage=usage))["service_tier"] == told
    assert streamed(answer(Text("x"), usage=usage))[-1]["response"]["service_tier"] == told


# --- laws ---

WORDS = st.text(max_size=6)
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Refusal, WORDS),
    st.builds(Reasoning, st.lists(WORDS, max_size=3).map(tuple), st.booleans()),
    st.builds(ToolCall, st.from_regex(r"[a-z]{1,5}", fullmatch=True), WORDS.map("f".__add__), st.just('{"a":1}')),
    st.builds(ToolCall, st.just("c"), st.just("p"), WORDS, st.just("custom")),
)
ANSWERS = st.builds(answer, PARTS, PARTS, PARTS, reason=st.sampled_from(FinishReason))
NORMAL = settings.default.max_examples if settings.default is not None else 100
EXAMPLES = settings(max_examples=max(300, NORMAL))
FEWER = settings(max_examples=max(60, NORMAL // 100))


def interleaved(given: Answer, order: list[int]) -> list[e.StreamEvent]:
    """Play the parts of an answer at the same time; they start in order, as the hub demands."""
    events = list(unfold(given))
    lanes: list[list[e.StreamEvent]] = []
    for event in events[1:-1]:
        if isinstance(event, e.PartStart):
            lanes.append([])
        lanes[-1].append(event)
    out: list[e.StreamEvent] = [events[0], *(lane.pop(0) for lane in lanes)]
    for choice in order:
        rest = [lane for lane in lanes if lane]
        if rest:
            out.append(rest[choice % len(rest)].pop(0))
    return [*out, *(event for lane in lanes for event in lane), events[-1]]


@EXAMPLES
@given(ANSWERS, st.lists(st.integers(0, 5), max_size=20))
def test_any_legal_order_of_events_gives_the_same_answer(given: Answer, order: list[int]) -> None:
    told = rendered(interleaved(given, order))
    assert told[-1]["response"] == json.loads(SPOKE.encode_response(given, context()))


@FEWER
@given(ANSWERS)
def test_the_sdk_assembles_what_the_unary_object_holds(given: Answer) -> None:
    encoder = SPOKE.stream_encoder(context())
    data = b"".join(encoder.send(event) for event in unfold(given)) + encoder.end()
    body = json.loads(SPOKE.encode_response(given, context()))
    if body["status"] != "completed":
        return
    for event in unframed(data):
        EVENT.validate_python(event)
    types, final = read_by_sdk(data)
    assert types[0] == "response.created"
    assert final.output_text == BODY.validate_python(body).output_text
    assert [item.id for item in final.output] == [item["id"] for item in body["output"]]


@pytest.mark.pitfall("SSE-15")
@pytest.mark.parametrize("items", [[MESSAGE], [REASONING, MESSAGE, CALL], [CALL, CUSTOM, MESSAGE]])
def test_what_is_encoded_decodes_to_the_same(items: list[dict[str, Any]]) -> None:
    events = decoded(sse(*stream(*items)))
    encoder = SPOKE.stream_encoder(context())
    again = decoded(b"".join(encoder.send(event) for event in events) + encoder.end(), step=17)
    before, after = fold(events), fold(again)

    def content(one: Answer) -> list[Any]:
        return [
            (type(part), getattr(part, "text", None), getattr(part, "arguments", None), getattr(part, "id", None))
            for part in one.choices[0].parts
        ]

    assert content(after) == content(before)
    assert after.choices[0].finish == before.choices[0].finish
    assert after.usage is not None
    assert before.usage is not None
    assert after.usage.total == before.usage.total
    read_by_sdk(sse(*stream(*items)))


def test_a_stream_that_breaks_off_in_a_call_ends_with_what_had_waited_behind_it() -> None:
    """The call has begun without arguments; a thought, signed, is held back behind it until the error lets it out."""
    encoder = SPOKE.stream_encoder(context())
    thought = Reasoning(("hm",), signature=Signature("anthropic", "c2ln"))
    events: list[e.StreamEvent] = [
        e.Start("anthropic", "x", "m"),
        e.PartStart(0, "tool_call", id="call_1", name="weather"),
        e.PartStart(1, "reasoning"),
        e.ReasoningDelta(1, "hm", 0),
        e.SignatureSet(1, Signature("anthropic", "c2ln")),
        e.PartStop(1, thought),
        e.Error(Fault(FaultKind.UPSTREAM_TRUNCATED, "it broke")),
    ]
    written = b"".join(map(encoder.send, events)) + encoder.end()
    last = unframed(written)[-1]
    assert last["type"] == "response.failed"
    assert [item["type"] for item in last["response"]["output"]] == ["function_call", "reasoning"]
