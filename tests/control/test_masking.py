"""Masking: no secret is read, none is lost by sending what was read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.canary import Scanner, canaries

from codenex.control.masking import MaskedValue, is_secret, masked, masked_text, restored, secrets_in

CANARIES = canaries()
SCANNER = Scanner(CANARIES)

SECRET_FIELDS = [
    "REQUIRED_API_KEY",
    "OPENAI_API_KEY",
    "CLAUDE_API_KEY_2",
    "GEMINI_OAUTH_CREDS_BASE64",
    "GEMINI_CLI_OAUTH_CLIENT_SECRET",
    "CRON_REFRESH_TOKEN",
    "apiKey",
    "refreshToken",
    "access_token",
    "id_token",
    "private_key",
    "client_secret",
    "password",
    "digest",
    "Authorization",
    "x-goog-api-key",
    "Cookie",
    "credentials",
    "tokens",
]
PLAIN_FIELDS = [
    "OPENAI_BASE_URL",
    "GEMINI_OAUTH_CREDS_FILE_PATH",
    "PROJECT_ID",
    "client_id",
    "customName",
    "token_type",
    "token_uri",
    "expiry_date",
    "tokensPerMinute",
    "TLS_KEY",
    "keyboard",
    "uuid",
    "",
]


@pytest.mark.parametrize("name", SECRET_FIELDS)
def test_secret_fields_are_masked(name: str) -> None:
    assert is_secret(name)
    assert masked({name: "abcdefgh-ijklmn-1234"}) == {name: "***1234"}
    assert masked({name: "short"}) == {name: "***"}
    assert masked({name: ""}) == {name: ""}
    assert masked({name: ["abcdefgh-ijklmn-1234"]}) == {name: ["***1234"]}


@pytest.mark.parametrize("name", PLAIN_FIELDS)
def test_other_fields_stay(name: str) -> None:
    assert masked({name: "abcdefgh-ijklmn-1234", "n": [1, None, True, 0.5]}) == {
        name: "abcdefgh-ijklmn-1234",
        "n": [1, None, True, 0.5],
    }


def test_numbers_stay_but_in_passwords() -> None:
    assert masked({"maxTokens": 5, "password": 123456, "key": None, "secret": False}) == {
        "maxTokens": 5,
        "password": "***",
        "key": None,
        "secret": False,
    }


def test_everything_inside_of_a_secret_is_secret() -> None:
    assert masked({"credentials": {"a": {"b": ["some text"]}}}) == {"credentials": {"a": {"b": ["***"]}}}


def test_headers_are_secret_unless_known() -> None:
    headers = {"x-team": "team-key-of-the-upstream", "User-Agent": "mine/1.0"}
    assert masked({"headers": headers}) == {"headers": {"x-team": "***ream", "User-Agent": "mine/1.0"}}


def test_texts_are_looked_into() -> None:
    value = {"proxyUrl": "http://user:pass-word-1@proxy:8080", "note": "uses sk-abcdefghijklmnop", "m": "a SECRET b"}
    shown = masked(value, ("SECRET",))
    assert shown == {"proxyUrl": "http://***@proxy:8080", "note": "uses ***", "m": "a *** b"}


def test_old_files_with_tokens_as_names_are_masked() -> None:
    token = "0123456789abcdef" * 4
    shown = masked({"tokens": {token: {"username": "admin", "expiryTime": 5}}})
    assert shown == {"tokens": {"***cdef": {"username": "admin", "expiryTime": 5}}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"apiKey": "abcdefgh-ijklmn-1234"}', '{\n  "apiKey": "***1234"\n}'),
        ("OPENAI_API_KEY=abcdefgh-ijklmn-1234\nHOST=1.2.3.4", "OPENAI_API_KEY=***\nHOST=1.2.3.4"),
        ("export TOKEN='abcdefgh-ijklmn-1234'", "export TOKEN=***1234"),
        ('{"apiKey": "abcdefgh-ijklmn-1234", broken', '{"apiKey": "***", broken'),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n", "(private key: ***)\n"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n", "(private key: ***)"),
        ("plain words", "plain words"),
    ],
)
def test_texts_of_files(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_secrets_are_collected() -> None:
    value = {"a": [{"OPENAI_API_KEY": "k1"}, {"headers": {"x": "k2"}}], "token": "k1", "customName": "n"}
    assert secrets_in(value) == ("k1", "k2")


# --- what is sent back

STORED = {
    "uuid": "u",
    "OPENAI_API_KEY": "abcdefgh-ijklmn-1234",
    "headers": {"x-key": "opqrstuvw-xyz-567890"},
    "proxyUrl": "http://user:pass-word-1@proxy:8080",
    "supportedModels": ["a"],
    "list": [{"uuid": "1", "token": "t1-abcdefghijklmnop"}, {"uuid": "2", "token": "t2-abcdefghijklmnop"}],
    "later": {"x": 1},
}


def test_what_was_read_changes_nothing() -> None:
    assert restored(masked(STORED), STORED) == STORED


def test_one_change_leaves_the_secrets() -> None:
    sent = {**masked(STORED), "supportedModels": ["b"], "OPENAI_API_KEY": "new-key"}
    assert restored(sent, STORED) == {**STORED, "supportedModels": ["b"], "OPENAI_API_KEY": "new-key"}


def test_moved_elements_keep_their_own_secrets() -> None:
    first, second = masked(STORED)["list"]
    sent = {"list": [{**second, "note": "changed"}, first]}
    assert restored(sent, STORED)["list"] == [{**STORED["list"][1], "note": "changed"}, STORED["list"][0]]


@pytest.mark.parametrize(
    "sent",
    [
        {"OPENAI_API_KEY": "***9999"},
        {"CLAUDE_API_KEY": "***1234"},
        {"headers": {"x-other": "***7890"}},
        {"proxyUrl": "http://***@elsewhere:8080"},
        {"list": [{"uuid": "3", "token": "***mnop"}] * 3},
    ],
)
def test_a_masked_value_of_nothing_is_never_stored(sent: dict[str, Any]) -> None:
    with pytest.raises(MaskedValue):
        restored(sent, STORED)


NAMES = st.sampled_from(SECRET_FIELDS + PLAIN_FIELDS + ["headers", "a b", "é"])
TEXTS = st.text(max_size=30).filter(lambda text: "***" not in text)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=max(1000, settings.default.max_examples))
@given(VALUES)
def test_law_reading_and_sending_back_changes_nothing(value: Any) -> None:
    assert restored(masked(value), value) == value


@settings(max_examples=max(1000, settings.default.max_examples))
@given(VALUES, st.sampled_from(CANARIES), st.sampled_from(SECRET_FIELDS), TEXTS)
def test_law_no_secret_is_shown(value: Any, secret: Any, field: str, text: str) -> None:
    document = {"a": [value, {field: secret.secret}], "text": f"{text} {secret.secret} {text}"}
    shown = json.dumps(masked(document, secrets_in(document)), ensure_ascii=False)
    assert SCANNER.scan(shown) == []
    assert SCANNER.scan(masked_text(json.dumps(document), secrets_in(document))) == []
