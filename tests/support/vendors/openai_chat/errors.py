"""OpenAI's error bodies, the same for Chat and Responses."""

from __future__ import annotations

from typing import Final

from tests.support.replies import Unary
from tests.support.scenario import Scenario
from tests.support.vendors.framing import Json, body, event
from tests.support.vendors.openai_chat.answers import stream

# kind: status, type, code, param, message
TABLE: Final[dict[str, tuple[int, str, str | None, str | None, str]]] = {
    "bad_request": (400, "invalid_request_error", None, "messages", "Invalid value."),
    "context_length": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 200001 tokens. "
        "Please reduce the length of the messages.",
    ),
    "bad_key": (401, "invalid_request_error", "invalid_api_key", None, "Incorrect API key provided: sk-***."),
    "billing": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        None,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "no_permission": (403, "invalid_request_error", "permission_denied", None, "You don't have access to this."),
    "not_found": (
        404,
        "invalid_request_error",
        "model_not_found",
        None,
        "The model does not exist or you do not have access to it.",
    ),
    "too_large": (413, "invalid_request_error", None, None, "Request body is too large."),
    "rate_limit": (
        429,
        "requests",
        "rate_limit_exceeded",
        None,
        "Rate limit reached for requests. Please try again in 20s.",
    ),
    "internal": (500, "server_error", None, None, "The server had an error while processing your request."),
    "overloaded": (503, "server_error", "server_is_overloaded", None, "The engine is currently overloaded."),
    "timeout": (504, "server_error", "timeout", None, "The request timed out."),
}

HEADERS: Final[dict[str, dict[str, str]]] = {
    "rate_limit": {"retry-after": "20", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"},
    "overloaded": {"retry-after": "5"},
}


def error(kind: str, message: str | None = None) -> Unary:
    """The answer to a failed request."""
    status, type_, code, param, text = TABLE[kind]
    value = {"error": {"message": message or text, "type": type_, "param": param, "code": code}}
    headers = {"content-type": "application/json", "x-request-id": "req_scripted", **HEADERS.get(kind, {})}
    return Unary(body(value), status, headers)


def failing_stream(scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]:
    """The first ``after`` events of the answer, then the failure, which isn't followed by ``[DONE]``."""
    _, type_, code, param, text = TABLE[kind]
    failure = event({"error": {"message": text, "type": type_, "param": param, "code": code}})
    return [*stream(scenario, request)[:after], failure]
