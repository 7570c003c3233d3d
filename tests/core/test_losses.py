"""Losses are kept once and shown within a header's limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codenex.core.losses import HEADER_LIMIT, Loss, Losses, header_value

ACTIONS = st.sampled_from(["dropped", "adapted", "approximated"])


def test_each_is_kept_once_in_order_of_appearance() -> None:
    losses = Losses()
    losses.drop("b", "r")
    losses.adapt("a", "r")
    losses.drop("b", "r")
    losses.approximate("a", "r")
    losses.extend((Loss("a", "adapted", "r"), Loss("c", "dropped", "r")))
    assert losses.values() == (
        Loss("b", "dropped", "r"),
        Loss("a", "adapted", "r"),
        Loss("a", "approximated", "r"),
        Loss("c", "dropped", "r"),
    )
    assert len(losses) == 4


def test_the_header() -> None:
    assert header_value(()) == "0"
    assert header_value((Loss("seed", "dropped", "x"),)) == "1; seed=dropped"
    both = (Loss("seed", "dropped", "x"), Loss("tools[0].strict", "adapted", "y"))
    assert header_value(both) == "2; seed=dropped, tools[0].strict=adapted"


def test_what_would_break_the_header_is_replaced() -> None:
    assert header_value((Loss("a=b;c,d\r\né", "dropped", ""),)) == "1; a_b_c_d___=dropped"


def test_a_long_list_is_cut_to_whole_entries_and_keeps_the_count() -> None:
    value = header_value(tuple(Loss(f"field{number}", "dropped", "") for number in range(500)))
    assert value.startswith("500; field0=dropped, field1=dropped")
    assert value.endswith("=dropped, ...")
    assert HEADER_LIMIT - 40 < len(value) <= HEADER_LIMIT


@given(st.lists(st.builds(Loss, st.text(max_size=1200), ACTIONS, st.text()), max_size=60))
def test_any_header_is_short_printable_ascii(losses: list[Loss]) -> None:
    value = header_value(tuple(losses))
    assert len(value.encode()) <= HEADER_LIMIT
    assert value.isascii()
    assert value.isprintable()
    assert value.split(";")[0].split(",")[0] == str(len(losses))
