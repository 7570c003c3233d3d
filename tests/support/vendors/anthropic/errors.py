"""Anthropic's error bodies and its error event."""

from __future__ import annotations

from typing import Final

from tests.support.replies import Unary
from tests.support.scenario import Scenario
from tests.support.vendors.anthropic.answers import stream
from tests.support.vendors.framing import Json, compact, event

# kind: status, type, message
TABLE: Final[dict[str, tuple[int, str, str]]] = {
    "bad_request": (400, "invalid_request_error", "messages: invalid value"),
    "context_length": (400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
    "bad_key": (401, "authentication_error", "invalid x-api-key"),
    "billing": (402, "billing_error", "Your credit balance is too low to access the Anthropic API."),
    "no_permission": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "not_found": (404, "not_found_error", "model: unknown"),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
    "rate_limit": (429, "rate_limit_error", "This request would exceed the rate limit for your organization."),
    "internal": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "timeout": (504, "timeout_error", "Request timed out"),
}

HEADERS: Final[dict[str, dict[str, str]]] = {
    "rate_limit": {
        "retry-after": "20",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-24T00:00:20Z",
    },
    "overloaded": {"x-should-retry": "true"},
}

REQUEST_ID: Final = "req_011Scripted"


def error(kind: str, message: str | None = None) -> Unary:
    """The answer to a failed request."""
    status, type_, text = TABLE[kind]
    value = {"type": "error", "error": {"type": type_, "message": message or text}, "request_id": REQUEST_ID}
    headers = {"content-type": "application/json", "request-id": REQUEST_ID, **HEADERS.get(kind, {})}
    return Unary(compact(value).encode(), status, headers)


def failing_stream(scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]:
    """The first ``after`` events of the answer, then the error event, which is the last."""
    _, type_, text = TABLE[kind]
    failure = {"type": "error", "error": {"type": type_, "message": text}, "request_id": REQUEST_ID}
    return [*stream(scenario, request)[:after], event(failure, name="error")]
