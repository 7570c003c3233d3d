"""Turns the configuration into one generation of settings for the data plane, and makes what a first start needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from codenex.control.client_keys import keys_in
from codenex.control.configuration import Configuration
from codenex.control.database.address import checked_address
from codenex.control.entries import model_facts
from codenex.control.errors import ConfigurationError
from codenex.control.google_accounts import checked_url, google_clients, key_file_of
from codenex.control.hosts import checked_hosts
from codenex.control.keys import checked_client_key, generated_key
from codenex.control.network import checked_authorities, checked_certificate, checked_collector, checked_networks
from codenex.control.pools import accounts_of, pools_path, rests_of
from codenex.control.proxies import login_proxy
from codenex.gateway.authentication import digest_of
from codenex.providers.registry import PROVIDER_TYPES, is_known
from codenex.store.files import create_once
from codenex.store.settings import ClientKey, Settings

Value = TypeVar("Value")


class Effective(msgspec.Struct):
    """Settings, and what to tell the operator: ``secrets_made`` are shown once and never again."""

    settings: Settings
    notices: list[str]
    secrets_made: list[str]


def effective_settings(configuration: Configuration, *, make: bool = True) -> Effective:
    """Build the effective settings. Raises :class:`ConfigurationError`.

    The first start makes key files, and does so last: where something else is wrong, nothing is made that would then
    never be shown. Without ``make`` nothing is written at all, and missing keys stay empty.
    """
    made: list[str] = []
    accounts, notices = accounts_of(configuration)
    provider = configuration.MODEL_PROVIDER
    if provider is not None:
        _known_type(provider, "MODEL_PROVIDER")
    certificate, key = checked_certificate(configuration.TLS_CERTIFICATE, configuration.TLS_KEY)
    configured = any(not account.automatic for group in accounts.values() for account in group)
    ever_configured = _ever_configured(configuration, configured, make)
    named_keys = keys_in(configuration.CONFIG_DIR)
    envelope_key = _envelope_key(configuration, make)
    client_key = _client_key(configuration, made, make)
    settings = Settings(
        host=configuration.HOST,
        port=configuration.SERVER_PORT,
        config_dir=str(configuration.CONFIG_DIR),
        data_dir=str(configuration.DATA_DIR),
        log_format=configuration.LOG_FORMAT,
        prompt_log=configuration.PROMPT_LOG_MODE,
        prompt_log_file=str(configuration.PROMPT_LOG_FILENAME or configuration.LOG_DIR / "conversation.log"),
        prompt_log_bytes=configuration.PROMPT_LOG_BYTES,
        pools_file=str(pools_path(configuration)),
        client_keys=(*([] if client_key is None else [_first_key(client_key)]), *named_keys),
        model_provider=provider,
        accounts=accounts,
        rests=rests_of(configuration),
        model_aliases=configuration.modelAliases,
        model_facts=model_facts(configuration.modelFacts),
        fallback_chain={
            name: tuple(_known_type(other, "providerFallbackChain") for other in chain)
            for name, chain in _of_known_types(configuration.providerFallbackChain, "providerFallbackChain").items()
        },
        model_fallback={
            model: (_known_type(target.targetProviderType, "modelFallbackMapping"), target.targetModel)
            for model, target in configuration.modelFallbackMapping.items()
        },
        explicit_fallback=configuration.EXPLICIT_FALLBACK,
        pool_strategy=configuration.POOL_STRATEGY.value,
        pool_strategies={
            name: strategy.value
            for name, strategy in _of_known_types(configuration.poolStrategies, "poolStrategies").items()
        },
        hedge_after=_of_known_types(configuration.hedgeAfter, "hedgeAfter"),
        session_affinity=configuration.SESSION_AFFINITY_SECONDS,
        health_check_interval=configuration.HEALTH_CHECK_INTERVAL,
        ever_configured=ever_configured,
        demo_faults=configuration.DEMO_FAULTS,
        max_body_bytes=configuration.MAX_BODY_BYTES,
        cors_origins=configuration.CORS_ORIGINS,
        trusted_proxies=checked_networks(configuration.TRUSTED_PROXIES),
        allowed_hosts=checked_hosts(configuration.ALLOWED_HOSTS),
        upstream_ca_file=checked_authorities(configuration.UPSTREAM_CA_FILE),
        tls_certificate=certificate,
        tls_key=key,
        unix_socket=None if configuration.UNIX_SOCKET is None else str(configuration.UNIX_SOCKET.absolute()),
        fetch_media=configuration.FETCH_MEDIA,
        body_budget_bytes=configuration.BODY_BUDGET_BYTES,
        max_error_count=configuration.MAX_ERROR_COUNT,
        max_attempts=configuration.CREDENTIAL_SWITCH_MAX_RETRIES,
        requests_per_minute=configuration.REQUESTS_PER_MINUTE,
        store_responses=configuration.STORE_RESPONSES,
        stored_responses_hours=configuration.STORED_RESPONSES_HOURS,
        stored_responses_bytes=configuration.STORED_RESPONSES_BYTES,
        drain_seconds=configuration.DRAIN_SECONDS,
        strict=configuration.STRICT,
        envelope_key=envelope_key,
        google_auth_url=checked_url(configuration.GOOGLE_OAUTH_AUTH_URL, "GOOGLE_OAUTH_AUTH_URL"),
        google_token_url=checked_url(configuration.GOOGLE_OAUTH_TOKEN_URL, "GOOGLE_OAUTH_TOKEN_URL"),
        google_userinfo_url=checked_url(configuration.GOOGLE_USERINFO_URL, "GOOGLE_USERINFO_URL"),
        google_token_proxy=login_proxy(configuration.GOOGLE_OAUTH_TOKEN_URL, configuration),
        google_userinfo_proxy=login_proxy(configuration.GOOGLE_USERINFO_URL, configuration),
        oauth_bind=configuration.OAUTH_BIND,
        google_clients=google_clients(configuration),
        claude_code_path=configuration.CLAUDE_CODE_PATH,
        claude_code_processes=configuration.CLAUDE_CODE_PROCESSES,
        claude_code_timeout=configuration.CLAUDE_CODE_TIMEOUT,
        claude_code_spares=configuration.CLAUDE_CODE_SPARES,
        database_url=checked_address(configuration.DATABASE_URL),
        credentials_key_file=key_file_of(configuration),
        otlp_endpoint=checked_collector(configuration.OTEL_EXPORTER_OTLP_ENDPOINT),
    )
    return Effective(settings, notices, made)


def _of_known_types(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    """Return a table by provider type. Raises :class:`ConfigurationError` for a type that there isn't."""
    for name in values:
        _known_type(name, key)
    return dict(values)


def _known_type(name: str, key: str) -> str:
    if not is_known(name):
        known = ", ".join(PROVIDER_TYPES)
        raise ConfigurationError(f"{key} names {name!r}, which is no provider type; known are {known}")
    return name


def _first_key(key: str) -> ClientKey:
    """Return the one key that every server has, which may do everything."""
    return ClientKey(digest_of(key), id="default", name="REQUIRED_API_KEY")


def _client_key(configuration: Configuration, made: list[str], make: bool) -> str | None:
    chosen = configuration.REQUIRED_API_KEY
    if chosen is not None and chosen.strip():
        return checked_client_key(chosen)
    path = configuration.CONFIG_DIR / "api_key"
    key, new = generated_key(path, "cdx-", make=make)
    if key is None:
        return None
    if new:
        made.append(f"API key of this server (kept in {path}): {key}")
    return checked_client_key(key, f"the key in {path}")


def _envelope_key(configuration: Configuration, make: bool) -> str:
    path = configuration.CONFIG_DIR / "envelope_key"
    key, _ = generated_key(path, make=make)
    if key is not None and re.fullmatch("[0-9a-f]{64}", key) is None:
        raise ConfigurationError(f"{path} does not hold what was written there: delete it, and a new one is made")
    return key or ""


def _ever_configured(configuration: Configuration, configured: bool, make: bool) -> bool:
    """Whether a provider was configured now or ever: remembered by a file, so that an emptied pool never means the
    demo."""
    marker = configuration.DATA_DIR / "configured"
    try:
        if configured and make and not marker.exists():
            create_once(marker, b"")
        return configured or marker.exists()
    except OSError as error:
        raise ConfigurationError(f"{configuration.DATA_DIR} can't be written: {error}") from None
