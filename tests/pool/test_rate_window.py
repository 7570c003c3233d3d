"""The sliding window in one word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.pool.rate_window import counted, total, wait


def filled(times, window):
    word = 0
    for time in times:
        word = counted(word, time, window)
    return word


def test_counts_within_a_window_add_up():
    assert total([filled([0.0, 1.0, 2.0], 60.0), filled([3.0], 60.0)], 4.0, 60.0) == 4


def test_the_window_before_fades():
    word = filled([10.0] * 100, 60.0)
    assert total([word], 59.0, 60.0) == 100
    assert total([word], 60.0, 60.0) == 100
    assert total([word], 90.0, 60.0) == 50
    assert total([word], 120.0, 60.0) == 0
    assert total([word], 1e9, 60.0) == 0


def test_counts_stop_at_the_top_and_do_not_run_into_the_other_fields():
    word = counted(counted(0, 5.0, 60.0, 1 << 30), 5.0, 60.0, 1 << 30)
    assert total([word], 5.0, 60.0) == (1 << 24) - 1
    assert total([word], 65.0, 60.0) == pytest.approx(((1 << 24) - 1) * (1 - 5 / 60))


def test_a_fresh_word_is_empty_at_every_time():
    for now in (0.0, 59.0, 61.0, 65535 * 60.0 + 1, 1e8):
        assert total([0], now, 60.0) == 0


@settings(max_examples=max(1000, settings.default.max_examples))
@given(
    st.lists(st.floats(0, 500), max_size=60).map(sorted),
    st.integers(1, 30),
    st.sampled_from([1.0, 10.0, 60.0]),
)
def test_a_limit_is_kept_and_the_wait_is_enough(times, limit, window):
    word = 0
    let_through = []
    for now in times:
        if total([word], now, window) < limit:
            word = counted(word, now, window)
            let_through.append(now)
        else:
            pause = wait([word], now, window, limit)
            assert 0 < pause <= 2 * window
            assert total([word], now + pause + 1e-6, window) < limit
    for start in let_through:
        fixed = [time for time in let_through if time // window == start // window]
        assert len(fixed) <= limit


def test_nothing_to_wait_for():
    assert wait([0], 5.0, 60.0, 1) == 0
