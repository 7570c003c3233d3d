"""What headers say about when to come back: numbers, dates, nonsense."""

from __future__ import annotations

import pytest

from codenex.core.waits import DAY, wait_of

NOW = ("Date", "Tue, 29 Feb 2028 23:59:50 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([("retry-after", "7")], 7.0),
        ([("Retry-After", " 7 ")], 7.0),
        ([("retry-after", "0")], 0.0),
        ([("retry-after", "1.5")], 1.5),
        ([("retry-after", "7"), ("retry-after-ms", "1500")], 1.5),
        ([("retry-after", "7"), ("retry-after-ms", "soon")], 7.0),
        ([("retry-after", "9999999")], DAY),
        ([("retry-after", "1e999")], None),
        ([("retry-after", "nan")], None),
        ([("retry-after", "-5")], None),
        ([("retry-after", "soon")], None),
        ([("retry-after", "")], None),
        ([("retry-after", "Wed, 01 Mar 2028 00:00:10 GMT"), NOW], 20.0),
        ([("retry-after", "Wed, 01 Mar 2028 01:00:10 +0100"), NOW], 20.0),
        ([("retry-after", "Tue, 29 Feb 2028 23:59:40 GMT"), NOW], None),
        ([("retry-after", "Wed, 01 Mar 2028 00:00:10 GMT")], None),
        ([("retry-after", "Wed, 01 Mar 2028 00:00:10"), NOW], None),
        ([("retry-after", "Wed, 99 Mar 2028 00:00:10 GMT"), NOW], None),
        ([("retry-after", "Wed, 01 Mar 2029 00:00:10 GMT"), NOW], DAY),
    ],
)
def test_when_to_come_back(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert wait_of(headers, DAY) == seconds
