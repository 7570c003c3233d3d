"""What is left of a limit, in each vendor's own headers."""

import pytest

from codenex.gateway.rate_headers import Allowance, duration, rate_headers

ALLOWANCES = [Allowance("requests", 100, 99, 12.4), Allowance("tokens", 5000, 0, 360.0)]


@pytest.mark.pitfall("NET-7")
def test_openai_clients_read_durations():
    for protocol in ("openai-chat", "openai-responses"):
        assert rate_headers(ALLOWANCES, protocol, 0.0) == [
            ("x-ratelimit-limit-requests", "100"),
            ("x-ratelimit-remaining-requests", "99"),
            ("x-ratelimit-reset-requests", "12s"),
            ("x-ratelimit-limit-tokens", "5000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]


@pytest.mark.pitfall("NET-7")
def test_anthropic_clients_read_times():
    assert rate_headers(ALLOWANCES[:1], "anthropic", 1_700_000_000.0) == [
        ("anthropic-ratelimit-requests-limit", "100"),
        ("anthropic-ratelimit-requests-remaining", "99"),
        ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:32Z"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0ms"), (0.02, "20ms"), (1.0, "1s"), (59.4, "59s"), (60.0, "1m0s"), (3725.0, "62m5s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
