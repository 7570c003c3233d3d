"""What a client key has spent in a period, in one word of 64 bits, so that other processes read it whole. Pure.

The word holds the number of the period (20 bits) and millionths of a dollar (44 bits: 17 million dollars).
"""

from __future__ import annotations

_BITS = 44
_LARGEST = (1 << _BITS) - 1
_DAY = 86_400
#: Days of each month before the first of it, in a year that is no leap year.
_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def period_of(moment: float, period: str) -> int:
    """Return the number of the UTC day or month of a moment (seconds since 1970)."""
    day = int(moment // _DAY)
    return day if period == "day" else _month_of(day)


def period_begins(moment: float, period: str) -> float:
    """Return when the day or month of a moment began, in seconds since 1970."""
    day = int(moment // _DAY)
    if period == "day":
        return float(day * _DAY)
    month = _month_of(day)
    while day > 0 and _month_of(day - 1) == month:
        day -= 1
    return float(day * _DAY)


def period_ends(moment: float, period: str) -> float:
    """Return when the day or month of a moment is over, in seconds since 1970."""
    day = int(moment // _DAY)
    if period == "day":
        return float((day + 1) * _DAY)
    month = _month_of(day)
    while _month_of(day) == month:
        day += 1
    return float(day * _DAY)


def spent_word(number: int, dollars: float) -> int:
    """Return the word for what was spent in the period with this number."""
    return number << _BITS | min(_LARGEST, round(dollars * 1_000_000))


def spent(word: int, number: int) -> float:
    """Return the dollars that a word holds for the period with this number; 0 where it is about another one."""
    return (word & _LARGEST) / 1_000_000 if word >> _BITS == number else 0.0


def _month_of(day: int) -> int:
    """Return the number of months since January 1970, by the civil calendar."""
    year = 1970 + day // 366
    while day >= _day_of_year(year + 1):
        year += 1
    rest = day - _day_of_year(year)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    month = max(index for index, before in enumerate(_BEFORE) if rest >= before + (leap and index >= 2))
    return (year - 1970) * 12 + month


def _day_of_year(year: int) -> int:
    """Return the number of days from 1970 to the first day of a year."""
    past = year - 1
    return (year - 1970) * 365 + (past // 4 - past // 100 + past // 400) - (1969 // 4 - 1969 // 100 + 1969 // 400)
