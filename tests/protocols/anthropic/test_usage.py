"""Usage objects as the vendor writes them, and in the forms of hosts that write them otherwise."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codenex.core.usage import Usage
from codenex.protocols.anthropic.usage import usage_from

RAW: dict[str, Any] = {
    "input_tokens": 5,
    "output_tokens": 9,
    "cache_creation_input_tokens": 7,
    "cache_read_input_tokens": 3,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 6},
    "output_tokens_details": {"thinking_tokens": 4},
}
#: The same numbers, as text, as fractions, and with one that makes the object unusual.
FORMS: list[dict[str, Any]] = [
    {name: ({key: form(count) for key, count in value.items()} if isinstance(value, dict) else form(value))
     for name, value in RAW.items()}
    for form in (int, str, float)
] + [{**RAW, "input_tokens": "5"}]  # fmt: skip


@pytest.mark.parametrize("raw", FORMS)
def test_numbers_are_read_in_every_form(raw: dict[str, Any]) -> None:
    found = usage_from(raw)
    assert found.raw is raw
    assert msgspec.structs.replace(found, raw=None) == Usage(5, 3, 1, 6, output_text=5, output_reasoning=4)


@pytest.mark.parametrize(
    "raw",
    [
        {"input_tokens": True, "output_tokens": None, "cache_creation": 3, "output_tokens_details": []},
        {"input_tokens": [], "cache_creation": None, "output_tokens_details": {"thinking_tokens": "x"}},
    ],
)
def test_what_is_no_number_is_not_known(raw: dict[str, Any]) -> None:
    assert usage_from(raw) == Usage(raw=raw)


def test_fewer_than_no_tokens_are_none() -> None:
    raw = {"input_tokens": -1, "output_tokens": 2}
    assert usage_from(raw) == Usage(0, output_text=2, raw=raw)
