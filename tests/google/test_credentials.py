"""Every shape in which programs keep a login is read, and one is written."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from codenex.providers.google.credentials import CredentialInvalid, parsed, written

EXPIRY = 1_767_225_600.0
MOMENT = datetime.fromtimestamp(EXPIRY, UTC).isoformat()
TOKENS = {"access_token": "ya29.a", "refresh_token": "1//r"}

SHAPES: dict[str, Any] = {
    "canonical": {**TOKENS, "scope": "s t", "token_type": "Bearer", "id_token": "e.y.J", "expiry_date": EXPIRY * 1000},
    "nested": {
        "type": "gemini",
        "email": "a@b",
        "project_id": "p",
        "auto": True,
        "checked": True,
        "token": {**TOKENS, "expiry": MOMENT, "client_id": "c", "client_secret": "k", "scopes": ["s", "t"]},
    },
    "flat": {
        "type": "antigravity",
        **TOKENS,
        "expires_in": 3599,
        "timestamp": (EXPIRY - 3599) * 1000,
        "expired": MOMENT,
        "project_id": "p",
        "email": "a@b",
    },
    "counted": {**TOKENS, "expires_in": 3599, "timestamp": (EXPIRY - 3599) * 1000},
    "nanoseconds": {"token": {**TOKENS, "expiry": "2026-01-01T01:00:00.123456789+01:00"}},
}


@pytest.mark.parametrize(
    "encode", [lambda data: data, base64.b64encode, base64.encodebytes], ids=["json", "b64", "mime"]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read(shape: str, encode: Any) -> None:
    found = parsed(encode(json.dumps(SHAPES[shape]).encode()))
    assert (found.access_token, found.refresh_token) == ("ya29.a", "1//r")
    assert abs(found.expires - EXPIRY) < 1
    assert parsed(written(found)) == found


def test_what_gcloud_writes_is_read() -> None:
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "k", "refresh_token": "1//r"}
    found = parsed(json.dumps(user).encode())
    assert (found.client_id, found.client_secret, found.access_token, found.expires) == ("c", "k", None, 0.0)


def test_the_canonical_shape_is_googles_own() -> None:
    assert json.loads(written(parsed(json.dumps(SHAPES["canonical"]).encode()))) == SHAPES["canonical"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "neither JSON"),
        (b"\xff\xfe", "neither JSON"),
        (b"{}", "neither a refresh_token"),
        (b'{"type":"service_account","private_key":"k"}', "service_account"),
        (b'{"refresh_token":5}', "refresh_token"),
        (b'{"refresh_token":"a\\nb"}', "refresh_token"),
        (b'{"access_token":"","refresh_token":null}', "neither a refresh_token"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(CredentialInvalid) as caught:
        parsed(content)
    assert words in str(caught.value)


@pytest.mark.parametrize("moment", ["yesterday", 5, None, "0001-01-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_an_end_that_nobody_understands_is_past(moment: Any) -> None:
    assert parsed(json.dumps({**TOKENS, "expiry": moment}).encode()).expires == 0.0
