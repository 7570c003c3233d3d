"""Arithmetic of usage: unknown is not 0."""

from __future__ import annotations

from hypothesis import given
from tests.support.strategies import usages

from codenex.core.usage import Usage, add, less


def test_unknown_is_not_zero() -> None:
    assert Usage().input_total is None
    assert Usage().output_total is None
    assert Usage().total is None
    assert Usage().input_cache_write is None
    assert Usage(input_uncached=0).input_total == 0
    assert Usage(output_reasoning=0).total == 0


def test_sums_go_over_all_buckets() -> None:
    usage = Usage(1, 2, 4, 8, 16, 32, 64)
    assert usage.input_cache_write == 12
    assert usage.input_total == 31
    assert usage.output_total == 96
    assert usage.total == 127


def test_adding_and_subtracting() -> None:
    assert add() is None
    assert add(None, None) is None
    assert add(None, 0) == 0
    assert add(1, None, 2) == 3
    assert less(None, 1) is None
    assert less(5, None, 2) == 3
    assert less(1, 2) == 0


@given(usages, usages)
def test_a_later_snapshot_overwrites_what_it_knows(first: Usage, later: Usage) -> None:
    merged = first.merged(later)
    for name in Usage.__struct_fields__:
        expected = getattr(later, name) if getattr(later, name) is not None else getattr(first, name)
        assert getattr(merged, name) == expected
    assert first.merged(Usage()) == first
    assert merged.merged(later) == merged
