"""Secrets do not get into messages."""

from __future__ import annotations

import pytest

from codenex.core.redaction import MASK, hinted, redacted

SECRET = "q7Zx2Lk9Pw4Rt8Vb"


@pytest.mark.parametrize(
    "text",
    [
        "key sk-abcdef1234567890XYZ is wrong",
        "sk-ant-api03-abcdefghijklmnop",
        "AIzaSyabcdefghijklmnopqrstuvwxyz",
        "ya29.abcdefghijklmnop",
        "GOCSPX" + "-abcdefghijklmnop",
        "gsk_abcdefghijklmnop",
    ],
)
def test_keys_are_known_by_their_prefix(text: str) -> None:
    assert "abcdefghijklmn" not in redacted(text)
    assert "abcdef1234567890" not in redacted(text)
    assert MASK in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}==",
        f"GET /v1?key={SECRET}&alt=sse",
        f"https://x/?alt=sse&access_token={SECRET}",
        f'{{"api_key": "{SECRET}", "a": 1}}',
        f"{{'api_key': '{SECRET}'}}",
        f'{{\\"refresh_token\\":\\"{SECRET}\\"}}',
        f"x-api-key: {SECRET}",
        f"x-goog-api-key={SECRET}",
        f"client_secret={SECRET}",
        f"proxy http://user:{SECRET}@proxy.example.com:8080 refused",
        f"socks5://{SECRET}@proxy.example.com",
    ],
)
def test_secrets_are_known_by_where_they_stand(text: str) -> None:
    assert SECRET not in redacted(text)
    assert MASK in redacted(text)


def test_what_is_around_stays() -> None:
    assert redacted(f"GET /v1?key={SECRET}&alt=sse") == f"GET /v1?key={MASK}&alt=sse"
    assert redacted(f"http://u:{SECRET}@host:1/p") == f"http://{MASK}@host:1/p"
    assert redacted(f'{{"api_key": "{SECRET}", "a": 1}}') == f'{{"api_key": "{MASK}", "a": 1}}'


@pytest.mark.parametrize(
    "text",
    [
        "model gpt-5 not found",
        "token limit of 128000 exceeded",
        "see https://example.com/a@b?x=1",
        "mail a@example.com",
        "",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redacted(text) == text


def test_known_secrets_go_wherever_they_stand() -> None:
    assert redacted("invalid: hunter22!", ("hunter22",)) == f"invalid: {MASK}!"
    assert redacted("abc stays", ("abc",)) == "abc stays"
    assert redacted("a", ("",)) == "a"


@pytest.mark.parametrize("order", [1, -1])
def test_a_secret_that_begins_like_another_leaves_no_rest(order: int) -> None:
    assert redacted("x longsecret-more y", ("longsecret", "longsecret-more")[::order]) == f"x {MASK} y"


def test_hints() -> None:
    assert hinted("0123456789abcdef") == f"{MASK}cdef"
    assert hinted("short-secret") == MASK
