"""Days, months and dollars in one word."""

from calendar import monthrange
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.pool.budget import period_begins, period_ends, period_of, spent, spent_word

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(MOMENTS)
def test_months_are_those_of_the_calendar(moment):
    at = moment.timestamp()
    assert period_of(at, "month") == (moment.year - 1970) * 12 + moment.month - 1
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert period_begins(at, "month") == first.timestamp()
    days = monthrange(moment.year, moment.month)[1]
    assert period_ends(at, "month") == first.timestamp() + days * 86_400


@given(MOMENTS)
def test_days_are_those_of_utc(moment):
    at = moment.timestamp()
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    assert period_begins(at, "day") == midnight
    assert period_ends(at, "day") == midnight + 86_400
    assert period_of(at, "day") == midnight // 86_400


@pytest.mark.parametrize("dollars", [0.0, 0.000001, 12.345678, 17_000_000.0])
def test_a_word_holds_what_was_spent_in_its_own_period_only(dollars):
    word = spent_word(20_000, dollars)
    assert 0 <= word < 1 << 64
    assert spent(word, 20_000) == pytest.approx(dollars)
    assert spent(word, 20_001) == 0.0


def test_more_than_fits_stays_the_most():
    assert spent(spent_word(1, 1e12), 1) > 17_000_000
