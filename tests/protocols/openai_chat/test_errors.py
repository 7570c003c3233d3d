"""Errors of all kinds of servers to faults, and faults to what OpenAI's clients expect."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from tests.protocols.openai_chat.samples import Object, sdk

from codenex.core.errors import Fault, FaultKind
from codenex.protocols.openai_chat import SPOKE


def decoded(status: int, body: Any, *headers: tuple[str, str]) -> Fault:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fault = SPOKE.decode_error(status, list(headers), data)
    assert fault.from_upstream
    assert fault.status == (401 if fault.kind is FaultKind.AUTHENTICATION else status)
    return fault


def error(message: str = "m", **fields: Any) -> Object:
    return {"error": {"message": message, **fields}}


@pytest.mark.pitfall("ERR-1", "ERR-4", "ERR-5")
@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, error(type="invalid_request_error"), FaultKind.INVALID_REQUEST, "m"),
        (400, error(code="context_length_exceeded"), FaultKind.CONTEXT_LENGTH, "m"),
        (400, error("This model's maximum context length is 5 tokens."), FaultKind.CONTEXT_LENGTH, None),
        (400, error("prompt too long; exceeded max context length"), FaultKind.CONTEXT_LENGTH, None),
        (400, error("The total length of all messages is too long."), FaultKind.CONTEXT_LENGTH, None),
        (400, error(code="content_policy_violation"), FaultKind.CONTENT_POLICY, "m"),
        (400, error(code="unsupported_parameter", param="x"), FaultKind.UNSUPPORTED, "m"),
        (401, error(type="invalid_request_error", code="invalid_api_key"), FaultKind.AUTHENTICATION, "m"),
        (401, error(code=401), FaultKind.AUTHENTICATION, "m"),
        (400, {"code": "x", "error": "Incorrect API key provided."}, FaultKind.AUTHENTICATION, None),
        (401, {"detail": "Invalid key"}, FaultKind.AUTHENTICATION, "Invalid key"),
        (402, error(), FaultKind.BILLING, "m"),
        (403, error(type="server_error"), FaultKind.PERMISSION, "m"),
        (404, error("The model `x` does not exist"), FaultKind.MODEL_NOT_FOUND, None),
        (404, error("no such route"), FaultKind.NOT_FOUND, None),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "too big"}]}, FaultKind.UNPROCESSABLE, "n: too big"),
        (422, {"object": "error", "message": {"detail": [{"msg": "bad"}]}}, FaultKind.UNPROCESSABLE, "bad"),
        (429, error(code="rate_limit_exceeded"), FaultKind.RATE_LIMIT, "m"),
        (429, error(code="insufficient_quota"), FaultKind.BILLING, "m"),
        (429, error(code="RateLimitReached"), FaultKind.RATE_LIMIT, "m"),
        (500, error(type="server_error"), FaultKind.INTERNAL, "m"),
        (503, error(code="server_is_overloaded"), FaultKind.OVERLOADED, "m"),
        (529, error(type="overloaded_error"), FaultKind.OVERLOADED, "m"),
        (502, b"<html><style>x{}</style><h1>Bad  Gateway</h1></html>", FaultKind.UPSTREAM, "Bad Gateway"),
        (504, b"", FaultKind.UPSTREAM_TIMEOUT, None),
        (400, b"", FaultKind.INVALID_REQUEST, None),
        (418, b"teapot", FaultKind.INVALID_REQUEST, "teapot"),
        (599, b"odd", FaultKind.UPSTREAM, "odd"),
        (400, [error("in a list", status="INVALID_ARGUMENT")], FaultKind.INVALID_REQUEST, "in a list"),
        (400, {"error": "plain"}, FaultKind.INVALID_REQUEST, "plain"),
        (400, {"message": "flat"}, FaultKind.INVALID_REQUEST, "flat"),
        (400, "just text", FaultKind.INVALID_REQUEST, "just text"),
        (400, 5, FaultKind.INVALID_REQUEST, "5"),
    ],
)
def test_shapes_of_errors(status: int, body: Any, kind: FaultKind, message: str | None):
    fault = decoded(status, body)
    assert fault.kind is kind
    assert fault.message
    if message is not None:
        assert fault.message == message


def test_what_a_provider_behind_said():
    fault = decoded(
        502, error("Provider returned error", code=502, metadata={"raw": "slow down", "provider_name": "P"})
    )
    assert fault.message == "Provider returned error: slow down"
    assert fault.code is None
    assert fault.details["metadata"]["provider_name"] == "P"


def test_keys_do_not_leak():
    fault = decoded(401, error("Incorrect API key provided: sk-abcdefghijklmnopqrstuvwx"))
    assert "abcdefgh" not in fault.message
    body = SPOKE.encode_error(Fault(FaultKind.UPSTREAM, "with sk-abcdefghijklmnopqrstuvwx"), "r").body
    assert b"abcdefgh" not in body


@pytest.mark.pitfall("ERR-3", "ERR-14")
@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        (error(), [("Retry-After", "7")], 7.0),
        (error(), [("retry-after", "7"), ("retry-after-ms", "1500")], 1.5),
        (
            error(),
            [("retry-after", "Wed, 01 Mar 2028 00:00:10 GMT"), ("date", "Tue, 29 Feb 2028 23:59:50 GMT")],
            20.0,
        ),
        (error(), [("retry-after", "Sat, 01 Jan 2028 00:00:01 GMT"), ("date", "Fri, 31 Dec 2027 23:59:59 GMT")], 2.0),
        (error(), [("retry-after", "soon")], None),
        (error(), [("retry-after", "-5")], None),
        (error(), [("retry-after", "9999999")], 86400.0),
        (error("Please try again in 3.2s."), [], 3.2),
        (error("Please try again in 250ms."), [], 0.25),
        (error("Try again in 1m30s"), [], 90.0),
        (error("Please retry after 20 seconds"), [], 20.0),
        (error(retry_after=4), [], 4.0),
        (error(retry_after=10**400), [], None),
        (error(resets_in_seconds=60), [], 60.0),
        (error(details=[{"@type": "RetryInfo", "retryDelay": "12.5s"}]), [], 12.5),
        (error(metadata={"headers": {"Retry-After": "9"}}), [], 9.0),
        (error(), [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")], 360.0),
        (error(), [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "20ms")], 0.02),
        (error(), [("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "20ms")], None),
        (error(), [], None),
    ],
)
def test_when_to_come_back(body: Object, headers: list[tuple[str, str]], seconds: float | None):
    assert decoded(429, body, *headers).retry_after == seconds


def test_texts_about_retrying_count_for_limits_only():
    assert decoded(400, error("wrong, try again in 3s")).retry_after is None


# --- to the client --------------------------------------------------------------------------------------------------


def test_the_shape_of_the_specification():
    fault = Fault(FaultKind.INVALID_REQUEST, "bad", param="messages[0]")
    answer = SPOKE.encode_error(fault, "req_1")
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "error": {
            "message": "bad",
            "type": "invalid_request_error",
            "param": "messages[0]",
            "code": None,
            "status": 400,
        }
    }


def test_headers_of_an_error():
    fault = Fault(FaultKind.RATE_LIMIT, "slow", retry_after=1.2, headers=(("allow", "POST"),))
    assert SPOKE.encode_error(fault, "r").headers == (
        ("allow", "POST"),
        ("retry-after", "2"),
        ("retry-after-ms", "1200"),
    )


@pytest.mark.parametrize(
    ("fault", "status", "type_", "code"),
    [
        (Fault(FaultKind.AUTHENTICATION, "m"), 401, "authentication_error", "invalid_api_key"),
        (Fault(FaultKind.PERMISSION, "m"), 403, "permission_denied", None),
        (Fault(FaultKind.MODEL_NOT_FOUND, "m"), 404, "not_found", "model_not_found"),
        (Fault(FaultKind.OVERLOADED, "m", status=529), 503, "service_unavailable", "server_is_overloaded"),
        (Fault(FaultKind.BILLING, "m", code="billing_error"), 429, "insufficient_quota", "insufficient_quota"),
        (Fault(FaultKind.UPSTREAM_TIMEOUT, "m"), 504, "upstream_error", "timeout"),
        (Fault(FaultKind.INTERNAL, "m"), 500, "internal_error", None),
    ],
)
def test_kinds_for_the_client(fault: Fault, status: int, type_: str, code: str | None):
    answer = SPOKE.encode_error(fault, "r")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["status"], error["type"], error["code"]) == (status, status, type_, code)


@pytest.mark.pitfall("ERR-2")
@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        ("prompt is too long: 250,000 tokens > 200000 maximum", ("200000", "250000")),
        ("input token count (250000) exceeds the maximum number of tokens allowed (200000)", ("200000", "250000")),
        ("This model's maximum context length is 5 tokens.", ("5",)),
        ("too much", ()),
    ],
)
def test_a_context_that_is_too_long_is_told_in_this_vendors_words(message: str, numbers: tuple[str, ...]):
    error = json.loads(SPOKE.encode_error(Fault(FaultKind.CONTEXT_LENGTH, message), "r").body)["error"]
    assert error["code"] == "context_length_exceeded"
    assert "maximum context length" in error["message"]
    assert all(number in error["message"] for number in numbers)


@pytest.mark.parametrize(
    ("kind", "exception"),
    [
        (FaultKind.INVALID_REQUEST, openai.BadRequestError),
        (FaultKind.UNSUPPORTED, openai.BadRequestError),
        (FaultKind.CONTEXT_LENGTH, openai.BadRequestError),
        (FaultKind.AUTHENTICATION, openai.AuthenticationError),
        (FaultKind.PERMISSION, openai.PermissionDeniedError),
        (FaultKind.MODEL_NOT_FOUND, openai.NotFoundError),
        (FaultKind.CONFLICT, openai.ConflictError),
        (FaultKind.UNPROCESSABLE, openai.UnprocessableEntityError),
        (FaultKind.RATE_LIMIT, openai.RateLimitError),
        (FaultKind.BILLING, openai.RateLimitError),
        (FaultKind.INTERNAL, openai.InternalServerError),
        (FaultKind.UPSTREAM, openai.InternalServerError),
        (FaultKind.OVERLOADED, openai.InternalServerError),
    ],
)
def test_the_sdk_raises_what_it_should(kind: FaultKind, exception: type[openai.APIStatusError]):
    answer = SPOKE.encode_error(Fault(kind, "told so", param="p"), "r")
    with pytest.raises(exception, match="told so") as caught:
        sdk(answer.body, status=answer.status, kind="application/json").chat.completions.create(model="m", messages=[])
    assert type(caught.value) is exception
    assert caught.value.param == "p"
    assert caught.value.code is None or isinstance(caught.value.code, str)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in (FaultKind.BILLING,)])
def test_a_fault_survives_the_way_there_and_back(kind: FaultKind):
    answer = SPOKE.encode_error(Fault(kind, "the prompt was refused", retry_after=3.0), "r")
    back = SPOKE.decode_error(answer.status, list(answer.headers), answer.body)
    assert (back.status, back.retry_after) == (answer.status, 3.0)
    same_status = {FaultKind.UPSTREAM_CONNECT, FaultKind.UPSTREAM_TRUNCATED, FaultKind.UNAVAILABLE}
    if kind not in same_status:
        assert back.kind is kind
