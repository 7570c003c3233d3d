"""OpenAI Responses takes a good request, and refuses the same request with any one error planted in it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rig.plants import SCHEMA, STRICT, Plant, assert_found, assert_survives_junk, both, drop, insert, put
from tests.support.vendors.openai_responses.rules import check_request as check_responses

GOOD: dict[str, Any] = {
    "model": "gpt-5.4",
    "instructions": "Be brief.",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Sun.", "annotations": []}],
        },
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}],
    "tool_choice": {"type": "function", "name": "weather"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 16,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "out", "schema": STRICT, "strict": True}},
    "stream": True,
}

PLANTS: list[Plant] = [
    ("no model", drop("model"), "model"),
    ("chat messages", put("messages", []), "unknown field 'messages'"),
    ("chat limit", put("max_tokens", 5), "unknown field 'max_tokens'"),
    ("chat format", put("response_format", {}), "unknown field 'response_format'"),
    ("empty input", put("input", []), "input: must not be empty"),
    ("no input", drop("input"), "input"),
    ("unknown item", insert("input", 0, {"type": "thinking"}), "invalid value 'thinking'"),
    ("chat part", put("input", 0, "content", 0, "type", "text"), "type"),
    ("chat image", put("input", 0, "content", 1, {"type": "image_url", "image_url": {}}), "type"),
    ("input text of the assistant", put("input", 4, "content", 0, "type", "input_text"), "is none of"),
    ("output text of the user", put("input", 0, "content", 0, "type", "output_text"), "is none of"),
    ("empty parts", put("input", 0, "content", []), "must not be empty"),
    ("tool message", put("input", 5, {"role": "tool", "content": "x"}), "role"),
    ("output without a call", drop("input", slice(1, 3)), "no tool call found"),
    ("call without output", drop("input", 3), "no tool output found"),
    (
        "duplicate output",
        insert("input", 4, {"type": "function_call_output", "call_id": "call_1", "output": ""}),
        "duplicate",
    ),
    ("long call id", put("input", 2, "call_id", "c" * 65), "longer than 64"),
    ("foreign item id", put("input", 2, "id", "toolu_1"), "begins with 'fc'"),
    ("foreign message id", put("input", 4, "id", "chatcmpl-1"), "begins with 'msg'"),
    ("foreign reasoning id", put("input", 1, "id", "think_1"), "begins with 'rs'"),
    ("arguments as object", put("input", 2, "arguments", {}), "arguments"),
    ("output as object", put("input", 3, "output", {"a": 1}), "output"),
    ("reasoning without summary", drop("input", 1, "summary"), "missing required parameter 'summary'"),
    ("reasoning with a null status", put("input", 1, "status", None), "status: must not be null"),
    ("reasoning alone", drop("input", slice(2, 5)), "without its required following item"),
    ("reasoning not stored", drop("input", 1, "encrypted_content"), "not persisted"),
    ("nested tool", put("tools", 0, {"type": "function", "function": {"name": "weather"}}), "unknown field 'function'"),
    ("strict as text", put("tools", 0, "strict", "yes"), "strict"),
    ("strict without closing", put("tools", 0, "strict", True), "additionalProperties"),
    ("unknown tool type", put("tools", 0, "type", "googleSearch"), "invalid value"),
    (
        "nested choice",
        put("tool_choice", {"type": "function", "function": {"name": "weather"}}),
        "not found in 'tools'",
    ),
    ("required without tools", both(drop("tools"), put("tool_choice", "required")), "tool_choice"),
    ("too small a limit", put("max_output_tokens", 15), "max_output_tokens"),
    ("unknown include", put("include", ["everything"]), "unknown field 'everything'"),
    ("nested format", put("text", "format", {"type": "json_schema", "json_schema": {}}), "json_schema"),
    ("flat effort", put("reasoning_effort", "low"), "unknown field 'reasoning_effort'"),
    ("effort", put("reasoning", "effort", "extreme"), "reasoning.effort"),
    ("options without stream", both(put("stream", False), put("stream_options", {})), "stream_options"),
]


def refusals(body: Any) -> list[str]:
    return check_responses(body)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant[0])
def test_a_planted_error_is_found(plant: Plant) -> None:
    assert_found(refusals, GOOD, plant)


def test_the_rules_bear_any_junk() -> None:
    assert_survives_junk(refusals, GOOD)


def test_responses_with_a_remembered_conversation_need_no_calls_in_the_request() -> None:
    body = {
        "model": "m",
        "previous_response_id": "resp_1",
        "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}],
    }
    assert check_responses(body) == []
    assert check_responses({**body, "previous_response_id": None}) != []
