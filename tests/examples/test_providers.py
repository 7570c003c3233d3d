"""The set-up of each provider type, as its page has it: the environment, the file of accounts, and a request."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from tests.examples.documents import BLOCKS, Block, block
from tests.examples.output import spoken
from tests.examples.running import run
from tests.examples.scripted import MODELS, ExampleVendor, heard
from tests.support.fake_cli import FakeCli
from tests.support.gateway import KEY, PROVIDERS, account_for, running_gateway, settings_for

from codenex.control.configuration import load_configuration, mistakes_in
from codenex.control.effective import effective_settings
from codenex.gateway.authentication import digest_of
from codenex.gateway.keeper import Keeper
from codenex.providers.registry import DEMO, PROVIDER_TYPES
from codenex.store.responses import ResponseStore
from codenex.store.settings import ClientKey, Settings

TYPES = {name: (protocol, path) for protocol, (name, path) in PROVIDERS.items()}
POOLS = [pytest.param(found, id=found.id) for found in BLOCKS if found.id.endswith("-pools")]
FILES = [pytest.param(block(name), id=name) for name in ("configuration-file", "models-facts", "pools-fallback")]


def page(type_name: str, part: str) -> Block:
    return block(f"providers-{type_name.lower()}-{part}")


def exported(code: str) -> dict[str, str]:
    """The variables that a set-up exports."""
    found = dict(re.findall(r"^export (\w+)=(\S+)$", code, re.MULTILINE))
    assert len(found) == len(code.splitlines())
    return found


def configured(folder: Path) -> Settings:
    """What the configuration amounts to, with the tests' key."""
    settings = effective_settings(load_configuration({"CONFIG_DIR": folder, "DATA_DIR": folder / "data"})).settings
    return msgspec.structs.replace(settings, client_keys=(ClientKey(digest_of(KEY), "tests"),), claude_code_spares=0)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_type_has_a_page() -> None:
    named = {found.id.removesuffix("-pools").removeprefix("providers-") for found in BLOCKS if "providers-" in found.id}
    pages = {name for name in named if "-environment" not in name and "-try" not in name}
    assert {name.lower() for name in PROVIDER_TYPES if name != DEMO} <= pages


@pytest.mark.parametrize("type_name", TYPES)
async def test_a_set_up_by_the_environment(type_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, path = TYPES[type_name]
    kind = PROVIDER_TYPES[type_name]
    variables = exported(page(type_name, "environment").code)
    assert variables.keys() == {kind.key_field, kind.base_url_field}
    assert variables[str(kind.base_url_field)] == kind.base_url
    async with ExampleVendor(protocol) as vendor:
        vendor.key = variables[str(kind.key_field)]
        for name, value in {**variables, str(kind.base_url_field): vendor.url + path}.items():
            monkeypatch.setenv(name, value)
        async with running_gateway(configured(tmp_path)) as gateway:
            example = page(type_name, "try")
            output = await run(example, gateway.port)
            assert {record.status for record in gateway.records} == {200}
    assert heard("user: Hello") in spoken(example, output)
    assert vendor.problems == []


async def test_the_set_up_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = FakeCli(tmp_path)
    monkeypatch.setenv("CLAUDE_CODE_PATH", str(cli.path))
    pools = {"claudeCode-custom": [{"CLAUDE_CODE_CONFIG_DIR": str(tmp_path)}]}
    (tmp_path / "provider_pools.json").write_text(json.dumps(pools))
    async with running_gateway(configured(tmp_path)) as gateway:
        example = page("claudeCode-custom", "try")
        output = await run(example, gateway.port)
    assert "Hello from the stand-in." in spoken(example, output)


@pytest.mark.parametrize("type_name", ["gemini-cli-oauth", "gemini-antigravity"])
def test_the_set_up_of_a_login_names_its_client(
    type_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = exported(page(type_name, "environment").code)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert configured(tmp_path).google_clients[type_name] == tuple(variables.values())


@pytest.mark.parametrize("example", POOLS)
def test_a_file_of_accounts_is_read_as_it_is_written(example: Block, tmp_path: Path) -> None:
    (tmp_path / "provider_pools.json").write_text(example.code)
    written = json.loads(example.code)
    found = configured(tmp_path).accounts
    for type_name, entries in written.items():
        assert [account.name for account in found[type_name]] == [entry.get("customName") for entry in entries]


@pytest.mark.parametrize("example", FILES)
def test_a_file_of_settings_is_read_as_it_is_written(example: Block, tmp_path: Path) -> None:
    written = json.loads(example.code)
    (tmp_path / "config.json").write_text(example.code)
    configuration = load_configuration({"CONFIG_DIR": tmp_path})
    assert mistakes_in(written) == []
    assert all(getattr(configuration, name) for name in written)
    configured(tmp_path)


def test_both_examples_of_the_reference_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(block("configuration-file").code)
    by_file = load_configuration({"CONFIG_DIR": tmp_path}).model_dump()
    (tmp_path / "config.json").unlink()
    assert load_configuration({"CONFIG_DIR": tmp_path}).model_dump() != by_file
    (tmp_path / ".env").write_text(block("configuration-dotenv").code)
    assert load_configuration({"CONFIG_DIR": tmp_path}).model_dump() == by_file


async def test_a_conversation_goes_on_at_another_provider(tmp_path: Path) -> None:
    keeper = Keeper(ResponseStore(tmp_path))
    try:
        async with ExampleVendor("anthropic") as first, ExampleVendor("gemini") as then:
            accounts = [
                account_for(vendor, aliases=dict.fromkeys(MODELS, vendor.dialect.default_model))
                for vendor in (first, then)
            ]
            async with running_gateway(settings_for(*accounts), keeper=keeper) as gateway:
                output = await run(block("responses-going-on"), gateway.port)
            assert heard("user: And plus one?") in output
            assert "What is 6 times 7?" in then.generated[-1].body.decode()
    finally:
        keeper.close()
