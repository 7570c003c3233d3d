"""Errors of Chat servers to faults, and faults to the shape that OpenAI clients read."""

from __future__ import annotations

import math
import re
from typing import Any

from codenex.core import json
from codenex.core.context_length import token_counts
from codenex.core.errors import Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.core.spoke import ErrorBody
from codenex.core.waits import DAY, believed, wait_of

#: What a status means where nothing finer is said.
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

#: What the words in ``code`` and ``type`` mean, whatever the status.
BY_WORD: dict[str, FaultKind] = {
    "context_length_exceeded": FaultKind.CONTEXT_LENGTH,
    "too_many_prompt_tokens": FaultKind.CONTEXT_LENGTH,
    "content_policy_violation": FaultKind.CONTENT_POLICY,
    "content_filter": FaultKind.CONTENT_POLICY,
    "invalid_prompt": FaultKind.CONTENT_POLICY,
    "bio_policy": FaultKind.CONTENT_POLICY,
    "cyber_policy": FaultKind.CONTENT_POLICY,
    "invalid_api_key": FaultKind.AUTHENTICATION,
    "authentication_error": FaultKind.AUTHENTICATION,
    "permission_denied": FaultKind.PERMISSION,
    "permission_error": FaultKind.PERMISSION,
    "insufficient_quota": FaultKind.BILLING,
    "billing_hard_limit_reached": FaultKind.BILLING,
    "billing_not_active": FaultKind.BILLING,
    "insufficient_balance": FaultKind.BILLING,
    "model_not_found": FaultKind.MODEL_NOT_FOUND,
    "rate_limit_exceeded": FaultKind.RATE_LIMIT,
    "rate_limit_error": FaultKind.RATE_LIMIT,
    "ratelimitreached": FaultKind.RATE_LIMIT,
    "server_is_overloaded": FaultKind.OVERLOADED,
    "slow_down": FaultKind.OVERLOADED,
    "overloaded_error": FaultKind.OVERLOADED,
    "service_unavailable": FaultKind.OVERLOADED,
    "unsupported_parameter": FaultKind.UNSUPPORTED,
    "unsupported_value": FaultKind.UNSUPPORTED,
    "timeout": FaultKind.UPSTREAM_TIMEOUT,
    "invalid_request_error": FaultKind.INVALID_REQUEST,
    "server_error": FaultKind.INTERNAL,
    "internal_server_error": FaultKind.INTERNAL,
}

#: ``type`` of an error for each kind, by the specification's table of errors.
TYPES: dict[FaultKind, str] = {
    FaultKind.INVALID_REQUEST: "invalid_request_error",
    FaultKind.UNSUPPORTED: "invalid_request_error",
    FaultKind.CONTEXT_LENGTH: "invalid_request_error",
    FaultKind.CONTENT_POLICY: "invalid_request_error",
    FaultKind.AUTHENTICATION: "authentication_error",
    FaultKind.PERMISSION: "permission_denied",
    FaultKind.BILLING: "insufficient_quota",
    FaultKind.NOT_FOUND: "not_found",
    FaultKind.MODEL_NOT_FOUND: "not_found",
    FaultKind.METHOD_NOT_ALLOWED: "invalid_request_error",
    FaultKind.REQUEST_TIMEOUT: "invalid_request_error",
    FaultKind.CONFLICT: "invalid_request_error",
    FaultKind.TOO_LARGE: "invalid_request_error",
    FaultKind.URI_TOO_LONG: "invalid_request_error",
    FaultKind.UNSUPPORTED_MEDIA_TYPE: "invalid_request_error",
    FaultKind.UNPROCESSABLE: "invalid_request_error",
    FaultKind.HEADERS_TOO_LARGE: "invalid_request_error",
    FaultKind.RATE_LIMIT: "rate_limit_exceeded",
    FaultKind.OVERLOADED: "service_unavailable",
    FaultKind.INTERNAL: "internal_error",
    FaultKind.UPSTREAM: "upstream_error",
    FaultKind.UPSTREAM_CONNECT: "upstream_error",
    FaultKind.UPSTREAM_TRUNCATED: "upstream_error",
    FaultKind.UPSTREAM_TIMEOUT: "upstream_error",
    FaultKind.UNAVAILABLE: "service_unavailable",
    FaultKind.CANCELLED: "request_cancelled",
}

#: ``code`` where the fault has none of its own.
CODES: dict[FaultKind, str] = {
    FaultKind.UNSUPPORTED: "unsupported_parameter",
    FaultKind.CONTEXT_LENGTH: "context_length_exceeded",
    FaultKind.CONTENT_POLICY: "content_policy_violation",
    FaultKind.AUTHENTICATION: "invalid_api_key",
    FaultKind.BILLING: "insufficient_quota",
    FaultKind.MODEL_NOT_FOUND: "model_not_found",
    FaultKind.RATE_LIMIT: "rate_limit_exceeded",
    FaultKind.OVERLOADED: "server_is_overloaded",
    FaultKind.UPSTREAM_TIMEOUT: "timeout",
}

#: Kinds whose code says more than another vendor's word, because clients act on it.
_CANONICAL = frozenset(
    {FaultKind.CONTEXT_LENGTH, FaultKind.BILLING, FaultKind.AUTHENTICATION, FaultKind.MODEL_NOT_FOUND}
)
#: Statuses that OpenAI's clients know by another number.
_STATUS = {529: 503, 402: 429}

_CONTEXT = re.compile(
    r"context[ _-]?(length|window)|prompt (is )?too long|too many (prompt |input )?tokens|maximum number of tokens"
    r"|messages is too long|input is too long|exceeds? the (max|model)[^.]{0,40}tokens",
    re.IGNORECASE,
)
#: xAI answers a wrong key with 400.
_BAD_KEY = re.compile(r"(?:incorrect|invalid) api key", re.IGNORECASE)
_NO_MODEL = re.compile(r"\bmodel\b.{0,120}\b(not (exist|found)|does not exist|is not available|unknown)", re.I | re.S)
_RETRY_TEXT = re.compile(
    r"(?:try again|retry(?:ing)?)(?: after| in)? (?:(\d+)\s*m(?:in\w*)?\s*)?"
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|sec\w*)\b",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TEXT_LIMIT = 500


def decode_error(status: int, headers: list[tuple[str, str]], body: bytes) -> Fault:
    """Read an upstream's error: any of the shapes in use, markup and emptiness included. Never raises."""
    try:
        value = json.decode(body)
    except json.MalformedJson:
        value = None
    error = _error_object(value)
    if error is None:
        text = _plain(body.decode("utf-8", "replace"))
        error = {"message": text if text else f"the upstream answered with status {status}"}
    return _fault(error, status, headers)


def in_band_fault(value: dict[str, Any], *, event: bool = False) -> Fault | None:
    """Return the fault of an error in place of an answer; ``event`` says that its frame was named ``error``."""
    failed = value.get("error")
    if not failed and not event and not (value.get("object") == "error" or value.get("type") == "error"):
        return None
    error = _error_object(value) or {"message": "the upstream reported an error"}
    stated = error.get("code") if "code" in error else None
    if not isinstance(stated, int) or isinstance(stated, bool):
        stated = error.get("status") if isinstance(error.get("status"), int) else error.get("status_code")
    if isinstance(stated, str) and stated.isdigit():
        stated = int(stated)
    known = stated if isinstance(stated, int) and 400 <= stated < 600 else None
    return _fault(error, known if known is not None else 0, [])


def encode_error(fault: Fault, request_id: str) -> ErrorBody:
    """Render a fault as an HTTP answer."""
    headers = list(fault.headers)
    if fault.retry_after is not None:
        headers.append(("retry-after", str(max(0, math.ceil(fault.retry_after)))))
        headers.append(("retry-after-ms", str(max(0, math.ceil(fault.retry_after * 1000)))))
    return ErrorBody(status_of(fault), tuple(headers), json.encode(error_object(fault)))


def error_object(fault: Fault) -> dict[str, Any]:
    """Return the body of an error, for HTTP and for the middle of a stream."""
    code = fault.code
    if code is None or (fault.kind in _CANONICAL and code not in BY_WORD):
        code = CODES.get(fault.kind, code)
    error = {
        "message": _message(fault),
        "type": TYPES[fault.kind],
        "param": fault.param,
        "code": code,
        "status": status_of(fault),
    }
    return {"error": error}


def status_of(fault: Fault) -> int:
    """Return the status that OpenAI's clients know for a fault."""
    if fault.kind is FaultKind.BILLING and fault.status == 400:
        return 429
    return _STATUS.get(fault.status, fault.status)


def _message(fault: Fault) -> str:
    """Return the text; a context that is too long is told in OpenAI's words, which clients look for."""
    message = redacted(fault.message)
    if fault.kind is not FaultKind.CONTEXT_LENGTH or "maximum context length" in message:
        return message
    counts = token_counts(message)
    if counts is None:
        return f"Your input exceeds this model's maximum context length. ({message})"
    length, limit = counts
    told = f"This model's maximum context length is {limit} tokens. However, your messages resulted in {length} tokens."
    return f"{told} ({message})"


def _fault(error: dict[str, Any], status: int, headers: list[tuple[str, str]]) -> Fault:
    message = _message_of(error)
    words = [word for name in ("code", "type", "status") if isinstance(word := error.get(name), str) and word]
    kind = next((BY_WORD[word.lower()] for word in words if word.lower() in BY_WORD), None)
    by_status = BY_STATUS.get(status)
    if by_status is None and status:
        by_status = FaultKind.INVALID_REQUEST if status < 500 else FaultKind.UPSTREAM
    # A word that only names the class of error says less than the status does.
    if kind is None or (by_status is not None and kind in (FaultKind.INVALID_REQUEST, FaultKind.INTERNAL)):
        kind = by_status if by_status is not None else (kind or FaultKind.UPSTREAM)
    if kind in (FaultKind.INVALID_REQUEST, FaultKind.UNPROCESSABLE, FaultKind.TOO_LARGE) and _CONTEXT.search(message):
        kind = FaultKind.CONTEXT_LENGTH
    if status == 400 and _BAD_KEY.search(message):
        kind, status = FaultKind.AUTHENTICATION, 401
    if kind is FaultKind.NOT_FOUND and _NO_MODEL.search(message):
        kind = FaultKind.MODEL_NOT_FOUND
    code = next((word for word in words[:1] if not word.isdigit() and isinstance(error.get("code"), str)), None)
    param = error.get("param")
    return Fault(
        kind,
        redacted(message),
        status=status or None,
        code=code,
        param=param if isinstance(param, str) else None,
        retry_after=_retry_after(headers, error, message, kind),
        details={key: value for key, value in error.items() if key not in ("message", "type", "code", "param")} or None,
        from_upstream=True,
    )


def _error_object(value: Any) -> dict[str, Any] | None:
    """Return the object that describes an error, from the shapes of OpenAI, FastAPI, Google (in a list) and others."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str) and value:
        return {"message": _plain(value)}
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**value, "message": value.get("message") if isinstance(value.get("message"), str) else error}
    if any(key in value for key in ("message", "detail", "errors")):
        return value
    return None


def _message_of(error: dict[str, Any]) -> str:
    message = error.get("message")
    if isinstance(message, dict):
        message = message.get("detail", message)
    for candidate in (message, error.get("detail"), error.get("errors"), error.get("details")):
        if isinstance(candidate, str) and candidate:
            text = _plain(candidate) if candidate.lstrip().startswith("<") else candidate
            break
        if isinstance(candidate, list | dict) and candidate:
            text = _listed(candidate)
            break
    else:
        text = "the upstream reported an error"
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f"{text}: {raw[:_TEXT_LIMIT]}" if isinstance(raw, str) and raw and raw not in text else text


def _listed(value: Any) -> str:
    """Return validation errors (``[{loc, msg}]``) as one line."""
    if isinstance(value, list):
        lines = []
        for item in value:
            if isinstance(item, dict) and isinstance(item.get("msg"), str):
                place = ".".join(str(step) for step in item.get("loc") or () if step != "body")
                lines.append(f"{place}: {item['msg']}" if place else item["msg"])
        if lines:
            return "; ".join(lines)
    return json.encode_text(value)[:_TEXT_LIMIT]


def _plain(text: str) -> str:
    """Return text without markup, on one line, cut to a readable length."""
    flat = " ".join(_MARKUP.sub(" ", text).split()) if "<" in text else " ".join(text.split())
    return flat if len(flat) <= _TEXT_LIMIT else flat[:_TEXT_LIMIT] + "…"


# --- when to come back --------------------------------------------------------------------------------------------


def _retry_after(headers: list[tuple[str, str]], error: dict[str, Any], text: str, kind: FaultKind) -> float | None:
    """Return seconds from the first source that gives them: headers, the error's fields, its text, reset headers."""
    values = {name.lower(): value.strip() for name, value in headers}
    found = wait_of(headers, DAY)
    if found is None:
        found = _stated(error)
    if found is None and kind in (FaultKind.RATE_LIMIT, FaultKind.OVERLOADED):
        match = _RETRY_TEXT.search(text)
        if match is not None:
            unit = 0.001 if match.group(3).lower().startswith("m") else 1.0
            found = int(match.group(1) or 0) * 60 + float(match.group(2)) * unit
    if found is None and kind is FaultKind.RATE_LIMIT:
        found = _reset(values)
    return None if found is None else believed(found, DAY)


def _scaled(value: str | None, unit: float) -> float | None:
    try:
        seconds = float(value) * unit if value is not None else None
    except ValueError:
        return None
    return seconds if seconds is None or math.isfinite(seconds) else None


def _stated(error: dict[str, Any]) -> float | None:
    for name in ("retry_after", "retry_after_seconds", "resets_in_seconds"):
        value = error.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _scaled(str(value), 1.0)
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _scaled(delay[:-1], 1.0)
    metadata = error.get("metadata")
    inner = metadata.get("headers") if isinstance(metadata, dict) else None
    if isinstance(inner, dict):
        lower = {str(name).lower(): str(value) for name, value in inner.items()}
        return _scaled(lower.get("retry-after"), 1.0)
    return None


def _reset(values: dict[str, str]) -> float | None:
    """Return when the limit that is used up starts anew (``6m0s``, ``20ms``)."""
    for unit in ("requests", "tokens"):
        if values.get(f"x-ratelimit-remaining-{unit}") not in ("0", "0.0"):
            continue
        match = _DURATION.fullmatch(values.get(f"x-ratelimit-reset-{unit}", ""))
        if match is not None and any(match.groups()):
            days, hours, minutes, seconds, milliseconds = (float(group) if group else 0.0 for group in match.groups())
            return days * 86_400 + hours * 3_600 + minutes * 60 + seconds + milliseconds / 1_000
    return None
