"""What the command says when it can't do what it is told: one clear line, a status that isn't 0, and no traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import KEY, TOKEN, codenex
from tests.support.ports import free_port

from codenex import __version__

SERVE = ("serve", "--standalone", "--host", "127.0.0.1", "--config-dir", "configs", "--data-dir", "data")


def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


Spoil = Callable[[Path], object]
#: What is wrong → how it comes about, and what the message has to name.
MISTAKES: dict[str, tuple[Spoil, str]] = {
    "config.json is cut": (lambda home: write(home / "configs/config.json", '{"HOST": '), "configs/config.json"),
    "config.json is a list": (lambda home: write(home / "configs/config.json", "[]"), "configs/config.json"),
    "config.json is no text": (lambda home: write(home / "configs/config.json", b"\xff\xfe"), "configs/config.json"),
    "a value does not fit": (
        lambda home: write(home / "configs/config.json", '{"MAX_BODY_BYTES": "huge"}'),
        "MAX_BODY_BYTES (from configs/config.json)",
    ),
    "pools are cut": (lambda home: write(home / "configs/provider_pools.json", "{"), "configs/provider_pools.json"),
    "pools are wrong": (
        lambda home: write(home / "configs/provider_pools.json", '{"openai-custom": [{"uuid": 1}]}'),
        "provider_pools.json: openai-custom[0]: uuid",
    ),
    "dotenv is no text": (lambda home: write(home / ".env", b"\xff\xfe"), ".env"),
    "the key is a sample": (lambda home: write(home / ".env", "REQUIRED_API_KEY=your-secure-api-key"), "sample"),
    "the key is readable": (lambda home: write(home / "configs/api_key", "k" * 64, 0o644), "chmod 600"),
    "the token is readable": (lambda home: write(home / "configs/setup_token", "k" * 64, 0o644), "chmod 600"),
    "the provider is none": (lambda home: write(home / ".env", "MODEL_PROVIDER=nobody"), "MODEL_PROVIDER"),
    "configs is a file": (lambda home: write(home / "configs", "in the way"), "configs/"),
    "data is a file": (
        lambda home: (write(home / "data", "in the way"), write(home / ".env", "OPENAI_API_KEY=k")),
        "data can't be written",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_start_that_fails_says_why_in_one_line(tmp_path: Path, name: str) -> None:
    spoil, named = MISTAKES[name]
    spoil(tmp_path)
    ended = codenex(tmp_path, *SERVE, "--port", str(free_port()))
    message = ended.error.splitlines()[-1]

    assert ended.code == 2
    assert message.startswith("codenex: ")
    assert named in message
    assert "Traceback" not in ended.error
    assert ended.out == ""
    # A key that was made on the way was also shown.
    made = (tmp_path / "configs").is_dir() and name != "the key is readable" and (tmp_path / "configs/api_key").exists()
    assert len(ended.error.splitlines()) == (2 if made else 1)
    assert bool(KEY.search(ended.error)) is made


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize("name", ["config.json", "provider_pools.json", "api_key"])
def test_a_file_that_may_not_be_read(tmp_path: Path, name: str, command: str) -> None:
    write(tmp_path / "configs" / name, "{}", 0)
    message = codenex(tmp_path, command).message
    assert f"configs/{name} can't be read" in message
    assert "Permission denied" in message


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize("folder", ["configs", "data"])
def test_a_folder_that_may_not_be_entered(tmp_path: Path, folder: str, command: str) -> None:
    (tmp_path / folder).mkdir(mode=0)
    message = codenex(tmp_path, command).message
    assert "Permission denied" in message
    assert f"{folder}" in message


@pytest.mark.parametrize("folder", ["", "configs", "data"])
def test_a_folder_that_may_not_be_written(tmp_path: Path, folder: str) -> None:
    write(tmp_path / ".env", "OPENAI_API_KEY=k")
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    place.chmod(0o500)
    message = codenex(tmp_path, *SERVE).message
    assert "Permission denied" in message
    assert (folder or "data") in message


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        first = codenex(tmp_path, *SERVE, "--port", str(port))
        second = codenex(tmp_path, *SERVE, "--port", str(port))

    assert first.code == second.code == 1
    assert second.message == f"codenex: can't listen on 127.0.0.1:{port}: Address already in use"
    assert KEY.search(first.error)
    assert TOKEN.search(first.error)
    assert "Traceback" not in first.error


@pytest.mark.parametrize(
    ("host", "shown"), [("192.0.2.1", "192.0.2.1"), ("a..b", "a..b"), ("x" * 70, "x" * 70), ("2001:db8::1", "[2001:")]
)
def test_an_address_that_is_not_here(tmp_path: Path, host: str, shown: str) -> None:
    codenex(tmp_path, "serve", "--host", host)
    ended = codenex(tmp_path, "serve", "--host", host)
    assert ended.code == 1
    assert ended.message.startswith(f"codenex: can't listen on {shown}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "many"],
        ["serve", "--port", "65536"],
        ["serve", "--no-such-flag"],
        ["no-such-command"],
        ["serve", "more"],
    ],
)
def test_a_command_line_that_is_wrong(tmp_path: Path, arguments: list[str]) -> None:
    ended = codenex(tmp_path, *arguments)
    assert ended.code == 2
    assert "Usage: codenex" in ended.error
    assert "Traceback" not in ended.error
    assert list(tmp_path.iterdir()) == []


# --- check, version


def test_check_says_what_the_configuration_amounts_to_and_writes_nothing(tmp_path: Path) -> None:
    ended = codenex(tmp_path, "check")
    assert (ended.code, ended.error) == (0, "")
    assert ended.out == "listens on 127.0.0.1:3000\nno provider is configured: the demo answers\n"
    assert list(tmp_path.iterdir()) == []

    write(tmp_path / "c/config.json", '{"HOST": "::1", "SERVER_PORT": 8080}')
    write(tmp_path / "c/provider_pools.json", '{"openai-custom": [{}, {}], "claude-custom": [{}], "other": []}')
    write(tmp_path / "d/configured", "")
    ended = codenex(tmp_path, "check", "--config-dir", "c", "--data-dir", "d")
    assert ended.code == 0
    sources = 'HOST = "::1" (c/config.json)\nSERVER_PORT = 8080 (c/config.json)\n'
    sources += 'CONFIG_DIR = "c" (command line)\nDATA_DIR = "d" (command line)\n'
    assert ended.out == f"listens on [::1]:8080\nopenai-custom: 2 accounts\nclaude-custom: 1 account\n{sources}"
    assert (
        ended.error == "codenex: provider_pools.json: other is no provider type that this version knows; left alone\n"
    )
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["config.json", "provider_pools.json"]

    write(tmp_path / "c/provider_pools.json", "{}")
    ended = codenex(tmp_path, "check", "--config-dir", "c", "--data-dir", "d")
    assert ended.out == f"listens on [::1]:8080\nno provider is configured\n{sources}"


def test_check_tells_sources_without_secrets(tmp_path: Path) -> None:
    write(tmp_path / "configs/config.json", '{"OPENAI_API_KEY": "sk-proj-abcdefghijklmnopqrstuvwxyz", "STRICT": true}')
    write(tmp_path / ".env", "STRICT=false\n")
    ended = codenex(tmp_path, "check", "--all")
    lines = ended.out.splitlines()
    assert 'OPENAI_API_KEY = "***wxyz" (configs/config.json)' in lines
    assert "STRICT = false (.env)" in lines
    assert "MAX_ERROR_COUNT = 3 (default)" in lines


@pytest.mark.parametrize("name", ["config.json is cut", "pools are wrong", "the key is readable", "configs is a file"])
def test_check_finds_what_a_start_would_fail_at(tmp_path: Path, name: str) -> None:
    spoil, named = MISTAKES[name]
    spoil(tmp_path)
    ended = codenex(tmp_path, "check")
    assert ended.code == 2
    assert named in ended.message


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version(tmp_path: Path, arguments: list[str]) -> None:
    ended = codenex(tmp_path, *arguments)
    assert (ended.code, ended.out, ended.error) == (0, f"{__version__}\n", "")


def test_help(tmp_path: Path) -> None:
    for arguments in (["--help"], ["serve", "--help"], ["check", "--help"]):
        ended = codenex(tmp_path, *arguments)
        assert ended.code == 0
        assert "Usage: codenex" in ended.out
    assert "Usage: codenex" in (codenex(tmp_path).out + codenex(tmp_path).error)
    assert list(tmp_path.iterdir()) == []
