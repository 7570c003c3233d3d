"""The accounts of Google's services: their logins, read from pool files, the environment, and files that lie in the
services' own folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import msgspec

from codenex.control.entries import Entry
from codenex.control.errors import ConfigurationError
from codenex.providers.google.credentials import CredentialInvalid, parsed
from codenex.providers.google.service import SERVICES, Service
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.store.sealing import SealingError, sealing_of
from codenex.store.settings import Account, GoogleLogin

if TYPE_CHECKING:
    from codenex.control.configuration import Configuration

#: The folder in the data folder for what is learned of logins.
STATE = "google"
#: The field of an account with what may be spent where its quota is used up.
CREDIT_TYPES = "enabledCreditTypes"
_FILE_LIMIT = 1024 * 1024


def logged_in(account: Account, kind: ProviderType, entry: Entry, configuration: Configuration) -> Account:
    """Return an account with its login, where its type has one. Raises :class:`ConfigurationError`."""
    if kind.google is None:
        return account
    return msgspec.structs.replace(account, google=login_of(kind.google, kind, entry, configuration))


def login_of(service: Service, kind: ProviderType, entry: Entry, configuration: Configuration) -> GoogleLogin:
    """Return the login that an entry describes; what it leaves out the configuration says. Raises
    :class:`ConfigurationError`."""
    file, inline = entry.text(service.file_field), entry.text(service.base64_field)
    if inline is not None:
        try:
            parsed(inline.encode())
        except CredentialInvalid as error:
            raise ConfigurationError(f"{entry.where}: {service.base64_field} can't be used: {error}") from None
    client_id, client_secret = google_clients(configuration).get(service.name, (None, None))
    hosts = entry.urls(kind.base_url_field) or Entry(
        {str(kind.base_url_field): getattr(configuration, str(kind.base_url_field), None)}, "the configuration"
    ).urls(kind.base_url_field)
    return GoogleLogin(
        state_dir=os.path.abspath(configuration.DATA_DIR / STATE),
        token_url=configuration.GOOGLE_OAUTH_TOKEN_URL,
        credentials_file=None if file is None else os.path.abspath(os.path.expanduser(file)),
        credentials=None if file is not None else inline,
        client_id=client_id,
        client_secret=client_secret,
        project=entry.text("PROJECT_ID") or configuration.PROJECT_ID,
        hosts=hosts,
        credit_types=_credit_types(service, entry),
        key_file=key_file_of(configuration),
    )


def key_file_of(configuration: Configuration) -> str | None:
    """Return where the keys for credential files lie. Raises :class:`ConfigurationError` where they can't be used."""
    path = configuration.CREDENTIALS_KEY_FILE
    if path is None:
        return None
    place = os.path.abspath(path.expanduser())
    try:
        sealing_of(place)
    except SealingError as error:
        raise ConfigurationError(f"CREDENTIALS_KEY_FILE: {error}") from None
    return place


def _credit_types(service: Service, entry: Entry) -> tuple[str, ...]:
    found = entry.names(CREDIT_TYPES)
    if found and service.kind != "antigravity":
        raise ConfigurationError(f"{entry.where}: {CREDIT_TYPES} is a field of gemini-antigravity alone")
    return found


def google_clients(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """Return id and secret of the operator's OAuth clients by provider type. Raises :class:`ConfigurationError` where
    only one of the two is there."""
    found: dict[str, tuple[str, str]] = {}
    for service in SERVICES.values():
        names = service.client_id_field, service.client_secret_field
        entry = Entry({name: getattr(configuration, name, None) for name in names}, "the configuration")
        id, secret = entry.key(names[0]), entry.key(names[1])
        if id is not None and secret is not None:
            found[service.name] = id, secret
        elif id is not None or secret is not None:
            raise ConfigurationError(f"{names[0]} and {names[1]} belong together: one of them is missing")
    return found


def account_of_environment(kind: ProviderType, configuration: Configuration) -> Account | None:
    """Return the account that the environment or ``config.json`` describes. Raises :class:`ConfigurationError`."""
    service = kind.google
    if service is None:
        return None
    names = (service.file_field, service.base64_field)
    every = (*names, str(kind.base_url_field))
    entry = Entry({name: getattr(configuration, name, None) for name in every}, "the configuration")
    entry.urls(kind.base_url_field)
    if entry.text(names[0]) is None and entry.text(names[1]) is None:
        return None
    uuid = str(uuid5(NAMESPACE_URL, f"{kind.name} of the environment"))
    source = "the environment or config.json"
    return logged_in(Account(uuid, kind.name, "environment", source=source), kind, entry, configuration)


def dropped_accounts(
    configuration: Configuration, found: Mapping[str, Sequence[Account]], notices: list[str]
) -> Iterator[Account]:
    """Return the accounts of credential files that lie in the services' folders and that nothing names. What is no
    credential is told in ``notices``."""
    for service in SERVICES.values():
        named = {
            os.path.realpath(account.google.credentials_file)
            for account in found.get(service.name, ())
            if account.google is not None and account.google.credentials_file is not None
        }
        for path in _files(configuration.CONFIG_DIR / service.folder):
            if os.path.realpath(path) in named:
                continue
            if (reason := _why_not(path, key_file_of(configuration))) is not None:
                notices.append(f"{service.folder}/{path.name} is no credential of {service.name}: {reason}")
                continue
            kind, where = PROVIDER_TYPES[service.name], f"{service.folder}/{path.name}"
            entry = Entry({service.file_field: str(path)}, where)
            account = Account(str(uuid5(NAMESPACE_URL, where)), kind.name, path.stem, source=f"the file {where}")
            yield logged_in(account, kind, entry, configuration)


def is_credential(path: Path, key_file: str | None) -> bool:
    """Whether a file becomes an account where it lies in a service's folder."""
    return _may_be_one(path) and _why_not(path, key_file) is None


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob("*.json") if _may_be_one(path))
    except OSError:
        return []


def _may_be_one(path: Path) -> bool:
    try:
        return not path.name.startswith(".") and not path.is_symlink() and path.stat().st_size <= _FILE_LIMIT
    except OSError:
        return False


def _why_not(path: Path, key_file: str | None) -> str | None:
    """Return why a file can't be used as a credential; ``None`` where it can."""
    try:
        parsed(sealing_of(key_file).opened(path.read_bytes()))
    except OSError as error:
        return error.strerror or "it can't be read"
    except (CredentialInvalid, SealingError) as error:
        return str(error)
    return None


def checked_url(url: str, name: str) -> str:
    """Return an address. Raises :class:`ConfigurationError`."""
    return Entry({name: url}, "the configuration").url(name) or ""
