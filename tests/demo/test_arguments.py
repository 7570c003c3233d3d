"""Arguments take what the user said."""

from __future__ import annotations

from typing import Any

import pytest

from codenex.core import json
from codenex.core.request import CustomTool, FunctionTool
from codenex.providers.demo.arguments import custom_input, function_arguments


def arguments(properties: dict[str, Any], text: str, skip: int = 0, required: list[str] | None = None) -> Any:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }
    return json.decode(function_arguments(FunctionTool("f", schema=schema), text, skip))


@pytest.mark.parametrize(
    ("name", "schema", "text", "expected"),
    [
        ("city", {"type": "string"}, "What's the weather in Paris?", "Paris"),
        ("location", {"type": "string"}, "Weather in San Francisco, CA please", "San Francisco, CA"),
        ("location", {"type": "string"}, "How warm is Tokyo today?", "Tokyo"),
        ("city", {"type": "string"}, "天気 「東京」 ?", "東京"),
        ("query", {"type": "string"}, 'Search for "red pandas" now', "red pandas"),
        ("query", {"type": "string"}, "who won", "who won"),
        ("email", {"type": "string"}, "Write to ann@example.org.", "ann@example.org"),
        ("contact", {"type": "string", "format": "email"}, "Write to ann@example.org.", "ann@example.org"),
        ("url", {"type": "string"}, "Open https://example.org/a?b=1.", "https://example.org/a?b=1"),
        ("date", {"type": "string", "format": "date"}, "on 2026-03-04 at noon", "2026-03-04"),
        ("expression", {"type": "string"}, "compute 3 + 4*2 now", "3 + 4*2"),
        ("file_path", {"type": "string"}, "read src/main.py please", "src/main.py"),
        ("userName", {"type": "string"}, "Say hello to Mary Jane", "Mary Jane"),
        ("n", {"type": "integer"}, "give me 12 of them", 12),
        ("n", {"type": "number", "maximum": 10}, "give me 12 of them", 1),
        ("unit", {"type": "string", "enum": ["celsius", "fahrenheit"]}, "in Fahrenheit!", "fahrenheit"),
        ("city", {"type": "string", "examples": ["Oslo"]}, "the weather", "Oslo"),
        ("other", {"type": "string"}, "the weather", "demo"),
        ("code", {"type": "string", "pattern": "^[A-Z]{3}$"}, 'see "x"', "AAA"),
    ],
)
def test_plausible_values(name: str, schema: dict[str, Any], text: str, expected: object) -> None:
    assert arguments({name: schema}, text) == {name: expected}


def test_a_second_call_takes_the_next_finds() -> None:
    properties = {"city": {"type": "string"}, "days": {"type": "integer"}}
    text = "Weather in Paris and London for 3 or 5 days"
    assert [arguments(properties, text, skip) for skip in (0, 1)] == [
        {"city": "Paris", "days": 3},
        {"city": "London", "days": 5},
    ]


def test_optional_properties_only_where_the_text_speaks_of_them() -> None:
    properties = {
        "city": {"type": "string"},
        "unit": {"enum": ["c", "f"]},
        "note": {"type": "string"},
        "days": {"type": "integer"},
    }
    assert arguments(properties, "weather in Rome in f", required=[]) == {"city": "Rome", "unit": "f"}


def test_a_function_without_schema_or_with_a_strange_one_gets_an_object() -> None:
    assert function_arguments(FunctionTool("f"), "x") == "{}"
    assert function_arguments(FunctionTool("f", schema={"type": "string"}), "x") == "{}"


def test_custom_tools_get_free_text() -> None:
    assert custom_input(CustomTool("c"), 'run "ls"') == "ls"
    assert custom_input(CustomTool("c"), "") == "demo"
    grammar = {"type": "grammar", "syntax": "regex", "definition": r"^\d{4}$"}
    assert custom_input(CustomTool("c", grammar=grammar), "x") == "0000"
