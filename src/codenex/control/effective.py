"""Turns the configuration into one generation of settings for the data plane, and makes what a first start needs."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import msgspec

from codenex.control.configuration import Configuration, ConfigurationError, checked_client_key
from codenex.control.pools import accounts_of
from codenex.providers.registry import PROVIDER_TYPES, is_known
from codenex.store.files import create_once
from codenex.store.settings import Settings


class Effective(msgspec.Struct):
    """Settings, and what to tell the operator: ``secrets_made`` are shown once and never again."""

    settings: Settings
    notices: list[str]
    secrets_made: list[str]


def effective_settings(configuration: Configuration) -> Effective:
    """Build the effective settings. Raises :class:`ConfigurationError`; creates key files on the first start."""
    made: list[str] = []
    client_key = _client_key(configuration, made)
    accounts, notices = accounts_of(configuration)
    provider = configuration.MODEL_PROVIDER
    if provider is not None and not is_known(provider):
        raise ConfigurationError(
            f"MODEL_PROVIDER is {provider!r}, which is no provider type; known are {', '.join(PROVIDER_TYPES)}"
        )
    settings = Settings(
        host=configuration.HOST,
        port=configuration.SERVER_PORT,
        config_dir=str(configuration.CONFIG_DIR),
        data_dir=str(configuration.DATA_DIR),
        log_dir=str(configuration.LOG_DIR),
        client_key_digests=(hashlib.sha256(client_key.encode()).hexdigest(),),
        model_provider=provider,
        accounts=accounts,
        model_aliases=configuration.modelAliases,
        fallback_chain=configuration.providerFallbackChain,
        ever_configured=_ever_configured(configuration, bool(accounts)),
        demo_faults=configuration.DEMO_FAULTS,
        max_body_bytes=configuration.MAX_BODY_BYTES,
        cors_origins=configuration.CORS_ORIGINS,
        trusted_proxies=configuration.TRUSTED_PROXIES,
        max_error_count=configuration.MAX_ERROR_COUNT,
        max_attempts=configuration.CREDENTIAL_SWITCH_MAX_RETRIES,
        strict=configuration.STRICT,
        envelope_key=_generated(configuration.CONFIG_DIR / "envelope_key", 32)[0],
        claude_code_path=configuration.CLAUDE_CODE_PATH,
    )
    return Effective(settings, notices, made)


def _client_key(configuration: Configuration, made: list[str]) -> str:
    if configuration.REQUIRED_API_KEY is not None and configuration.REQUIRED_API_KEY.strip():
        return checked_client_key(configuration.REQUIRED_API_KEY)
    path = configuration.CONFIG_DIR / "api_key"
    key, new = _generated(path, 32, prefix="cdx-")
    if new:
        made.append(f"API key of this server (kept in {path}): {key}")
    return key


def _generated(path: Path, size: int, prefix: str = "") -> tuple[str, bool]:
    """Return the secret in a file, made on first use (``size`` random bytes as hex, 0600), and whether it is new."""
    try:
        new = not path.exists() and create_once(path, f"{prefix}{secrets.token_hex(size)}\n".encode())
        value = path.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path} can't be read or made: {error}") from None
    if len(value) < 2 * size:
        raise ConfigurationError(f"{path} does not hold what was written there: delete it, and a new one is made")
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
    return value, new


def _ever_configured(configuration: Configuration, configured: bool) -> bool:
    """Whether a provider was configured now or ever: remembered by a file, so that an emptied pool never means the
    demo."""
    marker = configuration.DATA_DIR / "configured"
    try:
        if configured and not marker.exists():
            create_once(marker, b"")
        return configured or marker.exists()
    except OSError as error:
        raise ConfigurationError(f"{configuration.DATA_DIR} can't be written: {error}") from None
