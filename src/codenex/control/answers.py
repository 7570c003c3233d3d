"""Error answers of the management API, in the one shape that all errors of this server have on OpenAI's routes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from codenex.control.administration import Refusal

_logger = logging.getLogger(__name__)

_TYPES = {
    401: "authentication_error",
    403: "permission_denied",
    404: "not_found",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "service_unavailable",
}


def error_answer(
    status: int, message: str, headers: dict[str, str] | None = None, details: Sequence[Mapping[str, str | None]] = ()
) -> JSONResponse:
    """Return ``{"error": {"message", "type", "code", "status"}}``, with ``details`` where several things are wrong."""
    kind = _TYPES.get(status, "invalid_request_error")
    error: dict[str, Any] = {"message": message, "type": kind, "code": None, "status": status}
    if details:
        error["details"] = [dict(detail) for detail in details]
    return JSONResponse({"error": error}, status, headers)


def refused(refusal: Refusal) -> JSONResponse:
    """Return the answer to a refused call."""
    headers = {} if refusal.retry_after is None else {"retry-after": str(refusal.retry_after)}
    return error_answer(refusal.status, refusal.message, headers, refusal.details)


def add_error_handlers(application: FastAPI) -> None:
    """Let every error of the application have the shape, also those of the framework and those that are bugs."""
    application.add_exception_handler(Refusal, _refused)
    application.add_exception_handler(HTTPException, _http_error)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(TimeoutError, _late)
    application.add_exception_handler(SQLAlchemyError, _no_database)
    application.add_exception_handler(Exception, _crashed)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    return refused(error) if isinstance(error, Refusal) else await _crashed(request, error)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return await _crashed(request, error)
    message = error.detail
    if error.status_code == 404:
        message = f"there is no endpoint {request.url.path[:200]}"
    elif error.status_code == 405:
        message = f"{request.method} is not allowed here"
    return error_answer(error.status_code, message, dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        return await _crashed(request, error)
    details = [{"place": ".".join(map(str, item["loc"])), "message": item["msg"]} for item in error.errors()]
    reasons = "; ".join(f"{detail['place']}: {detail['message']}" for detail in details)
    return error_answer(422, reasons, details=details)


async def _late(request: Request, error: Exception) -> JSONResponse:
    return error_answer(503, "the processes of this server have not answered in time: try again")


async def _no_database(request: Request, error: Exception) -> JSONResponse:
    _logger.error("%s %s: the database can't be used: %s", request.method, request.url.path, type(error).__name__)
    return error_answer(503, "the database can't be used now", {"retry-after": "5"})


async def _crashed(request: Request, error: Exception) -> JSONResponse:
    """Say nothing of what happened; the server's log has it."""
    return error_answer(500, "Internal error.")
