"""From configuration to the settings of the data plane."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.control.home import Home

from codenex.control.effective import effective_settings
from codenex.control.errors import ConfigurationError
from codenex.core import json
from codenex.providers.google.service import AUTH_URL, TOKEN_URL, USERINFO_URL
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Settings

KEY = {"REQUIRED_API_KEY": "a-key-of-my-own"}


def test_every_setting_arrives(home: Home) -> None:
    home.config(
        {
            **KEY,
            "HOST": "::1",
            "SERVER_PORT": 3001,
            "DATA_DIR": "d",
            "LOG_DIR": "l",
            "MODEL_PROVIDER": "claude-custom",
            "modelAliases": {"fast": "demo"},
            "providerFallbackChain": {"claude-custom": ["openai-custom"]},
            "DEMO_FAULTS": True,
            "MAX_BODY_BYTES": 2048,
            "CORS_ORIGINS": ["https://a"],
            "TRUSTED_PROXIES": ["10.0.0.1"],
            "MAX_ERROR_COUNT": 7,
            "CREDENTIAL_SWITCH_MAX_RETRIES": 2,
            "STRICT": True,
            "CLAUDE_CODE_PATH": "/usr/bin/claude",
            "CLAUDE_API_KEY": "k",
        }
    )
    settings = effective_settings(home.load()).settings

    assert settings == Settings(
        host="::1",
        port=3001,
        config_dir="configs",
        data_dir="d",
        prompt_log_file="l/conversation.log",
        client_keys=settings.client_keys,
        model_provider="claude-custom",
        accounts=settings.accounts,
        model_aliases={"fast": "demo"},
        fallback_chain={"claude-custom": ("openai-custom",)},
        ever_configured=True,
        demo_faults=True,
        max_body_bytes=2048,
        cors_origins=("https://a",),
        trusted_proxies=("10.0.0.1",),
        max_error_count=7,
        max_attempts=2,
        google_auth_url=AUTH_URL,
        google_token_url=TOKEN_URL,
        google_userinfo_url=USERINFO_URL,
        strict=True,
        envelope_key=(home.configs / "envelope_key").read_text().strip(),
        claude_code_path="/usr/bin/claude",
    )
    assert list(settings.accounts) == ["claude-custom"]


def test_settings_survive_the_way_to_the_serving_process(home: Home) -> None:
    home.pools({"openai-custom": [{"OPENAI_API_KEY": "k", "headers": {"a": "b"}, "capabilities": {"prefill": False}}]})
    settings = effective_settings(home.load()).settings
    assert json.decode_as(Settings, json.encode(settings)) == settings


@pytest.mark.parametrize("provider", PROVIDER_TYPES)
def test_every_provider_type_may_be_the_default(home: Home, provider: str) -> None:
    home.config({**KEY, "MODEL_PROVIDER": provider})
    assert effective_settings(home.load()).settings.model_provider == provider


@pytest.mark.parametrize("provider", ["openai", "OpenAI-Custom", "gemini-custom,claude-custom", " demo"])
def test_a_default_that_is_no_provider_type_is_refused_with_those_that_are(home: Home, provider: str) -> None:
    home.config({**KEY, "MODEL_PROVIDER": provider})
    with pytest.raises(ConfigurationError, match=r"MODEL_PROVIDER.*openai-custom"):
        effective_settings(home.load())


def test_the_demo_answers_until_a_provider_was_ever_configured(home: Home) -> None:
    home.config(KEY)
    assert not effective_settings(home.load()).settings.ever_configured
    assert not home.data.exists()

    home.pools({"openai-custom": [{"OPENAI_API_KEY": "k"}]})
    assert effective_settings(home.load()).settings.ever_configured
    assert (home.data / "configured").stat().st_mode & 0o777 == 0o600

    for emptied in ({}, {"openai-custom": []}):
        home.pools(emptied)
        settings = effective_settings(home.load()).settings
        assert settings.ever_configured
        assert settings.configured_types() == ()


def test_a_provider_from_the_environment_counts_as_configured(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config(KEY)
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    assert effective_settings(home.load()).settings.ever_configured
    monkeypatch.delenv("GEMINI_API_KEY")
    assert effective_settings(home.load()).settings.ever_configured


@pytest.mark.parametrize("path", ["file/data", "file"])
def test_a_data_folder_that_cannot_be_made_is_named(home: Home, path: str) -> None:
    (home.folder / "file").write_text("not a folder")
    home.config({**KEY, "OPENAI_API_KEY": "k"})
    with pytest.raises(ConfigurationError, match=f"^{path} can't be written"):
        effective_settings(home.load(DATA_DIR=Path(path)))


def test_notices_are_handed_on(home: Home) -> None:
    home.config(KEY)
    home.pools({"something-else": []})
    assert "something-else" in effective_settings(home.load()).notices[0]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"facts": {}}, "modelFacts[0]: model is missing"),
        ({"model": "m", "provider": "nobody", "facts": {}}, "modelFacts[0]: provider must be one of"),
        ({"model": "m", "fact": {}}, "modelFacts[0]: has no field 'fact'"),
        ({"model": "m", "facts": {"max_tokens": 1}}, "modelFacts[0]: facts has no field 'max_tokens'"),
        ({"model": "m", "facts": {"max_output_tokens": "many"}}, "modelFacts[0]: facts does not fit"),
    ],
)
def test_wrong_model_facts_are_told_with_their_place(home: Home, entry: dict[str, object], named: str) -> None:
    home.config({"modelFacts": [entry]})
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        effective_settings(home.load(), make=False)
