"""The hub to requests for an Anthropic upstream, judged by the scripted vendor's own rules where they apply."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from tests.support.vendors.anthropic.rules import check_request

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Losses
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
from codenex.core.reversal import ToolOrigin
from codenex.core.spoke import Encoded
from codenex.models.anthropic import capabilities
from codenex.protocols.anthropic import SPOKE
from codenex.protocols.anthropic.reasoning import effort_of

OLD, NEW, MANUAL, UNKNOWN = "claude-3-5-haiku-latest", "claude-opus-5", "claude-sonnet-4-5", "glm-5"
PNG = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
USER = Turn("user", (Text("hi"),))
F = FunctionTool("f", "d", {"type": "object", "properties": {"a": {"type": "string"}}})


def asked(*turns: Turn, model: str = MANUAL, protocol: str = "openai-chat", **changes: Any) -> Request:
    return Request(protocol, model, turns if turns else (USER,), **changes)


def encode(given: Request, *, legal: bool = True) -> tuple[dict[str, Any], list[str], Encoded]:
    losses = Losses()
    encoded = SPOKE.encode_request(given, capabilities(given.model), losses)
    body: dict[str, Any] = json.loads(encoded.body)
    if legal:
        assert check_request(body, {"anthropic-version": "2023-06-01"}) == []
    again = SPOKE.encode_request(given, capabilities(given.model), Losses())
    assert again.body == encoded.body
    return body, [loss.path for loss in losses.values()], encoded


def messages(*turns: Turn, **changes: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = encode(asked(*turns, **changes))[0]["messages"]
    return found


def assistant(*parts: Part) -> Turn:
    return Turn("assistant", parts)


def user(*parts: Part) -> Turn:
    return Turn("user", parts)


def refused(given: Request) -> Fault:
    with pytest.raises(Fault) as found:
        encode(given)
    assert found.value.kind is FaultKind.UNSUPPORTED
    assert found.value.status == 400
    return found.value


# The conversation


@pytest.mark.pitfall("SYS-1", "SYS-5", "SYS-7")
def test_leading_system_turns_are_hoisted_as_blocks() -> None:
    body, losses, _ = encode(
        asked(
            Turn("system", (Text("a", cache=CacheHint()),), "instructions"),
            Turn("system", (Text("b"),), "developer"),
            USER,
        )
    )
    assert body["system"] == [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b"},
    ]
    assert body["messages"] == [{"role": "user", "content": "hi"}]
    assert losses == []


@pytest.mark.pitfall("SYS-2")
def test_system_text_alone_gets_a_user_turn() -> None:
    body, losses, _ = encode(asked(Turn("system", (Text("a"),), "system")))
    assert body["system"] == "a"
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert losses == ["messages"]


@pytest.mark.pitfall("SYS-3")
def test_system_in_the_middle_stays_where_the_model_takes_it() -> None:
    turns = (USER, assistant(Text("a")), Turn("system", (Text("s"),), "system"), user(Text("b")))
    found = messages(*turns, model=NEW)
    assert [message["role"] for message in found] == ["user", "assistant", "user", "system"]
    marked = messages(*turns, model=MANUAL)
    assert [message["role"] for message in marked] == ["user", "assistant", "user"]
    assert marked[2]["content"][0]["text"] == "<system-reminder>\ns\n</system-reminder>"
    assert marked[2]["content"][1]["text"] == "b"


@pytest.mark.pitfall("SYS-3", "ROL-5")
@pytest.mark.parametrize("model", [NEW, MANUAL])
def test_system_between_a_call_and_its_result_moves_behind_the_result(model: str) -> None:
    found = messages(
        USER,
        assistant(ToolCall("c1", "f", "{}")),
        Turn("system", (Text("s"),), "system"),
        user(ToolResult("c1", (Text("r"),))),
        Turn("system", (Text("t"),), "system"),
        model=model,
        tools=(F,),
    )
    results = found[2]
    assert results["content"][0]["type"] == "tool_result"
    if model == NEW:
        assert found[3] == {
            "role": "system",
            "content": [{"type": "text", "text": "s"}, {"type": "text", "text": "t"}],
        }
    else:
        assert [block["type"] for block in results["content"]] == ["tool_result", "text", "text"]


def test_system_between_two_assistants_becomes_marked_text() -> None:
    found = messages(
        USER, assistant(Text("a")), Turn("system", (Text("s"),), "system"), assistant(Text("b")), USER, model=NEW
    )
    assert [message["role"] for message in found] == ["user", "assistant", "user", "assistant", "user"]
    assert "system-reminder" in found[2]["content"]


@pytest.mark.pitfall("ROL-1", "ROL-2", "ROL-8", "ROL-9")
def test_turns_alternate_begin_with_a_user_and_hold_no_empty_text() -> None:
    found = messages(
        assistant(Text("first")), user(Text("a")), user(Text(""), Text("b")), assistant(Text("  ")), user(Text("c"))
    )
    assert [message["role"] for message in found] == ["user", "assistant", "user"]
    assert [block["text"] for block in found[2]["content"]] == ["a", "b", "c"]


@pytest.mark.pitfall("ROL-4")
def test_trailing_assistant_turns() -> None:
    kept = messages(USER, assistant(Text("The answer is \n")), model=OLD)
    assert kept[-1] == {"role": "assistant", "content": "The answer is"}
    followed = messages(USER, assistant(Text("x")), model=NEW)
    assert [message["role"] for message in followed] == ["user", "assistant", "user"]
    schema = OutputFormat("json_schema", schema={"type": "object", "properties": {}})
    assert messages(USER, assistant(Text("x")), model=MANUAL, output=schema)[-1]["role"] == "user"
    thinking = ReasoningOptions(effort="low")
    assert messages(USER, assistant(Text("x")), model=MANUAL, reasoning=thinking)[-1]["role"] == "user"


@pytest.mark.pitfall("ROL-5", "ROL-6", "ROL-7")
def test_results_stand_beside_their_calls_in_order() -> None:
    found = messages(
        USER,
        assistant(Text("t"), ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"), ToolCall("c3", "f", "{}")),
        user(Text("wait")),
        user(ToolResult("c2", (Text("two"),)), ToolResult("c1", (Text("old"),)), ToolResult("c1", (Text("one"),))),
        user(ToolResult("c9", (Text("nobody's"),))),
        tools=(F,),
    )
    blocks = found[2]["content"]
    assert [block.get("tool_use_id") for block in blocks] == ["c1", "c2", "c3", None, None]
    assert [block.get("content") for block in blocks[:2]] == ["one", "two"]
    assert blocks[2]["is_error"] is True
    assert [block["text"] for block in blocks[3:]] == ["wait", "nobody's"]


@pytest.mark.pitfall("RSN-13", "RSN-21", "RSN-22", "SIG-1", "SIG-4")
def test_foreign_reasoning_is_left_out_and_empty_turns_with_it() -> None:
    foreign = Reasoning(("t",), signature=Signature("openai", "x"))
    body, losses, _ = encode(
        asked(USER, assistant(foreign), user(Text("b")), assistant(Reasoning(("u",)), Text("c")), USER)
    )
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == "c"
    assert "reasoning" in losses


@pytest.mark.pitfall("RSN-14", "RSN-17")
def test_signed_reasoning_goes_back() -> None:
    found = messages(
        USER,
        assistant(
            Reasoning(("a", "b"), signature=Signature("anthropic", "s")),
            Reasoning(redacted=True, signature=Signature("anthropic", "d")),
            Text("c"),
        ),
        USER,
    )
    assert found[1]["content"][:2] == [
        {"type": "thinking", "thinking": "a\n\nb", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
    ]


# Parts


@pytest.mark.pitfall("TOOL-1", "TOOL-7", "TOOL-25", "CACHE-1", "TOOL-4")
def test_calls_and_names_are_fitted_and_undone() -> None:
    long = "server/" + "x" * 80
    body, _, encoded = encode(
        asked(
            USER,
            assistant(ToolCall("functions.f:0", long, '{"a":"1"}')),
            user(ToolResult("functions.f:0", (Text("r"),))),
            tools=(FunctionTool(long), FunctionTool("plain"), FunctionTool("run", namespace="shell")),
            tool_choice=ToolChoice("one", (long,)),
        )
    )
    call = body["messages"][1]["content"][0]
    assert call["id"].startswith("toolu_")
    assert body["messages"][2]["content"][0]["tool_use_id"] == call["id"]
    fitted = body["tools"][0]["name"]
    assert call["name"] == fitted == body["tool_choice"]["name"]
    assert encoded.reversal.tools == {fitted: ToolOrigin(long), "shell__run": ToolOrigin("run", "shell")}


@pytest.mark.pitfall("TOOL-7", "TOOL-8", "TOOL-9")
@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        ("{}", {}),
        ('"{\\"a\\":1}"', {"a": 1}),
        ("[1]", {"value": [1]}),
        ('{"a": "b', {"value": '{"a": "b'}),
    ],
)
def test_arguments_are_objects(arguments: str, given: dict[str, Any]) -> None:
    turns = (USER, assistant(ToolCall("c", "f", arguments)), user(ToolResult("c", (Text("r"),))))
    assert messages(*turns, tools=(F,))[1]["content"][0]["input"] == given


@pytest.mark.pitfall("TOOL-32")
def test_free_text_tools_are_wrapped() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    body, losses, encoded = encode(
        asked(
            USER,
            assistant(ToolCall("c", "patch", "*** Begin", "custom")),
            user(ToolResult("c", (Text("ok"),), kind="custom")),
            tools=(CustomTool("patch", "Applies a patch.", grammar),),
            tool_choice=ToolChoice("one", ("patch",)),
        )
    )
    tool = body["tools"][0]
    assert list(tool["input_schema"]["properties"]) == ["input"]
    assert "start: WORD" in tool["description"]
    assert body["messages"][1]["content"][0]["input"] == {"input": "*** Begin"}
    assert encoded.reversal.tools == {"patch": ToolOrigin("patch", custom=True)}
    assert "tools[0].format" in losses


@pytest.mark.pitfall("TOOL-20", "TOOL-21")
def test_results_hold_media_and_errors() -> None:
    parts = (Text("see"), Media("image", "image/png", PNG))
    turns = (
        USER,
        assistant(ToolCall("c", "f", "{}"), ToolCall("d", "f", "{}")),
        user(ToolResult("c", parts, is_error=True), ToolResult("d")),
    )
    blocks = messages(*turns, tools=(F,))[2]["content"]
    assert [block["type"] for block in blocks[0]["content"]] == ["text", "image"]
    assert blocks[0]["is_error"] is True
    assert "content" not in blocks[1]
    assert "is_error" not in blocks[1]


@pytest.mark.pitfall("MED-1", "MED-2", "MED-3", "MED-4", "MED-5", "MED-6")
@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (
            Media("image", "image/jpg", "QUJD"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}},
        ),
        (
            Media("image", "image/jpeg", "data:image/jpeg;base64," + PNG),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            Media("image", None, url=f"data:image/png;base64,{PNG}"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            Media("image", "application/pdf", "QUJD", filename="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
                "title": "a.pdf",
            },
        ),
        (
            Media("document", "text/csv", "YSxi", filename="a.csv"),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "a,b"},
                "title": "a.csv",
            },
        ),
        (
            Media("document", None, text="plain"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
        ),
        (
            Media("image", url="https://a.example/x.png"),
            {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        ),
        (
            Media("image", "application/pdf", url="https://a.example/x"),
            {"type": "document", "source": {"type": "url", "url": "https://a.example/x"}},
        ),
        (Media("audio", "audio/wav", "UklGRg==", text="spoken"), {"type": "text", "text": "spoken"}),
    ],
)
def test_media(media: Media, expected: dict[str, Any]) -> None:
    assert messages(user(Text("look"), media))[0]["content"][1] == expected


@pytest.mark.pitfall("MED-11")
@pytest.mark.parametrize(
    "media",
    [
        Media("image", file_id="file-1"),
        Media("image", "image/tiff", "QUJD"),
        Media("audio", "audio/wav", "UklGRg=="),
        Media("document", "application/zip", "UEsDBA=="),
        Media("image", url="gs://bucket/x"),
        Media("video", url="https://a.example/x.mp4"),
    ],
)
def test_media_that_the_target_cannot_take(media: Media) -> None:
    refused(asked(user(media)))


@pytest.mark.pitfall("MED-12", "MED-10")
def test_media_of_assistants_move_to_the_next_user_turn() -> None:
    found = messages(USER, assistant(Text("here"), Media("image", "image/png", PNG)), user(Text("and?")))
    assert found[1]["content"] == "here"
    assert [block["type"] for block in found[2]["content"]] == ["image", "text"]


@pytest.mark.pitfall("MED-10", "TOOL-24")
def test_citations_stay_with_their_own_protocol() -> None:
    raw = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
    text = Text("x", (Citation(raw=raw),))
    own = messages(user(text), assistant(text), USER, protocol="anthropic")
    assert "citations" not in str(own[0])
    assert own[1]["content"][0]["citations"] == [raw]
    assert "citations" not in str(messages(USER, assistant(text), USER))


@pytest.mark.pitfall("TOOL-23", "TOOL-36")
def test_parts_of_other_vendors() -> None:
    search = ServerTool("openai-responses", "web_search_call", {}, text="searched: x")
    body, losses, _ = encode(
        asked(
            USER,
            assistant(search, Opaque("gemini", "odd", {}), Refusal("no"), ServerTool("gemini", "code", {}), Text("t")),
            USER,
        )
    )
    assert [block["text"] for block in body["messages"][1]["content"]] == ["searched: x", "no", "t"]
    assert losses == ["web_search_call", "odd", "code"]
    refused(asked(USER, assistant(Compaction("openai-responses", {})), USER))
    summed = messages(USER, assistant(Compaction("openai-responses", {}, "so far")), USER)
    assert summed[1]["content"] == "so far"


def test_a_turn_of_nothing_that_can_be_sent_disappears() -> None:
    found = messages(user(Text("a")), assistant(Opaque("gemini", "odd", {})), user(Text("b")))
    assert found == [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    only = messages(user(Opaque("gemini", "odd", {})))
    assert [message["role"] for message in only] == ["user"]


# Tools


@pytest.mark.pitfall("TOOL-29", "TOOL-31", "TOOL-33", "SMP-13")
def test_tool_definitions() -> None:
    body, losses, _ = encode(
        asked(
            tools=(
                FunctionTool("a"),
                FunctionTool("b", "d", {"properties": {"x": {"type": "string"}}}, False, extras={"novel": 1}),
                FunctionTool("c", schema={"anyOf": [{"properties": {"y": {"type": "string"}}}]}),
                FunctionTool(
                    "d", schema={"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}, strict=True
                ),
                FunctionTool("a"),
            )
        )
    )
    assert body["tools"][0] == {"name": "a", "input_schema": {"type": "object", "properties": {}}}
    assert body["tools"][1]["input_schema"]["type"] == "object"
    assert "strict" not in body["tools"][1]
    assert body["tools"][2]["input_schema"] == {"type": "object", "properties": {"y": {"type": "string"}}}
    assert body["tools"][3]["strict"] is True
    assert body["tools"][3]["input_schema"]["additionalProperties"] is False
    assert "minimum" not in body["tools"][3]["input_schema"]["properties"]["n"]
    assert len(body["tools"]) == 4
    assert "tools[1].novel" in losses


def test_strictness_is_given_up_where_it_cannot_hold() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    body, losses, _ = encode(asked(tools=(FunctionTool("t", schema=tree, strict=True),)))
    assert body["tools"][0] == {"name": "t", "input_schema": tree}
    assert losses == ["tools[0].strict"]
    many = tuple(
        FunctionTool(f"f{number}", schema={"type": "object", "properties": {}}, strict=True) for number in range(25)
    )
    assert sum("strict" in tool for tool in encode(asked(tools=many))[0]["tools"]) == 20
    assert "strict" not in encode(asked(model=UNKNOWN, tools=many[:1]))[0]["tools"][0]


@pytest.mark.pitfall("TOOL-22")
def test_hosted_tools() -> None:
    raw = {
        "type": "web_search",
        "filters": {"allowed_domains": ["a.example"]},
        "user_location": {"type": "approximate", "city": "Oslo"},
        "search_context_size": "low",
    }
    search = HostedTool("openai-responses", "web_search", raw, "web_search")
    body, losses, _ = encode(
        asked(tools=(search,), tool_choice=ToolChoice("one", ("web_search",), raw=raw)), legal=False
    )
    assert body["tools"] == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["a.example"],
            "user_location": {"type": "approximate", "city": "Oslo"},
        }
    ]
    assert body["tool_choice"] == {"type": "tool", "name": "web_search"}
    assert losses == ["tools[0].search_context_size"]
    refused(asked(model=UNKNOWN, tools=(search,)))
    body, losses, _ = encode(asked(model=UNKNOWN, tools=(search, F)))
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert "tools[0]" in losses
    for capability in ("file_search", "mcp", None):
        refused(asked(tools=(HostedTool("openai-responses", "other", {}, capability),)))


@pytest.mark.pitfall("TOOL-26", "TOOL-27", "TOOL-42")
@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("one", ("f",)), None, {"type": "tool", "name": "f"}),
        (ToolChoice("allowed", ("f",)), None, {"type": "auto"}),
        (ToolChoice("allowed", ("f",), required=True), None, {"type": "any"}),
    ],
)
def test_tool_choice(choice: ToolChoice | None, parallel: bool | None, expected: dict[str, Any] | None) -> None:
    body, _, _ = encode(asked(tools=(F, FunctionTool("g")), tool_choice=choice, parallel_tool_calls=parallel))
    assert body.get("tool_choice") == expected
    allowed = choice is not None and choice.mode == "allowed"
    assert [tool["name"] for tool in body["tools"]] == (["f"] if allowed else ["f", "g"])


def test_forced_choice_where_it_is_refused() -> None:
    body, losses, _ = encode(asked(model="claude-fable-5-1", tools=(F,), tool_choice=ToolChoice("required")))
    assert body["tool_choice"] == {"type": "auto"}
    assert losses == ["tool_choice"]


def test_a_choice_without_tools_is_dropped() -> None:
    body, losses, _ = encode(asked(tool_choice=ToolChoice("auto"), parallel_tool_calls=False))
    assert "tool_choice" not in body
    assert losses == ["tool_choice"]


@pytest.mark.pitfall("TOOL-28")
def test_tools_of_the_history_are_declared() -> None:
    body, losses, _ = encode(asked(USER, assistant(ToolCall("c", "f", "{}")), user(ToolResult("c", (Text("r"),)))))
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert "tools" in losses


# Limits, sampling, thinking, output


@pytest.mark.pitfall("SMP-1")
@pytest.mark.parametrize(
    ("model", "limit", "expected"),
    [(MANUAL, None, 64_000), (UNKNOWN, None, 8192), (OLD, 50_000, 8192), (UNKNOWN, 50_000, 50_000), (NEW, 0, 1)],
)
def test_max_tokens(model: str, limit: int | None, expected: int) -> None:
    assert encode(asked(model=model, max_output_tokens=limit))[0]["max_tokens"] == expected


@pytest.mark.pitfall("SMP-2", "SMP-3", "SMP-4", "SMP-5", "SMP-7", "SMP-8", "SMP-15")
def test_sampling() -> None:
    everything = Sampling(1.7, 0.0, 3, ("END", " \n"), 1, 7, 0.5, 0.0, {"1": 2.0}, True, 3)
    body, losses, _ = encode(asked(model=OLD, sampling=everything))
    assert (body["temperature"], body["top_p"], body["top_k"], body["stop_sequences"]) == (1.0, 0.0, 3, ["END"])
    assert set(losses) == {"temperature", "stop", "seed", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"}
    new, losses, _ = encode(asked(model=NEW, sampling=Sampling(0.0, 0.5, 3, ("END",))))
    assert not {"temperature", "top_p", "top_k"} & new.keys()
    assert new["stop_sequences"] == ["END"]
    assert losses == ["temperature", "top_p", "top_k"]
    one, losses, _ = encode(asked(model=MANUAL, sampling=Sampling(0.0, 0.5)))
    assert one["temperature"] == 0.0
    assert "top_p" not in one
    assert losses == ["top_p"]


@pytest.mark.pitfall("SMP-6")
def test_several_choices_are_refused() -> None:
    assert refused(asked(sampling=Sampling(choices=2))).param == "n"


@pytest.mark.pitfall("RSN-1", "RSN-2", "RSN-5")
@pytest.mark.parametrize(
    ("model", "options", "thinking", "effort"),
    [
        (NEW, ReasoningOptions("low"), {"type": "adaptive"}, "low"),
        (NEW, ReasoningOptions("minimal"), {"type": "adaptive"}, "low"),
        (NEW, ReasoningOptions("xhigh", visible=True), {"type": "adaptive", "display": "summarized"}, "xhigh"),
        (NEW, ReasoningOptions(budget=9000), {"type": "adaptive"}, "high"),
        (NEW, ReasoningOptions("auto"), {"type": "adaptive"}, None),
        (NEW, ReasoningOptions(summary="auto"), {"type": "adaptive", "display": "summarized"}, None),
        (NEW, ReasoningOptions("none"), {"type": "disabled"}, None),
        (NEW, ReasoningOptions(budget=0), {"type": "disabled"}, None),
        ("claude-sonnet-5-5", ReasoningOptions("none"), {"type": "between_tools"}, None),
        ("claude-fable-5-1", ReasoningOptions("none"), None, "low"),
        ("claude-opus-4-6", ReasoningOptions("xhigh"), {"type": "adaptive"}, "high"),
        (MANUAL, ReasoningOptions("low"), {"type": "enabled", "budget_tokens": 2048}, None),
        (MANUAL, ReasoningOptions("high"), {"type": "enabled", "budget_tokens": 24576}, None),
        (MANUAL, ReasoningOptions("max"), {"type": "enabled", "budget_tokens": 48000}, None),
        (MANUAL, ReasoningOptions(budget=100), {"type": "enabled", "budget_tokens": 1024}, None),
        (MANUAL, ReasoningOptions("none"), None, None),
        (MANUAL, ReasoningOptions("auto"), None, None),
        (MANUAL, ReasoningOptions("auto", visible=True), {"type": "enabled", "budget_tokens": 8192}, None),
        (MANUAL, ReasoningOptions(adaptive=True), {"type": "enabled", "budget_tokens": 8192}, None),
        (OLD, ReasoningOptions("high"), None, None),
        (UNKNOWN, ReasoningOptions("high"), None, None),
    ],
)
def test_thinking(model: str, options: ReasoningOptions, thinking: dict[str, Any] | None, effort: str | None) -> None:
    body, _, _ = encode(asked(model=model, reasoning=options))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


@pytest.mark.pitfall("RSN-2")
@pytest.mark.parametrize(
    ("limit", "budget"), [(4096, 3072), (3000, 1976), (2048, 1024), (1500, None), (30_000, 22_500)]
)
def test_the_budget_leaves_room_for_the_answer(limit: int, budget: int | None) -> None:
    body, losses, _ = encode(asked(reasoning=ReasoningOptions("xhigh"), max_output_tokens=limit))
    assert body["max_tokens"] == limit
    assert body.get("thinking", {}).get("budget_tokens") == budget
    assert losses == ["reasoning"]


@pytest.mark.pitfall("RSN-3", "RSN-7")
def test_manual_thinking_gives_way() -> None:
    options = ReasoningOptions("low")
    forced, losses, _ = encode(asked(reasoning=options, tools=(F,), tool_choice=ToolChoice("required")))
    assert "thinking" not in forced
    assert forced["tool_choice"] == {"type": "any"}
    assert losses == ["reasoning"]
    loop = (USER, assistant(ToolCall("c", "f", "{}")), user(ToolResult("c", (Text("r"),))))
    assert "thinking" not in encode(asked(*loop, reasoning=options, tools=(F,)))[0]
    signed = Reasoning(("t",), signature=Signature("anthropic", "s"))
    loop = (USER, assistant(signed, ToolCall("c", "f", "{}")), user(ToolResult("c", (Text("r"),))))
    assert "thinking" in encode(asked(*loop, reasoning=options, tools=(F,)))[0]
    cold, losses, _ = encode(asked(reasoning=options, sampling=Sampling(0.2, 0.5, 4)))
    assert not {"temperature", "top_p", "top_k"} & cold.keys()
    assert losses == ["temperature", "top_k", "top_p"]
    assert encode(asked(reasoning=options, sampling=Sampling(1)))[0]["temperature"] == 1


def test_budgets_read_as_efforts() -> None:
    assert [effort_of(budget) for budget in (-1, 0, 512, 1024, 8192, 24576, 24577)] == [
        "auto",
        "none",
        "minimal",
        "low",
        "medium",
        "high",
        "xhigh",
    ]


@pytest.mark.pitfall("OUT-1", "OUT-2", "OUT-3", "OUT-4", "SCH-10")
def test_output_formats() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    body, losses, _ = encode(asked(output=OutputFormat("json_schema", "n", schema=schema)))
    form = body["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False
    assert losses == ["response_format"]
    told, losses, _ = encode(asked(Turn("system", (Text("s"),)), USER, output=OutputFormat("json_object")))
    assert "output_config" not in told
    assert next(block["text"] for block in told["system"]) == "s"
    assert "JSON object" in told["system"][1]["text"]
    assert losses == ["response_format"]
    for output, model in ((OutputFormat("json_schema", schema=schema), UNKNOWN),):
        fallback, losses, _ = encode(asked(output=output, model=model))
        assert '"minimum":1' in fallback["system"]
        assert losses == ["response_format"]
    array = OutputFormat("json_schema", schema={"type": "array", "items": schema})
    assert "JSON Schema" in encode(asked(output=array))[0]["system"]
    assert "output_config" not in encode(asked(output=OutputFormat("text")))[0]


# Everything else


@pytest.mark.pitfall("SMP-9", "SMP-10", "SYS-8", "ROL-13", "CACHE-4", "MED-8")
def test_what_has_no_twin_is_a_loss() -> None:
    body, losses, _ = encode(
        asked(
            Turn("user", (Text("a", extras={"x": 1}), Media("image", "image/png", PNG, detail="high")), name="bob"),
            Turn("assistant", (Text("b"),), phase="commentary", extras={"y": 1}),
            USER,
            end_user="u1",
            metadata={"k": "v"},
            service_tier="flex",
            verbosity="low",
            cache_key="k",
            extras={"prediction": {}, "store": True},
        )
    )
    assert body["metadata"] == {"user_id": "u1"}
    assert set(losses) == {
        "text.x",
        "detail",
        "messages.name",
        "messages.phase",
        "messages.y",
        "metadata",
        "service_tier",
        "verbosity",
        "prompt_cache_key",
        "prediction",
        "store",
    }


@pytest.mark.pitfall("RSP-1")
@pytest.mark.parametrize("state", [State(previous_response_id="resp_1"), State(conversation="conv_1")])
def test_unresolved_state_is_refused(state: State) -> None:
    refused(asked(state=state))


def test_state_that_the_gateway_keeps_is_no_matter() -> None:
    assert encode(asked(state=State(store=True)))[1] == []


@pytest.mark.pitfall("CACHE-2", "CACHE-8")
def test_no_more_than_four_breakpoints() -> None:
    marked = tuple(Text(str(number), cache=CacheHint("1h")) for number in range(6))
    body, losses, _ = encode(asked(user(*marked), cache=CacheHint()))
    found = [block["text"] for block in body["messages"][0]["content"] if "cache_control" in block]
    assert found == ["3", "4", "5"]
    assert body["cache_control"] == {"type": "ephemeral"}
    assert losses == ["cache_control"]


def test_own_requests_come_out_as_they_went_in() -> None:
    given = {
        "model": NEW,
        "max_tokens": 1000,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: a=b;"},
            {"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "global"}},
        ],
        "tools": [
            {"name": "f", "input_schema": {"type": "object", "$schema": "x"}, "eager_input_streaming": True},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": False},
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a", "novel": 1},
                    {"type": "search_result", "title": "T", "source": "s", "content": [{"type": "text", "text": "x"}]},
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [{"type": "text", "text": "d"}]},
                        "citations": {"enabled": True},
                    },
                    {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                    {"type": "container_upload", "file_id": "f"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "t", "signature": "s"},
                    {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "x"}},
                    {"type": "web_search_tool_result", "tool_use_id": "srv", "content": []},
                    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "tool_reference", "tool_name": "g"}],
                        "toolset_name": "n",
                    }
                ],
            },
            {"role": "system", "content": "later"},
        ],
        "mcp_servers": [{"type": "url", "name": "m", "url": "https://a.example"}],
        "thinking": {"type": "adaptive", "block_binding": {"x": 1}},
        "output_config": {
            "effort": "high",
            "format": {
                "type": "json_schema",
                "schema": {"type": "object", "properties": {}, "additionalProperties": False},
            },
            "task_budget": {"total": 9},
        },
        "metadata": {"user_id": '{"session_id":"0123456789"}'},
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "stream": True,
        "context_management": {"edits": []},
        "container": "c",
    }
    losses = Losses()
    encoded = SPOKE.encode_request(SPOKE.decode_request(json.dumps(given).encode(), None), capabilities(NEW), losses)
    assert json.loads(encoded.body) == given
    assert losses.values() == ()
    assert not encoded.reversal


def test_held_conversations_are_not_repaired() -> None:
    given = {
        "model": NEW,
        "max_tokens": 10,
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}],
        "thread": {"type": "continue", "previous_message_id": "msg_1"},
    }
    encoded = SPOKE.encode_request(SPOKE.decode_request(json.dumps(given).encode(), None), capabilities(NEW), Losses())
    assert json.loads(encoded.body) == given


@pytest.mark.pitfall("TOK-2", "TOK-3")
def test_counting_sends_the_prompt_only() -> None:
    assert SPOKE.encode_count_request is not None
    given = asked(
        Turn("system", (Text("s"),)),
        USER,
        tools=(F,),
        tool_choice=ToolChoice("auto"),
        sampling=Sampling(0.5, stop=("END",)),
        reasoning=ReasoningOptions("low"),
        stream=True,
        end_user="u",
    )
    body = json.loads(SPOKE.encode_count_request(given, capabilities(MANUAL), Losses()).body)
    assert set(body) == {"model", "system", "tools", "tool_choice", "messages", "thinking"}
    assert check_request(body, {"anthropic-version": "2023-06-01"}, "/v1/messages/count_tokens") == []
