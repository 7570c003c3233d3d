"""Anthropic's errors, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vendors.anthropic import errors as vendor

from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.protocols.anthropic import SPOKE
from codenex.protocols.anthropic.errors import BY_STATUS, TO_HUB, TO_WIRE, fault_of


def decoded(status: int, value: object, *headers: tuple[str, str]) -> Fault:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return SPOKE.decode_error(status, list(headers), body)


def encoded(fault: Fault) -> tuple[int, dict[str, str], dict[str, object]]:
    found = SPOKE.encode_error(fault, "req_1")
    return found.status, dict(found.headers), json.loads(found.body)


def test_tables_are_total_and_agree() -> None:
    assert set(TO_WIRE) == set(FaultKind)
    for word, (kind, status) in TO_HUB.items():
        assert TO_WIRE[kind][0] == word
        assert TO_WIRE[kind][1] in (None, status)
        assert BY_STATUS[status] is kind


KINDS = {
    "bad_request": FaultKind.INVALID_REQUEST,
    "context_length": FaultKind.CONTEXT_LENGTH,
    "bad_key": FaultKind.AUTHENTICATION,
    "billing": FaultKind.BILLING,
    "no_permission": FaultKind.PERMISSION,
    "not_found": FaultKind.MODEL_NOT_FOUND,
    "too_large": FaultKind.TOO_LARGE,
    "rate_limit": FaultKind.RATE_LIMIT,
    "internal": FaultKind.INTERNAL,
    "overloaded": FaultKind.OVERLOADED,
    "timeout": FaultKind.UPSTREAM_TIMEOUT,
}


@pytest.mark.pitfall("ERR-1", "ERR-2", "ERR-4")
@pytest.mark.parametrize("kind", KINDS)
def test_the_vendors_errors_come_back_as_they_were(kind: str) -> None:
    status, word, message = vendor.TABLE[kind]
    original = {"type": "error", "error": {"type": word, "message": message}, "request_id": "req_0"}
    fault = decoded(status, original)
    assert fault.kind is KINDS[kind]
    assert fault.from_upstream
    again_status, headers, body = encoded(fault)
    assert (again_status, body) == (status, {**original, "request_id": "req_1"})
    assert headers["request-id"] == "req_1"
    inside = fault_of({"type": word, "message": message})
    assert (inside.kind, inside.status) == (fault.kind, status)


def test_every_kind_has_a_body() -> None:
    for kind in FaultKind:
        status, _, body = encoded(Fault(kind, "text"))
        assert 400 <= status < 600
        assert set(body) == {"type", "error", "request_id"}
        if kind is not FaultKind.OVERLOADED:
            assert status == DEFAULT_STATUS[kind]


@pytest.mark.pitfall("ERR-4")
def test_the_status_follows_the_type() -> None:
    assert encoded(Fault(FaultKind.AUTHENTICATION, "bad key", status=400))[0] == 401
    assert encoded(Fault(FaultKind.OVERLOADED, "busy", status=503))[0] == 529
    assert encoded(Fault(FaultKind.INVALID_REQUEST, "bad", status=418))[0] == 418
    assert encoded(Fault(FaultKind.UPSTREAM, "odd", status=520))[0] == 520
    assert encoded(Fault(FaultKind.UPSTREAM, "odd", status=200))[0] == 502


@pytest.mark.pitfall("ERR-2")
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("prompt is too long: 5 tokens > 4 maximum", "prompt is too long: 5 tokens > 4 maximum"),
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
            "prompt is too long: 130001 tokens > 128000 maximum",
        ),
        (
            "The input token count (1,048,999) exceeds the maximum number of tokens allowed (1048576).",
            "prompt is too long: 1048999 tokens > 1048576 maximum",
        ),
        ("Your input exceeds the window.", "prompt is too long: Your input exceeds the window."),
        (
            "exceeded max context length by 19046 tokens (ref: 96164522-08b2)",
            "prompt is too long: exceeded max context length by 19046 tokens (ref: 96164522-08b2)",
        ),
    ],
)
def test_a_long_prompt_is_said_in_the_words_that_clients_know(message: str, expected: str) -> None:
    body = encoded(Fault(FaultKind.CONTEXT_LENGTH, message))[2]
    assert body["error"] == {"type": "invalid_request_error", "message": expected}


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", FaultKind.CONTEXT_LENGTH),
        (400, "Your credit balance is too low to access the API.", FaultKind.BILLING),
        (400, "You have reached your specified API usage limits.", FaultKind.BILLING),
        (413, "Prompt is too long", FaultKind.CONTEXT_LENGTH),
        (404, "model: claude-x", FaultKind.MODEL_NOT_FOUND),
        (404, "Not found", FaultKind.NOT_FOUND),
        (422, "no", FaultKind.UNPROCESSABLE),
        (502, "bad gateway", FaultKind.UPSTREAM),
        (520, "odd", FaultKind.UPSTREAM),
        (418, "odd", FaultKind.INVALID_REQUEST),
        (529, "busy", FaultKind.OVERLOADED),
    ],
)
def test_statuses_and_wordings(status: int, message: str, kind: FaultKind) -> None:
    for value in (
        {"error": {"message": message}},
        {"error": message},
        {"message": message},
        [{"error": {"message": message}}],
    ):
        fault = decoded(status, value)
        assert (fault.kind, fault.status, fault.message) == (kind, status, message)


@pytest.mark.pitfall("ERR-5")
def test_pages_are_told_by_their_title() -> None:
    page = b"<html><head><title>502 Bad  Gateway</title><style>x{}</style></head><body><h1>nginx</h1></body></html>"
    assert decoded(502, page).message == "502 Bad Gateway"
    assert decoded(502, b"<p>down</p> <script>alert(1)</script>").message == "down"
    assert decoded(500, b"").message == "the upstream answered with status 500"
    assert len(decoded(500, b"x" * 10_000).message) < 600


@pytest.mark.pitfall("ERR-5", "NET-3")
def test_keys_never_leave() -> None:
    secret = "sk-ant-" + "REPLACEME0" * 3
    fault = decoded(401, {"type": "error", "error": {"type": "authentication_error", "message": f"bad key {secret}"}})
    assert secret not in fault.message
    assert secret.encode() not in SPOKE.encode_error(Fault(FaultKind.INTERNAL, f"key {secret}"), "r").body
    assert secret not in decoded(401, f"<b>{secret}</b>".encode()).message


NOW = ("date", "Tue, 24 Nov 2026 00:00:00 GMT")


@pytest.mark.pitfall("ERR-3")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), None),
        ((("Retry-After", "20"),), 20.0),
        ((("retry-after", "2"), ("retry-after-ms", "1500")), 1.5),
        ((("retry-after", "-5"),), None),
        ((("retry-after", "inf"),), None),
        ((("retry-after", "99999999"),), 7 * 86400.0),
        ((("retry-after", "Tue, 24 Nov 2026 00:01:00 GMT"), NOW), 60.0),
        ((("retry-after", "Tue, 24 Nov 2026 00:01:00 GMT"),), None),
        (
            (
                NOW,
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-11-24T00:00:09Z"),
                ("anthropic-ratelimit-tokens-remaining", "5"),
                ("anthropic-ratelimit-tokens-reset", "2026-11-24T01:00:00Z"),
            ),
            9.0,
        ),
    ],
)
def test_retry_after(headers: tuple[tuple[str, str], ...], expected: float | None) -> None:
    fault = decoded(429, {"error": {"type": "rate_limit_error", "message": "slow"}}, *headers)
    assert fault.retry_after == expected
    told = encoded(fault)[1].get("retry-after")
    assert told == (None if expected is None else str(int(expected + 0.999)))


@pytest.mark.pitfall("ERR-14")
def test_details_are_kept() -> None:
    fault = decoded(400, {"error": {"type": "invalid_request_error", "message": "m", "details": {"error_code": "x"}}})
    assert fault.details == {"error_code": "x"}


@given(st.integers(400, 599), st.binary(max_size=60))
def test_any_body_is_a_fault(status: int, body: bytes) -> None:
    fault = SPOKE.decode_error(status, [], body)
    assert fault.status == status
    assert fault.message
    json.loads(SPOKE.encode_error(fault, "r").body)
