"""``provider_pools.json`` and the environment, read into accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from codenex.control.configuration import Configuration, ConfigurationError
from codenex.providers.registry import DEMO, PROVIDER_TYPES, ProviderType, is_known
from codenex.store.settings import Account


def accounts_of(configuration: Configuration) -> tuple[dict[str, tuple[Account, ...]], list[str]]:
    """Return accounts by provider type, pool files first, then the environment's; and notices for the operator.

    Raises :class:`ConfigurationError` where the file is there and can't be used.
    """
    notices: list[str] = []
    found: dict[str, list[Account]] = {}
    for name, entries in _pool_file(configuration).items():
        kind = PROVIDER_TYPES.get(name)
        if kind is None:
            if not is_known(name):
                notices.append(f"provider_pools.json: {name} is no provider type that this version knows; left alone")
            continue
        for position, entry in enumerate(entries):
            found.setdefault(name, []).append(_account(kind, entry, position))
    for kind in PROVIDER_TYPES.values():
        account = _from_environment(kind, configuration)
        if account is not None and not _holds(found.get(kind.name, []), account):
            found.setdefault(kind.name, []).append(account)
    _check_unique(found)
    return {name: tuple(group) for name, group in found.items()}, notices


def _pool_file(configuration: Configuration) -> dict[str, list[dict[str, Any]]]:
    path = configuration.PROVIDER_POOLS_FILE_PATH or configuration.CONFIG_DIR / "provider_pools.json"
    try:
        text = Path(path).read_text("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from None
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold an object with provider types as keys")
    for name, entries in content.items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ConfigurationError(f"{path}: {name} must be a list of objects")
    return content


def _account(kind: ProviderType, entry: dict[str, Any], position: int) -> Account:
    where = f"provider_pools.json: {kind.name}[{position}]"
    key = _text(entry, kind.key_field, where)
    base_url = _text(entry, kind.base_url_field, where)
    _check_url(base_url, where)
    return Account(
        uuid=_text(entry, "uuid", where) or _derived_uuid(kind.name, base_url, key, position),
        provider=kind.name,
        name=_text(entry, "customName", where),
        base_url=base_url,
        api_key=key,
        headers=_texts(entry, "headers", where),
        auth_style=_choice(entry, "authStyle", ("x-api-key", "bearer", "both", "x-goog-api-key"), where),
        proxy_url=_text(entry, "proxyUrl", where),
        supported_models=_names(entry, "supportedModels", where),
        not_supported_models=_names(entry, "notSupportedModels", where),
        aliases=_texts(entry, "aliases", where),
        weight=_count(entry, "weight", where, 1),
        concurrency_limit=_count(entry, "concurrencyLimit", where, 0),
        queue_limit=_count(entry, "queueLimit", where, 0),
        disabled=entry.get("isDisabled") is True,
        normalise=entry.get("normalise") is True,
        capabilities=entry["capabilities"] if isinstance(entry.get("capabilities"), dict) else {},
    )


def _from_environment(kind: ProviderType, configuration: Configuration) -> Account | None:
    if kind.name == DEMO or kind.key_field is None or kind.base_url_field is None:
        return None
    key = getattr(configuration, kind.key_field, None)
    base_url = getattr(configuration, kind.base_url_field, None)
    if not key and not base_url:
        return None
    _check_url(base_url, kind.base_url_field)
    return Account(_derived_uuid(kind.name, base_url, key, -1), kind.name, "environment", base_url or None, key or None)


def _holds(group: list[Account], account: Account) -> bool:
    return any(other.api_key == account.api_key and other.base_url == account.base_url for other in group)


def _derived_uuid(*pieces: object) -> str:
    return str(uuid5(NAMESPACE_URL, "\x1f".join(map(str, pieces))))


def _check_unique(found: dict[str, list[Account]]) -> None:
    seen: set[str] = set()
    for name, group in found.items():
        for account in group:
            if account.uuid in seen:
                raise ConfigurationError(f"provider_pools.json: {name} has two accounts with the uuid {account.uuid}")
            seen.add(account.uuid)


def _check_url(url: str | None, where: str | None) -> None:
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{where}: the base URL must begin with http:// or https:// and name a host")
    if parts.username or parts.password:
        raise ConfigurationError(f"{where}: the base URL must not hold a user name or password")


def _text(entry: dict[str, Any], field: str | None, where: str) -> str | None:
    value = entry.get(field) if field is not None else None
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: {field} must be a text")
    return value.strip()


def _names(entry: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = entry.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"{where}: {field} must be a list of texts")
    return tuple(value)


def _texts(entry: dict[str, Any], field: str, where: str) -> dict[str, str]:
    value = entry.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ConfigurationError(f"{where}: {field} must be an object of texts")
    return value


def _count(entry: dict[str, Any], field: str, where: str, default: int) -> int:
    value = entry.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{where}: {field} must be a whole number of at least 0")
    return value


def _choice(entry: dict[str, Any], field: str, choices: tuple[str, ...], where: str) -> str | None:
    value = _text(entry, field, where)
    if value is not None and value not in choices:
        raise ConfigurationError(f"{where}: {field} must be one of {', '.join(choices)}")
    return value
