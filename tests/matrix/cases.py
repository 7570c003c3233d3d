"""What the matrix asks and what the scripted vendors answer: one row of the compatibility table each."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from tests.support.scenario import SCENARIOS, Scenario, Text, ToolCall, Usage, say

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
        "e221bc330000000049454e44ae426082"
    )
).decode()


@dataclass(frozen=True)
class Image:
    """A picture, inline (PNG) or by address."""

    data: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Document:
    """A PDF, inline."""

    data: str


@dataclass(frozen=True)
class Result:
    """What a tool answered: a text, perhaps with a picture, or that it failed."""

    id: str
    name: str
    text: str
    image: str | None = None
    error: bool = False


@dataclass(frozen=True)
class Tool:
    name: str
    description: str = "A tool."
    schema: dict[str, Any] = field(
        default_factory=lambda: {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        }
    )


Part = str | Image | Document | ToolCall | Result


@dataclass(frozen=True)
class Ask:
    """A request in no protocol's words. ``choice`` is auto, none, required or a tool's name."""

    turns: tuple[tuple[str, tuple[Part, ...]], ...] = (("user", ("What is the matter?",)),)
    system: str | None = None
    tools: tuple[Tool, ...] = ()
    choice: str | None = None
    schema: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int = 4000


@dataclass(frozen=True)
class Case:
    """One topic. ``seen`` are texts that have to reach the upstream; of calls that are ``cut`` off nothing is
    promised."""

    name: str
    ask: Ask
    scenario: Scenario
    seen: tuple[str, ...] = ()
    cut: bool = False


WEATHER = Tool("get_weather", "Current weather of a city.")
NOW = Tool("now", "The time.", {"type": "object", "properties": {}})
SEARCH = Tool("search", "Search.", {"type": "object", "properties": {"query": {"type": "string"}}})
TOOLS = (WEATHER, NOW, SEARCH)
CALLED = ToolCall("call_abc123", "get_weather", '{"city":"Bern"}')
SECOND = ToolCall("call_def456", "get_weather", '{"city":"Genf"}')
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["title", "count"],
    "additionalProperties": False,
}
PDF = base64.b64encode(b"%PDF-1.4 1 0 obj [Catalog] endobj trailer %%EOF").decode()
UNICODE = "Grüße 👩‍👩‍👧 שלום 漢字\u2028end"
LARGE = "0123456789abcdef" * (2 * 1024 * 1024 // 16)


def _results(*calls: ToolCall) -> tuple[tuple[str, tuple[Part, ...]], ...]:
    return (
        ("user", ("Weather?",)),
        ("assistant", calls),
        ("user", tuple(Result(call.id, call.name, f"sunny in {call.id}") for call in calls)),
    )


def _result(**fields: Any) -> tuple[tuple[str, tuple[Part, ...]], ...]:
    asked, called, _ = _results(CALLED)
    return (asked, called, ("user", (Result(CALLED.id, CALLED.name, "what it said", **fields),)))


CASES = (
    Case("text", Ask(), SCENARIOS["text"], ("What is the matter?",)),
    Case(
        "several texts", Ask((("user", ("One text. ", "Another.")),)), SCENARIOS["two texts"], ("One text.", "Another.")
    ),
    Case("system", Ask(system="Answer like a pirate."), SCENARIOS["text"], ("Answer like a pirate.",)),
    Case(
        "multi-turn",
        Ask((("user", ("First question",)), ("assistant", ("First answer",)), ("user", ("Second question",)))),
        SCENARIOS["text"],
        ("First question", "First answer", "Second question"),
    ),
    Case("one tool", Ask(tools=TOOLS), SCENARIOS["one tool"], ("Current weather of a city.", "days")),
    Case("text and tool", Ask(tools=TOOLS), SCENARIOS["text and tool"]),
    Case("text around a tool", Ask(tools=TOOLS), SCENARIOS["text around a tool"]),
    Case("parallel tools", Ask(tools=TOOLS), SCENARIOS["two tools"]),
    Case("tool result", Ask(_results(CALLED), tools=TOOLS), SCENARIOS["text"], ("sunny in call_abc123", "Bern")),
    Case(
        "parallel tool results",
        Ask(_results(CALLED, SECOND), tools=TOOLS),
        SCENARIOS["text"],
        ("sunny in call_abc123", "sunny in call_def456"),
    ),
    Case(
        "tool result with a picture",
        Ask(_result(image=PNG), tools=TOOLS),
        SCENARIOS["text"],
        ("what it said", PNG),
    ),
    Case("tool that failed", Ask(_result(error=True), tools=TOOLS), SCENARIOS["text"], ("what it said",)),
    Case("tool choice none", Ask(tools=TOOLS, choice="none"), SCENARIOS["text"]),
    Case("tool choice required", Ask(tools=TOOLS, choice="required"), SCENARIOS["one tool"]),
    Case("tool choice by name", Ask(tools=TOOLS, choice="get_weather"), SCENARIOS["one tool"]),
    Case("no-argument tool", Ask(tools=TOOLS), SCENARIOS["tool without arguments"]),
    Case("image base64", Ask((("user", ("What is this?", Image(data=PNG))),)), SCENARIOS["text"], (PNG,)),
    Case(
        "image URL",
        Ask((("user", ("What is this?", Image(url="https://images.example/cat.png"))),)),
        SCENARIOS["text"],
        ("https://images.example/cat.png",),
    ),
    Case("PDF", Ask((("user", ("What does it say?", Document(PDF))),)), SCENARIOS["text"], (PDF,)),
    Case("JSON schema", Ask(schema=SCHEMA), say('{"title":"a","count":1}'), ("title", "count")),
    Case("reasoning", Ask(effort="medium"), SCENARIOS["reasoning and text"]),
    Case("stop at length", Ask(max_tokens=20), SCENARIOS["length"]),
    Case("length within a tool call", Ask(tools=TOOLS), SCENARIOS["length in a tool call"], cut=True),
    Case("filter", Ask(), SCENARIOS["content filter"]),
    Case("refusal", Ask(), SCENARIOS["refusal"]),
    Case("empty answer", Ask(), SCENARIOS["empty"]),
    Case(
        "2 MB text",
        Ask((("user", (LARGE,)),)),
        Scenario((Text(LARGE, tuple(LARGE[i : i + 16384] for i in range(0, len(LARGE), 16384))),)),
        (LARGE[:64],),
    ),
    Case("emoji and right-to-left", Ask((("user", (UNICODE,)),)), SCENARIOS["unicode"], ("שלום",)),
    Case("usage with cache", Ask(), SCENARIOS["cached"]),
)
__all__ = ["CASES", "Ask", "Case", "Document", "Image", "Part", "Result", "Tool", "Usage"]
