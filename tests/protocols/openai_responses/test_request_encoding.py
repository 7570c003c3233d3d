"""Requests for upstreams: from other protocols by the rules of translation, from the own one unchanged."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter
from tests.protocols.openai_responses.samples import Fields, echoed, request

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Loss, Losses
from codenex.core.parts import (
    CacheHint,
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
    ToolResult,
)
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    State,
    ToolChoice,
    Turn,
)
from codenex.core.reversal import Reversal, ToolOrigin
from codenex.models.capabilities import Capabilities
from codenex.models.openai import RESPONSES_BASE
from codenex.protocols.openai_responses import SPOKE

BODY = TypeAdapter(ResponseCreateParamsNonStreaming)
USER = Turn("user", (Text("hi"),))
TOOL = FunctionTool("f", "d", {"type": "object", "properties": {}})


def asked(*turns: Turn, **fields: Any) -> Request:
    return Request(fields.pop("protocol", "anthropic"), "m", turns if turns else (USER,), **fields)


def sent(given: Request, capabilities: Capabilities = RESPONSES_BASE) -> Fields:
    body: Fields = json.loads(SPOKE.encode_request(given, capabilities, Losses()).body)
    return body


def lost(given: Request, capabilities: Capabilities = RESPONSES_BASE) -> tuple[Loss, ...]:
    losses = Losses()
    SPOKE.encode_request(given, capabilities, losses)
    return losses.values()


def paths(given: Request, capabilities: Capabilities = RESPONSES_BASE) -> list[tuple[str, str]]:
    return [(loss.path, loss.action) for loss in lost(given, capabilities)]


def refused(given: Request, capabilities: Capabilities = RESPONSES_BASE) -> Fault:
    with pytest.raises(Fault) as caught:
        SPOKE.encode_request(given, capabilities, Losses())
    assert caught.value.kind is FaultKind.UNSUPPORTED
    return caught.value


def with_capabilities(**changes: Any) -> Capabilities:
    return msgspec.structs.replace(RESPONSES_BASE, **changes)


def test_the_least_request() -> None:
    assert sent(asked()) == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


@pytest.mark.pitfall("SYS-1", "SYS-5", "SYS-3", "SYS-4")
def test_leading_system_texts_are_instructions() -> None:
    system = Turn("system", (Text("a"), Text("b")), "system")
    later = Turn("system", (Text("c"),), "system")
    body = sent(asked(system, Turn("system", (Text("d"),), "developer"), USER, later))
    assert body["instructions"] == "a\n\nb\n\nd"
    assert [item["role"] for item in body["input"]] == ["user", "developer"]
    assert sent(asked(USER, later), Capabilities())["input"][1]["role"] == "system"


@pytest.mark.pitfall("SYS-2")
def test_nothing_but_system_text_gets_a_user_turn() -> None:
    body = sent(asked(Turn("system", (Text("a"),), "system")))
    assert [item["role"] for item in body["input"]] == ["user"]


@pytest.mark.pitfall("ROL-5", "ROL-6", "ROL-7", "TOOL-21", "ROL-8")
def test_calls_and_results() -> None:
    body = sent(
        asked(
            USER,
            Turn("assistant", (Text("look"), ToolCall("toolu_1", "f", ""), ToolCall("toolu_2", "f", '{"a":1.0}'))),
            Turn("user", (Text("go on"), ToolResult("toolu_2", (Text("bad"),), is_error=True), ToolResult("toolu_1"))),
            tools=(TOOL,),
        )
    )
    BODY.validate_python({**body, "input": [item for item in body["input"] if item.get("role") != "assistant"]})
    assert body["input"][1:] == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "look", "annotations": []}],
        },
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "toolu_2", "name": "f", "arguments": '{"a":1.0}'},
        {"type": "function_call_output", "call_id": "toolu_1", "output": ""},
        {"type": "function_call_output", "call_id": "toolu_2", "output": "[tool error] bad"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]},
    ]


@pytest.mark.pitfall("TOOL-20")
def test_results_with_images_are_lists() -> None:
    result = ToolResult("c", (Text("see"), Media("image", "image/png", "iVBO"), Opaque("x", "y", {})), is_error=True)
    given = asked(USER, Turn("assistant", (ToolCall("c", "f", "{}"),)), Turn("user", (result,)))
    assert sent(given)["input"][2]["output"] == [
        {"type": "input_text", "text": "[tool error] see"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
    ]


@pytest.mark.pitfall("TOOL-1", "TOOL-5", "TOOL-43", "TOOL-4")
def test_ids_fit_and_foreign_item_ids_stay_away() -> None:
    call = ToolCall("functions.Bash:0", "f", "{}", item_id="toolu_9")
    given = asked(USER, Turn("assistant", (call,)), Turn("user", (ToolResult("functions.Bash:0", (Text("x"),)),)))
    _, first, second = sent(given)["input"]
    assert first["call_id"] == second["call_id"]
    assert len(first["call_id"]) <= 64
    assert "id" not in first
    assert SPOKE.encode_request(given, RESPONSES_BASE, Losses()) == SPOKE.encode_request(
        given, RESPONSES_BASE, Losses()
    )


@pytest.mark.pitfall("TOOL-31", "SCH-7", "TOOL-29")
@pytest.mark.parametrize(
    ("strict", "schema", "expected"),
    [
        (None, None, False),
        (False, {"type": "object"}, False),
        (True, {"type": "object", "properties": {"a": {"type": "string"}}}, False),
        (
            True,
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": False,
            },
            True,
        ),
    ],
)
def test_strictness_is_always_told(strict: bool | None, schema: Any, expected: bool) -> None:
    (tool,) = sent(asked(tools=(FunctionTool("f", None, schema, strict),)))["tools"]
    assert tool["strict"] is expected
    assert tool["parameters"]["type"] == "object"


@pytest.mark.pitfall("TOOL-25", "TOOL-45")
def test_long_names_are_shortened_and_come_back() -> None:
    long = "mcp." + "x" * 80
    given = asked(USER, Turn("assistant", (ToolCall("c", long, "{}"),)), tools=(FunctionTool(long), FunctionTool(long)))
    encoded = SPOKE.encode_request(
        msgspec.structs.replace(given, tool_choice=ToolChoice("one", (long,))), RESPONSES_BASE, Losses()
    )
    body = json.loads(encoded.body)
    (tool,) = body["tools"]
    assert len(tool["name"]) <= 64
    assert body["tool_choice"] == {"type": "function", "name": tool["name"]}
    assert body["input"][1]["name"] == tool["name"]
    assert encoded.reversal == Reversal({tool["name"]: ToolOrigin(long)})


@pytest.mark.pitfall("TOOL-32")
def test_free_text_tools() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
    given = asked(
        USER,
        Turn("assistant", (ToolCall("c", "p", "raw", "custom"),)),
        Turn("user", (ToolResult("c", (Text("ok"),), kind="custom"),)),
        tools=(CustomTool("p", "d", grammar),),
        protocol="openai-chat",
    )
    native = sent(given)
    assert native["tools"] == [{"type": "custom", "name": "p", "description": "d", "format": grammar}]
    assert [item["type"] for item in native["input"][1:]] == ["custom_tool_call", "custom_tool_call_output"]
    encoded = SPOKE.encode_request(given, with_capabilities(custom_tools=False), Losses())
    plain = json.loads(encoded.body)
    assert plain["tools"][0]["type"] == "function"
    assert "start: /x/" in plain["tools"][0]["description"]
    assert plain["input"][1]["arguments"] == '{"input":"raw"}'
    assert plain["input"][2]["type"] == "function_call_output"
    assert encoded.reversal == Reversal({"p": ToolOrigin("p", None, True)})


@pytest.mark.pitfall("TOOL-33")
def test_a_server_that_knows_functions_only_gets_functions_only() -> None:
    asked_own = request(
        input=[
            {"role": "user", "content": "x"},
            {"type": "function_call", "call_id": "a", "name": "spawn", "namespace": "ns", "arguments": "{}"},
            {"type": "local_shell_call", "call_id": "b", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        ],
        tools=[
            {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "spawn"}]},
            {"type": "local_shell"},
        ],
    )
    encoded = SPOKE.encode_request(asked_own, with_capabilities(custom_tools=False), Losses())
    body = json.loads(encoded.body)
    assert [(tool["type"], tool["name"]) for tool in body["tools"]] == [
        ("function", "ns__spawn"),
        ("function", "local_shell"),
    ]
    assert [item["name"] for item in body["input"][1:]] == ["ns__spawn", "local_shell"]
    assert encoded.reversal == Reversal({"ns__spawn": ToolOrigin("spawn", "ns")})


@pytest.mark.pitfall("TOOL-22")
def test_hosted_tools() -> None:
    search = HostedTool("anthropic", "web_search_20250305", {"type": "web_search_20250305"}, "web_search")
    able = with_capabilities(hosted_tools=frozenset({"web_search"}))
    assert sent(asked(tools=(search,)), able)["tools"] == [{"type": "web_search"}]
    assert refused(asked(tools=(search,))).param == "tools[0]"
    assert [tool["name"] for tool in sent(asked(tools=(search, TOOL)))["tools"]] == ["f"]
    assert ("tools[0]", "dropped") in paths(asked(tools=(search, TOOL)))
    unknown = HostedTool("gemini", "googleMaps", {"googleMaps": {}}, "maps")
    assert "googleMaps" in refused(asked(tools=(unknown,)), able).message


@pytest.mark.pitfall("TOOL-42")
def test_a_forced_hosted_tool_is_no_function() -> None:
    search = HostedTool("anthropic", "web_search_20250305", {"type": "web_search_20250305"}, "web_search", "web_search")
    able = with_capabilities(hosted_tools=frozenset({"web_search"}))
    choice = ToolChoice("one", ("web_search",), raw={"type": "tool", "name": "web_search"})
    assert sent(asked(tools=(search,), tool_choice=choice), able)["tool_choice"] == "required"
    assert sent(asked(tools=(TOOL, search), tool_choice=choice), able)["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "web_search"}],
    }


@pytest.mark.pitfall("TOOL-26", "TOOL-27")
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("one", ("f",)), {"type": "function", "name": "f"}),
        (ToolChoice("one", ("c",)), {"type": "custom", "name": "c"}),
        (
            ToolChoice("allowed", ("f", "c"), required=True),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
            },
        ),
        (ToolChoice("one", raw={"type": "tool", "name": "web"}), "auto"),
    ],
)
def test_choices(choice: ToolChoice, expected: Any) -> None:
    given = asked(tools=(TOOL, CustomTool("c")), tool_choice=choice, parallel_tool_calls=False)
    body = sent(given)
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (expected, False)


def test_choices_that_cannot_be_made() -> None:
    assert paths(asked(tool_choice=ToolChoice("required"))) == [("tool_choice", "dropped")]
    weak = with_capabilities(forced_tool_choice=False, parallel_switch=False)
    given = asked(tools=(TOOL,), tool_choice=ToolChoice("one", ("f",)), parallel_tool_calls=True)
    assert sent(given, weak)["tool_choice"] == "auto"
    assert paths(given, weak) == [("tool_choice", "approximated"), ("parallel_tool_calls", "dropped")]


@pytest.mark.pitfall("SMP-4", "SMP-5", "SMP-8", "SMP-15")
def test_sampling_that_responses_lacks_is_dropped() -> None:
    sampling = Sampling(0, 0.0, 0, ("x",), 1, 0, 0.0, 0.0, {"1": 1.0}, True, 0)
    given = asked(sampling=sampling, protocol="openai-chat")
    body = sent(given)
    assert (body["temperature"], body["top_p"], body["top_logprobs"]) == (0, 0.0, 0)
    assert "message.output_text.logprobs" in body["include"]
    names = ("top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
    assert paths(given) == [(name, "dropped") for name in names]


@pytest.mark.pitfall("SMP-2", "SMP-3")
def test_sampling_that_the_model_refuses_is_dropped() -> None:
    given = asked(sampling=Sampling(3.0, 0.5, logprobs=True))
    assert paths(given) == [("temperature", "approximated")]
    none = with_capabilities(sampling=frozenset())
    assert paths(given, none) == [("temperature", "dropped"), ("top_p", "dropped"), ("logprobs", "dropped")]
    one = with_capabilities(one_of_temperature_top_p=True)
    assert "top_p" not in sent(given, one)


@pytest.mark.pitfall("SMP-6")
def test_several_choices_are_refused() -> None:
    assert refused(asked(sampling=Sampling(choices=2))).param == "n"


@pytest.mark.pitfall("SMP-1", "CLI-7")
@pytest.mark.parametrize(("limit", "expected"), [(1, 16), (16, 16), (500, 500), (5000, 1000), (None, None)])
def test_the_limit_is_at_least_sixteen(limit: int | None, expected: int | None) -> None:
    capabilities = with_capabilities(max_output_tokens=1000)
    given = asked(max_output_tokens=limit)
    assert sent(given, capabilities).get("max_output_tokens") == expected
    changed = [("max_tokens", "approximated")] if limit != expected else []
    assert paths(given, capabilities) == changed


@pytest.mark.pitfall("RSN-1", "RSN-5")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ReasoningOptions("high"), {"effort": "high"}),
        (ReasoningOptions("max"), {"effort": "xhigh"}),
        (ReasoningOptions("auto", visible=True), {"summary": "auto"}),
        (ReasoningOptions(budget=512), {"effort": "minimal"}),
        (ReasoningOptions(budget=8192, visible=True), {"effort": "medium", "summary": "auto"}),
        (ReasoningOptions(budget=100_000), {"effort": "xhigh"}),
        (ReasoningOptions(budget=0), {"effort": "none"}),
        (ReasoningOptions(budget=-1), None),
        (ReasoningOptions(adaptive=True, summary="detailed"), {"summary": "detailed"}),
    ],
)
def test_effort(options: ReasoningOptions, expected: Any) -> None:
    assert sent(asked(reasoning=options)).get("reasoning") == expected


def test_models_that_do_not_think_are_not_asked_to() -> None:
    plain = with_capabilities(thinking=frozenset())
    assert paths(asked(reasoning=ReasoningOptions("high")), plain) == [("reasoning", "dropped")]
    assert paths(asked(reasoning=ReasoningOptions("none")), plain) == []
    assert "include" not in sent(asked(), plain)


@pytest.mark.pitfall("RSN-9", "RSN-10", "RSN-13", "RSN-22", "SIG-1", "RSN-21")
def test_only_readable_reasoning_is_sent_back() -> None:
    own = Reasoning(("a", "b"), signature=Signature("openai", "blob", "rs_1"))
    foreign = Reasoning(("x",), signature=Signature("anthropic", "blob"))
    unbound = Reasoning(("y",), signature=Signature("openai", "blob"))
    call = ToolCall("c", "f", "{}")
    given = asked(USER, Turn("assistant", (own, foreign, unbound, call, own)), Turn("user", (ToolResult("c"),)))
    assert sent(given)["input"][1:3] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
            "encrypted_content": "blob",
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    alone = asked(USER, Turn("assistant", (foreign,)), Turn("user", (Text("more"),)))
    assert [item["type"] for item in sent(alone)["input"]] == ["message", "message"]


@pytest.mark.pitfall("RSN-11")
def test_hosts_that_want_readable_reasoning_get_it() -> None:
    given = asked(USER, Turn("assistant", (Reasoning(("x",)), Text("y"))), USER)
    echo = with_capabilities(reasoning_echo="reasoning_content")
    chain = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "x"}]}
    assert sent(given, echo)["input"][1] == chain


@pytest.mark.pitfall("OUT-1", "OUT-8")
def test_formats_share_text_with_verbosity() -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    body = sent(asked(output=OutputFormat("json_schema", schema=schema, strict=True), verbosity="low"))
    assert body["text"] == {
        "format": {"type": "json_schema", "name": "response", "schema": schema, "strict": True},
        "verbosity": "low",
    }
    loose = OutputFormat("json_schema", "n", "d", {"type": "object", "properties": {"a": {}}}, True)
    assert sent(asked(output=loose))["text"]["format"]["strict"] is False
    assert sent(asked(output=loose, protocol="openai-chat"))["text"]["format"]["strict"] is True
    weak = sent(asked(output=loose), with_capabilities(structured_output=False))
    assert "text" not in weak
    assert "JSON Schema" in weak["instructions"]


@pytest.mark.pitfall("OUT-2")
def test_json_is_asked_for_in_words_as_well() -> None:
    given = asked(Turn("system", (Text("Be kind"),), "system"), USER, output=OutputFormat("json_object"))
    assert sent(given)["instructions"] == "Be kind\n\nAnswer with JSON only."
    said = asked(Turn("user", (Text("as JSON please"),)), output=OutputFormat("json_object"))
    assert "instructions" not in sent(said)


@pytest.mark.pitfall("MED-1", "MED-4", "MED-5")
@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (Media("image", "image/png", "AA=="),
         {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}),
        (Media("image", url="https://x", detail="low"),
         {"type": "input_image", "image_url": "https://x", "detail": "low"}),
        (Media("document", "application/pdf", "JVBE"),
         {"type": "input_file", "filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBE"}),
        (Media("document", "application/pdf", "JVBE", title="T"),
         {"type": "input_file", "filename": "T", "file_data": "data:application/pdf;base64,JVBE"}),
        (Media("document", url="https://x/a.pdf", filename="a"), {"type": "input_file", "file_url": "https://x/a.pdf"}),
        (Media("document", "text/csv", "YSxi", filename="a.csv"), {"type": "input_text", "text": "a.csv\n\na,b"}),
        (Media("document", text="plain"), {"type": "input_text", "text": "plain"}),
    ],
)  # fmt: skip
def test_media(media: Media, expected: Fields) -> None:
    assert sent(asked(Turn("user", (media,))))["input"][0]["content"] == [expected]


@pytest.mark.pitfall("MED-11", "MED-7")
@pytest.mark.parametrize(
    "media",
    [
        Media("image", file_id="file_1"),
        Media("audio", "audio/wav", "AAAA"),
        Media("video", "video/mp4", "AAAA"),
        Media("video", url="https://x"),
    ],
)
def test_media_that_cannot_be_sent(media: Media) -> None:
    refused(asked(Turn("user", (media,))))


def test_sound_where_the_target_takes_it() -> None:
    able = with_capabilities(media_kinds=frozenset({"audio"}))
    body = sent(asked(Turn("user", (Media("audio", "audio/mpeg", "AAAA"),))), able)
    assert body["input"][0]["content"] == [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]
    refused(asked(Turn("user", (Media("audio", "audio/flac", "AAAA"),))), able)


@pytest.mark.pitfall("MED-12")
def test_files_of_the_assistant_follow_its_turn() -> None:
    body = sent(asked(USER, Turn("assistant", (Text("a"), Media("image", "image/png", "AA=="))), USER))
    assert [item["role"] for item in body["input"]] == ["user", "assistant", "user", "user"]
    spoken = asked(USER, Turn("assistant", (Media("audio", text="said"),)), USER)
    assert sent(spoken)["input"][1]["content"][0]["text"] == "said"


@pytest.mark.pitfall("TOOL-23", "MED-14")
def test_foreign_server_tools_are_told_or_dropped() -> None:
    told = ServerTool("anthropic", "server_tool_use", {}, text="Search: x")
    silent = ServerTool("anthropic", "mystery", {})
    given = asked(USER, Turn("assistant", (told, silent, Text("y"))), USER)
    assert [part["text"] for part in sent(given)["input"][1]["content"]] == ["Search: x", "y"]
    assert paths(given) == [("messages.server_tool_use", "adapted"), ("messages.mystery", "dropped")]


def test_foreign_histories() -> None:
    summary = asked(Turn("assistant", (Compaction("anthropic", {}, "so far"),)), USER)
    assert sent(summary)["input"][0] == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "so far"}],
    }
    refused(asked(Turn("assistant", (Compaction("anthropic", {}),)), USER))


def test_citations_are_annotations() -> None:
    text = Text("Hello", (Citation("https://a", "A"), Citation(cited_text="x")))
    annotations = sent(asked(USER, Turn("assistant", (text,)), USER))["input"][1]["content"][0]["annotations"]
    assert annotations == [{"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://a", "title": "A"}]


@pytest.mark.pitfall("SMP-13", "CACHE-3", "SYS-8", "SMP-9", "SMP-10")
def test_nothing_unknown_is_forwarded() -> None:
    given = asked(
        Turn("user", (Text("hi", cache=CacheHint("5m"), extras={"odd": 1}),), name="bob", extras={"strange": 1}),
        Turn(
            "assistant", (ToolCall("c", "f", "{}", cache=CacheHint(), extras={"caller": {}}), Refusal("no", {"z": 1}))
        ),
        Turn("user", (ToolResult("c", cache=CacheHint(), extras={"toolset": "x"}), Opaque("anthropic", "wish", {}))),
        tools=(FunctionTool("f", cache=CacheHint(), extras={"eager": True}),),
        end_user='{"device":"x"}',
        service_tier="standard_only",
        cache=CacheHint(),
        extras={"thread": "t"},
        state=State(store=True),
    )
    body = sent(given)
    text = json.dumps(body)
    for word in (
        "cache",
        "odd",
        "strange",
        "caller",
        "toolset",
        "eager",
        "device",
        "standard_only",
        "thread",
        "bob",
        "wish",
    ):
        assert word not in text
    assert body["store"] is False
    found = {path for path, _ in paths(given)}
    assert found >= {
        *("cache_control", "messages.name", "messages.strange", "messages.content.odd", "tools[0].eager", "user"),
        *("messages.tool_calls.caller", "messages.tool_results.toolset", "messages.wish", "service_tier", "thread"),
        *("store", "messages.content.z"),
    }


def test_identity_and_metadata_of_the_same_vendor() -> None:
    metadata = {"a": "b", "n": 5, **{f"k{number}": "v" for number in range(20)}}
    given = asked(protocol="openai-chat", metadata=metadata, end_user="u", service_tier="flex", cache_key="k")
    body = sent(given)
    assert (body["safety_identifier"], body["service_tier"], body["prompt_cache_key"]) == ("u", "flex", "k")
    assert (len(body["metadata"]), body["metadata"]["n"]) == (16, "5")
    assert paths(given) == [("metadata", "dropped")]


@pytest.mark.pitfall("RSP-1", "RSP-2")
def test_a_conversation_of_another_vendor_is_refused() -> None:
    refused(asked(state=State(previous_response_id="x")))


@pytest.mark.pitfall("ROL-4")
def test_a_prefill_is_disclosed() -> None:
    assert paths(asked(USER, Turn("assistant", (Text("So"),)))) == [("messages", "approximated")]


@pytest.mark.pitfall("CACHE-1")
def test_a_longer_conversation_begins_like_the_shorter_one() -> None:
    turns: list[Turn] = [Turn("system", (Text("s"),), "system")]
    steps: list[tuple[Part, ...]] = [(Text("q"),), (Text("a"), ToolCall("functions.f:0", "f.g", "{}"))]
    steps += [(ToolResult("functions.f:0", (Text("r"),)),), (Text("done"),), (Text("next"),)]
    bodies: list[Fields] = []
    for number, parts in enumerate(steps):
        turns.append(Turn("user" if number % 2 == 0 else "assistant", parts))
        if number % 2 == 0:
            bodies.append(sent(asked(*turns, tools=(FunctionTool("f.g"),))))
    for shorter, longer in pairwise(bodies):
        assert longer["input"][: len(shorter["input"])] == shorter["input"]
        assert (longer["tools"], longer["instructions"]) == (shorter["tools"], shorter["instructions"])


# --- the own protocol ---

OWN: dict[str, Any] = {
    "model": "m",
    "instructions": "Be terse",
    "input": [
        {"type": "message", "role": "developer", "id": "msg_a", "content": [{"type": "input_text", "text": "a"}]},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "https://x", "detail": "low"},
                {"type": "input_text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"},
                {"type": "input_hologram", "depth": 3},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_b",
            "status": "completed",
            "content": [{"type": "output_text", "text": "c", "annotations": []}],
            "phase": "commentary",
        },
        {
            "type": "function_call",
            "call_id": "1",
            "name": "f",
            "arguments": '{"a": 1}',
            "id": "fc_1",
            "status": "completed",
        },
        {
            "type": "custom_tool_call",
            "call_id": "2",
            "name": "p",
            "input": "",
            "namespace": "ns",
            "status": "completed",
        },
        {"type": "shell_call", "call_id": "3", "action": {"commands": ["ls"]}, "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "function_call_output", "call_id": "1", "output": "r", "id": "fco_1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "2",
            "output": [{"type": "input_image", "image_url": "https://y"}],
        },
        {
            "type": "shell_call_output",
            "call_id": "3",
            "output": [{"stdout": "x", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
            "max_output_length": 100,
        },
        {"type": "item_reference", "id": "msg_9"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "z"},
        {"type": "wish", "for": "peace"},
    ],
    "tools": [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "defer_loading": True},
        {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "custom", "name": "p"}]},
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "web_search", "search_context_size": "low"},
        {"type": "tool_search"},
    ],
    "tool_choice": {"type": "web_search"},
    "parallel_tool_calls": False,
    "temperature": 0,
    "max_output_tokens": 100,
    "reasoning": {"effort": "low", "summary": "auto", "context": "all_turns"},
    "text": {"format": {"type": "json_object"}, "verbosity": "low", "odd": 1},
    "safety_identifier": "u",
    "metadata": {"a": "b"},
    "service_tier": "flex",
    "prompt_cache_key": "k",
    "store": False,
    "previous_response_id": "resp_0",
    "include": ["reasoning.encrypted_content", "web_search_call.action.sources"],
    "stream": True,
    "max_tool_calls": 3,
    "prompt": {"id": "p"},
    "client_metadata": {"x": "y"},
}


@pytest.mark.pitfall("RSP-21", "CLI-20")
def test_an_own_request_survives() -> None:
    given = SPOKE.decode_request(json.dumps(OWN).encode(), None)
    losses = Losses()
    assert json.loads(SPOKE.encode_request(given, RESPONSES_BASE, losses).body) == OWN
    assert losses.values() == ()
    assert SPOKE.decode_request(SPOKE.encode_request(given, RESPONSES_BASE, losses).body, None) == given


def test_own_reasoning_that_nobody_can_read_is_dropped() -> None:
    lonely = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "x"}]}
    items = [{"role": "user", "content": "a"}, lonely, {"role": "assistant", "content": "b"}]
    assert len(echoed(request(input=items, store=False))["input"]) == 2
    assert len(echoed(request(input=items))["input"]) == 3


def test_found_tools_are_not_declared_twice() -> None:
    found = {"type": "function", "name": "late", "parameters": {"type": "object"}}
    search = {"type": "tool_search", "execution": "client", "description": "d", "parameters": {"type": "object"}}
    items = [
        {
            "type": "tool_search_call",
            "call_id": "s",
            "arguments": {"q": 1},
            "execution": "client",
            "status": "completed",
        },
        {"type": "tool_search_output", "call_id": "s", "execution": "client", "status": "completed", "tools": [found]},
    ]
    body = echoed(request(input=items, tools=[search]))
    assert body["tools"] == [search]
    assert body["input"] == items


@pytest.mark.pitfall("TOK-2", "TOK-3")
def test_the_count_request_holds_what_counts() -> None:
    assert SPOKE.encode_count_request is not None
    given = SPOKE.decode_request(json.dumps(OWN).encode(), None)
    body = json.loads(SPOKE.encode_count_request(given, RESPONSES_BASE, Losses()).body)
    assert body == {key: OWN[key] for key in body}
    assert body.keys() == {
        *("model", "input", "instructions", "previous_response_id", "parallel_tool_calls", "reasoning", "text"),
        *("tool_choice", "tools"),
    }
