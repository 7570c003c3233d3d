"""What the documentation says of the files of the API that this one descends from is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.examples.documents import ROOT

from codenex.control.configuration import configuration_type, load_configuration
from codenex.control.effective import effective_settings

#: A value for each name of the table, where no other text will do.
VALUES: dict[str, object] = {
    "SERVER_PORT": 3000,
    "MAX_ERROR_COUNT": 3,
    "CREDENTIAL_SWITCH_MAX_RETRIES": 5,
    "PROMPT_LOG_MODE": "none",
    "MODEL_PROVIDER": "openai-custom",
    "PROVIDER_POOLS_FILE_PATH": "provider_pools.json",
    "HOST": "0.0.0.0",
    "SCHEDULED_HEALTH_CHECK": {"enabled": True},
    "providerFallbackChain": {"gemini-cli-oauth": ["gemini-antigravity"]},
    "modelFallbackMapping": {"gemini-2.5-pro": {"targetProviderType": "openai-custom", "targetModel": "gpt-5.4"}},
}


def rows() -> list[tuple[list[str], str]]:
    """Names of settings there, and what is said of them here."""
    text = (ROOT / "docs/operations.md").read_text().partition("### Files of the API that")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    return [(re.findall(r"`(\w+)[`…_]", names), said) for names, said in found if re.match(r"`[A-Z]", names)]


def test_what_is_taken_is_a_setting_and_what_isn_t_has_its_substitute() -> None:
    settings = configuration_type().model_fields
    assert len(rows()) > 7
    for names, said in rows():
        if said.startswith("taken"):
            assert {*names} <= settings.keys()
            continue
        assert not {*names} & settings.keys()
        if not said.startswith("no effect"):
            substitutes = re.findall(r"`([A-Z_]+)`", said)
            assert substitutes or "USE_SYSTEM_PROXY_" in said
            assert {*substitutes} <= settings.keys()


def test_such_a_file_is_taken_as_it_lies(tmp_path: Path) -> None:
    names = [name for found, _ in rows() for name in found]
    key = "-".join(("an", "invented", "key", "of", "some", "length"))
    content = {name: VALUES.get(name, key) for name in names} | {"LOG_DIR": str(tmp_path)}
    (tmp_path / "config.json").write_text(json.dumps(content))
    account = {"OPENAI_API_KEY": key, "isHealthy": False, "usageCount": 7, "lastUsed": None, "checkModelName": None}
    pools = {"openai-custom": [account], "forward-api": [{"FORWARD_API_KEY": key}]}
    (tmp_path / "provider_pools.json").write_text(json.dumps(pools))
    flags = {"CONFIG_DIR": tmp_path, "DATA_DIR": tmp_path / "data"}
    found = effective_settings(
        load_configuration({**flags, "PROVIDER_POOLS_FILE_PATH": tmp_path / "provider_pools.json"})
    )
    assert (found.settings.host, found.settings.model_provider) == ("0.0.0.0", "openai-custom")
    assert [account.api_key for account in found.settings.accounts["openai-custom"]] == [key]
    assert [rest.ejected for rest in found.settings.rests.values()] == [True]
    assert any("forward-api" in notice for notice in found.notices)
    assert json.loads((tmp_path / "config.json").read_text()) == content
