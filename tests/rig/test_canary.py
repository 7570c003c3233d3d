"""The scanner finds every canary in every form, and nothing where nothing is."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.canary import PREFIXES, Canary, Scanner, canaries, canary

SECRETS = canaries()
SCANNER = Scanner(SECRETS)


def test_canaries_are_distinct_and_the_same_every_time() -> None:
    assert canaries() == SECRETS
    assert len({secret.secret for secret in SECRETS}) == len({secret.name for secret in SECRETS}) == 30
    windows = [secret.body[start : start + 12] for secret in SECRETS for start in range(len(secret.body) - 11)]
    assert len(set(windows)) == len(windows)
    assert canary("x").body != canary("y").body


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "json": json.dumps,
    "hexadecimal": lambda secret: secret.encode().hex(),
    "upper-case hexadecimal": lambda secret: secret.encode().hex().upper(),
    "url-encoded": lambda secret: quote(secret, safe=""),
    "query": lambda secret: urlencode({"key": secret}),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of basic credentials": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "base64 inside of JSON": lambda secret: base64.b64encode(json.dumps({"token": secret, "n": 1}).encode()).decode(),
    "url-safe base64": lambda secret: base64.urlsafe_b64encode(f"u:{secret}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_every_form_of_every_canary_is_found(secret: Canary, form: str) -> None:
    written = f"log line: {FORMS[form](secret.secret)} end"
    for content in (written, written.encode()):
        leaks = SCANNER.scan(content, "the log")
        assert {leak.canary for leak in leaks} == {secret.name}
        assert {leak.where for leak in leaks} == {"the log"}
        assert all(secret.body not in repr(leak) for leak in leaks)


@given(secret=st.sampled_from(SECRETS), data=st.data(), before=st.text(max_size=20), after=st.text(max_size=20))
def test_twelve_characters_are_a_leak_and_eleven_are_not(
    secret: Canary, data: st.DataObject, before: str, after: str
) -> None:
    start = data.draw(st.integers(0, len(secret.body) - 12))
    assert SCANNER.scan(f"{before}{secret.body[start : start + 12]}{after}") != []
    assert SCANNER.scan(f"\n{secret.body[start : start + 11]}\n") == []


@given(secret=st.sampled_from(SECRETS), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_is_found_wherever_the_secret_stands_in_it(secret: Canary, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.secret.encode() + after)
    assert {leak.canary for leak in SCANNER.scan(encoded)} == {secret.name}


def test_what_may_be_shown_is_no_leak() -> None:
    for secret in SECRETS:
        assert SCANNER.scan(f"{secret.prefix}****{secret.body[-4:]} ({len(secret.secret)} characters)") == []
    assert SCANNER.scan(" ".join(PREFIXES.values()) + Path(__file__).read_text()) == []


def test_files_names_and_archives_are_searched_and_some_left_out(tmp_path: Path) -> None:
    one, two, three, four = SECRETS[:4]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text(f"x {one.body} y")
    (tmp_path / "logs" / f"{two.body.replace('/', '_')}.txt").write_text("")
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("settings.json", json.dumps({"key": three.secret}))
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "credentials.json").write_text(four.secret)
    found = {leak.canary for leak in SCANNER.scan_folder(tmp_path)}
    assert found == {one.name, two.name, three.name, four.name}
    allowed = SCANNER.scan_folder(tmp_path, without=[tmp_path / "configs"])
    assert {leak.canary for leak in allowed} == {one.name, two.name, three.name}


def test_compressed_bytes_are_the_caller_s_to_unpack() -> None:
    packed = gzip.compress(SECRETS[0].secret.encode(), mtime=0)
    assert SCANNER.scan(packed) == []
    assert SCANNER.scan(gzip.decompress(packed)) != []
