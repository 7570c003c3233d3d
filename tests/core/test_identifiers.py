"""Identifiers fit and are the same every time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.identifiers import CALL_ID, derived_call_id, digest, fitted_call_id


@pytest.mark.pitfall("TOOL-1")
@pytest.mark.parametrize("own", ["call_abc", "toolu_01-x", "0", "a" * 64])
def test_ids_that_fit_stay(own: str) -> None:
    assert fitted_call_id(own) == own


@pytest.mark.pitfall("TOOL-1", "TOOL-4")
@given(st.text(max_size=100), st.text(max_size=100))
def test_any_id_is_made_to_fit_without_collisions(one: str, other: str) -> None:
    assert CALL_ID.fullmatch(fitted_call_id(one))
    assert fitted_call_id(one) == fitted_call_id(one)
    assert (fitted_call_id(one) == fitted_call_id(other)) == (one == other)


def test_a_line_break_at_the_end_does_not_fit() -> None:
    assert fitted_call_id("call_a\n") != "call_a\n"


@pytest.mark.pitfall("TOOL-2", "TOOL-4")
def test_derived_ids_tell_positions_apart() -> None:
    ids = {derived_call_id(turn, part, name) for turn in range(5) for part in range(5) for name in ("f", "g")}
    assert len(ids) == 50
    assert all(CALL_ID.fullmatch(each) for each in ids)
    assert derived_call_id(1, 2, "f") == derived_call_id(1, 2, "f")
    assert derived_call_id(1, 2, prefix="toolu_").startswith("toolu_")
    assert derived_call_id(1, 12) != derived_call_id(11, 2)


def test_digests() -> None:
    assert digest("a", "b") != digest("ab")
    assert len(digest("a", length=10)) == 10
    assert digest("a").isalnum()
