"""Which headers travel through the passthrough lane."""

import pytest

from codenex.gateway.headers import passed_down, passed_up
from codenex.gateway.queries import forwarded_query, wants_array

FORBIDDEN = [
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "cookie",
    "origin",
    "sec-fetch-mode",
    "x-forwarded-for",
    "forwarded",
    "via",
    "host",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "expect",
    "accept-encoding",
    "model-provider",
    "referer",
    "api-key",
    "x-auth-token",
    "private-token",
    "x-amz-security-token",
    "x-client-secret",
]


@pytest.mark.pitfall("NET-2", "CLI-3", "NET-12")
def test_credentials_network_and_hop_headers_stay_here_and_all_others_go_on():
    kept = [
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "a,b"),
        ("x-anything", "1"),
        ("idempotency-key", "i"),
        ("user-agent", "cli"),
    ]
    assert passed_up([*((name, "secret") for name in FORBIDDEN), *kept]) == kept


def test_headers_that_connection_names_are_hop_by_hop():
    assert passed_up([("connection", "close, X-Private"), ("x-private", "1"), ("x-public", "2")]) == [("x-public", "2")]


@pytest.mark.pitfall("NET-7", "CLI-8", "ERR-13", "SSE-11")
def test_answers_keep_limits_and_ids_and_lose_the_rest():
    headers = [
        ("x-ratelimit-remaining-requests", "1"),
        ("anthropic-ratelimit-unified-reset", "2"),
        ("request-id", "req_1"),
        ("retry-after", "3"),
        ("set-cookie", "a=b"),
        ("server", "x"),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("transfer-encoding", "chunked"),
    ]
    assert passed_down(headers) == headers[:4]


@pytest.mark.pitfall("NET-3")
def test_the_clients_key_never_goes_on_in_the_query():
    assert forwarded_query("beta=true&key=secret&alt=sse&x=%20") == "beta=true&x=%20"
    assert forwarded_query("key=secret") == ""
    assert forwarded_query("") == ""


def test_a_gemini_stream_is_an_array_unless_events_are_asked_for():
    assert wants_array("")
    assert wants_array("alt=json")
    assert not wants_array("key=a&alt=sse")
