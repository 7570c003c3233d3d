"""What clients send becomes the hub's request; what is wrong is named by its path."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.protocols.openai_chat.samples import Object, request

from codenex.core.errors import Fault, FaultKind
from codenex.core.parts import (
    CacheHint,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Sampling,
    State,
    ToolChoice,
    Turn,
)
from codenex.protocols.openai_chat import SPOKE

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
PDF = base64.b64encode(b"%PDF-1.7\n" + bytes(24)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(24)).decode()


def messages(*given: Object) -> tuple[Turn, ...]:
    return request({}, messages=list(given)).turns


def only_part(content: Any) -> Any:
    (turn,) = messages({"role": "user", "content": content})
    (part,) = turn.parts
    return part


def fault(body: Object) -> Fault:
    with pytest.raises(Fault) as caught:
        request(body)
    assert caught.value.kind is FaultKind.INVALID_REQUEST
    assert caught.value.status == 400
    return caught.value


# --- the top level --------------------------------------------------------------------------------------------------


def test_all_fields_have_their_place():
    got = request(
        {
            "max_completion_tokens": 50,
            "max_tokens": 10,
            "temperature": 0,
            "top_p": 0.0,
            "top_k": 5,
            "stop": "END",
            "n": 2,
            "seed": 0,
            "presence_penalty": -1,
            "frequency_penalty": 0.5,
            "logit_bias": {"50256": -100},
            "logprobs": True,
            "top_logprobs": 3,
            "reasoning_effort": "low",
            "parallel_tool_calls": False,
            "verbosity": "low",
            "stream": True,
            "stream_options": {"include_usage": True},
            "user": "u1",
            "metadata": {"a": "b"},
            "service_tier": "flex",
            "prompt_cache_key": "k",
            "store": False,
        }
    )
    assert got.protocol == "openai-chat"
    assert got.sampling == Sampling(0, 0.0, 5, ("END",), 2, 0, -1, 0.5, {"50256": -100}, True, 3)
    assert got.max_output_tokens == 50
    assert got.reasoning == ReasoningOptions("low")
    assert got.parallel_tool_calls is False
    assert (got.verbosity, got.stream, got.include_usage, got.end_user) == ("low", True, True, "u1")
    assert (got.metadata, got.service_tier, got.cache_key) == ({"a": "b"}, "flex", "k")
    assert got.state == State(store=False)
    assert got.extras is None


@pytest.mark.pitfall("SMP-12")
def test_null_is_absent():
    names = ("temperature", "stop", "tools", "tool_choice", "functions", "response_format", "reasoning_effort")
    got = request(dict.fromkeys((*names, "stream", "stream_options", "metadata", "n", "user", "store")))
    assert got == request({})
    assert got.legacy_functions is False


@pytest.mark.pitfall("SMP-11")
def test_numbers_come_as_strings_and_as_floats():
    got = request({"max_tokens": "1024", "n": 1.0, "temperature": "0.5"})
    assert (got.max_output_tokens, got.sampling.choices, got.sampling.temperature) == (1024, 1, 0.5)


def test_unknown_fields_are_kept():
    got = request({"modalities": ["text"], "prediction": {"type": "content"}, "stream_options": {"x": 1}})
    assert got.extras == {"modalities": ["text"], "prediction": {"type": "content"}, "stream_options": {"x": 1}}


def test_the_model_of_the_path_counts():
    assert SPOKE.decode_request(b'{"model":"a","messages":[]}', "b").model == "b"


def test_two_different_end_users_are_both_kept():
    got = request({"user": "a", "safety_identifier": "b"})
    assert (got.end_user, got.extras) == ("a", {"safety_identifier": "b"})
    assert request({"safety_identifier": "b"}).end_user == "b"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "owner", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stop": [5]}, "stop[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"logit_bias": {"1": "much"}}, "logit_bias.1"),
    ],
)
def test_what_is_wrong_is_named(body: Object, param: str):
    got = fault(body)
    assert got.param == param
    assert param in got.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 3000])
def test_a_body_that_is_no_object_is_refused(body: bytes):
    with pytest.raises(Fault, match="JSON object"):
        SPOKE.decode_request(body, None)


# --- messages -------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("SYS-1")
def test_system_turns_keep_place_and_origin():
    turns = messages(
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b", "name": "ann"},
        {"role": "developer", "content": [{"type": "text", "text": "c"}]},
    )
    assert turns == (
        Turn("system", (Text("a"),), "system"),
        Turn("user", (Text("b"),), name="ann"),
        Turn("system", (Text("c"),), "developer"),
    )


@pytest.mark.parametrize("content", [None, "", []])
def test_assistant_content_may_be_missing(content: Any):
    (turn,) = messages(
        {
            "role": "assistant",
            "content": content,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    )
    assert [part for part in turn.parts if part != Text("")] == [ToolCall("c1", "f", "{}")]
    assert turn.extras is None


@pytest.mark.pitfall("ROL-9")
def test_all_parts_of_a_message_count():
    (turn,) = messages(
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "text", "text": "b"},
                {"type": "refusal", "refusal": "no"},
            ],
        }
    )
    assert turn.parts == (Text("a"), Text("b"), Refusal("no"))


def test_results_of_one_step_are_one_turn():
    turns = messages(
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "custom", "custom": {"name": "g", "input": "raw"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "go on"},
    )
    assert turns[1].parts == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "raw", "custom"))
    assert turns[2].parts == (
        ToolResult("a", (Text("1"),), "f"),
        ToolResult("b", (Text("2"),), "g", kind="custom"),
    )
    assert turns[3].parts == (Text("go on"),)


@pytest.mark.pitfall("TOOL-21")
def test_only_our_own_marker_makes_a_failure():
    turns = messages(
        {"role": "tool", "tool_call_id": "a", "content": "[tool error] it broke"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: it broke"},
    )
    assert turns[0].parts == (
        ToolResult("a", (Text("it broke"),), is_error=True),
        ToolResult("b", (Text("Error: it broke"),)),
    )


@pytest.mark.pitfall("TOOL-6", "TOOL-4")
def test_ids_that_come_again_name_the_newer_call():
    step: list[Object] = [
        {"role": "assistant", "tool_calls": [{"id": "0", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "0", "content": "first"},
        {"role": "assistant", "tool_calls": [{"id": "0", "function": {"name": "g", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "0", "content": "second"},
    ]
    got = request({}, messages=step)
    calls = [part for turn in got.turns for part in turn.parts if isinstance(part, ToolCall)]
    results = [part for turn in got.turns for part in turn.parts if isinstance(part, ToolResult)]
    assert calls[0].id == "0"
    assert calls[1].id not in ("", "0")
    assert [result.call_id for result in results] == [call.id for call in calls]
    assert [result.name for result in results] == ["f", "g"]
    assert got.losses
    assert request({}, messages=step).turns == got.turns


@pytest.mark.pitfall("TOOL-40")
def test_empty_ids_are_missing_ids():
    turns = messages(
        {
            "role": "assistant",
            "tool_calls": [{"id": "", "function": {"name": "f"}}, {"function": {"name": "g", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "", "content": "1"},
        {"role": "tool", "tool_call_id": "", "content": "2"},
    )
    first, second = (part for part in turns[0].parts if isinstance(part, ToolCall))
    assert first.id
    assert second.id
    assert first.id != second.id
    assert [(part.call_id, part.name) for part in turns[1].parts if isinstance(part, ToolResult)] == [
        (first.id, "f"),
        (second.id, "g"),
    ]


@pytest.mark.pitfall("TOOL-35")
def test_legacy_functions():
    got = request(
        {
            "functions": [{"name": "f", "description": "d", "parameters": {"type": "object"}}],
            "function_call": {"name": "f"},
        },
        messages=[
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "r"},
        ],
    )
    assert got.legacy_functions
    assert got.tools == (FunctionTool("f", "d", {"type": "object"}),)
    assert got.tool_choice == ToolChoice("one", ("f",))
    (call,) = got.turns[1].parts
    (result,) = got.turns[2].parts
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.name) == (call.id, "f")


def test_arguments_that_were_not_encoded_are():
    (turn,) = messages(
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]}
    )
    assert turn.parts == (ToolCall("a", "f", '{"x":1}'),)


def test_what_is_unknown_is_kept_where_it_was():
    turns = messages(
        {"role": "user", "content": [{"type": "hologram", "data": 1}], "mood": "good"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "", "parsed_arguments": {}}, "v": 1}],
        },
    )
    assert turns[0].parts == (Opaque("openai-chat", "hologram", {"type": "hologram", "data": 1}),)
    assert turns[0].extras == {"mood": "good"}
    assert turns[1].parts == (ToolCall("a", "f", extras={"v": 1, "function.parsed_arguments": {}}),)


# --- reasoning ------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("RSN-11")
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_plain_reasoning(field: str):
    (turn,) = messages({"role": "assistant", "content": "x", field: "hm"})
    assert turn.parts == (Reasoning(("hm",), raw=True), Text("x"))


def assistant(**fields: Any) -> tuple[Any, ...]:
    (turn,) = messages({"role": "assistant", "content": "x", **fields})
    return turn.parts[:-1]


def test_details_carry_signatures():
    entry = {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1", "index": 0}
    expected = Reasoning(("hm",), signature=Signature("openai", "sig"), extras={"format": "anthropic-claude-v1"})
    assert assistant(reasoning_details=[entry]) == (expected,)
    assert assistant(reasoning_details=[entry], reasoning="hm") == (expected,)


def test_fragments_that_were_not_joined_are_joined():
    fragments = [
        {"type": "reasoning.text", "text": "h", "index": 0},
        {"type": "reasoning.text", "text": "m", "index": 0},
        {"type": "reasoning.text", "signature": "sig", "index": 0},
    ]
    assert assistant(reasoning_details=fragments) == (Reasoning(("hm",), signature=Signature("openai", "sig")),)


def test_a_signature_without_text_takes_the_plain_text():
    details = [
        {"type": "reasoning.text", "signature": "s1", "index": 0},
        {"type": "reasoning.text", "text": "two", "signature": "s2", "index": 1},
        {"type": "reasoning.encrypted", "data": "s3", "index": 2},
    ]
    assert assistant(reasoning_content="one\n\ntwo", reasoning_details=details) == (
        Reasoning(("one",), signature=Signature("openai", "s1")),
        Reasoning(("two",), signature=Signature("openai", "s2")),
        Reasoning(redacted=True, signature=Signature("openai", "s3")),
    )


def test_unsigned_text_before_signed_text():
    details = [{"type": "reasoning.text", "text": "two", "signature": "s2", "index": 0}]
    assert assistant(reasoning_content="one\n\ntwo", reasoning_details=details) == (
        Reasoning(("one",), raw=True),
        Reasoning(("two",), signature=Signature("openai", "s2")),
    )


def test_an_item_of_several_summaries():
    details = [
        {"type": "reasoning.summary", "summary": "a", "id": "rs_1", "index": 0},
        {"type": "reasoning.summary", "summary": "b", "id": "rs_1", "index": 1},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "index": 2},
        {"type": "reasoning.encrypted", "data": "enc2", "id": "rs_2", "index": 3},
    ]
    assert assistant(reasoning_details=details) == (
        Reasoning(("a", "b"), item_id="rs_1", signature=Signature("openai", "enc", "rs_1")),
        Reasoning(redacted=True, item_id="rs_2", signature=Signature("openai", "enc2", "rs_2")),
    )


def test_the_signature_of_a_call():
    (turn,) = messages(
        {
            "role": "assistant",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "for b", "id": "b"}],
            "tool_calls": [
                {
                    "id": "a",
                    "function": {"name": "f"},
                    "extra_content": {"google": {"thought_signature": "for a"}, "other": 1},
                },
                {"id": "b", "function": {"name": "f"}},
            ],
        }
    )
    assert turn.parts == (
        ToolCall("a", "f", signature=Signature("openai", "for a"), extras={"extra_content": {"other": 1}}),
        ToolCall("b", "f", signature=Signature("openai", "for b")),
    )


def test_blocks_of_another_gateway():
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]
    assert assistant(thinking_blocks=blocks, reasoning_content="hm") == (
        Reasoning(("hm",), signature=Signature("openai", "s")),
        Reasoning(redacted=True, signature=Signature("openai", "d")),
    )


def test_thinking_inside_of_content():
    (turn,) = messages(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "x"},
            ],
        }
    )
    assert turn.parts == (Reasoning(("hm",), raw=True), Text("x"))


# --- media ----------------------------------------------------------------------------------------------------------


def test_images():
    url = f"data:image/png;base64,{PNG}"
    assert only_part([{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]) == Media(
        "image", "image/png", PNG, detail="low"
    )
    assert only_part([{"type": "image_url", "image_url": "https://x.example/a.jpg"}]) == Media(
        "image", url="https://x.example/a.jpg"
    )
    assert only_part([{"type": "image_url", "image_url": {"url": PNG}}]) == Media("image", "image/png", PNG)


@pytest.mark.pitfall("MED-2")
def test_bytes_decide_over_the_claim():
    part = only_part([{"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PNG}"}}])
    assert part.media_type == "image/png"


@pytest.mark.pitfall("MED-3")
def test_a_pdf_in_an_image_is_a_document():
    part = only_part([{"type": "image_url", "image_url": {"url": f"data:application/pdf;base64,{PDF}"}}])
    assert part == Media("document", "application/pdf", PDF)
    image = only_part([{"type": "file", "file": {"file_data": f"data:image/jpeg;base64,{JPEG}", "filename": "a.jpg"}}])
    assert (image.kind, image.media_type) == ("image", "image/jpeg")


@pytest.mark.pitfall("MED-6")
def test_base64_is_cleaned():
    messy = PNG.rstrip("=").replace("+", "-").replace("/", "_")
    part = only_part([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{messy[:9]}\n{messy[9:]}"}}])
    assert part.data == PNG


def test_files_and_sound():
    assert only_part([{"type": "file", "file": {"file_id": "file-1"}}]) == Media("document", file_id="file-1")
    assert only_part([{"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}}]) == Media(
        "document", "application/pdf", PDF, filename="a.pdf"
    )
    assert only_part([{"type": "file", "file": {"file_data": "https://x.example/a.pdf"}}]) == Media(
        "document", url="https://x.example/a.pdf"
    )
    assert only_part([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]) == Media(
        "audio", "audio/mpeg", "AAAA"
    )
    assert only_part([{"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}]) == Media(
        "video", url="https://x.example/a.mp4"
    )


def test_breakpoints_of_the_cache():
    part = only_part([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    assert part == Text("x", cache=CacheHint("1h"))
    part = only_part([{"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}])
    assert part == Text("x", cache=CacheHint())


# --- tools ----------------------------------------------------------------------------------------------------------


def test_tool_definitions():
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    got = request(
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "a", "description": "d", "parameters": schema, "strict": True},
                },
                {"type": "function", "name": "b", "parameters": schema},
                {"name": "c", "description": "d", "input_schema": schema},
                {"type": "custom", "custom": {"name": "e", "format": {"type": "text"}}},
                {
                    "type": "custom",
                    "custom": {
                        "name": "f",
                        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}},
                    },
                },
                {"type": "web_search"},
                {"googleSearch": {}},
                {"type": "function", "function": {"name": "g", "odd": 1}, "cache_control": {"type": "ephemeral"}},
            ],
            "web_search_options": {"search_context_size": "low"},
        }
    )
    assert got.tools == (
        FunctionTool("a", "d", schema, True),
        FunctionTool("b", None, schema),
        FunctionTool("c", "d", schema),
        CustomTool("e"),
        CustomTool("f", None, {"type": "grammar", "syntax": "lark", "definition": "start: x"}),
        HostedTool("openai-chat", "web_search", {"type": "web_search"}, "web_search"),
        HostedTool("openai-chat", "googleSearch", {"googleSearch": {}}, "web_search"),
        FunctionTool("g", cache=CacheHint(), extras={"function.odd": 1}),
        HostedTool("openai-chat", "web_search_options", {"search_context_size": "low"}, "web_search"),
    )


@pytest.mark.pitfall("TOOL-26", "TOOL-42")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("one", ("f",))),
        ({"type": "function", "name": "f"}, ToolChoice("one", ("f",))),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("one", ("f",))),
        ({"type": "tool", "name": "f"}, ToolChoice("one", ("f",))),
        ({"type": "web_search"}, ToolChoice("one", raw={"type": "web_search"})),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function", "name": "g"}],
                },
            },
            ToolChoice("allowed", ("f", "g"), True),
        ),
    ],
)
def test_tool_choice(given: Any, expected: ToolChoice):
    assert request({"tool_choice": given}).tool_choice == expected


# --- output and reasoning options -----------------------------------------------------------------------------------


@pytest.mark.pitfall("OUT-1")
def test_response_formats():
    schema = {"type": "object"}
    nested = {"name": "n", "description": "d", "schema": schema, "strict": True}
    expected = OutputFormat("json_schema", "n", "d", schema, True)
    assert request({"response_format": {"type": "json_schema", "json_schema": nested}}).output == expected
    assert request({"response_format": {"type": "json_schema", **nested}}).output == expected
    assert request({"response_format": {"type": "json_object"}}).output == OutputFormat("json_object")
    assert request({"response_format": {"type": "text"}}).output == OutputFormat("text")
    grammar = {"type": "grammar", "grammar": "x"}
    assert request({"response_format": grammar}).extras == {"response_format": grammar}


def test_reasoning_of_compatible_hosts():
    assert request({"reasoning": {"max_tokens": 2048, "exclude": True}}).reasoning == ReasoningOptions(
        budget=2048, visible=False, raw={"reasoning": {"max_tokens": 2048, "exclude": True}}
    )
    assert request({"thinking": {"type": "disabled"}}).reasoning == ReasoningOptions(
        "none", raw={"thinking": {"type": "disabled"}}
    )
    assert request({"thinking": {"type": "enabled", "budget_tokens": 1024}}).reasoning == ReasoningOptions(
        budget=1024, raw={"thinking": {"type": "enabled", "budget_tokens": 1024}}
    )
