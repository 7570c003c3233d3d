"""Heads of answers, and the edge's own error bodies."""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from time import time

from codenex.core.errors import Fault, FaultKind
from codenex.core.json import encode
from codenex.gateway.exchange import Headers
from codenex.server.header_memory import HeaderMemory
from codenex.wire.head import RepeatedHeaders

#: Turns a fault into an answer: ``(fault, path) -> (status, headers, body)``. The path chooses the protocol's shape.
RenderError = Callable[[Fault, str], tuple[int, Headers, bytes]]

STATUS_LINES: dict[int, str] = {item.value: f"HTTP/1.1 {item.value} {item.phrase}\r\n" for item in HTTPStatus}

_OK = STATUS_LINES[200]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

#: The edge writes these itself, so a handler's own are dropped: they would contradict what is really sent.
FRAMING = frozenset(("connection", "content-length", "date", "keep-alive", "transfer-encoding", "x-request-id"))

_memory = HeaderMemory(FRAMING)

#: The ``date`` line of a second, and the seconds since 1970 between which it holds.
_date_line, _date_from, _date_until = "", 0, 0


def _renew_date(now: float) -> None:
    global _date_line, _date_from, _date_until
    _date_from = int(now)
    _date_until = _date_from + 1
    _date_line = f"date: {formatdate(_date_from, usegmt=True)}\r\n"


def answer_head(status: int, headers: Headers, framing: str, request_id: str) -> bytes:
    """Format the head of an answer.

    ``framing`` holds complete lines (``content-length``, ``transfer-encoding``, ``connection``).
    Raises :class:`ValueError` for headers that can't be sent and for statuses that are no final answer.
    """
    line = _OK if status == 200 else _status_line(status)
    if type(headers) is RepeatedHeaders:
        lines = headers.lines
        if lines is None:
            lines = headers.lines = _memory.lines_of(headers)
    else:
        lines = _memory.lines_of(headers)
    now = time()
    if not _date_from <= now < _date_until:
        _renew_date(now)
    return f"{line}{lines}{framing}{_date_line}x-request-id: {request_id}\r\n\r\n".encode("latin-1")


def _status_line(status: int) -> str:
    if not 200 <= status <= 999:
        raise ValueError(f"not the status of a final answer: {status}")
    line = STATUS_LINES.get(status)
    return f"HTTP/1.1 {status} \r\n" if line is None else line


_TYPES: dict[FaultKind, str] = {
    FaultKind.AUTHENTICATION: "authentication_error",
    FaultKind.PERMISSION: "permission_denied",
    FaultKind.NOT_FOUND: "not_found",
    FaultKind.MODEL_NOT_FOUND: "not_found",
    FaultKind.RATE_LIMIT: "rate_limit_exceeded",
    FaultKind.INTERNAL: "internal_error",
    FaultKind.UPSTREAM: "upstream_error",
    FaultKind.UPSTREAM_CONNECT: "upstream_error",
    FaultKind.UPSTREAM_TRUNCATED: "upstream_error",
    FaultKind.UPSTREAM_TIMEOUT: "upstream_error",
    FaultKind.OVERLOADED: "service_unavailable",
    FaultKind.UNAVAILABLE: "service_unavailable",
}


def render_plain_error(fault: Fault, path: str) -> tuple[int, Headers, bytes]:
    """Render a fault in the form of the OpenAI routes: ``{"error": {"message", "type", "code", "status"}}``."""
    headers: Headers = [("content-type", "application/json"), *fault.headers]
    if fault.retry_after is not None:
        headers.append(("retry-after", str(max(0, math.ceil(fault.retry_after)))))
    error = {
        "message": fault.message,
        "type": _TYPES.get(fault.kind, "invalid_request_error"),
        "code": fault.code if fault.code is not None else fault.kind.value,
        "status": fault.status,
    }
    return fault.status, headers, encode({"error": error})
