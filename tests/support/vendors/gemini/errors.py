"""Gemini's error bodies, whole, in events and in an array."""

from __future__ import annotations

from typing import Any, Final

from tests.support.replies import Unary
from tests.support.scenario import Scenario
from tests.support.vendors.framing import Json, body, event
from tests.support.vendors.gemini.answers import array_of, chunks, stream

_TYPE: Final = "type.googleapis.com/google.rpc."

# kind: status, name, message
TABLE: Final[dict[str, tuple[int, str, str]]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "context_length": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "bad_key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "no_key": (
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity).",
    ),
    "billing": (400, "FAILED_PRECONDITION", "Please enable billing on your project in Google AI Studio."),
    "no_permission": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "not_found": (404, "NOT_FOUND", "models/unknown is not found for API version v1beta."),
    "too_large": (413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota. Please retry in 20.5s."),
    "internal": (500, "INTERNAL", "An internal error has occurred."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "timeout": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}

DETAILS: Final[dict[str, list[Json]]] = {
    "bad_key": [
        {
            "@type": _TYPE + "ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
    ],
    "rate_limit": [
        {
            "@type": _TYPE + "QuotaFailure",
            "violations": [{"quotaMetric": "generate_content_requests", "quotaId": "RequestsPerMinute"}],
        },
        {"@type": _TYPE + "RetryInfo", "retryDelay": "20s"},
    ],
}


def value_of(kind: str, message: str | None = None) -> Json:
    """The error object."""
    status, name, text = TABLE[kind]
    details: dict[str, Any] = {"details": DETAILS[kind]} if kind in DETAILS else {}
    return {"error": {"code": status, "message": message or text, "status": name, **details}}


def error(kind: str, message: str | None = None) -> Unary:
    """The answer to a failed request."""
    return Unary(body(value_of(kind, message)), TABLE[kind][0], {"content-type": "application/json; charset=UTF-8"})


def array_error(kind: str, message: str | None = None) -> Unary:
    """The same where an array was asked for."""
    value = b"".join(array_of([value_of(kind, message)]))
    return Unary(value, TABLE[kind][0], {"content-type": "application/json; charset=UTF-8"})


def failing_stream(scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]:
    """The first ``after`` events of the answer, then the failure."""
    return [*stream(scenario, request)[:after], event(value_of(kind), end="\r\n\r\n")]


def failing_array(scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]:
    """The same as an array."""
    return array_of([*chunks(scenario)[:after], value_of(kind)])
