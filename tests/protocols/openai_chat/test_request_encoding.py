"""The hub's request for a target: nothing unknown goes out, and what is lost is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter
from tests.protocols.openai_chat.samples import OPENAI, UNKNOWN, Object, encoded, request

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Losses
from codenex.core.parts import CacheHint, Text
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
from codenex.models.capabilities import Capabilities
from codenex.models.openai import chat_capabilities
from codenex.protocols.openai_chat import SPOKE

GPT_5 = chat_capabilities("gpt-5", "api.openai.com")
OBJECT = {"type": "object", "properties": {"x": {"type": "integer"}}}
SEARCH = HostedTool("anthropic", "web_search_20250305", {"type": "web_search_20250305"}, "web_search", "web_search")
STRICT = {**OBJECT, "required": ["x"], "additionalProperties": False}


def foreign(**fields: Any) -> Request:
    """A request that came by another protocol."""
    base = Request("anthropic", "gpt-4o", (Turn("user", (Text("hi"),)),))
    return msgspec.structs.replace(base, **fields)


def outcome(asked: Request, capabilities: Capabilities = OPENAI) -> tuple[Object, dict[str, str]]:
    """The body and the losses by path."""
    losses = Losses()
    body = encoded(asked, capabilities, losses)
    return body, {loss.path: loss.action for loss in losses.values()}


def refused(asked: Request, capabilities: Capabilities = OPENAI) -> Fault:
    with pytest.raises(Fault) as caught:
        encoded(asked, capabilities)
    assert caught.value.kind is FaultKind.UNSUPPORTED
    assert caught.value.code == "unsupported_parameter"
    return caught.value


def test_the_least_request():
    assert encoded(foreign()) == {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_bytes_are_the_same_each_time():
    asked = foreign(tools=(FunctionTool("a b", None, OBJECT),), sampling=Sampling(0.5, logit_bias={"1": 1, "0": 2}))
    assert len({SPOKE.encode_request(asked, OPENAI, Losses()).body for _ in range(5)}) == 1


# --- fields of the protocol itself ----------------------------------------------------------------------------------


def test_the_own_protocol_comes_back_with_all_it_had():
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": [{"type": "hologram", "a": 1}], "mood": "x"}],
        "tools": [{"type": "function", "function": {"name": "f", "odd": 1}, "outer": 2}, {"type": "web_search"}],
        "tool_choice": {"type": "web_search"},
        "temperature": 0,
        "max_completion_tokens": 5,
        "reasoning": {"max_tokens": 9},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": OBJECT, "odd": 1}},
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "modalities": ["text"],
        "user": "u",
        "safety_identifier": "s",
        "store": True,
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "web_search_options": {},
    }
    got, losses = outcome(request(body))
    assert got == body
    assert losses == {}


@pytest.mark.pitfall("SMP-13")
def test_nothing_unknown_of_another_protocol_goes_out():
    asked = foreign(
        extras={"top_a": 1, "betas": ["x"]},
        turns=(Turn("user", (Text("hi", extras={"odd": 1}),), extras={"mood": "x"}),),
        tools=(FunctionTool("f", None, OBJECT, extras={"defer_loading": True}),),
    )
    body, losses = outcome(asked)
    assert set(body) == {"model", "messages", "tools"}
    assert body["messages"] == [{"role": "user", "content": "hi"}]
    assert set(body["tools"][0]["function"]) == {"name", "parameters"}
    assert set(losses) == {"top_a", "betas", "messages[].content[].odd", "messages[].mood", "tools[0].defer_loading"}
    assert set(losses.values()) == {"dropped"}


@pytest.mark.pitfall("SMP-9", "SMP-10")
def test_vendor_fields_stay_with_their_vendor():
    fields = {"end_user": "u", "metadata": {"a": "b"}, "service_tier": "flex", "cache_key": "k", "verbosity": "low"}
    body, losses = outcome(foreign(**fields), UNKNOWN)
    assert set(body) == {"model", "messages"}
    assert set(losses) == {"user", "metadata", "service_tier", "verbosity"}
    body, losses = outcome(foreign(protocol="openai-responses", **fields))
    assert body["safety_identifier"] == "u"
    assert (body["metadata"], body["service_tier"]) == ({"a": "b"}, "flex")
    assert (body["prompt_cache_key"], body["verbosity"]) == ("k", "low")
    assert losses == {}


def test_state_that_only_its_vendor_knows_is_refused():
    assert refused(foreign(state=State(previous_response_id="resp_1"))).param == "previous_response_id"
    assert refused(foreign(state=State(conversation={"id": "c"}))).param == "conversation"
    assert "store" not in encoded(foreign(state=State(store=True)))


# --- sampling and limits --------------------------------------------------------------------------------------------


@pytest.mark.pitfall("SMP-15")
def test_zero_is_a_value():
    body = encoded(foreign(sampling=Sampling(0.0, 0.0, seed=0, presence_penalty=0.0, frequency_penalty=0.0)))
    assert all(body[name] == 0 for name in ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty"))


@pytest.mark.pitfall("SMP-2", "SMP-4", "SMP-5")
def test_what_the_model_refuses_is_left_out_and_told():
    asked = foreign(sampling=Sampling(0.5, 0.5, 5, ("x",), 1, 1, 1, 1, {"1": 1}, True, 3))
    body, losses = outcome(asked, GPT_5)
    assert body.keys() & {"temperature", "top_p", "top_k", "stop", "presence_penalty", "logprobs"} == set()
    assert body["seed"] == 1
    expected = {
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
    }
    assert set(losses) == expected


def test_reasoning_models_sample_without_effort():
    asked = foreign(sampling=Sampling(0.5), reasoning=ReasoningOptions("none"))
    assert encoded(asked, chat_capabilities("gpt-5.2", "api.openai.com"))["temperature"] == 0.5


@pytest.mark.pitfall("SMP-3")
def test_temperature_is_clamped():
    capabilities = msgspec.structs.replace(OPENAI, temperature_limit=1.0, one_of_temperature_top_p=True)
    body, losses = outcome(foreign(sampling=Sampling(1.5, 0.9)), capabilities)
    assert body["temperature"] == 1.0
    assert losses == {"temperature": "approximated", "top_p": "dropped"}


def test_stops_beyond_the_limit():
    body, losses = outcome(foreign(sampling=Sampling(stop=tuple("abcde"))))
    assert body["stop"] == list("abcd")
    assert losses == {"stop": "approximated"}
    assert encoded(foreign(sampling=Sampling(stop=tuple("abcde"))), UNKNOWN)["stop"] == list("abcde")
    assert "stop" not in encoded(foreign(sampling=Sampling(stop=())))


@pytest.mark.pitfall("SMP-1")
def test_the_limit_has_the_name_that_the_host_knows():
    asked = foreign(max_output_tokens=100_000)
    body, losses = outcome(asked)
    assert body["max_completion_tokens"] == 16_384
    assert losses == {"max_tokens": "approximated"}
    assert encoded(asked, UNKNOWN)["max_tokens"] == 100_000


@pytest.mark.pitfall("USE-7")
def test_usage_is_always_asked_for():
    assert encoded(foreign(stream=True))["stream_options"] == {"include_usage": True}
    mistral = chat_capabilities("mistral-small", "https://api.mistral.ai/v1")
    body = encoded(foreign(stream=True, sampling=Sampling(seed=3)), mistral)
    assert "stream_options" not in body
    assert body["random_seed"] == 3


# --- reasoning ------------------------------------------------------------------------------------------------------


def test_effort_and_budget():
    assert encoded(foreign(reasoning=ReasoningOptions("low")), GPT_5)["reasoning_effort"] == "low"
    body, losses = outcome(foreign(reasoning=ReasoningOptions(budget=9000)), GPT_5)
    assert body["reasoning_effort"] == "high"
    assert losses == {"reasoning.budget": "approximated"}
    body, losses = outcome(foreign(reasoning=ReasoningOptions("max")), GPT_5)
    assert body["reasoning_effort"] == "high"
    assert losses == {"reasoning_effort": "approximated"}
    body, losses = outcome(foreign(reasoning=ReasoningOptions("high", visible=True, summary="auto")))
    assert "reasoning_effort" not in body
    assert losses == {"reasoning_effort": "dropped", "reasoning.summary": "dropped"}
    for nothing in (ReasoningOptions(), ReasoningOptions("auto"), ReasoningOptions(budget=-1)):
        assert "reasoning_effort" not in encoded(foreign(reasoning=nothing), GPT_5)


@pytest.mark.pitfall("RSN-3")
def test_models_that_take_tools_without_effort_only():
    tools = (FunctionTool("f", None, OBJECT),)
    asked = foreign(tools=tools, reasoning=ReasoningOptions("high"))
    body, losses = outcome(asked, chat_capabilities("gpt-5.4", "api.openai.com"))
    assert "reasoning_effort" not in body
    assert losses == {"reasoning_effort": "dropped"}
    newest = chat_capabilities("gpt-5.6", "api.openai.com")
    body, losses = outcome(asked, newest)
    assert body["reasoning_effort"] == "none"
    assert losses == {"reasoning_effort": "approximated"}
    assert encoded(foreign(tools=tools), newest)["reasoning_effort"] == "none"
    assert "reasoning_effort" not in encoded(foreign(), newest)


def test_hosts_with_an_object_for_reasoning():
    openrouter = chat_capabilities("anthropic/claude", "openrouter.ai")
    body = encoded(foreign(reasoning=ReasoningOptions("low", visible=False)), openrouter)
    assert body["reasoning"] == {"effort": "low", "exclude": True}


# --- the form of the answer -----------------------------------------------------------------------------------------


@pytest.mark.pitfall("OUT-1", "SCH-7", "TOOL-31")
def test_schemas_are_strict_only_where_strict_mode_takes_them():
    loose = OutputFormat("json_schema", "my name!", None, OBJECT, True)
    body, losses = outcome(foreign(output=loose))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "my_name_", "schema": OBJECT, "strict": False},
    }
    assert losses == {"response_format": "approximated"}
    body, losses = outcome(foreign(output=OutputFormat("json_schema", None, None, STRICT, True)))
    assert body["response_format"]["json_schema"] == {"name": "response", "schema": STRICT, "strict": True}
    assert losses == {}


@pytest.mark.pitfall("OUT-2")
def test_json_objects_are_mentioned():
    body, losses = outcome(foreign(output=OutputFormat("json_object")))
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    assert losses == {"response_format": "adapted"}
    told = foreign(output=OutputFormat("json_object"), turns=(Turn("user", (Text("as json please"),)),))
    assert outcome(told)[1] == {}


def test_a_schema_in_words_for_hosts_without_schemas():
    deepseek = chat_capabilities("deepseek-chat", "api.deepseek.com")
    body, losses = outcome(foreign(output=OutputFormat("json_schema", "n", None, OBJECT)), deepseek)
    assert body["response_format"] == {"type": "json_object"}
    assert '"integer"' in body["messages"][0]["content"]
    assert losses["response_format"] in ("adapted", "approximated")


# --- tools ----------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("TOOL-25", "TOOL-33", "TOOL-45")
def test_names_that_do_not_fit_come_back():
    asked = foreign(
        tools=(
            FunctionTool("mcp/read.file", None, OBJECT),
            FunctionTool("run", None, OBJECT, namespace="shell"),
            FunctionTool("b__c", None, OBJECT, namespace="a"),
            FunctionTool("c", None, OBJECT, namespace="a__b"),
            FunctionTool("fits", None, OBJECT),
        ),
        tool_choice=ToolChoice("one", ("mcp/read.file",)),
    )
    result = SPOKE.encode_request(asked, OPENAI, Losses())
    body = msgspec.json.decode(result.body)
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert len(set(names)) == 5
    assert all(len(name) <= 64 and name.replace("-", "_").isidentifier() for name in names)
    assert body["tool_choice"]["function"]["name"] == names[0]
    assert result.reversal.tools[names[0]] == ToolOrigin("mcp/read.file")
    assert result.reversal.tools[names[1]] == ToolOrigin("run", "shell")
    assert result.reversal.tools[names[2]] == ToolOrigin("b__c", "a")
    assert result.reversal.tools[names[3]] == ToolOrigin("c", "a__b")
    assert names[4] not in result.reversal.tools


@pytest.mark.pitfall("TOOL-32")
def test_custom_tools_are_wrapped_where_the_target_has_none():
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    asked = foreign(tools=(CustomTool("patch", "Apply.", grammar),), tool_choice=ToolChoice("one", ("patch",)))
    result = SPOKE.encode_request(asked, OPENAI, Losses())
    body = msgspec.json.decode(result.body)
    (tool,) = body["tools"]
    assert tool["type"] == "function"
    assert tool["function"]["parameters"]["required"] == ["input"]
    assert "start: X" in tool["function"]["description"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "patch"}}
    assert result.reversal.tools == {"patch": ToolOrigin("patch", custom=True)}
    body = encoded(asked, GPT_5)
    assert body["tools"][0]["custom"]["format"]["grammar"] == {"syntax": "lark", "definition": "start: X"}
    assert body["tool_choice"] == {"type": "custom", "custom": {"name": "patch"}}


@pytest.mark.pitfall("TOOL-29", "SCH-7")
def test_parameters_have_an_object_at_their_root():
    union = {"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["a"]}]}
    tools = (FunctionTool("a"), FunctionTool("b", schema=union), FunctionTool("c", schema=OBJECT, strict=True))
    body, losses = outcome(foreign(tools=tools))
    first, second, third = (tool["function"] for tool in body["tools"])
    assert first["parameters"]["type"] == "object"
    assert set(second["parameters"]["properties"]) == {"a", "b"}
    assert third["strict"] is False
    assert losses == {"tools[1].parameters": "approximated", "tools[2].strict": "approximated"}


@pytest.mark.pitfall("TOOL-22")
def test_hosted_tools():
    searching = chat_capabilities("gpt-4o-search-preview", "api.openai.com")
    body, losses = outcome(foreign(tools=(SEARCH,)), searching)
    assert body["web_search_options"] == {}
    assert "tools" not in body
    assert losses == {"tools[0]": "adapted"}
    assert refused(foreign(tools=(SEARCH,)), UNKNOWN).param == "tools[0]"
    # Of OpenAI's models only those that are made for it search by Chat.
    assert refused(foreign(tools=(SEARCH,)), OPENAI).param == "tools[0]"
    other = HostedTool("anthropic", "computer_20250124", {"type": "computer_20250124"}, "computer")
    assert "computer_20250124" in refused(foreign(tools=(other,))).message


@pytest.mark.pitfall("TOOL-22")
def test_a_hosted_tool_beside_functions_is_left_out_and_told():
    tools = (FunctionTool("f", None, OBJECT), SEARCH)
    body, losses = outcome(foreign(tools=tools))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f"]
    assert losses == {"tools[1]": "dropped"}


@pytest.mark.pitfall("TOOL-42")
def test_a_forced_search_needs_no_choice_where_the_model_always_searches():
    searching = chat_capabilities("gpt-4o-search-preview", "api.openai.com")
    tools = (FunctionTool("f", None, OBJECT), SEARCH)
    body, losses = outcome(foreign(tools=tools, tool_choice=ToolChoice("one", ("web_search",))), searching)
    assert body["web_search_options"] == {}
    assert "tool_choice" not in body
    assert losses == {"tools[1]": "adapted", "tool_choice": "adapted"}


@pytest.mark.pitfall("TOOL-26", "TOOL-27")
def test_choices_among_tools():
    tools = (FunctionTool("f", None, OBJECT), FunctionTool("g", None, OBJECT))
    allowed = ToolChoice("allowed", ("g",), True)
    body = encoded(foreign(tools=tools, tool_choice=allowed, parallel_tool_calls=False))
    member = {"type": "function", "function": {"name": "g"}}
    assert body["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [member]}}
    assert body["parallel_tool_calls"] is False
    body, losses = outcome(foreign(tools=tools, tool_choice=allowed), UNKNOWN)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["g"]
    assert body["tool_choice"] == "required"
    assert losses == {"tool_choice": "adapted"}
    body, losses = outcome(foreign(tool_choice=ToolChoice("required"), parallel_tool_calls=True))
    assert body.keys() & {"tools", "tool_choice", "parallel_tool_calls"} == set()
    assert losses == {"tool_choice": "dropped"}
    o_series = chat_capabilities("o3", "api.openai.com")
    body, losses = outcome(foreign(tools=tools, parallel_tool_calls=False), o_series)
    assert "parallel_tool_calls" not in body
    assert losses == {"parallel_tool_calls": "dropped"}
    weak = msgspec.structs.replace(UNKNOWN, forced_tool_choice=False)
    assert encoded(foreign(tools=tools, tool_choice=ToolChoice("one", ("f",))), weak)["tool_choice"] == "auto"
    refused(foreign(tools=tools, tool_choice=ToolChoice("one", raw={"type": "tool", "name": "web_search"})))


@pytest.mark.pitfall("CACHE-2", "CACHE-3")
def test_breakpoints_of_the_cache():
    asked = foreign(
        turns=(Turn("user", (Text("hi", cache=CacheHint("1h")),)),),
        tools=(FunctionTool("f", None, OBJECT, cache=CacheHint()),),
    )
    body, losses = outcome(asked)
    assert "cache_control" not in str(body)
    assert losses == {"messages[].content[].cache_control": "dropped", "tools[0].cache_control": "dropped"}
    body = encoded(asked, chat_capabilities("anthropic/claude", "openrouter.ai"))
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    body = encoded(asked, chat_capabilities("gpt-5.6", "api.openai.com"))
    assert body["messages"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}


# --- judged by the SDK ----------------------------------------------------------------------------------------------


def test_the_sdk_knows_what_is_sent():
    from openai.types.chat import CompletionCreateParams

    asked = foreign(
        tools=(FunctionTool("f", "d", OBJECT, True), CustomTool("c")),
        tool_choice=ToolChoice("allowed", ("f",)),
        sampling=Sampling(0.5, 0.5, None, ("x",), 2, 1, 0.1, 0.2, {"1": 1}, True, 2),
        output=OutputFormat("json_schema", "n", "d", OBJECT, True),
        max_output_tokens=5,
        stream=True,
        reasoning=ReasoningOptions("low"),
        parallel_tool_calls=True,
    )
    for capabilities in (OPENAI, GPT_5):
        body = encoded(asked, capabilities)
        found = TypeAdapter(CompletionCreateParams).validate_python(body)
        assert set(body) == set(found)
