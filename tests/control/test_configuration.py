"""Where a setting comes from, and what an operator is told about one that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.control.home import Home

from codenex.control.errors import ConfigurationError

MIB = 1024 * 1024

#: Key → default, then a text for flag, environment, ``.env`` and file with the value that it means.
KEYS = {
    "HOST": ("127.0.0.1", ("::1", "::1"), ("0.0.0.0", "0.0.0.0"), ("host.c", "host.c"), ("host.d", "host.d")),
    "SERVER_PORT": (3000, ("1", 1), ("2", 2), ("3", 3), ("4", 4)),
    "CONFIG_DIR": (Path("configs"), ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), None),
    "DATA_DIR": (Path("data"), ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "LOG_DIR": (Path("logs"), ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "PROMPT_LOG_MODE": ("none", ("file", "file"), ("console", "console"), ("file", "file"), ("none", "none")),
    "PROMPT_LOG_FILENAME": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "PROMPT_LOG_BYTES": (50 * MIB, ("1048576", MIB), ("2097152", 2 * MIB), ("3145728", 3 * MIB), ("4194304", 4 * MIB)),
    "LOG_FORMAT": ("json", ("console", "console"), ("json", "json"), ("console", "console"), ("json", "json")),
    "CREDENTIALS_KEY_FILE": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (None, ("http://a", "http://a"), ("http://b", "http://b"), ("c", "c"), ("d", "d")),
    "REQUIRED_API_KEY": (None, ("key-a", "key-a"), ("key-b", "key-b"), ("key-c", "key-c"), ("key-d", "key-d")),
    "MODEL_PROVIDER": (None, ("demo", "demo"), ("b", "b"), ("c", "c"), ("d", "d")),
    "OPENAI_API_KEY": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "OPENAI_BASE_URL": (None, ("http://a", "http://a"), ("http://b", "http://b"), ("c", "c"), ("d", "d")),
    "CLAUDE_API_KEY": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "CLAUDE_BASE_URL": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_API_KEY": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_API_BASE_URL": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "CLAUDE_CODE_API_KEY": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "CLAUDE_CODE_BASE_URL": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "CLAUDE_CODE_PROCESSES": (4, ("1", 1), ("2", 2), ("3", 3), ("5", 5)),
    "CLAUDE_CODE_SPARES": (1, ("2", 2), ("3", 3), ("4", 4), ("0", 0)),
    "CLAUDE_CODE_TIMEOUT": (900.0, ("1", 1.0), ("2.5", 2.5), ("3", 3.0), ("4", 4.0)),
    "CLAUDE_CODE_PATH": (None, ("/a", "/a"), ("/b", "/b"), ("/c", "/c"), ("/d", "/d")),
    "GEMINI_BASE_URL": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "ANTIGRAVITY_BASE_URL": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_OAUTH_CREDS_FILE_PATH": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_OAUTH_CREDS_BASE64": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "ANTIGRAVITY_OAUTH_CREDS_FILE_PATH": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "ANTIGRAVITY_OAUTH_CREDS_BASE64": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_CLI_OAUTH_CLIENT_ID": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_CLI_OAUTH_CLIENT_SECRET": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_SECRET": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "PROJECT_ID": (None, ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "GOOGLE_OAUTH_AUTH_URL": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        ("http://a", "http://a"),
        ("http://b", "http://b"),
        ("http://c", "http://c"),
        ("http://d", "http://d"),
    ),
    "GOOGLE_OAUTH_TOKEN_URL": (
        "https://oauth2.googleapis.com/token",
        ("http://a", "http://a"),
        ("http://b", "http://b"),
        ("http://c", "http://c"),
        ("http://d", "http://d"),
    ),
    "GOOGLE_USERINFO_URL": (
        "https://www.googleapis.com/oauth2/v2/userinfo",
        ("http://a", "http://a"),
        ("http://b", "http://b"),
        ("http://c", "http://c"),
        ("http://d", "http://d"),
    ),
    "OAUTH_BIND": ("127.0.0.1", ("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")),
    "MAX_BODY_BYTES": (64 * MIB, ("1024", 1024), ("2048", 2048), ("4096", 4096), ("8192", 8192)),
    "CORS_ORIGINS": ((), ("a, b", ("a", "b")), ("b", ("b",)), ("c d", ("c", "d")), ("d,,", ("d",))),
    "TRUSTED_PROXIES": ((), ("10.0.0.1", ("10.0.0.1",)), ("b", ("b",)), ("c", ("c",)), ("d", ("d",))),
    "ALLOWED_HOSTS": ((), ("a.b", ("a.b",)), ("b", ("b",)), ("c d", ("c", "d")), ("d,", ("d",))),
    "USE_SYSTEM_PROXY_GEMINI": (False, ("true", True), ("false", False), ("1", True), ("0", False)),
    "USE_SYSTEM_PROXY_OPENAI": (False, ("true", True), ("false", False), ("1", True), ("0", False)),
    "USE_SYSTEM_PROXY_CLAUDE": (False, ("true", True), ("false", False), ("1", True), ("0", False)),
    "UPSTREAM_CA_FILE": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "TLS_CERTIFICATE": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "TLS_KEY": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "UNIX_SOCKET": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
    "BODY_BUDGET_BYTES": (
        256 * MIB,
        ("1048576", MIB),
        ("2097152", 2 * MIB),
        ("4194304", 4 * MIB),
        ("8388608", 8 * MIB),
    ),
    "FETCH_MEDIA": (True, ("false", False), ("true", True), ("0", False), ("1", True)),
    "DEMO_FAULTS": (False, ("true", True), ("false", False), ("1", True), ("0", False)),
    "STRICT": (False, ("true", True), ("false", False), ("yes", True), ("no", False)),
    "WORKERS": (None, ("1", 1), ("2", 2), ("3", 3), ("4", 4)),
    "DRAIN_SECONDS": (300.0, ("1", 1.0), ("2.5", 2.5), ("3", 3.0), ("4", 4.0)),
    "REQUESTS_PER_MINUTE": (0, ("1", 1), ("2", 2), ("3", 3), ("4", 4)),
    "STORE_RESPONSES": (True, ("false", False), ("true", True), ("0", False), ("1", True)),
    "STORED_RESPONSES_HOURS": (24.0, ("1", 1.0), ("2.5", 2.5), ("3", 3.0), ("4", 4.0)),
    "STORED_RESPONSES_BYTES": (
        512 * MIB,
        ("1048576", MIB),
        ("2097152", 2 * MIB),
        ("4194304", 4 * MIB),
        ("8388608", 8 * MIB),
    ),
    "MAX_ERROR_COUNT": (3, ("1", 1), ("2", 2), ("4", 4), ("5", 5)),
    "CREDENTIAL_SWITCH_MAX_RETRIES": (5, ("1", 1), ("2", 2), ("3", 3), ("4", 4)),
    "POOL_STRATEGY": (
        "least-recently-used",
        ("weighted", "weighted"),
        ("fill-first", "fill-first"),
        ("round-robin", "round-robin"),
        ("weighted", "weighted"),
    ),
    "SESSION_AFFINITY_SECONDS": (3600.0, ("1", 1.0), ("2.5", 2.5), ("0", 0.0), ("4", 4.0)),
    "EXPLICIT_FALLBACK": (False, ("true", True), ("false", False), ("1", True), ("0", False)),
    "HEALTH_CHECK_INTERVAL": (600.0, ("1", 1.0), ("2.5", 2.5), ("0", 0.0), ("4", 4.0)),
    "DATABASE_URL": (None, ("sqlite:////a", "sqlite:////a"), ("sqlite:////b", "sqlite:////b"), ("c", "c"), ("d", "d")),
    "PROVIDER_POOLS_FILE_PATH": (None, ("a", Path("a")), ("b", Path("b")), ("c", Path("c")), ("d", Path("d"))),
}


def test_every_key_is_in_the_table(home: Home) -> None:
    names = set(type(home.load()).model_fields)

    assert names == KEYS.keys() | {
        "providerFallbackChain",
        "modelFallbackMapping",
        "poolStrategies",
        "hedgeAfter",
        "modelAliases",
        "modelFacts",
    }


@pytest.mark.parametrize("name", KEYS)
def test_flags_go_before_environment_before_dotenv_before_file_before_default(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    default, flag, environment, dotenv, file = KEYS[name]
    assert getattr(home.load(), name) == default

    if file is not None:
        home.config({name: file[0]})
        assert getattr(home.load(), name) == file[1]

    home.dotenv(f"OTHER=1\n{name}={dotenv[0]}\n")
    assert getattr(home.load(), name) == dotenv[1]

    monkeypatch.setenv(name, environment[0])
    assert getattr(home.load(), name) == environment[1]
    assert getattr(home.load(**{name: flag[0]}), name) == flag[1]
    assert getattr(home.load(**{name: None}), name) == environment[1], "a flag that was not given"


@pytest.mark.parametrize("name", KEYS)
def test_empty_means_not_set_everywhere(home: Home, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    default = KEYS[name][0]
    monkeypatch.setenv(name, "")
    home.dotenv(f"{name}=\n")
    for nothing in ("", None):
        home.config({name: nothing})
        assert getattr(home.load(), name) == default


def test_the_file_is_looked_for_where_the_configuration_folder_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("configs", "from-dotenv", "from-environment", "from-flag"):
        home.config({"MODEL_PROVIDER": folder}, f"../{folder}/config.json")
    assert home.load().MODEL_PROVIDER == "configs"
    home.dotenv("CONFIG_DIR=from-dotenv\n")
    assert home.load().MODEL_PROVIDER == "from-dotenv"
    monkeypatch.setenv("CONFIG_DIR", "from-environment")
    assert home.load().MODEL_PROVIDER == "from-environment"
    assert home.load(CONFIG_DIR=Path("from-flag")).MODEL_PROVIDER == "from-flag"


def test_lists_and_tables_in_the_file(home: Home) -> None:
    home.config(
        {
            "CORS_ORIGINS": ["https://a", "https://b"],
            "modelAliases": {"fast": "openai-custom/gpt"},
            "providerFallbackChain": {"openai-custom": ["claude-custom", "gemini-custom"]},
            "modelFallbackMapping": {"m": {"targetProviderType": "gemini-custom", "targetModel": "n"}},
            "poolStrategies": {"openai-custom": "weighted"},
            "hedgeAfter": {"openai-custom": 1.5},
            "SOMETHING_OF_ANOTHER_VERSION": {"is": ["kept", "alone"]},
        }
    )
    loaded = home.load()

    assert loaded.CORS_ORIGINS == ("https://a", "https://b")
    assert loaded.modelAliases == {"fast": "openai-custom/gpt"}
    assert loaded.providerFallbackChain == {"openai-custom": ("claude-custom", "gemini-custom")}
    assert loaded.modelFallbackMapping["m"].targetModel == "n"
    assert loaded.poolStrategies == {"openai-custom": "weighted"}
    assert loaded.hedgeAfter == {"openai-custom": 1.5}


def test_tables_in_the_environment_are_json(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("modelAliases", '{"fast": "demo"}')
    assert home.load().modelAliases == {"fast": "demo"}
    monkeypatch.setenv("modelAliases", "fast=demo")
    with pytest.raises(ConfigurationError, match="modelAliases"):
        home.load()


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""], ids=["with byte order mark", "without"])
def test_files_that_an_editor_marked_as_utf_8(home: Home, mark: bytes) -> None:
    home.config(mark + b'{"HOST": "from-file"}')
    assert home.load().HOST == "from-file"
    home.dotenv(mark + b"HOST=from-dotenv\n")
    assert home.load().HOST == "from-dotenv"


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_emptied_file_is_what_a_crash_leaves_and_not_a_wish_for_defaults(home: Home, content: str) -> None:
    home.config(content)
    with pytest.raises(ConfigurationError, match=r"config\.json is empty"):
        home.load()
    home.config("{}")
    assert home.load().SERVER_PORT == 3000


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'"text"', b"17", b"null", b"\xff\xfe{\x00", b'{"HOST": "\xff"}', b'{"a": 1,}', b"[" * 100_000],
    ids=["cut", "list", "text", "number", "null", "UTF-16", "Latin-1", "comma", "nested"],
)
def test_a_broken_file_is_named(home: Home, content: bytes) -> None:
    home.config(content, "../elsewhere/config.json")
    with pytest.raises(ConfigurationError, match=r"elsewhere/config\.json") as caught:
        home.load(CONFIG_DIR=Path("elsewhere"))
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_place_of_the_file_is_named(home: Home) -> None:
    (home.configs / "config.json").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"configs/config\.json"):
        home.load()


def test_a_dotenv_that_is_no_text_is_named(home: Home) -> None:
    home.dotenv(b"HOST=\xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"^\.env can't be read"):
        home.load()


def test_a_folder_named_dotenv_is_no_file_of_settings(home: Home) -> None:
    (home.folder / ".env").mkdir()
    assert home.load().HOST == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVER_PORT", "many"),
        ("SERVER_PORT", "65536"),
        ("SERVER_PORT", "-1"),
        ("MAX_BODY_BYTES", "12"),
        ("MAX_ERROR_COUNT", "0"),
        ("CREDENTIAL_SWITCH_MAX_RETRIES", "0"),
        ("DEMO_FAULTS", "perhaps"),
        ("STRICT", "2"),
        ("HOST", "\udcff"),
        ("CONFIG_DIR", "\udcff"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_source(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=rf"\b{name}\b.*\bthe environment\b"):
        home.load()


def test_the_source_of_a_bad_value_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config({"SERVER_PORT": "file"})
    with pytest.raises(ConfigurationError, match=r"SERVER_PORT.*configs/config\.json"):
        home.load()
    home.dotenv("SERVER_PORT=dotenv\n")
    with pytest.raises(ConfigurationError, match=r"SERVER_PORT.*\.env"):
        home.load()
    monkeypatch.setenv("SERVER_PORT", "environment")
    with pytest.raises(ConfigurationError, match=r"SERVER_PORT.*the environment"):
        home.load()
    with pytest.raises(ConfigurationError, match=r"SERVER_PORT.*the command line"):
        home.load(SERVER_PORT="flag")


def test_several_bad_values_are_told_at_once_and_values_never(home: Home) -> None:
    home.config({"SERVER_PORT": "value-one", "CORS_ORIGINS": 5, "OPENAI_API_KEY": ["sk-value-two"]})
    with pytest.raises(ConfigurationError) as caught:
        home.load()
    text = str(caught.value)
    assert all(name in text for name in ("SERVER_PORT", "CORS_ORIGINS", "OPENAI_API_KEY"))
    assert "value-one" not in text
    assert "value-two" not in text
