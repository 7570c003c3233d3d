"""What Google's refusals of status 429 say about when to come back: every form in which it was seen. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|μs|ns|m|s)")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")
_TEXT = re.compile(
    r"(?:reset after|retry (?:in|after)) ((?:\d+(?:\.\d+)?(?:h|ms|us|µs|ns|m|s) ?)+)",
    re.IGNORECASE,
)

#: Seconds, where nothing is said: of a limit by the minute, of a passing one, of anything.
_MINUTE = 60.0
_PASSING = 10.0
_UNSAID = 5.0
#: Of a quota that is used up without a word of when it is renewed.
_USED_UP = 3600.0
#: A passing limit that lasts longer is none.
_LONGEST_PASSING = 300.0
_TERMINAL = frozenset({"QUOTA_EXHAUSTED", "INSUFFICIENT_G1_CREDITS_BALANCE"})


class Limit(msgspec.Struct, frozen=True):
    """``seconds`` to wait; ``terminal`` says that a quota is used up; ``said`` that Google named the time."""

    seconds: float
    terminal: bool
    said: bool


def limit_of(error: dict[str, Any], now: float) -> Limit:
    """Return what an error object says. ``now`` is in seconds since 1970, for times that are absolute."""
    details = [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]
    seconds = _stated(details, now)
    if seconds is None:
        seconds = _of_text(str(error.get("message") or ""))
    reasons = {str(detail.get("reason")) for detail in details}
    quotas = " ".join(
        str(violation.get("quotaId") or violation.get("quotaMetric") or "")
        for detail in details
        for violation in _list(detail.get("violations"))
        if isinstance(violation, dict)
    )
    daily = "PerDay" in quotas or "Daily" in quotas
    terminal = bool(reasons & _TERMINAL) or daily or (seconds is not None and seconds > _LONGEST_PASSING)
    if seconds is not None:
        return Limit(seconds, terminal, True)
    if terminal:
        return Limit(_USED_UP, True, False)
    if "PerMinute" in quotas:
        return Limit(_MINUTE, False, False)
    return Limit(_PASSING if "RATE_LIMIT_EXCEEDED" in reasons else _UNSAID, False, False)


def duration(text: str) -> float | None:
    """Return a duration in Go's notation (``1h16m0.667s``, ``373.801628ms``) in seconds, ``None`` where it is none."""
    text = text.replace(" ", "")
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _PIECE.findall(text))


def _stated(details: list[dict[str, Any]], now: float) -> float | None:
    found: list[float] = []
    for detail in details:
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            found += _seconds(detail.get("retryDelay"))
        metadata = detail.get("metadata")
        if isinstance(metadata, dict):
            found += _seconds(metadata.get("quotaResetDelay"))
            found += _until(metadata.get("quotaResetTimeStamp"), now)
    return max(found) if found else None


def _seconds(value: Any) -> list[float]:
    if isinstance(value, dict):
        seconds, nanos = value.get("seconds", 0), value.get("nanos", 0)
        try:
            return [float(seconds) + float(nanos) / 1e9]
        except (TypeError, ValueError):
            return []
    found = duration(value) if isinstance(value, str) else None
    return [] if found is None else [found]


def _until(value: Any, now: float) -> list[float]:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value)) if isinstance(value, str) else None
    except ValueError:
        return []
    return [] if moment is None or moment.tzinfo is None else [max(0.0, moment.timestamp() - now)]


def _of_text(text: str) -> float | None:
    match = _TEXT.search(text)
    return None if match is None else duration(match.group(1))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
