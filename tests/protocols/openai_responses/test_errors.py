"""Errors in both directions: tables that are whole, odd bodies, and what the official SDK raises."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.errors import STATUSES, WORDS, stream_error

#: How often a status is the default of some kind and comes back as another one, with the reason.
MERGED = {
    FaultKind.UNSUPPORTED: FaultKind.INVALID_REQUEST,
    FaultKind.UPSTREAM_CONNECT: FaultKind.UPSTREAM,
    FaultKind.UPSTREAM_TRUNCATED: FaultKind.UPSTREAM,
    FaultKind.UNAVAILABLE: FaultKind.OVERLOADED,
}

EXCEPTIONS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    502: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
}


def decoded(status: int, body: Any, **headers: str) -> Fault:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SPOKE.decode_error(status, [(name.replace("_", "-"), value) for name, value in headers.items()], content)


def test_the_tables_are_whole() -> None:
    assert set(WORDS) == set(FaultKind)
    assert set(DEFAULT_STATUS.values()) <= set(STATUSES)


@pytest.mark.pitfall("ERR-1", "ERR-4", "ERR-12")
@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_is_read_by_the_sdk(kind: FaultKind) -> None:
    rendered = SPOKE.encode_error(Fault(kind, "It failed.", param="input", retry_after=1.5), "req_1")
    error = json.loads(rendered.body)["error"]
    assert error["status"] == rendered.status
    assert error.keys() == {"message", "type", "param", "code", "status"}
    assert (error["message"], error["param"]) == ("It failed.", "input")
    assert ("retry-after", "2") in rendered.headers
    assert ("x-request-id", "req_1") in rendered.headers
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(rendered.status, headers=list(rendered.headers), content=rendered.body)
    )
    client = openai.OpenAI(
        api_key="k", base_url="http://t/v1", http_client=httpx2.Client(transport=transport), max_retries=0
    )
    with pytest.raises(EXCEPTIONS.get(rendered.status, openai.APIStatusError)) as caught:
        client.responses.create(model="m", input="x")
    assert "It failed." in str(caught.value)
    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.request_id == "req_1"


@pytest.mark.pitfall("ERR-4")
@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_comes_back(kind: FaultKind) -> None:
    rendered = SPOKE.encode_error(Fault(kind, "It failed."), "r")
    again = SPOKE.decode_error(rendered.status, list(rendered.headers), rendered.body)
    assert again.kind is MERGED.get(kind, kind)
    assert again.from_upstream


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "authentication_error", "invalid_api_key"),
        (403, "permission_denied", "permission_denied"),
        (404, "not_found", "model_not_found"),
        (405, "invalid_request_error", "method_not_allowed"),
        (429, "rate_limit_exceeded", "rate_limit_exceeded"),
        (500, "internal_error", "internal_error"),
        (502, "upstream_error", "upstream_error"),
        (503, "service_unavailable", "service_unavailable"),
        (504, "upstream_error", "timeout"),
    ],
)
def test_the_words_of_the_specification(status: int, kind: str, code: str | None) -> None:
    kinds = [one for one, default in DEFAULT_STATUS.items() if default == status]
    bodies = [json.loads(SPOKE.encode_error(Fault(one, "x"), "r").body)["error"] for one in kinds]
    assert (kind, code) in [(body["type"], body["code"]) for body in bodies]


@pytest.mark.pitfall("ERR-1", "ERR-5", "ERR-9", "ERR-14")
@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, {"error": {"message": "bad key", "code": "invalid_api_key"}}, FaultKind.AUTHENTICATION, "bad key"),
        (400, {"code": "invalid-argument", "error": "Incorrect API key provided."}, FaultKind.AUTHENTICATION,
         "Incorrect API key provided."),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, FaultKind.BILLING, "pay"),
        (429, {"error": {"message": "slow", "type": "tokens"}}, FaultKind.RATE_LIMIT, "slow"),
        (404, {"error": {"message": "none", "code": "model_not_found"}}, FaultKind.MODEL_NOT_FOUND, "none"),
        (400, {"error": {"message": "x", "code": "context_length_exceeded"}}, FaultKind.CONTEXT_LENGTH, "x"),
        (400, {"error": {"message": "This model's maximum context length is 5 tokens"}}, FaultKind.CONTEXT_LENGTH,
         "This model's maximum context length is 5 tokens"),
        (400, {"error": {"message": "exceeds the available context size", "type": "exceed_context_size_error"}},
         FaultKind.CONTEXT_LENGTH, "exceeds the available context size"),
        (400, {"error": {"message": "x", "code": "content_policy_violation"}}, FaultKind.CONTENT_POLICY, "x"),
        (400, {"detail": "Unsupported parameter"}, FaultKind.INVALID_REQUEST, "Unsupported parameter"),
        (422, {"detail": [{"msg": "field required"}]}, FaultKind.UNPROCESSABLE, "field required"),
        (400, [{"error": {"message": "in a list", "code": 400}}], FaultKind.INVALID_REQUEST, "in a list"),
        (503, {"error": {"message": "busy", "code": "server_is_overloaded"}}, FaultKind.OVERLOADED, "busy"),
        (529, {"error": {"message": "busy", "type": "overloaded_error"}}, FaultKind.OVERLOADED, "busy"),
        (418, {"message": "teapot"}, FaultKind.INVALID_REQUEST, "teapot"),
        (599, {"message": "odd"}, FaultKind.INTERNAL, "odd"),
        (502, b"<html><head><style>x{}</style><title>502</title></head><body>Bad <b>gateway</b></body></html>",
         FaultKind.UPSTREAM, "502 Bad gateway"),
        (500, b"", FaultKind.INTERNAL, "The upstream answered with status 500."),
        (400, b"plain words", FaultKind.INVALID_REQUEST, "plain words"),
        (400, b"\xff\xfe", FaultKind.INVALID_REQUEST, "\ufffd\ufffd"),
        (500, b"null", FaultKind.INTERNAL, "The upstream answered with status 500."),
        (500, b'{"error":[]}', FaultKind.INTERNAL, "The upstream answered with status 500."),
    ],
)  # fmt: skip
def test_errors_of_upstreams(status: int, body: Any, kind: FaultKind, message: str) -> None:
    fault = decoded(status, body)
    assert (fault.kind, fault.message) == (kind, message)
    # A wrong key that an upstream calls a bad request is what everybody else calls it.
    known = 401 if kind is FaultKind.AUTHENTICATION else 503 if status == 529 else status
    assert fault.status == known


def test_keys_do_not_leak() -> None:
    fault = decoded(401, {"error": {"message": "Incorrect API key provided: sk-proj-abcdefghijklmnop1234."}})
    assert "abcdefghijklmnop" not in fault.message


@pytest.mark.pitfall("ERR-3")
@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"Retry_After": "7"}, {}, 7.0),
        ({"retry_after_ms": "250", "retry_after": "9"}, {}, 0.25),
        ({"retry_after": "Tue, 24 Nov 2026 10:00:30 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, {}, 30.0),
        ({"retry_after": "Tue, 24 Nov 2026 10:00:30 GMT"}, {}, None),
        ({"retry_after": "-3"}, {}, None),
        ({"retry_after": "Mon, 1 Jan 99999999999999999999 00:00:00 GMT", "date": "x"}, {}, None),
        ({}, {"resets_in_seconds": 10**400}, None),
        ({"retry_after": "soon"}, {}, None),
        ({"retry_after": "1e99"}, {}, 7 * 86400.0),
        ({}, {"resets_in_seconds": 12}, 12.0),
        ({"date": "Thu, 01 Jan 1970 00:00:10 GMT"}, {"resets_at": 70}, 60.0),
        ({}, {"message": "Please try again in 3.2s."}, 3.2),
        ({}, {"message": "Please try again in 1m30s."}, 90.0),
        ({}, {"message": "Please try again in 20ms."}, 0.02),
        ({}, {"message": "Please retry after 5 seconds"}, 5.0),
        ({}, {"message": "later"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: dict[str, Any], expected: float | None) -> None:
    assert decoded(429, {"error": body}, **headers).retry_after == (
        pytest.approx(expected) if expected is not None else None
    )


@pytest.mark.pitfall("CLI-23")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(FaultKind.CONTEXT_LENGTH, "x"), "context_length_exceeded"),
        (Fault(FaultKind.BILLING, "x"), "insufficient_quota"),
        (Fault(FaultKind.BILLING, "x", code="usage_not_included"), "usage_not_included"),
        (Fault(FaultKind.OVERLOADED, "x"), "server_is_overloaded"),
        (Fault(FaultKind.UPSTREAM_TRUNCATED, "x"), "server_error"),
        (Fault(FaultKind.CONTENT_POLICY, "x", code="cyber_policy"), "cyber_policy"),
        (Fault(FaultKind.RATE_LIMIT, "x", code="tokens"), "rate_limit_exceeded"),
    ],
)
def test_codes_inside_a_stream(fault: Fault, code: str) -> None:
    assert stream_error(fault) == {"code": code, "message": "x"}


def test_the_wait_is_told_once() -> None:
    told = Fault(FaultKind.RATE_LIMIT, "Please try again in 3s.", retry_after=3.0)
    assert stream_error(told)["message"] == "Please try again in 3s."
