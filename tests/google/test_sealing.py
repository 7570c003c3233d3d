"""Credential files that are encrypted at rest: nothing of a token on the disk, and nothing lost without the key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.google.accounts import CODE_ASSIST, credential, google_account
from tests.support.google.oauth import REFRESH_TOKEN
from tests.support.google.server import ScriptedGoogle

from codenex.control.credential_sealing import change_all
from codenex.control.google_accounts import STATE
from codenex.core.errors import Fault
from codenex.providers.google.cloud import cloud_of
from codenex.providers.transport import Transport
from codenex.store.sealing import Sealing, SealingError, is_sealed, new_key, sealing_of
from codenex.store.settings import Account, Settings


def key_file(folder: Path, *keys: str, name: str = "keys") -> Path:
    path = folder / name
    path.write_text("\n".join(keys) + "\n")
    path.chmod(0o600)
    return path


def with_keys(account: Account, keys: Path | None) -> Account:
    assert account.google is not None
    place = msgspec.structs.replace(account.google, key_file=None if keys is None else str(keys))
    return msgspec.structs.replace(account, google=place)


def settings_of(folder: Path, account: Account, keys: Path | None) -> Settings:
    path = None if keys is None else str(keys)
    return Settings(data_dir=str(folder), accounts={CODE_ASSIST: (account,)}, credentials_key_file=path)


def all_text(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "keys")


@settings(max_examples=50)
@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_with_its_key_alone(content: bytes) -> None:
    mine, other = Sealing((b"a" * 32,)), Sealing((b"b" * 32,))
    sealed = mine.sealed(content)
    assert is_sealed(sealed)
    assert mine.opened(sealed) == Sealing((b"b" * 32, b"a" * 32)).opened(sealed) == content
    assert mine.sealed(sealed) == sealed != mine.sealed(content)
    with pytest.raises(SealingError, match="key"):
        other.opened(sealed)
    with pytest.raises(SealingError, match="key"):
        Sealing().opened(sealed)


def test_no_changed_byte_goes_unnoticed() -> None:
    sealing = Sealing((b"a" * 32,))
    sealed = json.loads(sealing.sealed(b"a credential"))
    for name in ("nonce", "content"):
        right = b64decode(sealed[name])
        for place in range(len(right)):
            wrong = right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :]
            changed = {**sealed, name: b64encode(wrong).decode()}
            with pytest.raises(SealingError, match="damaged"):
                sealing.opened(json.dumps(changed, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "no key"), ("short", "no key"), ("A" * 44, "no key"), (f"{'A' * 43}= x", "word 2")],
)
def test_a_bad_key_file_is_told(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(SealingError, match=words):
        sealing_of(key_file(tmp_path, content))


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path, new_key())
    path.chmod(0o644)
    with pytest.raises(SealingError, match="chmod 600"):
        sealing_of(path)
    with pytest.raises(SealingError, match="can't be read"):
        sealing_of(tmp_path / "absent")


async def test_no_token_is_on_the_disk_and_renewals_go_on(tmp_path: Path) -> None:
    keys = key_file(tmp_path, new_key())
    async with ScriptedGoogle() as google, Transport() as transport:
        account = with_keys(google_account(google, tmp_path, credential(), state_dir=str(tmp_path / STATE)), keys)
        assert change_all(settings_of(tmp_path, account, keys), seal=True)[1] == []
        token = await cloud_of(transport).logins.token(account)
        for secret in (REFRESH_TOKEN, token, "ya29."):
            assert secret.encode() not in all_text(tmp_path)
    # Another process, which knows only what is on the disk.
    async with Transport() as transport:
        assert await cloud_of(transport).logins.token(account) == token
    # A new key in front of the old one: both are read, and the next change is made with the new one.
    key_file(tmp_path, new_key(), keys.read_text().strip())
    changed, problems = change_all(settings_of(tmp_path, account, keys), seal=True)
    assert (len(changed), problems) == (2, [])
    key_file(tmp_path, keys.read_text().split()[0])
    async with Transport() as transport:
        assert await cloud_of(transport).logins.token(account) == token
    changed, problems = change_all(settings_of(tmp_path, account, keys), seal=False)
    assert (len(changed), problems) == (2, [])
    async with Transport() as transport:
        assert await cloud_of(transport).logins.token(with_keys(account, None)) == token


async def test_without_the_key_the_account_needs_it_and_nothing_is_overwritten(tmp_path: Path) -> None:
    keys = key_file(tmp_path, new_key())
    async with ScriptedGoogle() as google, Transport() as transport:
        account = with_keys(google_account(google, tmp_path, credential(), state_dir=str(tmp_path / STATE)), keys)
        change_all(settings_of(tmp_path, account, keys), seal=True)
        await cloud_of(transport).logins.token(account)
        before = all_text(tmp_path)
        for other in (None, key_file(tmp_path, new_key(), name="other")):
            async with Transport() as fresh:
                with pytest.raises(Fault) as caught:
                    await cloud_of(fresh).logins.token(with_keys(account, other))
            assert "encrypted" in str(caught.value.notice)
        (tmp_path / "other").unlink()
        assert all_text(tmp_path) == before
