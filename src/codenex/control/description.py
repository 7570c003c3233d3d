"""The OpenAPI document: every endpoint with the statuses that it can answer, and the one shape of all errors."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from codenex.control.guard import COOKIE, OPEN


class ErrorDetail(BaseModel):
    """One of several mistakes."""

    place: str | None
    message: str


class Error(BaseModel):
    """What went wrong."""

    message: str
    type: str
    code: str | None
    status: int
    details: list[ErrorDetail] = []


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: Error


_MEANINGS = {
    400: "The request makes no sense.",
    401: "There is no session, or the password or token is wrong.",
    403: "A page of another origin, no admin password yet, or nothing that may be changed.",
    404: "There is no such thing.",
    405: "The path has no such method.",
    409: "It can't be done as things are: a file is broken, or it is there or in use already.",
    411: "The body has no length.",
    412: "Somebody else has changed it since the revision of If-Match.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "Values that can't be used; each is told with its place.",
    429: "Too many attempts; Retry-After says when to come back.",
    500: "A file can't be read or written.",
    503: "The management API, the master or the database is not answering.",
    507: "It can't be written; nothing was changed.",
}
#: What endpoints may answer besides 200: all rows that match ``METHOD path`` count.
_STATUSES: tuple[tuple[str, tuple[int, ...]], ...] = (
    (r".*", (400, 503)),
    (r"(POST|PUT) .*", (411, 413, 422)),
    # A slash in a name makes another path of it.
    (r".*\{.*", (404, 405, 422)),
    (r"POST /api/(setup|login|admin-password)", (401, 403, 429, 500)),
    (r"POST /api/setup", (409,)),
    (r"(GET|POST|PUT|DELETE) /api/(providers|config).*", (409,)),
    (r"(POST|PUT|DELETE) /api/providers.*", (404, 412, 422, 500, 507)),
    (r"POST /api/config", (412, 500, 507)),
    (r"POST /api/config/restore", (404, 507)),
    (r".* /api/upload-configs.*", (409, 500)),
    (r"DELETE /api/upload-configs.*", (404, 507)),
    (r"POST /api/upload-oauth-credentials", (409, 415, 507)),
    (r"POST /api/oauth/manual-callback", (409,)),
    (r".* /api/client-keys.*", (409, 500)),
    (r"(POST|PUT|DELETE) /api/client-keys.*", (404, 412, 422, 507)),
    (r".* /api/usage.*", (404,)),
)
_GUARDED = (401, 403)


def describe(application: FastAPI) -> None:
    """Let an application tell its document in this form."""

    def document() -> dict[str, Any]:
        if application.openapi_schema is None:
            application.openapi_schema = _document(application)
        return application.openapi_schema

    application.openapi = document  # type: ignore[method-assign]


def statuses_of(method: str, path: str) -> set[int]:
    """Return the statuses of errors that an endpoint may answer."""
    found = {status for pattern, some in _STATUSES if re.fullmatch(pattern, f"{method} {path}") for status in some}
    return found if (method, path) in OPEN else found | set(_GUARDED)


def _document(application: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=application.title,
        version=application.version,
        description="Everything that administrators of a gateway do. Secrets are masked in every answer.",
        routes=application.routes,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    error = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(error.pop("$defs"))
    schemas["ErrorAnswer"] = error
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    for path, ways in document["paths"].items():
        for method, operation in ways.items():
            responses = operation["responses"]
            # The framework's own is of another shape; that there is one says that something is validated.
            validated = {422} if responses.pop("422", None) else set()
            for status in sorted(statuses_of(method.upper(), path) | validated):
                responses.setdefault(str(status), _error(status))
            if (method.upper(), path) not in OPEN:
                operation["security"] = [{"bearer": []}, {"cookie": []}]
    return document


def _error(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorAnswer"}
    answer: dict[str, Any] = {"description": _MEANINGS[status], "content": {"application/json": {"schema": schema}}}
    if status == 429:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer
