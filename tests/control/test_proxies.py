"""Proxies of accounts: their own, the system's for a family of providers, and mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from tests.control.home import Home

from codenex.control.effective import effective_settings
from codenex.control.errors import ConfigurationError
from codenex.control.pools import accounts_of

POOLS = {
    "openai-custom": [{"OPENAI_API_KEY": "k1"}],
    "openaiResponses-custom": [{"OPENAI_API_KEY": "k2"}],
    "claude-custom": [{"CLAUDE_API_KEY": "k3"}],
    "gemini-custom": [{"GEMINI_API_KEY": "k4"}],
}


def proxied(home: Home) -> set[str]:
    found = accounts_of(home.load())[0]
    return {name for name, (account,) in found.items() if account.proxy_url is not None}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")


def test_the_systems_proxy_is_used_by_the_families_that_are_told_to(home: Home, monkeypatch: pytest.MonkeyPatch):
    home.pools(POOLS)
    assert proxied(home) == set()
    for family, names in (
        ("OPENAI", {"openai-custom", "openaiResponses-custom"}),
        ("CLAUDE", {"claude-custom"}),
        ("GEMINI", {"gemini-custom"}),
    ):
        monkeypatch.setenv(f"USE_SYSTEM_PROXY_{family}", "true")
        assert proxied(home) == names
        monkeypatch.delenv(f"USE_SYSTEM_PROXY_{family}")
    monkeypatch.setenv("USE_SYSTEM_PROXY_OPENAI", "true")
    monkeypatch.setenv("NO_PROXY", "api.openai.com")
    assert proxied(home) == set()


def test_an_account_has_its_own_or_none(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USE_SYSTEM_PROXY_OPENAI", "true")
    for url, expected in (
        ("socks5://u:p@h:1", "socks5://u:p@h:1"),
        ("direct", None),
        ("h:3128", "http://h:3128"),
        (None, "http://proxy:3128"),
    ):
        home.pools({"openai-custom": [{"OPENAI_API_KEY": "k", "proxyUrl": url}]})
        ((account,),) = accounts_of(home.load())[0].values()
        assert account.proxy_url == expected


@pytest.mark.parametrize("url", ["ftp://secret-word@h", "http://", "socks5://h:x", "http://h/secret-word"])
def test_mistakes_are_named_without_the_url(home: Home, url: str):
    home.pools({"openai-custom": [{"OPENAI_API_KEY": "k", "proxyUrl": url}]})
    with pytest.raises(ConfigurationError) as caught:
        accounts_of(home.load())
    assert "openai-custom[0]: proxyUrl" in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_a_broken_variable_is_named(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USE_SYSTEM_PROXY_CLAUDE", "true")
    monkeypatch.setenv("HTTPS_PROXY", "gopher://h")
    home.pools(POOLS)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY or ALL_PROXY"):
        accounts_of(home.load())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/8 nonsense", "TRUSTED_PROXIES names 'nonsense'"),
        ("UPSTREAM_CA_FILE", "nowhere.pem", "UPSTREAM_CA_FILE nowhere.pem can't be used"),
        ("TLS_CERTIFICATE", "nowhere.pem", "TLS_CERTIFICATE nowhere.pem"),
        ("TLS_KEY", "nowhere.pem", "TLS_CERTIFICATE is not"),
    ],
)
def test_mistakes_of_the_network_are_told_before_anything_is_served(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        effective_settings(home.load())
    assert words in str(caught.value)


def test_certificates_arrive_with_their_whole_path(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    authority = trustme.CA()
    issued = authority.issue_cert("gateway.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    for name, file in (("UPSTREAM_CA_FILE", "ca.pem"), ("TLS_CERTIFICATE", "both.pem")):
        monkeypatch.setenv(name, str(tmp_path / file))
    settings = effective_settings(home.load()).settings
    assert settings.upstream_ca_file == str(tmp_path / "ca.pem")
    assert (settings.tls_certificate, settings.tls_key) == (str(tmp_path / "both.pem"), None)
