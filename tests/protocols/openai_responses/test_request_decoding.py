"""Requests of clients: what real ones send is understood, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocols.openai_responses.samples import request

from codenex.core.errors import Fault, FaultKind
from codenex.core.parts import (
    CacheHint,
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
from codenex.core.request import CustomTool, FunctionTool, HostedTool, OutputFormat, State, ToolChoice, Turn
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.types import APPLY_PATCH, LOCAL_SHELL, SHELL

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def turns(*items: Any) -> tuple[Turn, ...]:
    return request(input=list(items)).turns


def user(*content: dict[str, Any]) -> tuple[Part, ...]:
    (turn,) = turns({"role": "user", "content": list(content)})
    return turn.parts


@pytest.mark.pitfall("SYS-1", "SYS-2")
def test_instructions_come_first() -> None:
    asked = request(instructions="Be terse", input="hi")
    assert asked.turns == (Turn("system", (Text("Be terse"),), "instructions"), Turn("user", (Text("hi"),)))


@pytest.mark.pitfall("ROL-12", "RSP-12")
@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "hi"},
        {"type": "message", "role": "user", "content": "hi"},
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"role": "user", "content": [{"type": "text", "text": "hi"}], "id": None, "status": "completed"},
        {"role": "user", "content": ["hi"]},
    ],
)
def test_messages_may_be_brief(item: dict[str, Any]) -> None:
    assert turns(item) == (Turn("user", (Text("hi"),)),)


@pytest.mark.pitfall("ROL-12")
@pytest.mark.parametrize("kind", ["output_text", "input_text", None])
def test_what_the_assistant_said_comes_in_several_forms(kind: str | None) -> None:
    content = [{"type": kind, "text": "hello"}] if kind is not None else "hello"
    assert turns({"role": "assistant", "content": content}) == (Turn("assistant", (Text("hello"),)),)


@pytest.mark.pitfall("SYS-3", "SYS-4")
def test_system_messages_keep_place_and_role() -> None:
    found = turns(
        {"role": "developer", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "system", "content": "c"},
    )
    assert [(turn.role, turn.origin) for turn in found] == [
        ("system", "developer"),
        ("user", None),
        ("system", "system"),
    ]


@pytest.mark.pitfall("ROL-11", "ROL-5")
def test_the_items_of_one_step_are_one_turn() -> None:
    found = turns(
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "content": None},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "I look", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "p", "input": "raw"},
        {"type": "function_call_output", "id": "fco_1", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"role": "user", "content": "and?"},
    )  # fmt: skip
    assert [turn.role for turn in found] == ["user", "assistant", "user", "user"]
    assert found[1].parts == (
        Reasoning(("hm",), item_id="rs_1"),
        Text("I look", item_id="msg_1"),
        ToolCall("c1", "f", "{}", item_id="fc_1"),
        ToolCall("c2", "p", "raw", "custom", "ctc_1"),
    )
    assert found[2].parts == (
        ToolResult("c1", (Text("one"),), "f", item_id="fco_1"),
        ToolResult("c2", (Text("two"),), "p", kind="custom"),
    )


@pytest.mark.pitfall("RSN-9", "RSN-17")
def test_encrypted_reasoning_is_bound_to_its_item() -> None:
    (turn,) = turns({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "blob"})
    assert turn.parts == (Reasoning(redacted=True, item_id="rs_1", signature=Signature("openai", "blob", "rs_1")),)


def test_a_raw_chain_is_marked() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}
    assert turns(item)[0].parts == (Reasoning(("a",), raw=True, item_id="rs_1"),)


@pytest.mark.pitfall("ROL-13")
def test_phases_divide_turns() -> None:
    found = turns(
        {"role": "assistant", "content": "let me", "phase": "commentary"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "so", "phase": "final_answer"},
    )
    assert [(turn.phase, len(turn.parts)) for turn in found] == [("commentary", 2), ("final_answer", 1)]


@pytest.mark.pitfall("TOOL-21")
def test_our_own_mark_of_errors_is_recognised() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    (_, turn) = turns(call, {"type": "function_call_output", "call_id": "c", "output": "[tool error] broken"})
    assert turn.parts == (ToolResult("c", (Text("broken"),), "f", is_error=True),)


@pytest.mark.pitfall("TOOL-20")
def test_results_may_hold_images_or_json() -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "original"}
    (turn,) = turns({"type": "function_call_output", "call_id": "c", "output": [image]})
    assert turn.parts == (ToolResult("c", (Media("image", "image/png", PIXEL, detail="original"),)),)
    (turn,) = turns({"type": "function_call_output", "call_id": "c", "output": {"a": 1}})
    assert turn.parts == (ToolResult("c", (Text('{"a":1}'),)),)
    (turn,) = turns({"type": "function_call_output", "call_id": "c", "output": ""})
    assert turn.parts == (ToolResult("c"),)


@pytest.mark.pitfall("RSP-8")
def test_built_in_calls_are_functions_with_results() -> None:
    found = turns(
        {"type": "local_shell_call", "id": "lsh_1", "call_id": "a", "status": "completed",
         "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "shell_call", "call_id": "b", "action": {"commands": ["ls"]}},
        {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "x"}},
        {"type": "tool_search_call", "call_id": "d", "execution": "client", "arguments": {"query": "q"}},
        {"type": "local_shell_call_output", "id": "a", "output": "out"},
        {"type": "shell_call_output", "call_id": "b",
         "output": [{"stdout": "x", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
        {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no such file"},
        {"type": "tool_search_output", "call_id": "d", "execution": "client", "tools": []},
    )  # fmt: skip
    calls = [part for part in found[0].parts if isinstance(part, ToolCall)]
    assert [call.name for call in calls] == ["local_shell", "shell", "apply_patch", "tool_search"]
    assert json.loads(calls[1].arguments) == {"commands": ["ls"]}
    results = [part for part in found[1].parts if isinstance(part, ToolResult)]
    assert [(result.name, result.is_error) for result in results] == [
        ("local_shell", False),
        ("shell", False),
        ("apply_patch", True),
        ("tool_search", False),
    ]
    assert json.loads(results[1].parts[0].text)[0]["stdout"] == "x"  # type: ignore[union-attr]


@pytest.mark.pitfall("TOOL-33")
def test_tools_that_a_search_has_found_join_the_others() -> None:
    found = {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "late"}]}
    asked = request(
        input=[
            {"role": "user", "content": "go"},
            {"type": "tool_search_call", "call_id": "d", "execution": "client", "arguments": {}},
            {"type": "tool_search_output", "call_id": "d", "execution": "client", "tools": [found]},
        ],
        tools=[{"type": "tool_search", "execution": "client", "description": "find", "parameters": {"type": "object"}}],
    )
    first, second = asked.tools
    assert first == FunctionTool("tool_search", "find", {"type": "object"}, extras={"execution": "client"})
    assert isinstance(second, FunctionTool)
    assert (second.name, second.namespace) == ("late", "ns")


def test_additional_tools_join_the_others() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "more"}]}
    asked = request(input=[item, {"role": "user", "content": "x"}])
    assert asked.tools == (FunctionTool("more"),)
    assert [(loss.path, loss.action) for loss in asked.losses] == [("input[0]", "adapted")]


def test_tools_that_the_vendor_searches_are_simply_there() -> None:
    deferred = {"type": "function", "name": "f", "parameters": {"type": "object"}, "defer_loading": True}
    asked = request(tools=[{"type": "tool_search"}, deferred])
    assert asked.tools == (FunctionTool("f", None, {"type": "object"}, extras={"defer_loading": True}),)
    assert asked.extras == {"tool_search": {"type": "tool_search"}}


@pytest.mark.pitfall("TOOL-22", "TOOL-23", "RSP-9", "RSP-10")
def test_what_only_openai_knows_keeps_its_form() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    compaction = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}
    reference = {"type": "item_reference", "id": "msg_0"}
    found = turns(search, compaction, {"id": "msg_0"}, {"type": "wish", "text": "?"})
    assert found[0].parts == (
        ServerTool("openai-responses", "web_search_call", search, "ws_1", "[Web search]\nq"),
        Compaction("openai-responses", compaction),
        Opaque("openai-responses", "item_reference", reference),
    )
    assert found[1] == Turn("user", (Opaque("openai-responses", "wish", {"type": "wish", "text": "?"}),))


@pytest.mark.pitfall("MED-1", "MED-2", "MED-3", "MED-6")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"type": "input_image", "image_url": f"data:image/jpg;base64,{PIXEL}"}, Media("image", "image/jpeg", PIXEL)),
        ({"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
         Media("image", url="https://x/y.png", detail="low")),
        ({"type": "input_image", "file_id": "file-1"}, Media("image", file_id="file-1")),
        ({"type": "image_url", "image_url": {"url": "https://x"}}, Media("image", url="https://x")),
        ({"type": "input_image", "image_url": "data:application/pdf;base64,JVBERi0x"},
         Media("document", "application/pdf", "JVBERi0x")),
        ({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0x", "filename": "a.pdf"},
         Media("document", "application/pdf", "JVBERi0x", filename="a.pdf")),
        ({"type": "input_file", "file_data": "JVBERi0x", "filename": "a"},
         Media("document", "application/pdf", "JVBERi0x", filename="a")),
        ({"type": "input_file", "file_data": "YSxi", "filename": "a.csv"},
         Media("document", "text/csv", "YSxi", filename="a.csv")),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, Media("document", url="https://x/a.pdf")),
        ({"type": "input_file", "file_id": "file-1"}, Media("document", file_id="file-1")),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
         Media("audio", "audio/mpeg", "AAAA")),
        ({"type": "refusal", "refusal": "no"}, Refusal("no")),
        ({"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
         Text("a", cache=CacheHint("30m"))),
        ({"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}},
         Text("a", extras={"cache_control": {"type": "ephemeral"}})),
        ({"type": "input_hologram", "x": 1},
         Opaque("openai-responses", "message.input_hologram", {"type": "input_hologram", "x": 1})),
    ],
)  # fmt: skip
def test_content(content: dict[str, Any], expected: Part) -> None:
    assert user(content) == (expected,)


def test_tools_of_every_type() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
    asked = request(
        tools=[
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            {"type": "function", "function": {"name": "nested"}},
            {"name": "bare", "parameters": None},
            {"type": "custom", "name": "c", "format": grammar},
            {"type": "custom", "name": "t", "format": {"type": "text"}},
            {"type": "local_shell"},
            {"type": "shell", "environment": {"type": "local"}},
            {"type": "apply_patch"},
            {"type": "shell", "environment": {"type": "container_auto"}},
            {"type": "web_search", "search_context_size": "low"},
            {"type": "mcp", "server_label": "s", "server_url": "https://s"},
            {"type": "telepathy"},
        ]
    )
    assert asked.tools[:8] == (
        FunctionTool("f", "d", {"type": "object"}, True),
        FunctionTool("nested"),
        FunctionTool("bare"),
        CustomTool("c", grammar=grammar),
        CustomTool("t"),
        FunctionTool("local_shell", LOCAL_SHELL.description, LOCAL_SHELL.schema),
        FunctionTool("shell", SHELL.description, SHELL.schema),
        FunctionTool("apply_patch", APPLY_PATCH.description, APPLY_PATCH.schema),
    )
    hosted = [(tool.type, tool.capability) for tool in asked.tools[8:] if isinstance(tool, HostedTool)]
    assert hosted == [("shell", "shell"), ("web_search", "web_search"), ("mcp", "mcp"), ("telepathy", None)]


@pytest.mark.pitfall("TOOL-33")
def test_namespaces_are_taken_apart() -> None:
    members = [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}]
    asked = request(tools=[{"type": "namespace", "name": "ns", "description": "d", "tools": members}])
    assert asked.tools == (
        FunctionTool("a", namespace="ns", extras={"namespace": {"description": "d"}}),
        CustomTool("b", namespace="ns"),
    )


@pytest.mark.pitfall("TOOL-26", "TOOL-42", "SMP-12")
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "function", "name": "f"}, ToolChoice("one", ("f",))),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("one", ("f",))),
        ({"type": "custom", "name": "c"}, ToolChoice("one", ("c",))),
        ({"type": "web_search"}, ToolChoice("one", raw={"type": "web_search"})),
        ({"type": "shell"}, ToolChoice("one", ("shell",), raw={"type": "shell"})),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("allowed", ("f",), required=True),
        ),
    ],
)
def test_choices(choice: Any, expected: ToolChoice | None) -> None:
    assert request(tool_choice=choice).tool_choice == expected


def test_options() -> None:
    schema = {"type": "object", "properties": {}}
    asked = request(
        temperature=0,
        top_p=0.0,
        top_logprobs=2,
        max_output_tokens="64",
        parallel_tool_calls=False,
        stream=True,
        store=False,
        previous_response_id="resp_0",
        reasoning={"effort": "high", "summary": "auto", "context": "all_turns"},
        text={"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}, "verbosity": "low"},
        include=["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources"],
        metadata={"a": "b"},
        safety_identifier="u1",
        prompt_cache_key="k",
        service_tier="flex",
        truncation="disabled",
        background=False,
        max_tool_calls=3,
        prompt={"id": "p"},
        user=None,
    )
    assert (asked.sampling.temperature, asked.sampling.top_p) == (0, 0.0)
    assert (asked.sampling.logprobs, asked.sampling.top_logprobs) == (True, 2)
    assert (asked.max_output_tokens, asked.parallel_tool_calls, asked.stream) == (64, False, True)
    assert asked.state == State(False, "resp_0")
    assert asked.reasoning is not None
    assert (asked.reasoning.effort, asked.reasoning.visible) == ("high", True)
    assert asked.reasoning.raw == {"context": "all_turns"}
    assert asked.output == OutputFormat("json_schema", "n", None, schema, True)
    assert (asked.verbosity, asked.metadata, asked.end_user) == ("low", {"a": "b"}, "u1")
    assert (asked.cache_key, asked.service_tier) == ("k", "flex")
    assert asked.extras == {"max_tool_calls": 3, "prompt": {"id": "p"}, "include": ["web_search_call.action.sources"]}


@pytest.mark.pitfall("SMP-11", "SMP-12", "SMP-15")
def test_null_is_absent() -> None:
    names = ("instructions", "tools", "tool_choice", "temperature", "reasoning", "text", "metadata", "store", "include")
    assert request(**dict.fromkeys(names)) == request()


def test_the_model_of_the_path_wins() -> None:
    assert SPOKE.decode_request(b'{"model":"a","input":"x"}', "b").model == "b"


@pytest.mark.pitfall("ERR-12")
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"content": "x", "type": "message"}]}, "input[0].role"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0].file_data"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": 5}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 5}]}, "input[0].output"),
        ({"input": [{"type": 5}]}, "input[0].type"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": ""}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"include": [5]}, "include[0]"),
        ({"reasoning": "high"}, "reasoning"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Fault) as caught:
        request(**fields)
    fault = caught.value
    assert (fault.kind, fault.status, fault.param) == (FaultKind.INVALID_REQUEST, 400, param)
    assert param in fault.message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model":NaN}', b"[" * 5000])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(Fault) as caught:
        SPOKE.decode_request(body, None)
    assert caught.value.status == 400
