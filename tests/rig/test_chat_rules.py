"""OpenAI Chat takes a good request, and refuses the same request with any one error planted in it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rig.plants import (
    IMAGE,
    SCHEMA,
    STRICT,
    Plant,
    assert_found,
    assert_survives_junk,
    both,
    drop,
    insert,
    planted,
    put,
)
from tests.support.vendors.openai_chat.rules import check_request as check_chat

GOOD: dict[str, Any] = {
    "model": "gpt-5.4-mini",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}},
                {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Genf"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "rain"}]},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_completion_tokens": 100,
    "temperature": 0,
    "stop": ["END"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": STRICT, "strict": True}},
}

PLANTS: list[Plant] = [
    ("no model", drop("model"), "model"),
    ("no messages", put("messages", []), "messages: must not be empty"),
    ("unknown field", put("top_k", 5), "unknown field 'top_k'"),
    ("unknown message field", put("messages", 0, "cache_control", {}), "unknown field 'cache_control'"),
    ("reasoning echoed", put("messages", 2, "reasoning_content", "x"), "unknown field 'reasoning_content'"),
    ("bad role", put("messages", 0, "role", "model"), "role"),
    ("null content", put("messages", 5, "content", None), "content"),
    ("empty content list", put("messages", 5, "content", []), "must not be empty"),
    ("image in a tool message", put("messages", 4, "content", 0, {"type": "image_url", "image_url": {}}), "type"),
    ("anthropic image", put("messages", 1, "content", 1, {"type": "image", "source": {}}), "'image' is none of"),
    ("bare image", put("messages", 1, "content", 1, "image_url", {"url": IMAGE}), "data URL"),
    ("missing result", drop("messages", 4), r"\['call_2'\] have no tool messages"),
    ("results missing at the end", drop("messages", slice(3, 6)), "have no tool messages"),
    ("text between call and results", insert("messages", 3, {"role": "user", "content": "x"}), "have no tool messages"),
    ("orphan result", put("messages", 3, "tool_call_id", "call_9"), "must answer a preceding message"),
    (
        "duplicate result",
        insert("messages", 4, {"role": "tool", "tool_call_id": "call_1", "content": ""}),
        "must answer",
    ),
    ("duplicate call id", put("messages", 2, "tool_calls", 1, "id", "call_1"), "duplicate"),
    ("long call id", put("messages", 2, "tool_calls", 1, "id", "c" * 65), "longer than 64"),
    ("arguments as object", put("messages", 2, "tool_calls", 0, "function", "arguments", {"a": 1}), "arguments"),
    ("flat call", put("messages", 2, "tool_calls", 0, {"id": "call_1", "name": "x", "type": "function"}), "function"),
    ("empty calls", put("messages", 2, "tool_calls", []), "must not be empty"),
    ("dotted name", put("tools", 0, "function", "name", "mcp.weather"), "does not match"),
    ("long name", put("tools", 0, "function", "name", "n" * 65), "does not match"),
    ("flat tool", put("tools", 0, {"type": "function", "name": "weather", "parameters": SCHEMA}), "tools"),
    ("empty tools", put("tools", []), "must not be empty"),
    ("anthropic tool", put("tools", 0, {"name": "weather", "input_schema": SCHEMA}), "type"),
    ("strict without closing", put("tools", 0, "function", "strict", True), "additionalProperties"),
    ("array parameters", put("tools", 0, "function", "parameters", {"type": "array"}), "must have type 'object'"),
    ("choice without tools", drop("tools"), "tool_choice: only allowed when 'tools'"),
    ("flat choice", put("tool_choice", {"type": "function", "name": "weather"}), "tool_choice"),
    ("choice of an unknown tool", put("tool_choice", "function", "name", "x"), "not found in 'tools'"),
    ("choice any", put("tool_choice", "any"), "tool_choice"),
    ("options without stream", put("stream", False), "stream_options: only allowed"),
    ("two limits", put("max_tokens", 5), "max_tokens: not supported together"),
    ("no limit", put("max_completion_tokens", 0), "max_completion_tokens"),
    ("hot", put("temperature", 2.5), "temperature"),
    ("five stops", put("stop", list("abcde")), "stop"),
    ("flat format", put("response_format", {"type": "json_schema", "schema": SCHEMA}), "json_schema"),
    ("open strict format", put("response_format", "json_schema", "schema", SCHEMA), "additionalProperties"),
    ("effort", put("reasoning_effort", "extreme"), "reasoning_effort"),
    ("number in metadata", put("metadata", {"a": 1}), "metadata"),
]


def refusals(body: Any) -> list[str]:
    return check_chat(body)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant[0])
def test_a_planted_error_is_found(plant: Plant) -> None:
    assert_found(refusals, GOOD, plant)


def test_the_rules_bear_any_junk() -> None:
    assert_survives_junk(refusals, GOOD)


def test_chat_takes_named_extensions() -> None:
    body = planted(GOOD, both(put("messages", 2, "reasoning_content", "x"), put("thinking", {"type": "enabled"})))
    assert check_chat(body) != []
    assert check_chat(body, extra=("reasoning_content", "thinking")) == []
