"""Usage of many servers in the hub's buckets, and back by the formulas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.usage import Usage
from codenex.protocols.openai_chat.usage import decode_usage, encode_usage


def buckets(raw: Any) -> tuple[int | None, ...]:
    usage = decode_usage(raw)
    assert usage is not None
    return (
        usage.input_uncached,
        usage.input_cache_read,
        usage.input_cache_write,
        usage.output_text,
        usage.output_reasoning,
    )


@pytest.mark.pitfall("USE-1", "USE-2", "USE-3", "USE-9")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, (10, None, None, 5, None)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            (10, 60, 30, 30, 20),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": None}, (10, None, None, 5, None)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": None}},
            (10, None, None, 5, None),
        ),
        # DeepSeek
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
            (6, 4, None, 5, None),
        ),
        # Moonshot
        ({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 4}, (6, 4, None, 5, None)),
        # xAI: reasoning beside the completion, as the total shows
        (
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 303,
                "completion_tokens_details": {"reasoning_tokens": 290},
            },
            (12, None, None, 1, 290),
        ),
        # more reasoning than output, and a total that has no place for it
        (
            {
                "prompt_tokens": 12,
                "completion_tokens": 5,
                "total_tokens": 17,
                "completion_tokens_details": {"reasoning_tokens": 9},
            },
            (12, None, None, 0, 5),
        ),
        ({"input_tokens": 3, "output_tokens": 4}, (3, None, None, 4, None)),
        ({"prompt_tokens": 3, "cached_tokens": 9}, (0, 3, None, None, None)),
        ({"prompt_tokens": "many", "completion_tokens": True}, (None, None, None, None, None)),
    ],
)
def test_variants(raw: Any, expected: tuple[int | None, ...]):
    assert buckets(raw) == expected


def test_no_usage_is_none():
    assert decode_usage(None) is None
    assert decode_usage("x") is None


def test_what_else_is_told():
    usage = decode_usage(
        {"prompt_tokens": 1, "completion_tokens": 1, "server_tool_use_details": {"web_search_requests": 2}}, "flex"
    )
    assert usage is not None
    assert (usage.server_tools, usage.service_tier) == ({"web_search_requests": 2}, "flex")
    assert usage.raw is not None


def test_all_input_is_prompt():
    assert encode_usage(Usage(1, 2, 4, 8, 16, 32, 64)) == {
        "prompt_tokens": 31,
        "completion_tokens": 96,
        "total_tokens": 127,
        "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 12},
        "completion_tokens_details": {"reasoning_tokens": 64},
    }


COUNTS = st.integers(0, 10**9)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_buckets_come_back(fresh: int, read: int, written: int, text: int, thought: int):
    usage = Usage(fresh, read, written, output_text=text, output_reasoning=thought)
    assert buckets(encode_usage(usage)) == (fresh, read, written, text, thought)
