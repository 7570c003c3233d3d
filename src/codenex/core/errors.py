"""Faults: every way in which a request can fail, as one value that each protocol renders in its own shape.

The kinds are the rows of the specification's error table. Spokes map a kind to their own type names and statuses, and
map a vendor's error back to a kind; pool policy decides by kind who is to blame.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What went wrong, independent of any protocol."""

    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED = "unsupported"
    CONTEXT_LENGTH = "context_length"
    CONTENT_POLICY = "content_policy"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    BILLING = "billing"
    NOT_FOUND = "not_found"
    MODEL_NOT_FOUND = "model_not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    URI_TOO_LONG = "uri_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNPROCESSABLE = "unprocessable"
    HEADERS_TOO_LARGE = "headers_too_large"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"
    UPSTREAM = "upstream"
    UPSTREAM_CONNECT = "upstream_connect"
    UPSTREAM_TRUNCATED = "upstream_truncated"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"


#: HTTP status that the gateway answers with for each kind, where the upstream gave none.
DEFAULT_STATUS: dict[FaultKind, int] = {
    FaultKind.INVALID_REQUEST: 400,
    FaultKind.UNSUPPORTED: 400,
    FaultKind.CONTEXT_LENGTH: 400,
    FaultKind.CONTENT_POLICY: 400,
    FaultKind.AUTHENTICATION: 401,
    FaultKind.BILLING: 402,
    FaultKind.PERMISSION: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.MODEL_NOT_FOUND: 404,
    FaultKind.METHOD_NOT_ALLOWED: 405,
    FaultKind.REQUEST_TIMEOUT: 408,
    FaultKind.CONFLICT: 409,
    FaultKind.TOO_LARGE: 413,
    FaultKind.URI_TOO_LONG: 414,
    FaultKind.UNSUPPORTED_MEDIA_TYPE: 415,
    FaultKind.UNPROCESSABLE: 422,
    FaultKind.RATE_LIMIT: 429,
    FaultKind.HEADERS_TOO_LARGE: 431,
    FaultKind.CANCELLED: 499,
    FaultKind.INTERNAL: 500,
    FaultKind.UPSTREAM: 502,
    FaultKind.UPSTREAM_CONNECT: 502,
    FaultKind.UPSTREAM_TRUNCATED: 502,
    FaultKind.OVERLOADED: 503,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.UPSTREAM_TIMEOUT: 504,
}


class Fault(Exception):
    """A failed request, as a value and as an exception.

    ``status`` is an HTTP status; ``retry_after`` is in seconds; ``code`` is the finer reason (``invalid_api_key``,
    ``model_not_found``, …); ``param`` names the offending field; ``details`` holds a vendor's structured details,
    untouched; ``from_upstream`` says that an upstream answered it (and not this gateway).
    """

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        details: Any = None,
        from_upstream: bool = False,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = DEFAULT_STATUS[kind] if status is None else status
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.details = details
        self.from_upstream = from_upstream
        #: further response headers that belong to this error, such as ``allow`` for a wrong method
        self.headers = headers
        #: what the operator is told instead of the message, which clients get
        self.notice: str | None = None

    def __repr__(self) -> str:
        return f"Fault({self.kind.value}, {self.status}, {self.message!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fault):
            return NotImplemented
        return (self.kind, self.message, self.status, self.code, self.param, self.retry_after) == (
            other.kind,
            other.message,
            other.status,
            other.code,
            other.param,
            other.retry_after,
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.message, self.status, self.code))


def invalid_request(message: str, *, param: str | None = None, code: str | None = None) -> Fault:
    """Build the fault of a request that is malformed: 400 in every protocol."""
    return Fault(FaultKind.INVALID_REQUEST, message, param=param, code=code)


def unsupported(message: str, *, param: str | None = None) -> Fault:
    """Build the fault of a request that the chosen target cannot express: 400, code ``unsupported_parameter``."""
    return Fault(FaultKind.UNSUPPORTED, message, param=param, code="unsupported_parameter")
