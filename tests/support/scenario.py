"""What a model answered, in no protocol's words: the one description from which every vendor's answer is rendered.

Independent of the gateway's own common language on purpose, so that a mistake there doesn't repeat itself here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Finish = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal"]

PIECE: Final = 7
"""Characters in a streamed piece where a part doesn't say how it is cut."""


def pieces_of(text: str, fragments: tuple[str, ...] | None) -> tuple[str, ...]:
    """The pieces in which a text is streamed; together they are the text."""
    if fragments is not None:
        if "".join(fragments) != text:
            raise ValueError("the fragments don't add up to the text")
        return fragments
    return tuple(text[start : start + PIECE] for start in range(0, len(text), PIECE))


@dataclass(frozen=True)
class Text:
    text: str
    fragments: tuple[str, ...] | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        return pieces_of(self.text, self.fragments)


@dataclass(frozen=True)
class Reasoning:
    """Thinking. ``signature`` is the vendor's opaque proof; with ``redacted`` it is all there is."""

    text: str
    signature: str | None = None
    redacted: bool = False
    fragments: tuple[str, ...] | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        return pieces_of(self.text, self.fragments)


@dataclass(frozen=True)
class ToolCall:
    """A function call; ``arguments`` is the raw JSON text, perhaps cut short.

    Responses alone has the last two: ``custom`` calls a tool that takes free text, which then is ``arguments``, and
    ``namespace`` says which group of tools the name is from.
    """

    id: str
    name: str
    arguments: str
    fragments: tuple[str, ...] | None = None
    custom: bool = False
    namespace: str | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        return pieces_of(self.arguments, self.fragments)


@dataclass(frozen=True)
class Refusal:
    """The model's own words of refusal."""

    text: str
    fragments: tuple[str, ...] | None = None

    @property
    def pieces(self) -> tuple[str, ...]:
        return pieces_of(self.text, self.fragments)


Part = Text | Reasoning | ToolCall | Refusal


@dataclass(frozen=True)
class Usage:
    """Disjoint buckets of tokens; nothing is counted twice."""

    input_fresh: int = 11
    cache_read: int = 0
    cache_write: int = 0
    output_visible: int = 7
    reasoning: int = 0

    @property
    def input_total(self) -> int:
        return self.input_fresh + self.cache_read + self.cache_write

    @property
    def output_total(self) -> int:
        return self.output_visible + self.reasoning

    @property
    def total(self) -> int:
        return self.input_total + self.output_total


@dataclass(frozen=True)
class Scenario:
    """One answer. ``model`` empty means: the model that was asked for."""

    parts: tuple[Part, ...] = (Text("Hello from the scripted vendor."),)
    finish: Finish = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    id: str = "0123456789abcdef"
    created: int = 1_790_000_000
    stop_sequence: str | None = None
    chat_reasoning: Literal["reasoning_content", "reasoning_details", "hidden"] = "reasoning_content"
    """How a Chat vendor shows thinking, which the official protocol has no field for."""

    def asked(self, model: str) -> Scenario:
        """The same answer with the requested model filled in where none is set."""
        return self if self.model else replace(self, model=model)

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def reasoning(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Reasoning))

    @property
    def refusal(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Refusal))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


def say(text: str) -> Scenario:
    """An answer of one text."""
    return Scenario(parts=(Text(text),))


def call(name: str, arguments: str = "{}", *, id: str = "call_0a1b2c3d4e5f") -> Scenario:
    """An answer of one tool call."""
    return Scenario(parts=(ToolCall(id, name, arguments),), finish="tool_calls")


SIGNATURE: Final = "c2lnbmVkOiB0aGUgdGhvdWdodCBhYm92ZSBpcyBnZW51aW5l"
"""Valid base64, as some SDKs insist on."""

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "text": say("The quick brown fox jumps over the lazy dog."),
    "two texts": Scenario(parts=(Text("First block."), Text(" Second block."))),
    "one letter": say("A"),
    "unicode": say(
        'Grüße 👩\u200d👩\u200d👧 \u05e9\u05dc\u05d5\u05dd 漢字 "quoted" \\ back\u2028slash\n\ttab \u0085 end'
    ),
    "empty": Scenario(parts=(), usage=Usage(output_visible=0)),
    "reasoning and text": Scenario(
        parts=(Reasoning("Let me think about this.", SIGNATURE), Text("It is 42.")), usage=Usage(reasoning=23)
    ),
    "unsigned reasoning": Scenario(parts=(Reasoning("Just thinking."), Text("Done.")), usage=Usage(reasoning=5)),
    "redacted reasoning": Scenario(parts=(Reasoning("", SIGNATURE, redacted=True), Text("Done."))),
    "one tool": call("get_weather", '{"city":"Zürich","days":3}'),
    "tool without arguments": call("now"),
    "two tools": Scenario(
        parts=(
            ToolCall("call_first00001", "get_weather", '{"city":"Bern"}'),
            ToolCall("call_second0002", "get_weather", '{"city":"Genf"}'),
        ),
        finish="tool_calls",
    ),
    "text and tool": Scenario(
        parts=(Text("I'll look that up."), ToolCall("call_after_text", "search", '{"query":"a \\"b\\" \\n c"}')),
        finish="tool_calls",
    ),
    "text around a tool": Scenario(
        parts=(Text("First I look."), ToolCall("call_in_between", "search", '{"query":"x"}'), Text(" Then I tell.")),
        finish="tool_calls",
    ),
    "reasoning and tool": Scenario(
        parts=(Reasoning("I need the tool.", SIGNATURE), ToolCall("call_reasoned1", "search", '{"query":"x"}')),
        finish="tool_calls",
        usage=Usage(reasoning=9),
    ),
    "length": Scenario(parts=(Text("This answer is cut off in the mid"),), finish="length"),
    "length in a tool call": Scenario(
        parts=(ToolCall("call_truncated", "search", '{"query":"unfinis'),), finish="length"
    ),
    "stop sequence": Scenario(parts=(Text("up to here"),), finish="stop_sequence", stop_sequence="END"),
    "content filter": Scenario(parts=(Text("Something that"),), finish="content_filter"),
    "refusal": Scenario(parts=(Refusal("I can't help with that."),), finish="refusal"),
    "cached": Scenario(usage=Usage(input_fresh=17, cache_read=4096, cache_write=512, output_visible=31, reasoning=0)),
}
"""The answers that every vendor, every translation and every SDK is tried with."""
