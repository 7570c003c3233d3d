"""What the facts about Google's models say of each family."""

from __future__ import annotations

import re

import pytest

from codenex.models.gemini import FAMILIES, capabilities


@pytest.mark.pitfall("TOOL-3", "TOOL-20", "OUT-5", "RSN-4")
@pytest.mark.parametrize(
    ("model", "thinking", "efforts", "ids", "json_with_tools"),
    [
        ("gemini-2.0-flash", set(), (), False, False),
        ("gemini-2.5-flash-preview-tts", set(), (), False, False),
        ("gemini-2.5-pro", {"budget"}, (), False, False),
        ("models/gemini-2.5-flash-lite", {"budget"}, (), False, False),
        ("gemini-3-pro-preview", {"level"}, ("low", "high"), True, True),
        ("gemini-3.1-pro-preview", {"level"}, ("low", "medium", "high"), True, True),
        ("gemini-3-flash-preview", {"level"}, ("minimal", "low", "medium", "high"), True, True),
        ("gemini-3.5-flash", {"level"}, ("minimal", "low", "medium", "high"), True, True),
        ("gemini-3.8-flash", {"level"}, ("low", "medium", "high"), True, True),
        ("gemini-9-ultra", {"level"}, ("low", "medium", "high"), True, True),
        ("something-else", {"level"}, ("low", "high"), True, True),
    ],
)
def test_families(model: str, thinking: set[str], efforts: tuple[str, ...], ids: bool, json_with_tools: bool) -> None:
    found = capabilities(model)
    assert found.thinking == thinking
    assert found.efforts == efforts
    assert found.call_ids == found.media_in_results == ids
    assert found.tools_with_structured_output == json_with_tools


def test_budgets() -> None:
    assert capabilities("gemini-2.5-pro").budget_range == (128, 32768)
    assert not capabilities("gemini-2.5-pro").thinking_can_be_off
    assert capabilities("gemini-2.5-flash").thinking_can_be_off
    assert capabilities("gemini-2.5-flash-lite").budget_range == (512, 24576)


@pytest.mark.pitfall("SMP-2", "SMP-8")
def test_sampling() -> None:
    assert "temperature" in capabilities("gemini-3-pro-preview").sampling
    assert "temperature" not in capabilities("gemini-3.6-flash").sampling
    assert "logit_bias" not in capabilities("gemini-2.5-pro").sampling


def test_configuration_overrides_the_table() -> None:
    assert capabilities("gemini-2.5-pro", {"call_ids": True, "unknown": 1}).call_ids


def test_every_family_is_reached_by_some_name() -> None:
    names = ["gemini-1.5-pro", "gemini-2.5-flash-image", "gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-2.5-flash"]
    names += ["gemini-3-pro-image-preview", "gemini-3-pro", "gemini-3.2-pro", "gemini-3.7-flash", "gemini-3.6-flash"]
    names += ["gemini-3-flash", "gemini-flash-latest", "gemini-pro-latest", "gemini-4-pro", "gemma-3-27b-it"]

    reached = {
        next(i for i, row in enumerate(FAMILIES) if re.match(row.pattern, name, re.IGNORECASE)) for name in names
    }
    assert reached == set(range(len(FAMILIES)))
