"""Anthropic takes a good request, and refuses the same request with any one error planted in it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rig.plants import IMAGE, SCHEMA, Plant, assert_found, assert_survives_junk, both, drop, insert, put
from tests.support.vendors.anthropic.rules import check_request as check_anthropic

HEADERS = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
GOOD: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 4096,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "text", "text": "I'll look."},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "content": [{"type": "text", "text": "rain"}],
                    "is_error": True,
                },
                {"type": "text", "text": "And?"},
            ],
        },
    ],
    "tools": [{"name": "weather", "description": "Weather", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u"},
    "stream": True,
}

PLANTS: list[Plant] = [
    ("no limit", drop("max_tokens"), "max_tokens: Field required"),
    ("no model", drop("model"), "model"),
    ("unknown field", put("n", 1), "unknown field 'n'"),
    ("beta field without a header", put("context_management", {}), "unknown field 'context_management'"),
    ("no messages", put("messages", []), "must not be empty"),
    ("assistant first", drop("messages", 0), "first message must use"),
    ("developer role", put("messages", 0, "role", "developer"), "role"),
    ("tool role", put("messages", 2, "role", "tool"), "role"),
    (
        "system turn on an old model",
        insert("messages", 1, {"role": "system", "content": "x"}),
        "not supported on this model",
    ),
    ("message id", put("messages", 0, "id", "x"), "unknown field 'id'"),
    ("empty text", put("messages", 0, "content", 0, "text", ""), "must be non-empty"),
    ("blank text", put("messages", 0, "content", 0, "text", " \n"), "must be non-empty"),
    ("empty string", put("messages", 0, "content", ""), "must be non-empty"),
    ("empty list", put("messages", 0, "content", []), "must not be empty"),
    ("blank system", put("system", 0, "text", ""), "must be non-empty"),
    ("openai image", put("messages", 0, "content", 1, {"type": "image_url", "image_url": {}}), "not allowed for user"),
    ("image type", put("messages", 0, "content", 1, "source", "media_type", "image/bmp"), "media_type"),
    ("data URL as data", put("messages", 0, "content", 1, "source", "data", "data:image/png;base64,AA=="), "base64"),
    ("thinking of the user", put("messages", 0, "content", 0, {"type": "thinking"}), "not allowed for user"),
    ("unsigned thinking", put("messages", 1, "content", 0, "signature", ""), "signature"),
    ("thinking without a signature", drop("messages", 1, "content", 0, "signature"), "signature"),
    (
        "id with a dot",
        both(
            put("messages", 1, "content", 2, "id", "functions.x:0"),
            put("messages", 2, "content", 0, "tool_use_id", "functions.x:0"),
        ),
        "should match pattern",
    ),
    ("duplicate ids", put("messages", 1, "content", 3, "id", "toolu_1"), "must be unique"),
    ("input as text", put("messages", 1, "content", 2, "input", "{}"), "valid dictionary"),
    ("missing result", drop("messages", 2, "content", 0), "without tool_result blocks immediately after"),
    ("no turn after the calls", drop("messages", 2), "were found without tool_result blocks"),
    ("text before results", insert("messages", 2, "content", 0, {"type": "text", "text": "x"}), "must come first"),
    ("orphan result", put("messages", 2, "content", 0, "tool_use_id", "toolu_9"), "unexpected tool_use_id"),
    ("duplicate result", put("messages", 2, "content", 1, "tool_use_id", "toolu_1"), "single result"),
    ("results a turn too late", insert("messages", 2, {"role": "user", "content": "wait"}), "immediately after"),
    ("unknown result part", put("messages", 2, "content", 1, "content", 0, {"type": "image_url"}), "type"),
    ("tools missing", both(drop("tools"), drop("tool_choice")), "must define tools"),
    ("nested tool", put("tools", 0, {"type": "function", "function": {}}), "must define tools|tool_choice|tools"),
    ("parameters", put("tools", 0, "parameters", {}), "unknown field 'parameters'"),
    ("schema without type", put("tools", 0, "input_schema", {"properties": {}}), "input_schema.type"),
    ("combinator at the root", put("tools", 0, "input_schema", "anyOf", []), "anyOf at the top level"),
    ("property key", put("tools", 0, "input_schema", "properties", {"a b": {}}), "property key"),
    ("same name twice", insert("tools", 1, {"name": "weather", "input_schema": SCHEMA}), "must be unique"),
    ("long name", put("tools", 0, "name", "n" * 129), "does not match"),
    ("choice as text", put("tool_choice", "auto"), "tool_choice"),
    (
        "choice of an unknown tool",
        both(drop("thinking"), put("tool_choice", {"type": "tool", "name": "x"})),
        "not found",
    ),
    (
        "parallel switch with none",
        put("tool_choice", {"type": "none", "disable_parallel_tool_use": True}),
        "unknown field",
    ),
    ("forced while thinking", put("tool_choice", {"type": "any"}), "forces tool use"),
    ("warm while thinking", put("temperature", 0.5), "may only be set to 1"),
    ("small budget", put("thinking", "budget_tokens", 1023), "budget_tokens"),
    ("budget above the limit", put("thinking", "budget_tokens", 4096), "greater than thinking.budget_tokens"),
    ("hot", both(drop("thinking"), put("temperature", 1.5)), "temperature"),
    ("prefill while thinking", insert("messages", 3, {"role": "assistant", "content": "So"}), "final turn"),
    (
        "trailing blank",
        both(drop("thinking"), insert("messages", 3, {"role": "assistant", "content": "So "})),
        "trailing whitespace",
    ),
    (
        "prefill on a new model",
        both(
            drop("thinking"),
            put("model", "claude-opus-4-6"),
            insert("messages", 3, {"role": "assistant", "content": "So"}),
        ),
        "prefill",
    ),
    ("blank stop", put("stop_sequences", [" "]), "stop_sequences"),
    ("metadata", put("metadata", {"team": "x"}), "unknown field 'team'"),
    ("five breakpoints", put("tools", 0, "cache_control", {"type": "ephemeral", "ttl": "2h"}), "ttl"),
    ("marked thinking", put("messages", 1, "content", 0, "cache_control", {"type": "ephemeral"}), "cannot be marked"),
    ("response format", put("response_format", {}), "unknown field"),
]


def refusals(body: Any) -> list[str]:
    return check_anthropic(body, HEADERS, "/v1/messages")


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant[0])
def test_a_planted_error_is_found(plant: Plant) -> None:
    assert_found(refusals, GOOD, plant)


def test_the_rules_bear_any_junk() -> None:
    assert_survives_junk(refusals, GOOD)


def test_anthropic_wants_its_version_and_lets_beta_fields_in_with_a_header() -> None:
    assert any("anthropic-version" in problem for problem in check_anthropic(GOOD, {}, "/v1/messages"))
    beta = {**GOOD, "context_management": {"edits": []}}
    assert check_anthropic(beta, {**HEADERS, "Anthropic-Beta": "context-management-2025-06-27"}) == []


def test_anthropic_took_sampling_away_in_its_last_version() -> None:
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 5,
        "temperature": 1,
        "messages": [{"role": "user", "content": "x"}],
    }
    assert check_anthropic(body, {"anthropic-version": "2023-06-01"}) == []
    assert check_anthropic(body, {"anthropic-version": "2026-10-21"}) != []


def test_anthropic_counts_without_a_limit_and_without_sampling() -> None:
    path = "/v1/messages/count_tokens"
    counted = {key: GOOD[key] for key in ("model", "messages", "tools", "system")}
    assert check_anthropic(counted, HEADERS, path) == []
    assert check_anthropic({**counted, "max_tokens": 5}, HEADERS, path) == ["body: unknown field 'max_tokens'"]


def test_anthropic_takes_system_turns_where_the_model_does() -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]
    body = {"model": "claude-opus-4-8", "max_tokens": 5, "messages": turns}
    assert check_anthropic(body) == []
    assert check_anthropic({**body, "messages": turns[1:]}) != []
    assert check_anthropic({**body, "messages": [turns[0], turns[2], turns[1]]}) != []
    old = {**body, "model": "claude-haiku-4-5"}
    assert check_anthropic(old) != []
    assert check_anthropic(old, system_turns=True) == []


def test_two_turns_of_one_role_are_the_vendor_s_own_affair() -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "a"}] * 2}
    assert check_anthropic(body) == []
    assert any("alternate" in problem for problem in check_anthropic(body, alternation=True))
