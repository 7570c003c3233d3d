"""Laws of the request: round trips, prefixes, repetition."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.vendors.anthropic.rules import check_request

from codenex.core.losses import Losses
from codenex.core.parts import CacheHint, Media, Part, Reasoning, Signature, Text, ToolCall, ToolResult
from codenex.core.request import FunctionTool, ReasoningOptions, Request, Sampling, ToolChoice, Turn
from codenex.models.anthropic import capabilities
from codenex.protocols.anthropic import SPOKE

MODEL = "claude-sonnet-4-5"
MODELS = (MODEL, "claude-opus-5", "claude-3-5-haiku-latest", "glm-5")
MANY = settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=6).map(lambda text: f"w{text}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)
MEDIA = (
    Media("image", "image/png", "iVBORw0KGgo="),
    Media("image", url="https://a.example/x.png"),
    Media("document", "application/pdf", "JVBERi0xLjc=", title="t"),
    Media("document", "text/plain", text="plain"),
)
HINTS = (None, None, CacheHint(), CacheHint("5m"), CacheHint("1h"))
MANUAL = ReasoningOptions(
    budget=1024, visible=True, raw={"thinking": {"type": "enabled", "budget_tokens": 1024}, "effort": None}
)
OFF = ReasoningOptions("none", raw={"thinking": {"type": "disabled"}, "effort": None})


class Maker:
    """Builds requests from words and values that Hypothesis found, by a seed: drawing every piece of them is slow."""

    def __init__(self, words: list[str], value: Any, seed: int) -> None:
        self._words = words
        self._value = value
        self._random = random.Random(seed)

    def some(self, make: Callable[[], Part], low: int = 0, high: int = 2) -> list[Part]:
        return [make() for _ in range(self._random.randint(low, high))]

    def pick(self, values: Sequence[Any]) -> Any:
        return self._random.choice(values)

    def text(self) -> Part:
        return Text(self.pick(self._words), cache=self.pick(HINTS))

    def shown(self) -> Part:
        return self.text() if self._random.random() < 0.7 else self.pick(MEDIA)

    def thinking(self) -> Part:
        signature = Signature("anthropic", self.pick(self._words))
        if self._random.random() < 0.3:
            return Reasoning(redacted=True, signature=signature)
        return Reasoning(self.pick([(), (self.pick(self._words),)]), signature=signature)

    def arguments(self) -> str:
        given = {self.pick(self._words): self._value for _ in range(self._random.randint(0, 2))}
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"))

    def conversation(self) -> tuple[Turn, ...]:
        """A legal conversation: roles in turn, results beside their calls."""
        turns = [Turn("user", tuple(self.some(self.shown, 1)))]
        for step in range(self._random.randint(0, 2)):
            said = [*self.some(self.thinking), *self.some(self.text, 1)]
            calls = [ToolCall(f"toolu_{step}_{n}", "f", self.arguments()) for n in range(self.pick([0, 1, 2]))]
            turns.append(Turn("assistant", (*said, *calls)))
            results = [
                ToolResult(
                    call.id, tuple(self.some(self.shown)), is_error=self.pick([True, False]), cache=self.pick(HINTS)
                )
                for call in calls
            ]
            turns.append(Turn("user", (*results, *self.some(self.shown, 0 if results else 1))))
        return tuple(turns)

    def request(self) -> Request:
        """A request that Anthropic can express, in the form in which it is decoded."""
        turns = self.conversation()
        system = self.some(self.text)
        called = any(isinstance(part, ToolCall) for turn in turns for part in turn.parts)
        description = self.pick([None, self.pick(self._words)])
        tool = FunctionTool("f", description, {"type": "object"}, self.pick([None, False]), cache=self.pick(HINTS))
        tools = (tool,) if called or self.pick([True, False]) else ()
        reasoning = None if called else self.pick([None, MANUAL, OFF])
        return Request(
            "anthropic",
            MODEL,
            (*((Turn("system", tuple(system), "system"),) if system else ()), *turns),
            tools,
            self.pick([None, ToolChoice("auto"), ToolChoice("none")]) if tools else None,
            sampling=Sampling(
                temperature=None if reasoning is MANUAL else self.pick([None, 0, 0.5, 1]),
                stop=self.pick([None, ("END",)]),
            ),
            max_output_tokens=self.pick([2048, 64_000]),
            reasoning=reasoning,
            stream=self.pick([True, False]),
            include_usage=True,
            end_user=self.pick([None, "u1"]),
            service_tier=self.pick([None, "auto"]),
            cache=self.pick(HINTS),
            extras=self.pick([None, {"context_management": {"edits": []}}]),
        )

    def disorder(self) -> tuple[Turn, ...]:
        """A conversation as other protocols allow it."""
        roles: list[Literal["user", "assistant", "system"]] = ["user", "assistant", "system"]
        turns: list[Turn] = []
        for _ in range(self._random.randint(0, 6)):
            role = self.pick(roles)
            turns.append(Turn(role, tuple(self.some(lambda role=role: self._odd(role), 0, 3))))  # type: ignore[misc]
        return tuple(turns)

    def _odd(self, role: str) -> Part:
        call_id = self.pick(["a", "b", "c", "odd.id", "nobody"])
        text: Part = Text(self.pick(["", " ", *self._words]))
        if role == "assistant":
            call = ToolCall(call_id, self.pick(["f", "g/h"]), self.pick(["", "{}", '{"a', "[1]"]))
            foreign = Reasoning(("t",), signature=Signature("openai", "x"))
            choices: list[Part] = [text, call, foreign, self.thinking()]
            return choices[self._random.randrange(4)]
        if role == "user":
            choices = [text, self.pick(MEDIA), ToolResult(call_id, (Text("r"),))]
            return choices[self._random.randrange(3)]
        return text


MAKERS = st.builds(Maker, st.lists(WORDS, min_size=2, max_size=4), VALUES, st.integers(0, 2**32))
REQUESTS = st.builds(Maker.request, MAKERS)


def encode(request: Request) -> tuple[bytes, int]:
    losses = Losses()
    return SPOKE.encode_request(request, capabilities(MODEL), losses).body, len(losses)


def spelled(request: Request) -> Request:
    """Arguments in one spelling, since a request holds objects and not texts."""

    def part(value: Part) -> Part:
        if not isinstance(value, ToolCall):
            return value
        given = json.dumps(json.loads(value.arguments), ensure_ascii=False, separators=(",", ":"))
        return msgspec.structs.replace(value, arguments=given)

    turns = (msgspec.structs.replace(turn, parts=tuple(part(inner) for inner in turn.parts)) for turn in request.turns)
    # Results learn the names of their calls on the way; the protocol does not repeat them.
    return msgspec.structs.replace(request, turns=tuple(turns))


@MANY
@given(REQUESTS)
def test_what_is_encoded_is_decoded_again(request: Request) -> None:
    body, losses = encode(request)
    assert losses == 0
    found = SPOKE.decode_request(body, None)
    assert spelled(found) == spelled(request)
    assert encode(found)[0] == body


@pytest.mark.pitfall("CACHE-1", "TOOL-4", "NET-15")
@MANY
@given(REQUESTS, st.integers(0, 9))
def test_earlier_turns_are_a_prefix(request: Request, place: int) -> None:
    ends = [number + 1 for number, turn in enumerate(request.turns) if turn.role == "user"]
    end = ends[place % len(ends)]
    shorter = msgspec.structs.replace(request, turns=request.turns[:end], protocol="openai-chat", extras=None)
    longer = msgspec.structs.replace(request, protocol="openai-chat", extras=None)
    before, after = (_unmarked(json.loads(encode(each)[0])["messages"]) for each in (shorter, longer))
    assert after[: len(before)] == before


def _unmarked(value: Any) -> Any:
    """Leave out cache breakpoints: they move with the end of the conversation and do not count for the prefix."""
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict) and value[0].keys() <= {"type", "text", "cache_control"}:
            return value[0].get("text", value)
        return [_unmarked(each) for each in value]
    if isinstance(value, dict):
        return {key: _unmarked(each) for key, each in value.items() if key != "cache_control"}
    return value


@pytest.mark.pitfall("ROL-1", "ROL-2", "ROL-5", "ROL-6", "ROL-7", "ROL-8")
@MANY
@given(
    st.builds(Maker.disorder, MAKERS),
    st.sampled_from([MODEL, "claude-opus-5", "claude-3-5-haiku-latest", "glm-5"]),
    st.booleans(),
)
def test_any_conversation_becomes_a_legal_one(turns: tuple[Turn, ...], model: str, own: bool) -> None:
    request = Request("anthropic" if own else "openai-chat", model, turns)
    losses = Losses()
    body = json.loads(SPOKE.encode_request(request, capabilities(model), losses).body)
    assert check_request(body, {"anthropic-version": "2023-06-01"}, alternation=True) == []
    again = SPOKE.encode_request(SPOKE.decode_request(json.dumps(body).encode(), None), capabilities(model), Losses())
    assert json.loads(again.body) == body
