"""Errors in both directions: tables that are whole, odd bodies, and what the official SDK raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import errors
from tests.protocols.gemini.frames import Object, sdk

from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.protocols.gemini import SPOKE
from codenex.protocols.gemini.errors import BY_STATUS, TO_HUB, TO_WIRE, error_object

RPC = "type.googleapis.com/google.rpc."
#: Kinds for which Google has no status of their own, and what they come back as.
MERGED = {
    FaultKind.UNSUPPORTED: FaultKind.INVALID_REQUEST,
    FaultKind.CONTENT_POLICY: FaultKind.INVALID_REQUEST,
    FaultKind.METHOD_NOT_ALLOWED: FaultKind.UNSUPPORTED,
    FaultKind.REQUEST_TIMEOUT: FaultKind.UPSTREAM_TIMEOUT,
    FaultKind.TOO_LARGE: FaultKind.INVALID_REQUEST,
    FaultKind.URI_TOO_LONG: FaultKind.INVALID_REQUEST,
    FaultKind.UNSUPPORTED_MEDIA_TYPE: FaultKind.INVALID_REQUEST,
    FaultKind.UNPROCESSABLE: FaultKind.INVALID_REQUEST,
    FaultKind.HEADERS_TOO_LARGE: FaultKind.INVALID_REQUEST,
    FaultKind.BILLING: FaultKind.RATE_LIMIT,
    FaultKind.MODEL_NOT_FOUND: FaultKind.NOT_FOUND,
    FaultKind.UPSTREAM: FaultKind.INTERNAL,
    FaultKind.UPSTREAM_TRUNCATED: FaultKind.INTERNAL,
    FaultKind.UPSTREAM_CONNECT: FaultKind.OVERLOADED,
    FaultKind.UNAVAILABLE: FaultKind.OVERLOADED,
}


def decoded(status: int, body: Any, **headers: str) -> Fault:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fault = SPOKE.decode_error(status, [(name.replace("_", "-"), value) for name, value in headers.items()], content)
    assert fault.from_upstream
    return fault


def error(message: str = "m", code: int = 400, status: str = "INVALID_ARGUMENT", *details: Object) -> Object:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def info(reason: str) -> Object:
    return {"@type": RPC + "ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def test_the_tables_are_whole() -> None:
    assert set(TO_WIRE) == set(FaultKind)
    assert set(TO_WIRE.values()) <= set(TO_HUB)
    # Statuses of the gateway's own that no other kind answers with.
    assert set(DEFAULT_STATUS.values()) - set(BY_STATUS) == {502}


@pytest.mark.pitfall("ERR-1", "ERR-4", "ERR-12")
@pytest.mark.parametrize("kind", FaultKind)
@pytest.mark.parametrize("stream", [False, True])
def test_every_fault_is_read_by_the_sdk(kind: FaultKind, stream: bool) -> None:
    rendered = SPOKE.encode_error(Fault(kind, "It failed.", param="contents", retry_after=1.5, code="reason"), "req_1")
    expected = errors.ClientError if rendered.status < 500 else errors.ServerError
    client = sdk(rendered.body, "application/json", rendered.status, **dict(rendered.headers))
    with pytest.raises(expected, match="It failed") as caught:
        if stream:
            list(client.models.generate_content_stream(model="m", contents="hi"))
        else:
            client.models.generate_content(model="m", contents="hi")
    assert (caught.value.code, caught.value.status) == (rendered.status, TO_WIRE[kind])
    assert ("retry-after", "2") in rendered.headers
    told = json.loads(rendered.body)["error"]
    assert told["code"] == rendered.status
    assert told["details"] == [
        {"@type": RPC + "RetryInfo", "retryDelay": "1.5s"},
        {"@type": RPC + "ErrorInfo", "reason": "REASON", "domain": "codenex"},
        {
            "@type": RPC + "BadRequest",
            "fieldViolations": [{"field": "contents", "description": json.loads(rendered.body)["error"]["message"]}],
        }
        if kind is not FaultKind.CONTEXT_LENGTH
        else {"@type": RPC + "BadRequest", "fieldViolations": [{"field": "contents", "description": "It failed."}]},
        {"@type": RPC + "RequestInfo", "requestId": "req_1"},
    ]


@pytest.mark.pitfall("ERR-4")
@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_comes_back(kind: FaultKind) -> None:
    rendered = SPOKE.encode_error(Fault(kind, "It failed.", retry_after=0.25), "r")
    again = SPOKE.decode_error(rendered.status, list(rendered.headers), rendered.body)
    assert again.kind is MERGED.get(kind, kind)
    assert (again.status, again.retry_after) == (rendered.status, 0.25)
    # In the middle of a stream there is no status beside the object.
    (event,) = [*SPOKE.stream_decoder().feed(b"data: " + rendered.body + b"\n\n")]
    assert event.fault.kind is again.kind  # type: ignore[union-attr]


@pytest.mark.pitfall("ERR-4")
@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (FaultKind.INVALID_REQUEST, 400, "INVALID_ARGUMENT"),
        (FaultKind.UNSUPPORTED, 400, "INVALID_ARGUMENT"),
        (FaultKind.CONTEXT_LENGTH, 400, "INVALID_ARGUMENT"),
        (FaultKind.AUTHENTICATION, 401, "UNAUTHENTICATED"),
        (FaultKind.PERMISSION, 403, "PERMISSION_DENIED"),
        (FaultKind.BILLING, 429, "RESOURCE_EXHAUSTED"),
        (FaultKind.MODEL_NOT_FOUND, 404, "NOT_FOUND"),
        (FaultKind.CONFLICT, 409, "ABORTED"),
        (FaultKind.TOO_LARGE, 413, "INVALID_ARGUMENT"),
        (FaultKind.RATE_LIMIT, 429, "RESOURCE_EXHAUSTED"),
        (FaultKind.OVERLOADED, 503, "UNAVAILABLE"),
        (FaultKind.INTERNAL, 500, "INTERNAL"),
        (FaultKind.UPSTREAM, 502, "INTERNAL"),
        (FaultKind.UPSTREAM_TIMEOUT, 504, "DEADLINE_EXCEEDED"),
        (FaultKind.CANCELLED, 499, "CANCELLED"),
    ],
)
def test_the_words_of_each_class(kind: FaultKind, status: int, word: str) -> None:
    rendered = SPOKE.encode_error(Fault(kind, "x"), "")
    assert (rendered.status, json.loads(rendered.body)["error"]["status"]) == (status, word)


def test_statuses_that_google_does_not_know() -> None:
    assert SPOKE.encode_error(Fault(FaultKind.OVERLOADED, "x", status=529), "r").status == 503
    assert SPOKE.encode_error(Fault(FaultKind.BILLING, "x", status=402), "r").status == 429
    unimplemented = SPOKE.encode_error(Fault(FaultKind.UNSUPPORTED, "x", status=501), "r")
    assert json.loads(unimplemented.body)["error"]["status"] == "UNIMPLEMENTED"


@pytest.mark.pitfall("ERR-1", "ERR-5", "ERR-9")
@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, error(), FaultKind.INVALID_REQUEST, "m"),
        (400, error(status="FAILED_PRECONDITION"), FaultKind.INVALID_REQUEST, "m"),
        (400, error(status="OUT_OF_RANGE"), FaultKind.INVALID_REQUEST, "m"),
        (400, error("API key not valid. Please pass a valid API key."), FaultKind.AUTHENTICATION, None),
        (400, error("m", 400, "INVALID_ARGUMENT", info("API_KEY_INVALID")), FaultKind.AUTHENTICATION, "m"),
        (400, error("API key expired. Please renew the API key."), FaultKind.AUTHENTICATION, None),
        (401, error("m", 401, "UNAUTHENTICATED"), FaultKind.AUTHENTICATION, "m"),
        (403, error("m", 403, "PERMISSION_DENIED"), FaultKind.PERMISSION, "m"),
        (403, error("m", 403, "PERMISSION_DENIED", info("SERVICE_DISABLED")), FaultKind.PERMISSION, "m"),
        (403, error("m", 403, "PERMISSION_DENIED", info("BILLING_DISABLED")), FaultKind.BILLING, "m"),
        (400, error("API requires billing to be enabled", status="FAILED_PRECONDITION"), FaultKind.BILLING, None),
        (429, error("Your prepayment credits are depleted.", 429, "RESOURCE_EXHAUSTED"), FaultKind.BILLING, None),
        (429, error("m", 429, "RESOURCE_EXHAUSTED"), FaultKind.RATE_LIMIT, "m"),
        (404, error("models/x is not found for API version v1", 404, "NOT_FOUND"), FaultKind.MODEL_NOT_FOUND, None),
        (404, error("Requested entity was not found.", 404, "NOT_FOUND"), FaultKind.NOT_FOUND, None),
        (409, error("m", 409, "ALREADY_EXISTS"), FaultKind.CONFLICT, "m"),
        (
            400,
            error("The input token count (1200) exceeds the maximum number of tokens allowed (1000)."),
            FaultKind.CONTEXT_LENGTH,
            None,
        ),
        (500, error("m", 500, "INTERNAL"), FaultKind.INTERNAL, "m"),
        (500, error("m", 500, "UNKNOWN"), FaultKind.INTERNAL, "m"),
        (503, error("m", 503, "UNAVAILABLE"), FaultKind.OVERLOADED, "m"),
        (504, error("m", 504, "DEADLINE_EXCEEDED"), FaultKind.UPSTREAM_TIMEOUT, "m"),
        (501, error("m", 501, "UNIMPLEMENTED"), FaultKind.UNSUPPORTED, "m"),
        (499, error("m", 499, "CANCELLED"), FaultKind.CANCELLED, "m"),
        (400, [error("in a list")], FaultKind.INVALID_REQUEST, "in a list"),
        (429, {"error": {"message": "no word"}}, FaultKind.RATE_LIMIT, "no word"),
        (400, {"error": "plain"}, FaultKind.INVALID_REQUEST, "plain"),
        (400, {"error": {}}, FaultKind.INVALID_REQUEST, "the upstream reported an error"),
        (413, b"", FaultKind.TOO_LARGE, "the upstream answered with status 413"),
        (502, b"<html><style>x{}</style><h1>Bad  Gateway</h1></html>", FaultKind.UPSTREAM, "Bad Gateway"),
        (418, b"teapot", FaultKind.INVALID_REQUEST, "teapot"),
        (599, b"[]", FaultKind.UPSTREAM, "[]"),
        (500, b"\xff" * 2000, FaultKind.INTERNAL, "\ufffd" * 500 + "…"),
    ],
)
def test_shapes_of_errors(status: int, body: Any, kind: FaultKind, message: str | None) -> None:
    fault = decoded(status, body)
    assert (fault.kind, fault.status) == (kind, 401 if kind is FaultKind.AUTHENTICATION else status)
    assert fault.message
    if message is not None:
        assert fault.message == message


@pytest.mark.parametrize(
    ("given", "status", "kind"),
    [
        ({"code": 503, "message": "m"}, 503, FaultKind.OVERLOADED),
        ({"code": 200, "message": "m"}, 500, FaultKind.INTERNAL),
        ({"code": "429", "status": "RESOURCE_EXHAUSTED"}, 429, FaultKind.RATE_LIMIT),
        ({"code": 14, "status": "UNAVAILABLE"}, 503, FaultKind.OVERLOADED),
        ({"code": 418}, 418, FaultKind.INVALID_REQUEST),
        ({"code": 550}, 550, FaultKind.UPSTREAM),
        ({}, 500, FaultKind.INTERNAL),
    ],
)
def test_errors_without_a_status_of_http(given: Object, status: int, kind: FaultKind) -> None:
    for fault in (decoded(200, {"error": given}), SPOKE.stream_decoder().feed(
        b"data: " + json.dumps({"error": given}).encode() + b"\n\n"
    )[0].fault):  # type: ignore[union-attr]  # fmt: skip
        assert (fault.status, fault.kind) == (status, kind)


@pytest.mark.pitfall("ERR-3", "ERR-14", "CLI-42")
@pytest.mark.parametrize(
    ("details", "message", "headers", "seconds"),
    [
        ([{"@type": RPC + "RetryInfo", "retryDelay": "12.345s"}], "m", {}, 12.345),
        ([{"@type": RPC + "RetryInfo", "retryDelay": "30s"}], "m", {"retry_after": "7"}, 30.0),
        ([{"@type": RPC + "RetryInfo", "retryDelay": {"seconds": "3", "nanos": 500000000}}], "m", {}, 3.5),
        ([{"@type": RPC + "RetryInfo", "retryDelay": {"seconds": None}}], "m", {}, None),
        ([{"@type": RPC + "RetryInfo", "retryDelay": {"seconds": 10**400}}], "m", {}, None),
        ([{"@type": RPC + "RetryInfo", "retryDelay": "soon"}, 5, {"@type": 5}], "m", {}, None),
        ([{"@type": RPC + "RetryInfo", "retryDelay": "9999999s"}], "m", {}, 86400.0),
        ([], "m", {"retry_after": "7"}, 7.0),
        ([], "m", {"retry_after": "7", "retry_after_ms": "1500"}, 1.5),
        ([], "m", {"retry_after": "-5"}, None),
        ([], "m", {"retry_after": "nan"}, None),
        ([], "m", {"retry_after": "soon"}, None),
        ([], "m", {"retry_after": "Wed, 01 Mar 2028 00:00:10 GMT", "date": "Tue, 29 Feb 2028 23:59:50 GMT"}, 20.0),
        ([], "m", {"retry_after": "Wed, 01 Mar 2028 00:00:10 GMT"}, None),
        ([], "m", {"retry_after": "Mon, 1 Jan 99999999999999999999 00:00:00 GMT", "date": "x"}, None),
        ([], "You exceeded your current quota. Please retry in 43.68s.", {}, 43.68),
        ([], "Please retry in 250 ms.", {}, 0.25),
        ([], "retry after 20s", {}, 20.0),
        ([], "m", {}, None),
    ],
)
def test_when_to_come_back(details: list[Any], message: str, headers: dict[str, str], seconds: float | None) -> None:
    body = error(message, 429, "RESOURCE_EXHAUSTED", *details)
    assert decoded(429, body, **headers).retry_after == seconds
    if not details:
        assert decoded(429, message.encode(), **headers).retry_after == seconds


@pytest.mark.pitfall("ERR-14")
def test_details_are_kept_for_clients_of_the_same_protocol() -> None:
    quota = {"@type": RPC + "QuotaFailure", "violations": [{"quotaId": "PerDay"}]}
    retry = {"@type": RPC + "RetryInfo", "retryDelay": "3.5s"}
    fault = decoded(429, error("m", 429, "RESOURCE_EXHAUSTED", quota, retry))
    again = json.loads(SPOKE.encode_error(fault, "r").body)["error"]["details"]
    assert again == [quota, retry, {"@type": RPC + "RequestInfo", "requestId": "r"}]
    # Details of another vendor have another shape and are left out.
    foreign = Fault(FaultKind.RATE_LIMIT, "m", details={"error": {"type": "tokens"}}, code="rate_limit_exceeded")
    assert [detail["@type"] for detail in error_object(foreign)["error"]["details"]] == [RPC + "ErrorInfo"]
    assert "details" not in error_object(Fault(FaultKind.INTERNAL, "m"))["error"]


@pytest.mark.pitfall("ERR-2")
@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "prompt is too long: 205,000 tokens > 200000 maximum",
            "The input token count (205000) exceeds the maximum number of tokens allowed (200000).",
        ),
        (
            "The input token count (12) exceeds the maximum number of tokens allowed (10).",
            "The input token count (12) exceeds the maximum number of tokens allowed (10).",
        ),
        ("too long", "The input token count exceeds the maximum number of tokens allowed: too long"),
    ],
)
def test_a_prompt_that_is_too_long_is_told_in_googles_words(message: str, told: str) -> None:
    rendered = SPOKE.encode_error(Fault(FaultKind.CONTEXT_LENGTH, message), "r")
    assert json.loads(rendered.body)["error"]["message"] == told
    assert SPOKE.decode_error(rendered.status, [], rendered.body).kind is FaultKind.CONTEXT_LENGTH


def test_keys_do_not_leak() -> None:
    key = "AIza" + "Sy0123456789abcdefghijklmnopqrstuv0"
    assert key not in decoded(400, error(f"API key {key} is bad")).message
    assert key not in decoded(400, f"key {key}".encode()).message
    rendered = SPOKE.encode_error(Fault(FaultKind.UPSTREAM, f"with {key}", param="x"), "r")
    assert key.encode() not in rendered.body


def test_headers_of_an_error_are_kept() -> None:
    fault = Fault(FaultKind.METHOD_NOT_ALLOWED, "no", headers=(("allow", "POST"),))
    assert SPOKE.encode_error(fault, "r").headers == (("allow", "POST"),)
