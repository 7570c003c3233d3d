"""Requests of Anthropic clients to the hub."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from codenex.core.errors import Fault, FaultKind
from codenex.core.parts import (
    CacheHint,
    Compaction,
    Media,
    Opaque,
    Reasoning,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import FunctionTool, HostedTool, OutputFormat, ReasoningOptions, Request, ToolChoice, Turn
from codenex.protocols.anthropic import SPOKE

PNG = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **changes}


def request(**changes: Any) -> Request:
    return SPOKE.decode_request(json.dumps(body(**changes)).encode(), None)


def part(block: dict[str, Any], role: str = "user") -> Any:
    return request(messages=[{"role": role, "content": [block]}]).turns[0].parts[0]


def test_the_least_request() -> None:
    found = request()
    assert (found.protocol, found.model, found.max_output_tokens, found.stream) == ("anthropic", "m", 100, False)
    assert found.turns == (Turn("user", (Text("hi"),)),)
    assert found.include_usage
    assert found.extras is None


@pytest.mark.pitfall("SYS-1", "SYS-7")
def test_system_text_and_blocks() -> None:
    assert request(system="be brief").turns[0] == Turn("system", (Text("be brief"),), "system")
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]
    assert request(system=blocks).turns[0].parts == (Text("a"), Text("b", cache=CacheHint()))


@pytest.mark.pitfall("SYS-6")
def test_the_attribution_block_belongs_to_anthropic_only() -> None:
    text = "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;"
    found = request(system=[{"type": "text", "text": text}, {"type": "text", "text": "b"}]).turns[0].parts
    assert found == (Opaque("anthropic", "text", {"type": "text", "text": text}), Text("b"))


@pytest.mark.pitfall("SYS-3", "CLI-4")
def test_system_turns_in_the_middle_keep_their_place() -> None:
    found = request(messages=[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}])
    assert [(turn.role, turn.origin) for turn in found.turns] == [("user", None), ("system", "system")]


@pytest.mark.pitfall("MED-1", "MED-2", "MED-3", "MED-6")
@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": PNG}},
            Media("image", "image/png", data=PNG),
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/JPG", "data": "QUJD"}},
            Media("image", "image/jpeg", data="QUJD"),
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.example/x"}},
            Media("image", url="https://a.example/x"),
        ),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, Media("image", file_id="file_1")),
        (
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUI"},
                "title": "T",
            },
            Media("document", "application/pdf", data="QUI=", title="T"),
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
                "context": "c",
                "citations": {"enabled": True},
            },
            Media("document", "text/plain", text="hello", extras={"context": "c", "citations": {"enabled": True}}),
        ),
    ],
)
def test_media(block: dict[str, Any], expected: Media) -> None:
    assert part(block) == expected


def test_documents_made_of_blocks_are_readable_and_kept() -> None:
    source = {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    found = part({"type": "document", "source": source})
    assert found.text == "a\n\nb"
    assert found.extras == {"source": source}


@pytest.mark.pitfall("MED-14")
def test_search_results_are_text() -> None:
    block = {
        "type": "search_result",
        "title": "T",
        "source": "https://a.example",
        "content": [{"type": "text", "text": "body"}],
    }
    found = part(block)
    assert found.text == "T\nhttps://a.example\nbody"
    assert found.extras == {"search_result": block}


@pytest.mark.pitfall("RSN-17")
def test_thinking() -> None:
    signed = {"type": "thinking", "thinking": "t", "signature": "s"}
    assert part(signed, "assistant") == Reasoning(("t",), signature=Signature("anthropic", "s"))
    assert part({"type": "thinking", "thinking": "t", "signature": ""}, "assistant") == Reasoning(("t",))
    assert part({"type": "thinking", "thinking": "", "signature": "s"}, "assistant") == Reasoning(
        signature=Signature("anthropic", "s")
    )
    assert part({"type": "redacted_thinking", "data": "d"}, "assistant") == Reasoning(
        redacted=True, signature=Signature("anthropic", "d")
    )


@pytest.mark.pitfall("TOOL-7", "TOOL-10", "TOOL-20", "TOOL-21")
def test_calls_and_results() -> None:
    call = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "f",
        "input": {"z": 1.0, "a": "\u2028ü"},
        "caller": {"type": "direct"},
    }
    assert part(call, "assistant") == ToolCall(
        "toolu_1", "f", '{"z":1.0,"a":"\u2028ü"}', extras={"caller": {"type": "direct"}}
    )
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "is_error": True,
        "content": [
            {"type": "text", "text": "boom"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "tool_reference", "tool_name": "g"},
        ],
        "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "global"},
    }
    found = part(result)
    assert found.is_error
    assert found.cache == CacheHint("1h")
    assert found.extras == {"cache_control": {"scope": "global"}}
    assert [type(inner) for inner in found.parts] == [Text, Media, Text]
    assert part({"type": "tool_result", "tool_use_id": "t"}) == ToolResult("t")
    assert part({"type": "tool_result", "tool_use_id": "t", "content": "x"}) == ToolResult("t", (Text("x"),))


@pytest.mark.pitfall("TOOL-23")
@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
            '[web_search] {"query":"x"}',
        ),
        (
            {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": "out", "stderr": "err"}},
            "out\nerr",
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error_code": "max_uses_exceeded"}},
            "max_uses_exceeded",
        ),
        ({"type": "mcp_tool_use", "id": "s", "name": "m", "server_name": "v", "input": {}}, "[m]"),
        ({"type": "mcp_tool_result", "tool_use_id": "s", "content": [{"type": "text", "text": "t"}]}, "t"),
        ({"type": "future_tool_result", "tool_use_id": "s"}, None),
    ],
)
def test_server_tools_are_kept_and_told(block: dict[str, Any], told: str | None) -> None:
    assert part(block, "assistant") == ServerTool("anthropic", block["type"], block, "s", told)


def test_unknown_blocks_are_kept() -> None:
    block = {"type": "container_upload", "file_id": "f"}
    assert part(block) == Opaque("anthropic", "container_upload", block)
    compaction = {"type": "compaction", "content": "summary"}
    assert part(compaction, "assistant") == Compaction("anthropic", compaction, "summary")


def test_tools() -> None:
    found = request(
        tools=[
            {
                "name": "f",
                "description": "d",
                "input_schema": {"type": "object"},
                "strict": True,
                "defer_loading": True,
            },
            {"type": "custom", "name": "g", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search"},
            {"type": "future_20300101", "name": "x"},
        ],
        mcp_servers=[{"type": "url", "name": "s", "url": "https://a.example"}],
    ).tools
    assert found[0] == FunctionTool("f", "d", {"type": "object"}, True, extras={"defer_loading": True})
    assert found[1] == FunctionTool("g", None, {"type": "object"}, cache=CacheHint())
    hosted = [tool for tool in found if isinstance(tool, HostedTool)]
    assert [tool.capability for tool in hosted] == ["web_search", "bash", "tool_search", None, "mcp"]
    assert hosted[0].raw["max_uses"] == 3


@pytest.mark.pitfall("TOOL-26", "TOOL-27", "SMP-12")
@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        (None, None, None),
        ({"type": "auto"}, ToolChoice("auto"), None),
        ("any", ToolChoice("required"), None),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice("auto"), True),
        ({"type": "tool", "name": "f"}, ToolChoice("one", ("f",)), None),
        (
            {"type": "tool", "name": "web_search"},
            ToolChoice("one", ("web_search",), raw={"type": "tool", "name": "web_search"}),
            None,
        ),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice | None, parallel: bool | None) -> None:
    tools = [{"name": "f", "input_schema": {}}, {"type": "web_search_20250305", "name": "web_search"}]
    found = request(tool_choice=choice, tools=tools)
    assert (found.tool_choice, found.parallel_tool_calls) == (expected, parallel)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, (None, 2048, True, False)),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, ("high", None, None, True)),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, (None, None, True, True)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, (None, None, False, True)),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, ("none", None, None, False)),
        ({"thinking": {"type": "between_tools"}}, ("none", None, None, False)),
        ({"output_config": {"effort": "low"}}, ("low", None, None, False)),
        ({"thinking": {"type": "future"}}, (None, None, None, False)),
    ],
)
def test_thinking_options(fields: dict[str, Any], expected: tuple[Any, ...] | None) -> None:
    found: ReasoningOptions | None = request(**fields).reasoning
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert (found.effort, found.budget, found.visible, found.adaptive) == expected


def test_output_formats() -> None:
    schema = {"type": "object", "properties": {}}
    form = {"type": "json_schema", "schema": schema}
    expected = OutputFormat("json_schema", schema=schema, strict=True)
    assert request(output_config={"format": form, "task_budget": {"total": 5}}).output == expected
    assert request(output_config={"format": form, "task_budget": {"total": 5}}).extras == {
        "output_config": {"task_budget": {"total": 5}}
    }
    assert request(output_format=form).output == expected
    assert request(output_config=None).output is None


@pytest.mark.pitfall("SMP-9", "CACHE-4")
def test_identities() -> None:
    assert request(metadata={"user_id": "u1"}).end_user == "u1"
    session = "0b50d492-3e60-48c9-9dd6-e90cf23cce18"
    private = json.dumps({"device_id": "d", "account_uuid": "", "session_id": session})
    found = request(metadata={"user_id": private})
    assert found.end_user is None
    assert found.cache_key == session
    assert found.extras == {"metadata": {"user_id": private}}
    older = f"user_{'a' * 64}_account_b_session_{session}"
    assert request(metadata={"user_id": older}).cache_key == session
    assert request(metadata={"user_id": older}).end_user is None


@pytest.mark.pitfall("SMP-11", "SMP-12", "SMP-15")
def test_numbers_and_nulls_as_clients_send_them() -> None:
    found = request(
        max_tokens="64.0", temperature=0, top_p=None, top_k=5.0, stop_sequences=None, tools=None, stream=None
    )
    assert (found.max_output_tokens, found.sampling.temperature, found.sampling.top_p) == (64, 0, None)
    assert (found.sampling.top_k, found.sampling.stop, found.tools, found.stream) == (5, None, (), False)
    assert request(stop_sequences="END").sampling.stop == ("END",)
    assert request(max_tokens=0).max_output_tokens == 0


def test_unknown_fields_are_kept() -> None:
    found = request(
        context_management={"edits": []}, novelty=1, absent=None, cache_control={"type": "ephemeral", "x": 1}
    )
    assert found.extras == {"context_management": {"edits": []}, "novelty": 1, "cache_control": {"x": 1}}
    assert found.cache == CacheHint()
    turn = request(messages=[{"role": "user", "content": [{"type": "text", "text": "a", "new": 1}], "id": "x"}]).turns[
        0
    ]
    assert turn.extras == {"id": "x"}
    assert turn.parts == (Text("a", extras={"new": 1}),)


def test_a_conversation_held_by_the_vendor_is_not_self_contained() -> None:
    found = request(thread={"type": "continue", "previous_message_id": "msg_1"})
    assert found.state is not None
    assert found.state.previous_response_id == "msg_1"
    assert request(thread={"type": "create"}).state is None


@pytest.mark.pitfall("TOK-2")
def test_counting_needs_no_limit() -> None:
    given = body()
    del given["max_tokens"]
    assert SPOKE.decode_count_request(json.dumps(given).encode(), None).max_output_tokens is None


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 1}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "x"}}]}]},
            "messages[0].content[0].source.type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [1]}]}]},
            "messages[0].content[0].content[0]",
        ),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"system": 5}, "system"),
        ({"temperature": []}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"description": "no name"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {}}, "thinking.type"),
        ({"output_config": []}, "output_config"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"stop_sequences": [1]}, "stop_sequences[0]"),
    ],
)
def test_faults_name_the_field(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(Fault) as found:
        request(**changes)
    assert (found.value.kind, found.value.status, found.value.param) == (FaultKind.INVALID_REQUEST, 400, param)
    assert param in found.value.message


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"a":NaN}', b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_objects(data: bytes) -> None:
    with pytest.raises(Fault) as found:
        SPOKE.decode_request(data, None)
    assert found.value.status == 400
