"""The client's key: made once and shown once, or chosen by the operator and then not one that everybody knows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.control.home import Home

from codenex.control.effective import effective_settings
from codenex.control.errors import ConfigurationError
from codenex.control.keys import checked_client_key

WEAK = [
    "your-secure-api-key",
    "Your-Secure-API-Key",
    "your-api-key",
    "your-api-key-1",
    "your_api_key",
    "YOUR_API_KEY_HERE",
    "your api key",
    "<your-api-key>",
    "'your-api-key'",
    "${your_key}",
    "yourapikey",
    "sk-your-api-key",
    "sk-your-key-here",
    "insert-your-key-here",
    "put_your_key_here",
    "your-password",
    "your-secret",
    "your-token-here",
    "api-key",
    "apikey",
    "API_KEY_HERE",
    "change-me",
    "changeme",
    "Change_It",
    "secret",
    "super-secret",
    "my-secret-key",
    "password",
    "Password123",
    "admin",
    "admin123",
    "test",
    "test-key",
    "placeholder",
    "replace-me",
    "123456",
    "12345678",
    "1234567890",
    "sk-123456",
    "sk-1234567890",
    "sk-xxxxxxxxxxxxxxxxxxxx",
    "00000000",
    "aaaaaaaaaaaaaaaa",
    "abababababab",
    "****************",
    "………………………………",
    "qwertyuiop",
    "abcdefgh",
    "letmein123",
    "x",
    "1234567",
]


def digests(effective):
    """The digests of the keys that open the client APIs."""
    return tuple(key.digest for key in effective.settings.client_keys)


@pytest.mark.parametrize("key", WEAK)
def test_a_weak_key_is_refused(home: Home, key: str) -> None:
    home.config({"REQUIRED_API_KEY": key})
    with pytest.raises(ConfigurationError, match="REQUIRED_API_KEY") as caught:
        effective_settings(home.load())
    assert key not in str(caught.value).replace("REQUIRED_API_KEY", "") or len(key) < 6
    assert not home.configs.joinpath("api_key").exists()


def test_the_sample_of_the_documentation_is_called_one() -> None:
    with pytest.raises(ConfigurationError, match="sample from documentation"):
        checked_client_key("your-secure-api-key")


@pytest.mark.parametrize(
    "key", ["Schlüssel-4711-geheim", "a key with blanks 4711", "key\x004711-abc", "密钥密码很长很长很长"]
)
def test_a_key_that_clients_cannot_send_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="can't send"):
        checked_client_key(key)


@pytest.mark.parametrize(
    "key", ["k3y-0f-1ny", "cdx-" + "0123456789abcdef" * 4, "sk-proj-Zm9v+YmFy/ZA==", "correct.horse"]
)
def test_a_key_of_ones_own_is_taken(home: Home, key: str) -> None:
    home.config({"REQUIRED_API_KEY": f"  {key}\n"})
    effective = effective_settings(home.load())

    assert digests(effective) == (hashlib.sha256(key.encode()).hexdigest(),)
    assert effective.secrets_made == []
    assert not home.configs.joinpath("api_key").exists()


@pytest.mark.parametrize("nothing", ["", "   ", None])
def test_no_key_never_means_no_authentication(home: Home, nothing: str | None) -> None:
    home.config({"REQUIRED_API_KEY": nothing})
    effective = effective_settings(home.load())

    assert len(digests(effective)) == 1
    assert len(effective.secrets_made) == 1


def test_a_generated_key_is_private_and_shown_once(home: Home) -> None:
    first = effective_settings(home.load())
    second = effective_settings(home.load())

    path = home.configs / "api_key"
    key = path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert home.configs.stat().st_mode & 0o777 == 0o700
    assert home.configs.joinpath("envelope_key").stat().st_mode & 0o777 == 0o600
    assert [line.count(key) for line in first.secrets_made] == [1]
    assert str(Path("configs/api_key")) in first.secrets_made[0]
    assert second.secrets_made == []
    assert first.settings == second.settings
    assert digests(first) == (hashlib.sha256(key.encode()).hexdigest(),)
    assert sorted(file.name for file in home.configs.iterdir()) == ["api_key", "envelope_key"]


def test_twenty_first_starts_make_twenty_keys(home: Home) -> None:
    keys = {effective_settings(home.load(CONFIG_DIR=Path(str(number)))).secrets_made[0][-68:] for number in range(20)}

    assert len(keys) == 20
    assert all(key.startswith("cdx-") for key in keys)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home: home.pools("{"),
        lambda home: home.config({"MODEL_PROVIDER": "nobody"}),
        lambda home: home.data.write_text("in the way") and home.pools({"openai-custom": [{"OPENAI_API_KEY": "k"}]}),
    ],
    ids=["pools", "provider", "data folder"],
)
def test_a_start_that_fails_makes_no_key_that_would_never_be_shown(home: Home, spoil) -> None:  # type: ignore[no-untyped-def]
    spoil(home)
    with pytest.raises(ConfigurationError):
        effective_settings(home.load())
    assert not home.configs.joinpath("api_key").exists()


def test_looking_makes_nothing(home: Home) -> None:
    home.pools({"openai-custom": [{"OPENAI_API_KEY": "k"}]})
    effective = effective_settings(home.load(), make=False)

    assert digests(effective) == ()
    assert effective.settings.ever_configured
    assert [file.name for file in home.configs.iterdir()] == ["provider_pools.json"]
    assert not home.data.exists()


@pytest.mark.parametrize("name", ["api_key", "envelope_key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666])
def test_a_key_file_that_others_can_read_is_refused(home: Home, name: str, mode: int) -> None:
    effective_settings(home.load())
    home.configs.joinpath(name).chmod(mode)
    for make in (True, False):
        with pytest.raises(ConfigurationError, match=rf"{name} can be read by others: chmod 600 \S*configs/{name}"):
            effective_settings(home.load(), make=make)


@pytest.mark.parametrize("name", ["api_key", "envelope_key"])
@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"z" * 7, b"\xff" * 64])
def test_a_key_file_that_was_damaged_is_named(home: Home, name: str, content: bytes) -> None:
    path = home.config(content, name)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=f"configs/{name}"):
        effective_settings(home.load())
    assert path.read_bytes() == content


def test_an_envelope_key_is_hexadecimal(home: Home) -> None:
    home.config("z" * 64, "envelope_key").chmod(0o600)
    with pytest.raises(ConfigurationError, match="configs/envelope_key"):
        effective_settings(home.load())


@pytest.mark.parametrize("name", ["api_key", "envelope_key"])
def test_a_folder_in_the_place_of_a_key_file_is_named(home: Home, name: str) -> None:
    (home.configs / name).mkdir(parents=True, mode=0o700)
    with pytest.raises(ConfigurationError, match=f"configs/{name} can't be read"):
        effective_settings(home.load())


@pytest.mark.parametrize("path", ["file/configs", "file", "/proc/configs"])
def test_a_configuration_folder_that_cannot_be_made_is_named(home: Home, path: str) -> None:
    (home.folder / "file").write_text("not a folder")
    with pytest.raises(ConfigurationError, match=path) as caught:
        effective_settings(home.load(CONFIG_DIR=Path(path)))
    assert "\n" not in str(caught.value)


def test_a_key_put_into_the_file_by_hand_is_used_if_it_is_good(home: Home) -> None:
    path = home.config("a-key-of-my-own\n", "api_key")
    path.chmod(0o600)
    effective = effective_settings(home.load())
    assert digests(effective) == (hashlib.sha256(b"a-key-of-my-own").hexdigest(),)

    path.write_text("your-secure-api-key")
    with pytest.raises(ConfigurationError, match=r"configs/api_key is a sample"):
        effective_settings(home.load())
