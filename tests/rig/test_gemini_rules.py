"""Gemini takes a good request, and refuses the same request with any one error planted in it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rig.plants import IMAGE, SCHEMA, Plant, assert_found, assert_survives_junk, drop, insert, planted, put
from tests.support.vendors.gemini.rules import check_request as check_gemini

PATH = "/v1beta/models/gemini-3-flash-preview:generateContent"
GOOD: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": IMAGE}}]},
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Bern"}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "c2", "name": "time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "sun"}}},
                {"functionResponse": {"id": "c2", "name": "time", "response": {"output": "12:00"}}},
            ],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {
                            "city": {"type": "STRING"},
                            "days": {"type": "ARRAY", "items": {"type": "INTEGER"}},
                        },
                        "required": ["city"],
                    },
                },
                {"name": "time", "parametersJsonSchema": {"type": ["object", "null"], "$defs": {}, "const": 1}},
            ]
        }
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    "generationConfig": {
        "temperature": 0,
        "maxOutputTokens": 10,
        "stopSequences": ["END"],
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
}

PARAMETERS = ("tools", 0, "functionDeclarations", 0, "parameters")
CITY = (*PARAMETERS, "properties", "city")
PLANTS: list[Plant] = [
    ("no contents", put("contents", []), "contents: must not be empty"),
    ("no parts", put("contents", 0, "parts", []), "parts: must not be empty"),
    ("assistant role", put("contents", 1, "role", "assistant"), "role"),
    ("snake case", put("generation_config", {}), "unknown field 'generation_config'"),
    ("snake case in a part", put("contents", 0, "parts", 1, {"inline_data": {}}), "unknown field 'inline_data'"),
    ("stream flag", put("stream", True), "unknown field 'stream'"),
    ("part without data", put("contents", 0, "parts", 0, {}), "required oneof field"),
    ("part with two data", put("contents", 0, "parts", 1, "text", "x"), "required oneof field"),
    ("empty text", put("contents", 0, "parts", 0, "text", ""), "must not be empty"),
    ("bad base64", put("contents", 0, "parts", 1, "inlineData", "data", "data:x"), "Base64"),
    ("fewer responses", drop("contents", 2, "parts", 1), "number of function response parts"),
    ("no responses", drop("contents", 2), "without function responses at the end"),
    ("responses without calls", drop("contents", 1), "number of function response parts"),
    ("wrong name", put("contents", 2, "parts", 1, "functionResponse", "name", "clock"), "don't name the calls"),
    ("no name", drop("contents", 2, "parts", 1, "functionResponse", "name"), "name"),
    ("text response", put("contents", 2, "parts", 1, "functionResponse", "response", "12"), "must be an object"),
    ("list response", put("contents", 2, "parts", 1, "functionResponse", "response", [1]), "must be an object"),
    ("other id", put("contents", 2, "parts", 1, "functionResponse", "id", "c9"), "don't match"),
    ("text arguments", put("contents", 1, "parts", 1, "functionCall", "args", "{}"), "args: must be an object"),
    ("call of the user", put("contents", 1, "role", "user"), "belong to the role 'model'"),
    (
        "call after a model turn",
        insert("contents", 1, {"role": "model", "parts": [{"text": "x"}]}),
        "immediately after",
    ),
    ("unsigned call", drop("contents", 1, "parts", 0, "thoughtSignature"), "missing a thought_signature"),
    ("bad signature", put("contents", 1, "parts", 0, "thoughtSignature", "not base64!"), "Base64"),
    (
        "image as system",
        put("systemInstruction", "parts", 0, {"inlineData": {"mimeType": "a/b", "data": "AA=="}}),
        "only text",
    ),
    ("system as text", put("systemInstruction", "Be brief."), "systemInstruction: must be an object"),
    ("openai tool", put("tools", 0, {"type": "function", "function": {}}), "unknown field 'function'"),
    ("two schemas", put("tools", 0, "functionDeclarations", 0, "parametersJsonSchema", {}), "mutually exclusive"),
    ("input schema", put("tools", 0, "functionDeclarations", 0, "input_schema", {}), "unknown field"),
    ("strict", put("tools", 0, "functionDeclarations", 0, "strict", True), "unknown field 'strict'"),
    ("name with a slash", put("tools", 0, "functionDeclarations", 0, "name", "a/b"), "invalid function name"),
    ("name with a digit first", put("tools", 0, "functionDeclarations", 0, "name", "1a"), "invalid function name"),
    ("same name twice", put("tools", 0, "functionDeclarations", 1, "name", "weather"), "duplicate"),
    ("no declarations", put("tools", 0, "functionDeclarations", []), "must not be empty"),
    ("empty object", put(*PARAMETERS, {"type": "OBJECT"}), "should be non-empty"),
    ("$schema", put(*PARAMETERS, "$schema", "x"), r"unknown field '\$schema'"),
    ("$ref", put(*CITY, "$ref", "#/x"), r"unknown field '\$ref'"),
    ("const", put(*CITY, "const", "x"), "unknown field 'const'"),
    ("oneOf", put(*CITY, "oneOf", []), "unknown field 'oneOf'"),
    ("exclusiveMinimum", put(*CITY, "exclusiveMinimum", 0), "unknown field 'exclusiveMinimum'"),
    ("patternProperties", put(*PARAMETERS, "patternProperties", {}), "unknown field"),
    ("type list", put(*CITY, "type", ["string", "null"]), "Proto field is not repeating"),
    ("unknown format", put(*CITY, "format", "uri"), "format"),
    ("number in enum", put(*CITY, "enum", [1]), "non-empty strings"),
    ("empty text in enum", put(*CITY, "enum", [""]), "non-empty strings"),
    ("enum of numbers", put(*PARAMETERS, "properties", "days", "items", "enum", ["1"]), "only allowed for STRING"),
    ("array without items", drop(*PARAMETERS, "properties", "days", "items"), "items: missing field"),
    ("required but unknown", put(*PARAMETERS, "required", ["town"]), "is not defined"),
    ("property name", put(*PARAMETERS, "properties", "a-b", {"type": "STRING"}), "invalid property name"),
    ("hosted and functions", put("tools", 0, "googleSearch", {}), "can't be combined"),
    ("mode", put("toolConfig", "functionCallingConfig", "mode", "REQUIRED"), "mode"),
    ("names without mode", drop("toolConfig", "functionCallingConfig", "mode"), "only with mode ANY"),
    ("undeclared name", put("toolConfig", "functionCallingConfig", "allowedFunctionNames", ["x"]), "not declared"),
    ("forced without tools", drop("tools"), "needs function declarations"),
    ("openai limit", put("generationConfig", "max_tokens", 1), "unknown field 'max_tokens'"),
    ("two response schemas", put("generationConfig", "responseSchema", {"type": "OBJECT"}), "exclusive"),
    ("schema without a type", drop("generationConfig", "responseMimeType"), "needs responseMimeType"),
    ("budget and level", put("generationConfig", "thinkingConfig", "thinkingBudget", 1), "can't be set together"),
    ("other level", put("generationConfig", "thinkingConfig", "thinkingLevel", "EXTREME"), "thinkingLevel"),
    ("six stops", put("generationConfig", "stopSequences", list("abcdef")), "more than five"),
    ("field of another host", put("generationConfig", "routingConfig", {}), "unknown field 'routingConfig'"),
    ("labels", put("labels", {}), "unknown field 'labels'"),
    ("harm", put("safetySettings", 0, "category", "HARM"), "category"),
]


def refusals(body: Any) -> list[str]:
    return check_gemini(body, {}, PATH)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant[0])
def test_a_planted_error_is_found(plant: Plant) -> None:
    assert_found(refusals, GOOD, plant)


def test_the_rules_bear_any_junk() -> None:
    assert_survives_junk(refusals, GOOD)


def test_gemini_s_older_models_take_no_call_ids() -> None:
    path = PATH.replace("gemini-3-flash-preview", "gemini-2.5-flash")
    assert any('Unknown name "id"' in problem for problem in check_gemini(GOOD, {}, path))
    assert check_gemini(GOOD, {}, path, call_ids=True) == []


def test_gemini_asks_for_signatures_in_the_current_turn_only() -> None:
    earlier = planted(GOOD, drop("contents", 1, "parts", 0, "thoughtSignature"))
    assert check_gemini(earlier, {}, PATH) != []
    earlier["contents"] += [
        {"role": "model", "parts": [{"text": "Sun."}]},
        {"role": "user", "parts": [{"text": "Thanks"}]},
    ]
    assert check_gemini(earlier, {}, PATH) == []
    sentinel = planted(GOOD, put("contents", 1, "parts", 0, "thoughtSignature", "skip_thought_signature_validator"))
    assert check_gemini(sentinel, {}, PATH) == []


def test_gemini_s_snake_case_is_taken_when_allowed_and_the_caller_s_data_stay_as_they_are() -> None:
    snake = {
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": IMAGE}}]}],
        "tools": [
            {
                "function_declarations": [
                    {
                        "name": "f",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"a_b": {"type": "STRING"}},
                            "required": ["a_b"],
                        },
                    }
                ]
            }
        ],
    }
    assert check_gemini(snake, {}, PATH) != []
    assert check_gemini(snake, {}, PATH, snake_case=True) == []


def test_gemini_counts_contents_or_a_wrapped_request() -> None:
    path = PATH.replace("generateContent", "countTokens")
    wrapped = {"generateContentRequest": {"model": "models/gemini-3-flash-preview", **GOOD}}
    assert check_gemini({"contents": GOOD["contents"]}, {}, path) == []
    assert check_gemini(wrapped, {}, path) == []
    assert check_gemini(GOOD, {}, path) != []
    assert check_gemini(planted(wrapped, put("generateContentRequest", "model", "other")), {}, path) != []
