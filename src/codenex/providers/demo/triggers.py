"""Words in double brackets by which a user steers the simulation: ``[[tool]]``, ``[[think]]``, ``[[status=429]]`` …"""

from __future__ import annotations

import re

import msgspec

from codenex.core.errors import Fault, FaultKind

_TRIGGER = re.compile(r"\[\[(?:(tools?|think)|(status|delay|cut)=([0-9]{1,6}))\]\]")
_LONGEST_DELAY = 600_000

#: The kind of each status of the error table; others are told apart by their first digit.
KIND_OF_STATUS: dict[int, FaultKind] = {
    400: FaultKind.INVALID_REQUEST,
    401: FaultKind.AUTHENTICATION,
    402: FaultKind.BILLING,
    403: FaultKind.PERMISSION,
    404: FaultKind.NOT_FOUND,
    405: FaultKind.METHOD_NOT_ALLOWED,
    408: FaultKind.REQUEST_TIMEOUT,
    409: FaultKind.CONFLICT,
    413: FaultKind.TOO_LARGE,
    414: FaultKind.URI_TOO_LONG,
    415: FaultKind.UNSUPPORTED_MEDIA_TYPE,
    422: FaultKind.UNPROCESSABLE,
    429: FaultKind.RATE_LIMIT,
    431: FaultKind.HEADERS_TOO_LARGE,
    500: FaultKind.INTERNAL,
    502: FaultKind.UPSTREAM,
    503: FaultKind.UNAVAILABLE,
    504: FaultKind.UPSTREAM_TIMEOUT,
    529: FaultKind.OVERLOADED,
}
_WITH_RETRY_AFTER = frozenset({429, 503, 529})


class Triggers(msgspec.Struct, frozen=True):
    """The triggers of a text, and the text without them. ``calls`` is the number of tool calls asked for."""

    text: str
    calls: int = 0
    think: bool = False
    status: int | None = None
    delay: int | None = None
    cut: int | None = None


def triggers_in(text: str, *, faults: bool) -> Triggers:
    """Read the triggers of a text. Fault triggers are text like any other unless ``faults`` is true."""
    if "[[" not in text:
        return Triggers(text)
    calls, think = 0, False
    numbers: dict[str, int] = {}

    def taken(match: re.Match[str]) -> str:
        nonlocal calls, think
        word, fault, number = match.groups()
        if fault is not None:
            if not faults or (fault == "status" and not 400 <= int(number) <= 599):
                return match.group()
            numbers.setdefault(fault, int(number))
        elif word == "think":
            think = True
        else:
            calls = max(calls, 2 if word == "tools" else 1)
        return ""

    rest = _TRIGGER.sub(taken, text).strip()
    delay = numbers.get("delay")
    delay = None if delay is None else min(delay, _LONGEST_DELAY)
    return Triggers(rest, calls, think, numbers.get("status"), delay, numbers.get("cut"))


def fault_of_status(status: int) -> Fault:
    """Build the fault of ``[[status=…]]`` as an upstream would have sent it."""
    default = FaultKind.INVALID_REQUEST if status < 500 else FaultKind.UPSTREAM
    kind = KIND_OF_STATUS.get(status, default)
    return Fault(
        kind,
        f"This is a simulated error of the demo provider with status {status}.",
        status=503 if status == 529 else status,
        retry_after=1.0 if status in _WITH_RETRY_AFTER else None,
        from_upstream=True,
    )
