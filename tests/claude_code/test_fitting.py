"""What the CLI can't be told: each is a loss, or a refusal where nothing would be left of the request."""

from __future__ import annotations

from typing import Any

import pytest

from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.providers.claude_code.fitting import ANY_TOOL, NO_TOOL, ONE_CALL, fitted
from codenex.providers.claude_code.invocation import invocation

TOOL = {"name": "look", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
USER = {"role": "user", "content": "Hello"}
CALLED = [
    USER,
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}]},
]


def fit(**fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The fitted request, and what was lost: path → action."""
    losses = Losses()
    body = fitted(json.encode({"model": "sonnet", "max_tokens": 9, "messages": [USER], **fields}), "sonnet", losses)
    return json.decode_object(body), {loss.path: loss.action for loss in losses.values()}


def told(request: dict[str, Any]) -> list[str]:
    return [block["text"] for block in request.get("system", [])]


def test_nothing_is_lost_of_what_it_can_be_told() -> None:
    fields: dict[str, Any] = {"system": "s", "tools": [TOOL], "stop_sequences": ["x"], "thinking": {"type": "adaptive"}}
    request, lost = fit(**fields, output_config={"effort": "high"}, stream=True)
    assert lost == {}
    assert request["system"] == "s"


@pytest.mark.parametrize("name", ["metadata", "service_tier", "container", "context_management", "top_k", "anything"])
def test_other_fields_are_losses(name: str) -> None:
    request, lost = fit(**{name: {"a": 1}})
    assert lost == {name: "dropped"}
    assert name not in request


@pytest.mark.parametrize(
    ("choice", "text"), [({"type": "any"}, ANY_TOOL), ({"type": "tool", "name": "look"}, "calling the tool look")]
)
def test_a_forced_call_is_told_to_the_model(choice: dict[str, Any], text: str) -> None:
    request, lost = fit(tools=[TOOL], tool_choice=choice, system="Be short.")
    assert lost == {"tool_choice": "approximated"}
    assert told(request)[0] == "Be short."
    assert text in told(request)[1]
    assert "tool_choice" not in request


def test_no_call_is_no_tools_or_told_where_the_history_has_calls() -> None:
    request, lost = fit(tools=[TOOL], tool_choice={"type": "none"})
    assert (request.get("tools"), lost) == (None, {})
    request, lost = fit(tools=[TOOL], tool_choice={"type": "none"}, messages=CALLED)
    assert len(request["tools"]) == 1
    assert told(request) == [NO_TOOL]
    assert lost == {"tool_choice": "approximated"}


def test_one_call_is_told_and_held_to() -> None:
    request, lost = fit(tools=[TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert told(request) == [ONE_CALL]
    assert lost == {"parallel_tool_calls": "adapted"}
    assert invocation(json.encode(request)).one_call


def test_tools_of_the_vendor_are_left_out_beside_others_and_refused_alone() -> None:
    request, lost = fit(tools=[TOOL, SEARCH])
    assert [tool["name"] for tool in request["tools"]] == ["look"]
    assert lost == {"tools[1]": "dropped"}
    with pytest.raises(Fault) as caught:
        fit(tools=[SEARCH])
    assert caught.value.status == 400


def test_strict_tools_and_marks_of_the_cache_are_losses() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    content = [{"type": "text", "text": "a", **mark}]
    result = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **mark}]
    request, lost = fit(tools=[{**TOOL, "strict": True}], messages=[*CALLED[:2], {"role": "user", "content": result}])
    assert lost == {"tools[0].strict": "dropped", "cache_control": "dropped"}
    assert "cache_control" not in json.encode(request).decode()


def test_arguments_of_a_call_are_left_alone() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"cache_control": "mine", "text": "/cost"}}
    request, lost = fit(messages=[USER, {"role": "assistant", "content": [call]}, CALLED[2]])
    assert request["messages"][1]["content"][0] == call
    assert lost == {}


def test_an_answer_that_was_begun_is_refused() -> None:
    with pytest.raises(Fault):
        fit(messages=[USER, {"role": "assistant", "content": "Once upon"}])


def test_a_large_picture_is_told() -> None:
    def picture(width: int) -> dict[str, Any]:
        import base64

        head = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + width.to_bytes(4, "big") + (10).to_bytes(4, "big")
        data = base64.b64encode(head + bytes(20)).decode()
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}

    assert fit(messages=[{"role": "user", "content": [picture(2000)]}])[1] == {}
    assert fit(messages=[{"role": "user", "content": [picture(2001)]}])[1] == {"messages": "approximated"}


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, {"--thinking=disabled"}),
        ({"thinking": {"type": "adaptive"}}, {"--thinking=adaptive"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"--max-thinking-tokens=2048"}),
        ({"thinking": {"type": "between_tools"}}, {"--thinking=disabled"}),
        ({"output_config": {"effort": "max"}}, {"--thinking=disabled", "--effort=max"}),
        ({"output_config": {"effort": "--help"}}, {"--thinking=disabled"}),
    ],
)
def test_thinking_is_a_flag_from_a_fixed_set(fields: dict[str, Any], flags: set[str]) -> None:
    asked = invocation(json.encode(fit(**fields)[0]))
    assert {flag for flag in asked.flags if "think" in flag or "effort" in flag} == flags


def test_long_and_odd_names_of_tools_fit_and_come_back() -> None:
    names = ["a.b", "x" * 128, "x" * 127 + "y", "ok", "mcp__t__ok"]
    asked = invocation(json.encode(fit(tools=[{**TOOL, "name": name} for name in names])[0]))
    assert list(asked.names.values()) == names
    assert all(len(name) <= 128 for name in asked.names)
    assert [f"mcp__t__{tool['name']}" for tool in asked.tools] == list(asked.names)
