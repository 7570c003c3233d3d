"""Errors: the vendor's bodies to faults, and faults to its bodies, as tables."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from codenex.core import json
from codenex.core.context_length import token_counts
from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.core.spoke import ErrorBody
from codenex.core.waits import DAY, believed, http_date, wait_of

#: The vendor's error type → what went wrong, and the HTTP status where there is none (an error inside a stream).
TO_HUB: dict[str, tuple[FaultKind, int]] = {
    "invalid_request_error": (FaultKind.INVALID_REQUEST, 400),
    "authentication_error": (FaultKind.AUTHENTICATION, 401),
    "billing_error": (FaultKind.BILLING, 402),
    "permission_error": (FaultKind.PERMISSION, 403),
    "not_found_error": (FaultKind.NOT_FOUND, 404),
    "conflict_error": (FaultKind.CONFLICT, 409),
    "request_too_large": (FaultKind.TOO_LARGE, 413),
    "rate_limit_error": (FaultKind.RATE_LIMIT, 429),
    "api_error": (FaultKind.INTERNAL, 500),
    "timeout_error": (FaultKind.UPSTREAM_TIMEOUT, 504),
    "overloaded_error": (FaultKind.OVERLOADED, 529),
}

#: HTTP status → what went wrong, for answers without a known type and where the status says more than the type.
BY_STATUS: dict[int, FaultKind] = {
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
    499: FaultKind.CANCELLED,
    500: FaultKind.INTERNAL,
    502: FaultKind.UPSTREAM,
    503: FaultKind.OVERLOADED,
    504: FaultKind.UPSTREAM_TIMEOUT,
    529: FaultKind.OVERLOADED,
}

#: What went wrong → the vendor's error type and its HTTP status; ``None`` keeps the fault's own.
TO_WIRE: dict[FaultKind, tuple[str, int | None]] = {
    FaultKind.INVALID_REQUEST: ("invalid_request_error", None),
    FaultKind.UNSUPPORTED: ("invalid_request_error", 400),
    FaultKind.CONTEXT_LENGTH: ("invalid_request_error", 400),
    FaultKind.CONTENT_POLICY: ("invalid_request_error", 400),
    FaultKind.AUTHENTICATION: ("authentication_error", 401),
    FaultKind.PERMISSION: ("permission_error", 403),
    FaultKind.BILLING: ("billing_error", 402),
    FaultKind.NOT_FOUND: ("not_found_error", 404),
    FaultKind.MODEL_NOT_FOUND: ("not_found_error", 404),
    FaultKind.METHOD_NOT_ALLOWED: ("invalid_request_error", 405),
    FaultKind.REQUEST_TIMEOUT: ("invalid_request_error", 408),
    FaultKind.CONFLICT: ("conflict_error", 409),
    FaultKind.TOO_LARGE: ("request_too_large", 413),
    FaultKind.URI_TOO_LONG: ("invalid_request_error", 414),
    FaultKind.UNSUPPORTED_MEDIA_TYPE: ("invalid_request_error", 415),
    FaultKind.UNPROCESSABLE: ("invalid_request_error", 422),
    FaultKind.HEADERS_TOO_LARGE: ("invalid_request_error", 431),
    FaultKind.RATE_LIMIT: ("rate_limit_error", 429),
    FaultKind.OVERLOADED: ("overloaded_error", 529),
    FaultKind.INTERNAL: ("api_error", 500),
    FaultKind.UPSTREAM: ("api_error", None),
    FaultKind.UPSTREAM_CONNECT: ("api_error", 502),
    FaultKind.UPSTREAM_TRUNCATED: ("api_error", 502),
    FaultKind.UPSTREAM_TIMEOUT: ("timeout_error", 504),
    FaultKind.UNAVAILABLE: ("api_error", 503),
    FaultKind.CANCELLED: ("api_error", 499),
}

#: The finer reason of each kind, in the words that are common to all protocols.
CODES: dict[FaultKind, str] = {
    FaultKind.AUTHENTICATION: "invalid_api_key",
    FaultKind.BILLING: "insufficient_quota",
    FaultKind.CONTEXT_LENGTH: "context_length_exceeded",
    FaultKind.MODEL_NOT_FOUND: "model_not_found",
    FaultKind.RATE_LIMIT: "rate_limit_exceeded",
}

#: By these words the vendor's clients know that the prompt is too long, and shorten it.
_TOO_LONG = re.compile(r"prompt is too long", re.IGNORECASE)
_TOO_LONG_OTHER = re.compile(
    r"exceeds? (?:the )?(?:model's )?(?:maximum )?context (?:limit|length|window)|maximum context length"
    r"|input is too long|input token count .* exceeds",
    re.IGNORECASE,
)
_DEPLETED = re.compile(r"credit balance is too low|api usage limits|billing", re.IGNORECASE)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
#: No stated rest is believed beyond a week, the longest window of the vendor's own limits.
_LONGEST_REST = 7 * DAY
_TEXT_LIMIT = 500


def decode_error(status: int, headers: list[tuple[str, str]], body: bytes) -> Fault:
    """Return the fault of an answer that is not a success, whatever its body looks like."""
    try:
        value = json.decode(body)
    except json.MalformedJson:
        value = None
    if isinstance(value, list) and value:
        value = value[0]
    rest = _rest_of(headers)
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        return fault_of(error, status, rest)
    told = error if isinstance(error, str) else value.get("message") if isinstance(value, dict) else None
    message = told if isinstance(told, str) and told else _plain(body)
    return fault_of({"message": message} if message else {}, status, rest)


def fault_of(error: dict[str, Any], status: int | None = None, rest: float | None = None) -> Fault:
    """Return the fault of an ``error`` object; inside a stream there is no HTTP status and the type decides."""
    given, told = error.get("type"), error.get("message")
    message = redacted(told) if isinstance(told, str) and told else ""
    word = given if isinstance(given, str) else ""
    known = TO_HUB.get(word)
    if status is None or status < 400:
        code = error.get("code")
        status = known[1] if known is not None else code if isinstance(code, int) and 400 <= code < 600 else 500
    by_status = BY_STATUS.get(status, FaultKind.UPSTREAM if status >= 500 else FaultKind.INVALID_REQUEST)
    kind = known[0] if known is not None else by_status
    if word in ("invalid_request_error", "api_error"):
        # The catch-all types: the status says it more exactly.
        kind = by_status
    kind = _refined(kind, message)
    return Fault(
        kind,
        message if message else f"the upstream answered with status {status}",
        status=status,
        code=CODES.get(kind),
        retry_after=rest,
        details=error.get("details"),
        from_upstream=True,
    )


def _refined(kind: FaultKind, message: str) -> FaultKind:
    """Tell apart what the vendor puts under one type, by its wording."""
    if kind in (FaultKind.INVALID_REQUEST, FaultKind.TOO_LARGE) and (
        _TOO_LONG.search(message) is not None or _TOO_LONG_OTHER.search(message) is not None
    ):
        return FaultKind.CONTEXT_LENGTH
    if kind in (FaultKind.INVALID_REQUEST, FaultKind.PERMISSION) and _DEPLETED.search(message) is not None:
        return FaultKind.BILLING
    if kind is FaultKind.NOT_FOUND and re.match(r"\s*(?:the )?model\b", message, re.IGNORECASE) is not None:
        return FaultKind.MODEL_NOT_FOUND
    return kind


def _plain(body: bytes) -> str:
    """A page to one line of text: its title where it has one."""
    page = body.decode(errors="replace")
    title = _TITLE.search(page)
    text = " ".join(_TAGS.sub(" ", title.group(1) if title is not None else page).split())
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "…"


def _rest_of(headers: list[tuple[str, str]]) -> float | None:
    """Return the seconds to wait: as stated, or until the first exhausted limit is renewed."""
    stated = wait_of(headers, _LONGEST_REST)
    values = {name.lower(): value.strip() for name, value in headers}
    now = http_date(values.get("date"))
    if stated is not None or now is None:
        return stated
    resets = [
        (renewed - now).total_seconds()
        for name, value in values.items()
        if name.startswith("anthropic-ratelimit-")
        and name.endswith("-reset")
        and values.get(name.removesuffix("reset") + "remaining") == "0"
        and (renewed := _date(value)) is not None
    ]
    return believed(max(resets), _LONGEST_REST) if resets else None


def _date(text: str) -> datetime | None:
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return http_date(text)


# To the client


def error_object(fault: Fault) -> dict[str, Any]:
    """Return ``{"type": "error", "error": …}``, as it stands in a body and in a stream."""
    return {"type": "error", "error": {"type": TO_WIRE[fault.kind][0], "message": _message(fault)}}


def _message(fault: Fault) -> str:
    text = redacted(fault.message)
    if fault.kind is not FaultKind.CONTEXT_LENGTH or _TOO_LONG.search(text) is not None:
        return text
    counts = token_counts(text)
    return (
        f"prompt is too long: {text}"
        if counts is None
        else "prompt is too long: {} tokens > {} maximum".format(*counts)
    )


def status_of(fault: Fault) -> int:
    """Return the HTTP status that goes with the fault's type."""
    _, status = TO_WIRE[fault.kind]
    if status is not None:
        return status
    return fault.status if 400 <= fault.status < 600 else DEFAULT_STATUS[fault.kind]


def encode_error(fault: Fault, request_id: str) -> ErrorBody:
    """Return an error answer for an Anthropic client, with the request's id in body and header."""
    headers = [("request-id", request_id), *fault.headers]
    if fault.retry_after is not None:
        headers.append(("retry-after", str(max(math.ceil(fault.retry_after), 0))))
    return ErrorBody(status_of(fault), tuple(headers), json.encode({**error_object(fault), "request_id": request_id}))


def encode_stream_error(fault: Fault) -> bytes:
    """Return the data of the event that ends a stream in failure."""
    return json.encode(error_object(fault))
