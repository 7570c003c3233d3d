"""The account that needs no configuration, and what it changes for everybody else: nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.fake_cli import PROVIDER, FakeCli

from codenex.control.configuration import load_configuration
from codenex.control.effective import effective_settings
from codenex.core.errors import Fault
from codenex.gateway.resolution import Resolution, resolved
from codenex.store.settings import Settings


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCli:
    monkeypatch.chdir(tmp_path)
    return FakeCli(tmp_path)


def settings() -> Settings:
    return effective_settings(load_configuration({"CONFIG_DIR": "configs"})).settings


def pools(entries: list[dict[str, object]]) -> None:
    Path("configs").mkdir(exist_ok=True)
    Path("configs/provider_pools.json").write_text(json.dumps({PROVIDER: entries}))


def test_a_program_on_the_path_is_an_account(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.folder))
    found = settings()
    (account,) = found.accounts[PROVIDER]
    assert account.automatic
    assert not found.ever_configured
    assert found.configured_types() == ()
    for model in ("opus", "sonnet", "haiku"):
        assert resolved(found, model, None, None) == Resolution(PROVIDER, model)
    assert resolved(found, "anything", None, None).provider == "demo"
    assert resolved(found, "claude-opus-4-8", PROVIDER, None) == Resolution(PROVIDER, "claude-opus-4-8", explicit=True)
    assert resolved(found, "auto", PROVIDER, None).model == "sonnet"


def test_the_setting_says_where_it_is(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CLAUDE_CODE_PATH", str(cli.path))
    assert settings().accounts[PROVIDER][0].automatic


def test_without_a_program_the_short_names_are_a_503_that_says_so(
    cli: FakeCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = settings()
    assert PROVIDER not in found.accounts
    with pytest.raises(Fault) as caught:
        resolved(found, "sonnet", None, None)
    assert caught.value.status == 503
    assert "CLAUDE_CODE_PATH" in caught.value.message


def test_entries_take_its_place(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.folder))
    pools([{"CLAUDE_CODE_CONFIG_DIR": "first"}, {"CLAUDE_CODE_API_KEY": "k", "CLAUDE_CODE_PATH": "~/bin/claude"}])
    first, second = settings().accounts[PROVIDER]
    assert (first.config_dir, first.automatic) == (str(cli.folder / "first"), False)
    assert (second.api_key, second.program) == ("k", "~/bin/claude")


def test_a_disabled_entry_keeps_it_out_of_use(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.folder))
    pools([{"isDisabled": True}])
    (only,) = settings().accounts[PROVIDER]
    assert only.disabled


def test_a_key_in_the_environment_is_an_account(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cli.folder))
    monkeypatch.setenv("CLAUDE_CODE_API_KEY", "key-for-tests")
    (account,) = settings().accounts[PROVIDER]
    assert (account.api_key, account.automatic) == ("key-for-tests", False)
