"""Google's errors to faults and back: the canonical codes of google.rpc, and what their details say."""

from __future__ import annotations

import re
from math import ceil
from typing import Any

from codenex.core import json
from codenex.core.context_length import token_counts
from codenex.core.errors import Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.core.spoke import ErrorBody
from codenex.core.waits import DAY, believed, wait_of
from codenex.protocols.gemini.types import Object

#: Canonical code → (what went wrong, HTTP status where the answer has none).
TO_HUB: dict[str, tuple[FaultKind, int]] = {
    "INVALID_ARGUMENT": (FaultKind.INVALID_REQUEST, 400),
    "FAILED_PRECONDITION": (FaultKind.INVALID_REQUEST, 400),
    "OUT_OF_RANGE": (FaultKind.INVALID_REQUEST, 400),
    "UNIMPLEMENTED": (FaultKind.UNSUPPORTED, 501),
    "UNAUTHENTICATED": (FaultKind.AUTHENTICATION, 401),
    "PERMISSION_DENIED": (FaultKind.PERMISSION, 403),
    "NOT_FOUND": (FaultKind.NOT_FOUND, 404),
    "ABORTED": (FaultKind.CONFLICT, 409),
    "ALREADY_EXISTS": (FaultKind.CONFLICT, 409),
    "RESOURCE_EXHAUSTED": (FaultKind.RATE_LIMIT, 429),
    "CANCELLED": (FaultKind.CANCELLED, 499),
    "INTERNAL": (FaultKind.INTERNAL, 500),
    "UNKNOWN": (FaultKind.INTERNAL, 500),
    "DATA_LOSS": (FaultKind.INTERNAL, 500),
    "UNAVAILABLE": (FaultKind.OVERLOADED, 503),
    "DEADLINE_EXCEEDED": (FaultKind.UPSTREAM_TIMEOUT, 504),
}

#: HTTP status → what went wrong, for answers without a canonical code.
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
    503: FaultKind.OVERLOADED,
    504: FaultKind.UPSTREAM_TIMEOUT,
    529: FaultKind.OVERLOADED,
}

TO_WIRE: dict[FaultKind, str] = {
    FaultKind.INVALID_REQUEST: "INVALID_ARGUMENT",
    FaultKind.UNSUPPORTED: "INVALID_ARGUMENT",
    FaultKind.CONTEXT_LENGTH: "INVALID_ARGUMENT",
    FaultKind.CONTENT_POLICY: "INVALID_ARGUMENT",
    FaultKind.AUTHENTICATION: "UNAUTHENTICATED",
    FaultKind.PERMISSION: "PERMISSION_DENIED",
    FaultKind.BILLING: "RESOURCE_EXHAUSTED",
    FaultKind.NOT_FOUND: "NOT_FOUND",
    FaultKind.MODEL_NOT_FOUND: "NOT_FOUND",
    FaultKind.METHOD_NOT_ALLOWED: "UNIMPLEMENTED",
    FaultKind.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    FaultKind.CONFLICT: "ABORTED",
    FaultKind.TOO_LARGE: "INVALID_ARGUMENT",
    FaultKind.URI_TOO_LONG: "INVALID_ARGUMENT",
    FaultKind.UNSUPPORTED_MEDIA_TYPE: "INVALID_ARGUMENT",
    FaultKind.UNPROCESSABLE: "INVALID_ARGUMENT",
    FaultKind.HEADERS_TOO_LARGE: "INVALID_ARGUMENT",
    FaultKind.RATE_LIMIT: "RESOURCE_EXHAUSTED",
    FaultKind.OVERLOADED: "UNAVAILABLE",
    FaultKind.INTERNAL: "INTERNAL",
    FaultKind.UPSTREAM: "INTERNAL",
    FaultKind.UPSTREAM_CONNECT: "UNAVAILABLE",
    FaultKind.UPSTREAM_TRUNCATED: "INTERNAL",
    FaultKind.UPSTREAM_TIMEOUT: "DEADLINE_EXCEEDED",
    FaultKind.UNAVAILABLE: "UNAVAILABLE",
    FaultKind.CANCELLED: "CANCELLED",
}

#: Statuses that Google's clients don't know → the one that means the same to them.
_STATUS_TWINS = {402: 429, 529: 503}

_TYPE = "type.googleapis.com/google.rpc."
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
_RETRY_TEXT = re.compile(r"retry (?:in|after) (\d+(?:\.\d+)?) ?(ms|s)", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"input token count.*exceeds the maximum|input context is too long|exceeds the context", re.IGNORECASE
)
_DEPLETED = re.compile(
    r"prepa\w+ credits? .*deplet|credits? (?:are|is) depleted|billing (?:account|to be enabled)|dunning", re.IGNORECASE
)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TEXT_LIMIT = 500


def decode_error(status: int, headers: list[tuple[str, str]], body: bytes) -> Fault:
    """Return the fault of an answer that is not a success: Google's object, the same in a list, or anything else."""
    try:
        value = json.decode(body)
    except json.MalformedJson:
        value = None
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    rest = wait_of(headers, DAY)
    if isinstance(error, dict):
        return fault_of(error, status, rest)
    message = error if isinstance(error, str) else _plain(body)
    kind = BY_STATUS.get(status, FaultKind.UPSTREAM if status >= 500 else FaultKind.INVALID_REQUEST)
    text = redacted(message) if message else f"the upstream answered with status {status}"
    rest = rest if rest is not None else _rest_of_text(text)
    return Fault(kind, text, status=status, retry_after=rest, from_upstream=True)


def fault_of(error: Object, status: int | None = None, rest: float | None = None) -> Fault:
    """Return the fault of Google's error object; without an HTTP status its own code counts."""
    code = error.get("code")
    given = error.get("status")
    message = error.get("message")
    text = redacted(message) if isinstance(message, str) and message else "the upstream reported an error"
    word = given if isinstance(given, str) else ""
    found = status
    if found is None or 200 <= found < 300:
        found = code if isinstance(code, int) and 400 <= code < 600 else None
    if word in TO_HUB:
        kind, default = TO_HUB[word]
        found = found if found is not None else default
    else:
        found = found if found is not None else 500
        kind = BY_STATUS.get(found, FaultKind.UPSTREAM if found >= 500 else FaultKind.INVALID_REQUEST)
    details = error.get("details")
    told = _rest_of_details(details)
    kind, found, reason = _refined(kind, found, text, details if isinstance(details, list) else [])
    return Fault(
        kind,
        text,
        status=found,
        code=reason,
        retry_after=next((each for each in (told, rest, _rest_of_text(text)) if each is not None), None),
        details=details,
        from_upstream=True,
    )


def _refined(kind: FaultKind, status: int, text: str, details: list[Any]) -> tuple[FaultKind, int, str | None]:
    """Tell apart what Google puts under one code: bad keys, overlong prompts, unknown models, empty accounts."""
    reasons = {str(detail.get("reason")) for detail in details if isinstance(detail, dict) and "reason" in detail}
    if reasons & {"API_KEY_INVALID", "API_KEY_EXPIRED"} or "API key not valid" in text or "API key expired" in text:
        return FaultKind.AUTHENTICATION, 401, "invalid_api_key"
    if reasons & {"API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "CONSUMER_SUSPENDED"}:
        return FaultKind.PERMISSION, status, None
    if "BILLING_DISABLED" in reasons or (status in (400, 403, 429) and _DEPLETED.search(text) is not None):
        return FaultKind.BILLING, status, "insufficient_quota"
    if kind is FaultKind.INVALID_REQUEST and _TOO_LONG.search(text) is not None:
        return FaultKind.CONTEXT_LENGTH, status, "context_length_exceeded"
    if kind is FaultKind.NOT_FOUND and "models/" in text:
        return FaultKind.MODEL_NOT_FOUND, status, "model_not_found"
    if kind is FaultKind.RATE_LIMIT:
        return kind, status, "rate_limit_exceeded"
    return kind, status, None


def _rest_of_details(details: Any) -> float | None:
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            delay = detail.get("retryDelay")
            if isinstance(delay, str) and (match := _DURATION.fullmatch(delay.strip())) is not None:
                return believed(float(match.group(1)), DAY)
            if isinstance(delay, dict):
                seconds, nanos = delay.get("seconds", 0), delay.get("nanos", 0)
                try:
                    return believed(float(seconds) + float(nanos) / 1e9, DAY)
                except (TypeError, ValueError, OverflowError):
                    return None
    return None


def _rest_of_text(text: str) -> float | None:
    match = _RETRY_TEXT.search(text)
    if match is None:
        return None
    return believed(float(match.group(1)) * (0.001 if match.group(2).lower() == "ms" else 1.0), DAY)


def _plain(body: bytes) -> str:
    text = " ".join(_TAGS.sub(" ", body.decode(errors="replace")).split())
    return text if len(text) <= _TEXT_LIMIT else text[:_TEXT_LIMIT] + "…"


# --- to the client ---


def error_object(fault: Fault, request_id: str | None = None) -> Object:
    """Return ``{"error": …}`` as Google writes it."""
    status = _STATUS_TWINS.get(fault.status, fault.status)
    error: Object = {"code": status, "message": _message(fault), "status": _word(fault, status)}
    own = [detail for detail in fault.details if _is_detail(detail)] if isinstance(fault.details, list) else []
    details = [*own, *_details(fault, own, request_id)]
    if details:
        error["details"] = details
    return {"error": error}


def _word(fault: Fault, status: int) -> str:
    if fault.kind is FaultKind.UNSUPPORTED and status == 501:
        return "UNIMPLEMENTED"
    return TO_WIRE[fault.kind]


def _message(fault: Fault) -> str:
    """Return the message; a prompt that is too long is said in Google's words, by which its clients know it."""
    text = redacted(fault.message)
    if fault.kind is not FaultKind.CONTEXT_LENGTH or _TOO_LONG.search(text) is not None:
        return text
    counts = token_counts(text)
    if counts is None:
        return f"The input token count exceeds the maximum number of tokens allowed: {text}"
    return "The input token count ({}) exceeds the maximum number of tokens allowed ({}).".format(*counts)


def _is_detail(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("@type"), str)


def _details(fault: Fault, own: list[Any], request_id: str | None) -> list[Object]:
    present = {str(detail["@type"]) for detail in own}
    made: list[Object] = []
    if fault.retry_after is not None:
        made.append(
            {"@type": _TYPE + "RetryInfo", "retryDelay": f"{fault.retry_after:.9f}".rstrip("0").rstrip(".") + "s"}
        )
    if fault.code is not None and not own:
        made.append({"@type": _TYPE + "ErrorInfo", "reason": fault.code.upper(), "domain": "codenex"})
    if fault.param is not None:
        violation = {"field": fault.param, "description": redacted(fault.message)}
        made.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if request_id:
        made.append({"@type": _TYPE + "RequestInfo", "requestId": request_id})
    return [detail for detail in made if detail["@type"] not in present]


def encode_error(fault: Fault, request_id: str) -> ErrorBody:
    """Return an error answer for a Google client; ``retry-after`` says in whole seconds what RetryInfo says exactly."""
    body = error_object(fault, request_id)
    headers = list(fault.headers)
    if fault.retry_after is not None:
        headers.append(("retry-after", str(ceil(fault.retry_after))))
    return ErrorBody(body["error"]["code"], tuple(headers), json.encode(body))
