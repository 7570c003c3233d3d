"""``provider_pools.json`` and the environment, read into accounts; and every mistake named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.control.home import Home

from codenex.control.errors import ConfigurationError
from codenex.control.pools import accounts_of
from codenex.providers.registry import DEMO, PROVIDER_TYPES
from codenex.store.settings import Account

KINDS = [kind for kind in PROVIDER_TYPES.values() if kind.name != DEMO and kind.key_field]


def read(home: Home, pools: Any) -> dict[str, tuple[Account, ...]]:
    home.pools(pools)
    return accounts_of(home.load())[0]


def only(home: Home, **fields: Any) -> Account:
    ((account,),) = read(home, {"openai-custom": [fields]}).values()
    return account


def refusal(home: Home, pools: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(home, pools)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- good ones


def test_no_file_is_no_account(home: Home) -> None:
    assert accounts_of(home.load()) == ({}, [])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_account_of_every_type(home: Home, kind: Any) -> None:
    entry = {"uuid": "u-1", "customName": "mine", kind.key_field: " k-1 ", kind.base_url_field: "http://[::1]:8/v1"}
    accounts = read(home, {kind.name: [entry]})

    assert accounts == {kind.name: (Account("u-1", kind.name, "mine", "http://[::1]:8/v1", "k-1"),)}


def test_every_field(home: Home) -> None:
    account = only(
        home,
        uuid="u",
        customName="n",
        OPENAI_API_KEY="k",
        OPENAI_BASE_URL="https://host/v1",
        headers={"X-Team": "a"},
        authStyle="both",
        proxyUrl="http://proxy:1",
        supportedModels=["a", "b"],
        notSupportedModels=["c"],
        aliases={"fast": "a"},
        weight=2,
        concurrencyLimit=3,
        queueLimit=4,
        isDisabled=True,
        normalise=True,
        capabilities={"max_output_tokens": 5},
        connectTimeout=3,
        firstByteTimeout=600.5,
        idleTimeout=90,
    )

    assert account == Account(
        "u",
        "openai-custom",
        "n",
        "https://host/v1",
        "k",
        {"X-Team": "a"},
        "both",
        "http://proxy:1",
        ("a", "b"),
        ("c",),
        {"fast": "a"},
        2,
        3,
        4,
        True,
        True,
        {"max_output_tokens": 5},
        3.0,
        600.5,
        90.0,
    )


def test_what_the_origin_of_the_format_writes_is_read(home: Home) -> None:
    account = only(
        home,
        customName=None,
        OPENAI_API_KEY="k",
        OPENAI_BASE_URL="",
        checkModelName=None,
        checkHealth=True,
        notSupportedModels=[],
        supportedModels=None,
        isHealthy=True,
        isDisabled=False,
        lastUsed=None,
        usageCount=0,
        errorCount=0,
        lastErrorTime="2026-01-01T00:00:00.000Z",
        lastErrorMessage=None,
        needsRefresh=False,
        _lastSelectionSeq=7,
    )

    assert account == Account(account.uuid, "openai-custom", api_key="k")


def test_a_byte_order_mark_is_no_mistake(home: Home) -> None:
    assert list(read(home, b'\xef\xbb\xbf{"openai-custom": [{}]}')) == ["openai-custom"]


def test_another_place_for_the_file(home: Home) -> None:
    home.config({"claude-custom": [{}]}, "../other/pools.json")
    home.pools({"openai-custom": [{}]})
    home.config({"PROVIDER_POOLS_FILE_PATH": "other/pools.json"})
    assert list(accounts_of(home.load())[0]) == ["claude-custom"]


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_texts_are_not_set(home: Home, blank: str | None) -> None:
    account = only(home, uuid=blank, customName=blank, OPENAI_API_KEY=blank, OPENAI_BASE_URL=blank, authStyle=blank)
    assert account == Account(account.uuid, "openai-custom")
    assert account.uuid


def test_accounts_without_a_uuid_get_one_that_stays(home: Home) -> None:
    pools = {"openai-custom": [{"OPENAI_API_KEY": "a"}, {"OPENAI_API_KEY": "a"}, {"OPENAI_API_KEY": "b"}]}
    first, second = read(home, pools)["openai-custom"], read(home, pools)["openai-custom"]

    assert first == second
    assert len({account.uuid for account in first}) == 3
    assert not any(account.uuid == "a" for account in first)


def test_unknown_types_are_left_alone_and_told(home: Home) -> None:
    content = {"a-type-to-come": [{"any": "thing"}], "openai-custom": [{}]}
    path = home.pools(content)
    before = path.read_bytes()
    accounts, notices = accounts_of(home.load())

    assert list(accounts) == ["openai-custom"]
    assert len(notices) == 1
    assert "a-type-to-come" in notices[0]
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_environment_is_one_more_account(home: Home, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    home.pools({kind.name: [{kind.key_field: "from-file"}]})
    monkeypatch.setenv(kind.key_field, "from-environment")
    monkeypatch.setenv(kind.base_url_field, "http://host")
    first, second = accounts_of(home.load())[0][kind.name]

    assert (first.api_key, first.base_url) == ("from-file", None)
    assert (second.api_key, second.base_url, second.name) == ("from-environment", "http://host", "environment")


def test_an_account_of_the_environment_that_the_file_has_too_is_there_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.pools({"claude-custom": [{"CLAUDE_API_KEY": "k"}]})
    monkeypatch.setenv("CLAUDE_API_KEY", "k")
    assert len(accounts_of(home.load())[0]["claude-custom"]) == 1


def test_one_key_of_openai_serves_both_of_its_types(home: Home) -> None:
    home.dotenv("OPENAI_API_KEY=k\n")
    accounts = accounts_of(home.load())[0]
    assert list(accounts) == ["openai-custom", "openaiResponses-custom"]


def test_a_server_without_keys_is_an_account_too(home: Home) -> None:
    home.config({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"})
    assert accounts_of(home.load())[0]["openai-custom"][0].api_key is None


# --- mistakes


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"[]",
        b"7",
        b"null",
        b'"x"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"openai-custom": [{"customName": "\\ud800"}]}',
        b'{"openai-custom": [{"capabilities": {"temperature_limit": NaN}}]}',
    ],
    ids=["cut", "empty", "list", "number", "null", "text", "UTF-16", "nested", "surrogate", "NaN"],
)
def test_a_file_that_is_no_object_is_named(home: Home, content: bytes) -> None:
    assert "configs/provider_pools.json" in refusal(home, content)


@pytest.mark.parametrize("entries", [{}, "x", 1, True, None, ["x"], [None], [[]], [{}, 1]])
@pytest.mark.parametrize("name", ["openai-custom", "a-type-from-elsewhere"])
def test_a_type_must_hold_a_list_of_objects(home: Home, name: str, entries: Any) -> None:
    text = refusal(home, {name: entries})
    assert "provider_pools.json" in text
    assert name in text


TEXTS: list[Any] = [1, True, [], {}, ["x"]]
NUMBERS: list[Any] = [-1, 1.5, "1", True, [], {}]
MISTAKES: dict[str, list[Any]] = {
    "uuid": TEXTS,
    "customName": TEXTS,
    "OPENAI_API_KEY": [*TEXTS, "key\nwith-a-line", "k…y", "key with blanks", "k\x00"],
    "OPENAI_BASE_URL": [
        *TEXTS,
        "host/v1",
        "//host",
        "ftp://host",
        "http://",
        "http:///v1",
        "http://user@host",
        "http://user:pass@host/v1",
        "http://:pass@host",
        "http://host:99999",
        "http://host:0",
        "http://host:port",
        "http://[::1",
        "http://host/v1?api-version=1",
        "http://host/v1#x",
        "http://host/a b",
        "http://ho st",
        "http://host/\x00",
        "http://hóst/v1",
        "http://host/ü",
    ],
    "headers": [1, "x", ["x"], {"a": 1}, {"a": None}, {"a b": "x"}, {"": "x"}, {"a": "x\r\nb: y"}, {"a": "…"}],
    "authStyle": [*TEXTS, "basic"],
    "proxyUrl": TEXTS,
    "supportedModels": ["m", 1, {}, [1], [None], [["m"]]],
    "notSupportedModels": ["m", 1, {}, [1]],
    "aliases": [1, "x", ["x"], {"a": 1}],
    "weight": NUMBERS,
    "concurrencyLimit": NUMBERS,
    "queueLimit": NUMBERS,
    "isDisabled": [1, 0, "true", "", [], {}],
    "normalise": [1, 0, "true", "", [], {}],
    "capabilities": [1, "x", ["x"], {"no_such_field": 1}, {"max_output_tokens": "many"}, {"thinking": ["magic"]}],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in MISTAKES.items() for value in values])
def test_a_mistake_is_named_with_its_place(home: Home, field: str, value: Any) -> None:
    text = refusal(home, {"openai-custom": [{}, {field: value}]})
    assert "provider_pools.json: openai-custom[1]" in text
    assert field in text
    if isinstance(value, str) and "key" in value:
        assert value not in text


def test_the_file_is_named_where_it_has_another_name(home: Home) -> None:
    home.config({"openai-custom": [{"uuid": 1}]}, "pools.json")
    home.config({"PROVIDER_POOLS_FILE_PATH": "configs/pools.json"})
    with pytest.raises(ConfigurationError, match=r"pools\.json: openai-custom\[0\]: uuid"):
        accounts_of(home.load())


def test_a_password_in_a_url_is_not_repeated(home: Home) -> None:
    text = refusal(home, {"openai-custom": [{"OPENAI_BASE_URL": "http://user:hunter2@host"}]})
    assert "must not hold a user name or password" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "pools",
    [
        {"openai-custom": [{"uuid": "same"}, {"uuid": "same"}]},
        {"openai-custom": [{"uuid": "same"}], "claude-custom": [{"uuid": "same"}]},
    ],
    ids=["in one type", "in two"],
)
def test_two_accounts_with_one_uuid(home: Home, pools: Any) -> None:
    text = refusal(home, pools)
    assert "same" in text
    for name in pools:
        assert name in text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("url", ["host", "http://user:hunter2@host", "http://host:99999", "http://[::1"])
def test_a_bad_url_in_the_environment_is_named(home: Home, kind: Any, url: str) -> None:
    home.dotenv(f"{kind.base_url_field}={url}\n")
    with pytest.raises(ConfigurationError, match=kind.base_url_field) as caught:
        accounts_of(home.load())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_bad_key_in_the_environment_is_named(home: Home, kind: Any) -> None:
    home.dotenv(f"{kind.key_field}=sk-…\n")
    with pytest.raises(ConfigurationError, match=kind.key_field) as caught:
        accounts_of(home.load())
    assert "sk-…" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(home: Home) -> None:
    (home.configs / "provider_pools.json").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"configs/provider_pools\.json can't be read"):
        accounts_of(home.load())
    (home.folder / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file/pools\.json can't be read"):
        accounts_of(home.load(PROVIDER_POOLS_FILE_PATH=Path("file/pools.json")))
