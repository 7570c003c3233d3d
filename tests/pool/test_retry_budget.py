"""How much may be repeated when everything fails."""

from hypothesis import given
from hypothesis import strategies as st

from codenex.pool.retry_budget import EACH_SECOND, MOST_SAVED, SHARE, RetryBudget


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=300))
def test_repetitions_stay_within_their_share(pauses):
    budget, now, repeated = RetryBudget(), 0.0, 0
    for pause in pauses:
        now += pause
        budget.earn(now)
        for _ in range(4):
            repeated += budget.spend()
    assert repeated <= EACH_SECOND + SHARE * len(pauses) + EACH_SECOND * now + 1e-6


def test_quiet_seconds_save_up_one_second_and_requests_save_up_more():
    budget = RetryBudget(0.0, 0.0)
    budget.earn(1000.0)
    assert budget.left == EACH_SECOND + SHARE
    for _ in range(2000):
        budget.earn(1000.0)
    assert budget.left == MOST_SAVED
    assert not RetryBudget(0.5).spend()
