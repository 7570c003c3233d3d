"""``provider_pools.json`` and the environment, read into accounts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from codenex.control.claude_code import folder_of, found_account
from codenex.control.entries import Entry, read_document
from codenex.control.errors import ConfigurationError
from codenex.control.files import POOLS, place_of
from codenex.control.google_accounts import account_of_environment, dropped_accounts, logged_in
from codenex.control.pool_revision import MODELS
from codenex.control.proxies import login_proxy_of, proxy_of
from codenex.providers.registry import CLAUDE_CODE, DEMO, PROVIDER_TYPES, ProviderType, is_known
from codenex.store.settings import Account, Rest

if TYPE_CHECKING:
    from codenex.control.configuration import Configuration


def pools_path(configuration: Configuration) -> Path:
    """Return where the pools are kept."""
    return configuration.PROVIDER_POOLS_FILE_PATH or configuration.CONFIG_DIR / POOLS


def accounts_of(configuration: Configuration) -> tuple[dict[str, tuple[Account, ...]], list[str]]:
    """Return accounts by provider type, pool files first, then the environment's; and notices for the operator.

    Raises :class:`ConfigurationError` where the file is there and can't be used.
    """
    notices: list[str] = []
    found: dict[str, list[Account]] = {}
    path = pools_path(configuration)
    for name, entries in _pool_file(place_of(POOLS, path)).items():
        kind = PROVIDER_TYPES.get(name)
        if kind is None:
            if not is_known(name):
                notices.append(f"{path.name}: {name} is no provider type that this version knows; left alone")
            continue
        for position, fields in enumerate(entries):
            where = f"{path.name}: {name}[{position}]"
            entry = Entry(fields, where)
            account = logged_in(account_of(kind, entry, position), kind, entry, configuration)
            found.setdefault(name, []).append(_proxied(account, kind, configuration, where))
    for kind in PROVIDER_TYPES.values():
        made = _from_environment(kind, configuration)
        if made is not None and not _holds(found.get(kind.name, []), made):
            found.setdefault(kind.name, []).append(_proxied(made, kind, configuration, "the configuration"))
    for account in dropped_accounts(configuration, found, notices):
        kind = PROVIDER_TYPES[account.provider]
        found.setdefault(kind.name, []).append(_proxied(account, kind, configuration, str(account.source)))
    if CLAUDE_CODE not in found and (program := found_account(configuration)) is not None:
        found[CLAUDE_CODE] = [program]
    _check_unique(found, path.name)
    return {name: tuple(group) for name, group in found.items()}, notices


def rests_of(configuration: Configuration) -> dict[str, Rest]:
    """Return how the accounts in the file of pools were when it was last written, where that isn't as usual."""
    found: dict[str, Rest] = {}
    for name, entries in _pool_file(place_of(POOLS, pools_path(configuration))).items():
        kind = PROVIDER_TYPES.get(name)
        for position, fields in enumerate(entries if kind is not None else ()):
            ill = fields.get("isHealthy") is False
            models = fields.get(MODELS)
            moments = {model: _seconds(at) for model, at in (models.items() if isinstance(models, dict) else ())}
            if (ill or moments) and kind is not None:
                reason = fields.get("lastErrorMessage")
                uuid = uuid_of(kind, Entry(fields, name), position)
                # An unhealthy account without a time is tried by one request at once.
                until = _seconds(fields.get("scheduledRecoveryTime")) if ill else 0.0
                found[uuid] = Rest(until, ill, moments, reason if isinstance(reason, str) else None)
    return found


def _seconds(moment: Any) -> float:
    """Return a moment in ISO 8601 as seconds since 1970; 0 for anything else."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _pool_file(path: Path) -> dict[str, list[dict[str, Any]]]:
    content = read_document(path)
    for name, entries in content.items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ConfigurationError(f"{path}: {name} must be a list of objects")
    return content


def uuid_of(kind: ProviderType, entry: Entry, position: int) -> str:
    """Return the uuid of an account: its own, or one that follows from what stands in the file and where."""
    own = entry.text("uuid")
    if own is not None:
        return own
    return _derived_uuid(kind.name, _address(kind, entry), entry.key(kind.key_field), position)


def _address(kind: ProviderType, entry: Entry) -> str | None:
    """Return the base URL; Google's services may have several, which are read with their logins."""
    return entry.url(kind.base_url_field) if kind.google is None else None


def account_of(kind: ProviderType, entry: Entry, position: int) -> Account:
    """Return the account that an entry describes. Raises :class:`ConfigurationError`."""
    key = entry.key(kind.key_field)
    base_url = _address(kind, entry)
    return Account(
        uuid=uuid_of(kind, entry, position),
        provider=kind.name,
        name=entry.text("customName"),
        base_url=base_url,
        api_key=key,
        headers=entry.headers("headers"),
        auth_style=entry.choice("authStyle", ("x-api-key", "bearer", "both", "x-goog-api-key")),
        proxy_url=entry.text("proxyUrl"),
        supported_models=entry.names("supportedModels"),
        not_supported_models=entry.names("notSupportedModels"),
        aliases=entry.texts("aliases"),
        weight=entry.count("weight", 1),
        check_health=entry.switch("checkHealth", default=True),
        check_model=entry.text("checkModelName"),
        concurrency_limit=entry.count("concurrencyLimit", 0),
        queue_limit=entry.count("queueLimit", 0),
        connect_timeout=entry.seconds("connectTimeout"),
        first_byte_timeout=entry.seconds("firstByteTimeout"),
        idle_timeout=entry.seconds("idleTimeout"),
        disabled=entry.switch("isDisabled"),
        normalise=entry.switch("normalise"),
        capabilities=entry.capabilities("capabilities"),
        program=entry.text("CLAUDE_CODE_PATH") if kind.program is not None else None,
        config_dir=folder_of(entry) if kind.program is not None else None,
    )


def _from_environment(kind: ProviderType, configuration: Configuration) -> Account | None:
    if kind.name == DEMO:
        return None
    if kind.google is not None:
        return account_of_environment(kind, configuration)
    fields = {name: getattr(configuration, name, None) for name in (kind.key_field, kind.base_url_field) if name}
    entry = Entry(fields, "the configuration")
    key, base_url = entry.key(kind.key_field), entry.url(kind.base_url_field)
    if key is None and base_url is None:
        return None
    uuid = _derived_uuid(kind.name, base_url, key, -1)
    source = "the environment or config.json"
    return Account(uuid, kind.name, "environment", base_url, key, source=source)


def _proxied(account: Account, kind: ProviderType, configuration: Configuration, where: str) -> Account:
    return msgspec.structs.replace(
        account,
        proxy_url=proxy_of(account, kind, configuration, where),
        login_proxy_url=login_proxy_of(account, configuration),
    )


def _holds(group: list[Account], account: Account) -> bool:
    if account.google is not None:
        return any(other.google == account.google for other in group)
    return any(other.api_key == account.api_key and other.base_url == account.base_url for other in group)


def _derived_uuid(*pieces: object) -> str:
    return str(uuid5(NAMESPACE_URL, "\x1f".join(map(str, pieces))))


def _check_unique(found: dict[str, list[Account]], file: str) -> None:
    seen: dict[str, str] = {}
    for name, group in found.items():
        for account in group:
            if account.uuid in seen:
                both = f"{seen[account.uuid]} and {name}" if seen[account.uuid] != name else f"{name} twice"
                raise ConfigurationError(f"{file}: the uuid {account.uuid} stands in {both}")
            seen[account.uuid] = name
