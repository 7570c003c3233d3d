"""How long an answer says to wait, in the headers that all vendors have in common. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

DAY = 86_400.0
_SCALES = (("retry-after-ms", 0.001), ("retry-after", 1.0))


def wait_of(headers: Iterable[tuple[str, str]], longest: float) -> float | None:
    """Return the seconds that ``retry-after-ms`` or ``retry-after`` tell, ``None`` where they tell nothing; no wait is
    believed beyond ``longest`` seconds.

    A date is counted from the answer's own ``date``: there is no clock here.
    """
    values = {name.lower(): value.strip() for name, value in headers}
    for name, unit in _SCALES:
        seconds = _number(values.get(name))
        if seconds is not None:
            return believed(seconds * unit, longest)
    until, now = http_date(values.get("retry-after")), http_date(values.get("date"))
    return None if until is None or now is None else believed((until - now).total_seconds(), longest)


def believed(seconds: float, longest: float) -> float | None:
    """Return a wait that can be one, at most ``longest``; ``None`` for what lies in the past or is no number."""
    return min(seconds, longest) if math.isfinite(seconds) and seconds >= 0 else None


def http_date(text: str | None) -> datetime | None:
    """Return a moment as HTTP writes it; ``None`` for anything else."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else None


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is None or math.isfinite(found) else None
