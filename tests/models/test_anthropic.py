"""What Claude models take, by name."""

from __future__ import annotations

import re

import pytest

from codenex.models.anthropic import BASE, FAMILIES, capabilities

ADAPTIVE, BUDGET = frozenset({"adaptive"}), frozenset({"budget"})


@pytest.mark.pitfall("RSN-1", "SMP-1")
@pytest.mark.parametrize(
    ("model", "limit", "thinking", "off", "middle", "prefill", "sampled", "forced"),
    [
        ("claude-fable-5-2", 128_000, ADAPTIVE, False, True, False, False, False),
        ("claude-mythos-5-1", 128_000, ADAPTIVE, False, True, False, False, False),
        ("claude-fable-5", 128_000, ADAPTIVE, False, True, False, False, True),
        ("claude-opus-5-5", 128_000, ADAPTIVE, False, True, False, False, True),
        ("claude-opus-5", 128_000, ADAPTIVE, True, True, False, False, True),
        ("claude-opus-5-20260701", 128_000, ADAPTIVE, True, True, False, False, True),
        ("claude-sonnet-5-5", 128_000, ADAPTIVE, True, True, False, False, True),
        ("claude-haiku-5-5", 128_000, ADAPTIVE, True, True, False, False, True),
        ("claude-sonnet-5", 128_000, ADAPTIVE, True, False, False, False, True),
        ("claude-opus-4-8", 128_000, ADAPTIVE, True, True, False, False, True),
        ("claude-opus-4-7", 128_000, ADAPTIVE, True, False, False, False, True),
        ("claude-opus-4-6", 128_000, ADAPTIVE | BUDGET, True, False, False, True, True),
        ("claude-sonnet-4-6", 64_000, ADAPTIVE | BUDGET, True, False, False, True, True),
        ("claude-sonnet-4-5-20250929", 64_000, BUDGET, True, False, True, True, True),
        ("claude-haiku-4-5", 64_000, BUDGET, True, False, True, True, True),
        ("claude-opus-4-1-20250805", 32_000, BUDGET, True, False, True, True, True),
        ("claude-opus-4-20250514", 32_000, BUDGET, True, False, True, True, True),
        ("claude-sonnet-4-20250514", 64_000, BUDGET, True, False, True, True, True),
        ("claude-3-7-sonnet-20250219", 64_000, BUDGET, True, False, True, True, True),
        ("claude-3-5-haiku-20241022", 8_192, frozenset(), True, False, True, True, True),
        ("claude-3-haiku-20240307", 4_096, frozenset(), True, False, True, True, True),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000, BUDGET, True, False, True, True, True),
        ("gemini-claude-opus-4-5-thinking", 64_000, BUDGET, True, False, True, True, True),
        ("claude-future-9", 64_000, frozenset(), True, False, False, False, True),
    ],
)
def test_families(
    model: str,
    limit: int,
    thinking: frozenset[str],
    off: bool,
    middle: bool,
    prefill: bool,
    sampled: bool,
    forced: bool,
) -> None:
    found = capabilities(model)
    assert found.max_output_tokens == limit
    assert found.thinking == thinking
    assert found.thinking_can_be_off is off
    assert found.system_in_middle is middle
    assert found.prefill is prefill
    assert ("temperature" in found.sampling) is sampled
    assert found.forced_tool_choice is forced
    assert "stop" in found.sampling
    assert found.temperature_limit == 1.0


def test_unknown_names_are_careful() -> None:
    found = capabilities("glm-5")
    assert found == BASE
    assert not found.thinking
    assert not found.system_in_middle
    assert not found.structured_output
    assert found.max_output_tokens is None


def test_overrides_win() -> None:
    assert capabilities("claude-opus-5", {"max_output_tokens": 7, "unknown": 1}).max_output_tokens == 7


def test_every_row_can_be_reached() -> None:
    names = [
        "claude-fable-5-1",
        "claude-mythos-preview",
        "claude-opus-5-5",
        "claude-opus-5",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-sonnet-5",
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-haiku-4-5",
        "claude-opus-4-1",
        "claude-opus-4-0",
        "claude-4-sonnet-20250514",
        "claude-3-7-sonnet",
        "claude-3-5-sonnet",
        "claude-3-opus",
        "claude-next",
    ]
    reached = {next(index for index, family in enumerate(FAMILIES) if re.match(family.pattern, name)) for name in names}
    assert reached == set(range(len(FAMILIES)))
