"""Errors: an upstream's answer to a fault, and a fault to what OpenAI's clients understand. Tables first."""

from __future__ import annotations

import math
import re
from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.core.spoke import ErrorBody
from codenex.core.waits import DAY, believed, http_date, wait_of

#: ``error.code`` or ``error.type`` of an upstream → what went wrong. Codes are looked up first.
CODES: dict[str, FaultKind] = {
    "context_length_exceeded": FaultKind.CONTEXT_LENGTH,
    "string_above_max_length": FaultKind.CONTEXT_LENGTH,
    "content_policy_violation": FaultKind.CONTENT_POLICY,
    "content_filter": FaultKind.CONTENT_POLICY,
    "invalid_prompt": FaultKind.CONTENT_POLICY,
    "bio_policy": FaultKind.CONTENT_POLICY,
    "cyber_policy": FaultKind.CONTENT_POLICY,
    "misalignment_policy_violation": FaultKind.CONTENT_POLICY,
    "image_content_policy_violation": FaultKind.CONTENT_POLICY,
    "invalid_api_key": FaultKind.AUTHENTICATION,
    "authentication_error": FaultKind.AUTHENTICATION,
    "token_expired": FaultKind.AUTHENTICATION,
    "permission_denied": FaultKind.PERMISSION,
    "permission_error": FaultKind.PERMISSION,
    "insufficient_permissions": FaultKind.PERMISSION,
    "insufficient_quota": FaultKind.BILLING,
    "billing_hard_limit_reached": FaultKind.BILLING,
    "billing_not_active": FaultKind.BILLING,
    "usage_not_included": FaultKind.BILLING,
    "model_not_found": FaultKind.MODEL_NOT_FOUND,
    "not_found": FaultKind.NOT_FOUND,
    "not_found_error": FaultKind.NOT_FOUND,
    "previous_response_not_found": FaultKind.NOT_FOUND,
    "rate_limit_exceeded": FaultKind.RATE_LIMIT,
    "rate_limit_error": FaultKind.RATE_LIMIT,
    "usage_limit_reached": FaultKind.RATE_LIMIT,
    "too_many_requests": FaultKind.RATE_LIMIT,
    "requests": FaultKind.RATE_LIMIT,
    "tokens": FaultKind.RATE_LIMIT,
    "server_is_overloaded": FaultKind.OVERLOADED,
    "slow_down": FaultKind.OVERLOADED,
    "overloaded_error": FaultKind.OVERLOADED,
    "engine_overloaded": FaultKind.OVERLOADED,
    "service_unavailable": FaultKind.OVERLOADED,
    "request_too_large": FaultKind.TOO_LARGE,
    "timeout": FaultKind.UPSTREAM_TIMEOUT,
    "vector_store_timeout": FaultKind.UPSTREAM_TIMEOUT,
    "unsupported_parameter": FaultKind.INVALID_REQUEST,
    "invalid_request_error": FaultKind.INVALID_REQUEST,
    "server_error": FaultKind.INTERNAL,
    "internal_error": FaultKind.INTERNAL,
    "internal_server_error": FaultKind.INTERNAL,
    "api_error": FaultKind.INTERNAL,
}

#: HTTP status of an upstream → what went wrong.
STATUSES: dict[int, FaultKind] = {
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
    501: FaultKind.UNSUPPORTED,
    502: FaultKind.UPSTREAM,
    503: FaultKind.OVERLOADED,
    504: FaultKind.UPSTREAM_TIMEOUT,
    529: FaultKind.OVERLOADED,
}

#: What went wrong → ``type`` and ``code`` of the body, and the code inside a failed stream (Codex acts on those).
WORDS: dict[FaultKind, tuple[str, str | None, str]] = {
    FaultKind.INVALID_REQUEST: ("invalid_request_error", None, "invalid_prompt"),
    FaultKind.UNSUPPORTED: ("invalid_request_error", "unsupported_parameter", "invalid_prompt"),
    FaultKind.CONTEXT_LENGTH: ("invalid_request_error", "context_length_exceeded", "context_length_exceeded"),
    FaultKind.CONTENT_POLICY: ("invalid_request_error", "content_policy_violation", "invalid_prompt"),
    FaultKind.AUTHENTICATION: ("authentication_error", "invalid_api_key", "server_error"),
    FaultKind.PERMISSION: ("permission_denied", "permission_denied", "server_error"),
    FaultKind.BILLING: ("insufficient_quota", "insufficient_quota", "insufficient_quota"),
    FaultKind.NOT_FOUND: ("not_found", "not_found", "invalid_prompt"),
    FaultKind.MODEL_NOT_FOUND: ("not_found", "model_not_found", "invalid_prompt"),
    FaultKind.METHOD_NOT_ALLOWED: ("invalid_request_error", "method_not_allowed", "invalid_prompt"),
    FaultKind.REQUEST_TIMEOUT: ("invalid_request_error", "request_timeout", "server_error"),
    FaultKind.CONFLICT: ("invalid_request_error", "conflict", "server_error"),
    FaultKind.TOO_LARGE: ("invalid_request_error", "request_too_large", "invalid_prompt"),
    FaultKind.URI_TOO_LONG: ("invalid_request_error", "uri_too_long", "invalid_prompt"),
    FaultKind.UNSUPPORTED_MEDIA_TYPE: ("invalid_request_error", "unsupported_media_type", "invalid_prompt"),
    FaultKind.UNPROCESSABLE: ("invalid_request_error", "unprocessable", "invalid_prompt"),
    FaultKind.HEADERS_TOO_LARGE: ("invalid_request_error", "headers_too_large", "invalid_prompt"),
    FaultKind.RATE_LIMIT: ("rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_exceeded"),
    FaultKind.OVERLOADED: ("service_unavailable", "server_is_overloaded", "server_is_overloaded"),
    FaultKind.INTERNAL: ("internal_error", "internal_error", "server_error"),
    FaultKind.UPSTREAM: ("upstream_error", "upstream_error", "server_error"),
    FaultKind.UPSTREAM_CONNECT: ("upstream_error", "upstream_unreachable", "server_error"),
    FaultKind.UPSTREAM_TRUNCATED: ("upstream_error", "upstream_truncated", "server_error"),
    FaultKind.UPSTREAM_TIMEOUT: ("upstream_error", "timeout", "server_error"),
    FaultKind.UNAVAILABLE: ("service_unavailable", "service_unavailable", "server_is_overloaded"),
    FaultKind.CANCELLED: ("invalid_request_error", "cancelled", "server_error"),
}

#: Codes that clients act on inside a failed stream; another code of an upstream stays outside.
_STREAM_CODES = frozenset(
    {
        "context_length_exceeded",
        "insufficient_quota",
        "usage_not_included",
        "invalid_prompt",
        "cyber_policy",
        "bio_policy",
        "misalignment_policy_violation",
        "server_is_overloaded",
        "slow_down",
        "rate_limit_exceeded",
        "server_error",
    }
)

_CONTEXT = re.compile(
    r"context (?:length|window)|maximum context|prompt is too long|input token count.{0,40}exceeds"
    r"|exceeds the (?:available )?context|too many tokens",
    re.IGNORECASE,
)
#: xAI answers a wrong key with 400.
_BAD_KEY = re.compile(r"(?:incorrect|invalid) api key", re.IGNORECASE)
_AGAIN = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|seconds?|minutes?|hours?)\s*)+)", re.I
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", re.I)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
#: Longest wait that is believed, in seconds.
_LONGEST_WAIT = 7 * DAY
_LONGEST_MESSAGE = 2000


# --- decoding -------------------------------------------------------------------------------------------------------


def decode_error(status: int, headers: list[tuple[str, str]], body: bytes) -> Fault:
    """Build the fault of an upstream's error answer, whatever its body is: JSON of several shapes, HTML, nothing."""
    try:
        value = json.decode(body) if body.strip() else None
    except json.MalformedJson:
        value = body.decode("utf-8", "replace")
    known = {name.lower(): text for name, text in headers}
    return fault_of(value, status=status, headers=known)


def fault_of(value: Any, *, status: int | None = None, headers: dict[str, str] | None = None) -> Fault:
    """Build the fault of an error in any shape; ``status`` is ``None`` inside an answer of 200."""
    if isinstance(value, list) and value:
        value = value[0]
    error = value
    if isinstance(value, dict):
        error = next((value[key] for key in ("error", "detail", "errors") if value.get(key)), value)
        if isinstance(error, list):
            error = error[0] if error else {}
    fields: dict[str, Any] = error if isinstance(error, dict) else {}
    outer: dict[str, Any] = value if isinstance(value, dict) else {}
    message = _message(fields if isinstance(error, dict) else error)
    code = _word(fields.get("code")) or _word(outer.get("code"))
    kind_word = _word(fields.get("type"))
    kind = _kind(code, kind_word, message, status)
    given = status if status is not None else _status_of(fields, kind)
    if kind is FaultKind.AUTHENTICATION and given == 400:
        given = 401
    if not message:
        message = (
            f"The upstream answered with status {given}." if given is not None else "The upstream reported an error."
        )
    param = fields.get("param")
    return Fault(
        kind,
        message,
        status=503 if given == 529 else given,
        code=code,
        param=param if isinstance(param, str) else None,
        retry_after=_retry_after(fields, message, headers if headers is not None else {}),
        details=fields if fields else None,
        from_upstream=True,
    )


def _kind(code: str | None, kind_word: str | None, message: str, status: int | None) -> FaultKind:
    by_code = CODES.get(code) if code is not None else None
    if by_code is not None and by_code is not FaultKind.INVALID_REQUEST:
        return by_code
    if status in (None, 400, 413, 422) and _CONTEXT.search(message):
        return FaultKind.CONTEXT_LENGTH
    by_type = CODES.get(kind_word) if kind_word is not None else None
    if status == 400 and _BAD_KEY.search(message):
        return FaultKind.AUTHENTICATION
    if status is not None:
        if by_type in (FaultKind.BILLING, FaultKind.OVERLOADED):
            return by_type
        return STATUSES.get(status, FaultKind.INVALID_REQUEST if 400 <= status < 500 else FaultKind.INTERNAL)
    if by_type is not None:
        return by_type
    return by_code if by_code is not None else FaultKind.UPSTREAM


def _status_of(fields: dict[str, Any], kind: FaultKind) -> int | None:
    for key in ("status", "status_code", "code"):
        value = fields.get(key)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


#: Statuses that OpenAI's clients don't know → those that OpenAI answers with.
_CLIENT_STATUSES = {402: 429, 529: 503}


def _message(error: Any) -> str:
    if isinstance(error, dict):
        error = next(
            (error[key] for key in ("message", "msg", "detail", "error") if isinstance(error.get(key), str)), ""
        )
    if not isinstance(error, str):
        return ""
    text = error
    if "<" in text and re.search(r"<\s*(?:!doctype|html|head|body|title)\b", text, re.IGNORECASE):
        text = " ".join(_TAGS.sub(" ", text).split())
    return redacted(text.strip())[:_LONGEST_MESSAGE]


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _retry_after(fields: dict[str, Any], message: str, headers: dict[str, str]) -> float | None:
    """Return how long to wait, from headers, then fields, then words; in seconds."""
    stated = wait_of(headers.items(), _LONGEST_WAIT)
    if stated is not None:
        return stated
    found = _number(fields.get("resets_in_seconds", fields.get("retry_after")))
    if found is not None:
        return believed(found, _LONGEST_WAIT)
    resets = _number(fields.get("resets_at"))
    now = http_date(headers.get("date"))
    if resets is not None and now is not None:
        return believed(resets - now.timestamp(), _LONGEST_WAIT)
    match = _AGAIN.search(message)
    if match is not None:
        seconds = sum(float(n) * _UNITS[unit.lower()] for n, unit in _SPAN.findall(match.group(1)))
        return believed(seconds, _LONGEST_WAIT)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


# --- encoding -------------------------------------------------------------------------------------------------------


def encode_error(fault: Fault, request_id: str) -> ErrorBody:
    """Render a fault for OpenAI's clients."""
    kind, code, _ = WORDS[fault.kind]
    status = _CLIENT_STATUSES.get(fault.status, fault.status)
    body = {
        "error": {
            "message": fault.message,
            "type": kind,
            "param": fault.param,
            "code": fault.code if fault.code is not None else code,
            "status": status,
        }
    }
    headers = [("content-type", "application/json"), ("x-request-id", request_id)]
    if fault.retry_after is not None:
        headers.append(("retry-after", str(math.ceil(fault.retry_after))))
        headers.append(("retry-after-ms", str(math.ceil(fault.retry_after * 1000))))
    return ErrorBody(status, (*headers, *fault.headers), json.encode(body))


def stream_error(fault: Fault) -> dict[str, Any]:
    """Return ``response.error`` of a failed answer. Clients read the wait from the words."""
    code = fault.code if fault.code in _STREAM_CODES else WORDS[fault.kind][2]
    message = fault.message
    if fault.retry_after is not None and _AGAIN.search(message) is None:
        message = f"{message} Please try again in {fault.retry_after:.3g}s."
    return {"code": code, "message": message}
