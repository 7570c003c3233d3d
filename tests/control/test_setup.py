"""The first run: a token on the console is exchanged, once and within a day, for the admin password."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import msgspec
import pytest
from tests.control.site import PASSWORD, Site

from codenex.control.errors import ConfigurationError
from codenex.control.passwords import Passwords
from codenex.control.setup import TOKEN_LIFETIME, password_path, setup_notice, token_path
from codenex.store.settings import Settings

DAY = 24 * 3600


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return msgspec.structs.replace(Settings(), config_dir=str(tmp_path / "configs"))


# --- the token on the console


def test_the_token_is_private_and_shown_once(settings: Settings) -> None:
    (line,) = setup_notice(settings)
    path = token_path(settings)
    token = path.read_text().strip()

    assert path.stat().st_mode & 0o777 == 0o600
    assert line.count(token) == 1
    assert str(path) in line
    assert "24 hours" in line
    assert len(token) >= 43
    assert setup_notice(settings) == []
    assert path.read_text().strip() == token


def test_no_token_where_a_password_exists(settings: Settings) -> None:
    password_path(settings).parent.mkdir()
    password_path(settings).write_text("anything")
    assert setup_notice(settings) == []
    assert not token_path(settings).exists()


def test_an_old_token_is_replaced_at_a_start(settings: Settings) -> None:
    setup_notice(settings)
    path = token_path(settings)
    old = path.read_text()
    then = path.stat().st_mtime - TOKEN_LIFETIME - 1
    os.utime(path, (then, then))
    (line,) = setup_notice(settings)

    assert path.read_text() != old
    assert path.read_text().strip() in line


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_token_that_others_can_read_is_refused(settings: Settings, mode: int) -> None:
    setup_notice(settings)
    token_path(settings).chmod(mode)
    with pytest.raises(ConfigurationError, match=r"setup_token can be read by others: chmod 600"):
        setup_notice(settings)


def test_a_token_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = msgspec.structs.replace(Settings(), config_dir=str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"file/setup_token can't be written"):
        setup_notice(settings)


# --- the exchange


async def test_setup_gives_a_password_and_a_session(site: Site) -> None:
    site.administration.passwords = Passwords()
    assert (await site.ask("GET", "/api/setup")).json == {"required": True}
    answer = await site.set_up()

    assert answer.status == 200
    assert answer.json == {"success": True, "token": site.session, "expiresIn": 12 * 3600}
    assert (await site.ask("GET", "/api/setup")).json == {"required": False}
    assert await site.status("GET", "/api/providers", site.bearer) == 200
    assert not token_path(site.settings).exists()

    stored = password_path(site.settings)
    assert stored.stat().st_mode & 0o777 == 0o600
    assert stored.read_text().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in stored.read_text()


async def test_setup_works_once(site: Site) -> None:
    token = site.token
    await site.set_up()
    again = await site.ask("POST", "/api/setup", {"token": token, "password": "another password 1"})

    assert again.status == 409
    assert (await site.log_in()).status == 200
    assert (await site.log_in("another password 1")).status == 401


async def test_of_two_setups_at_the_same_time_one_wins(site: Site) -> None:
    token = site.token
    passwords = [f"a good password {number}" for number in range(4)]
    answers = await asyncio.gather(
        *(site.ask("POST", "/api/setup", {"token": token, "password": password}) for password in passwords)
    )

    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    (winner,) = (password for password, answer in zip(passwords, answers, strict=True) if answer.status == 200)
    assert (await site.log_in(winner)).status == 200


@pytest.mark.parametrize("token", ["", "wrong", "x" * 43, "ü", " "])
async def test_a_wrong_token(site: Site, token: str) -> None:
    answer = await site.ask("POST", "/api/setup", {"token": token, "password": PASSWORD})

    assert answer.status == 401
    assert answer.json["error"]["type"] == "authentication_error"
    assert not password_path(site.settings).exists()
    assert (await site.set_up()).status == 200


async def test_an_empty_token_file_is_no_token(site: Site) -> None:
    token_path(site.settings).write_text("\n")
    assert (await site.ask("POST", "/api/setup", {"token": "", "password": PASSWORD})).status == 401
    token_path(site.settings).unlink()
    assert (await site.ask("POST", "/api/setup", {"token": "", "password": PASSWORD})).status == 401


async def test_the_token_lasts_a_day(site: Site) -> None:
    site.clock.advance(DAY + 1)
    answer = await site.set_up()
    assert answer.status == 401
    assert "restart" in answer.json["error"]["message"]

    site.make_token()
    site.clock.advance(DAY - 1)
    assert (await site.set_up()).status == 200


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025])
async def test_a_password_has_12_to_1024_characters(site: Site, password: str) -> None:
    answer = await site.set_up(password)
    assert answer.status == 422
    assert "password" in answer.json["error"]["message"]
    assert password not in answer.json["error"]["message"] or len(password) < 6
    assert (await site.set_up("x" * 12)).status == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"token": 1, "password": "x"}', b'{"token":"\\ud800","password":"123456789012"}'],
)
async def test_what_is_no_setup_is_refused(site: Site, body: bytes) -> None:
    answer = await site.ask("POST", "/api/setup", body, {"content-type": "application/json"})
    assert answer.status == 422
    assert answer.json["error"]["type"] == "invalid_request_error"


async def test_a_password_that_cannot_be_kept_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        answer = await site.set_up()
        assert answer.status == 500
        assert "No space left on device" in answer.json["error"]["message"]
        assert site.settings.config_dir not in answer.json["error"]["message"]
    assert os.listdir(site.configs) == ["setup_token"]
    assert (await site.set_up()).status == 200

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        change = {"current": PASSWORD, "password": "another password 1"}
        assert (await site.ask("POST", "/api/admin-password", change, site.bearer)).status == 500
    assert (await site.log_in()).status == 200


def put_in_the_way(folder: Path) -> None:
    folder.write_text("a file")


async def test_a_configuration_folder_that_is_gone_opens_nothing(site: Site) -> None:
    token = site.token
    os.rename(site.configs, site.configs.with_name("moved"))
    assert (await site.ask("POST", "/api/setup", {"token": token, "password": PASSWORD})).status == 401
    assert (await site.log_in()).status == 403

    put_in_the_way(site.configs)
    assert (await site.ask("POST", "/api/setup", {"token": token, "password": PASSWORD})).status == 409
    assert (await site.log_in()).status == 401


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"not a hash"])
async def test_a_damaged_password_file_opens_nothing(site: Site, content: bytes) -> None:
    password_path(site.settings).write_bytes(content)

    assert (await site.ask("GET", "/api/setup")).json == {"required": False}
    assert (await site.set_up()).status == 409
    for password in ("", "not a hash", PASSWORD):
        assert (await site.log_in(password)).status == 401
