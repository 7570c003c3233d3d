"""Which proxy an account's requests go through: its own, or the system's where the family of its provider uses it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from codenex.control.errors import ConfigurationError
from codenex.providers.registry import ProviderType
from codenex.providers.transport.proxy import parsed_proxy
from codenex.providers.transport.system_proxy import system_proxy
from codenex.store.settings import Account

if TYPE_CHECKING:
    from codenex.control.configuration import Configuration

#: Protocol of a provider type → the setting that makes it use the system's proxy.
_SETTINGS = {
    "openai-chat": "USE_SYSTEM_PROXY_OPENAI",
    "openai-responses": "USE_SYSTEM_PROXY_OPENAI",
    "anthropic": "USE_SYSTEM_PROXY_CLAUDE",
    "gemini": "USE_SYSTEM_PROXY_GEMINI",
}
#: Says for one account that no proxy is wanted, whatever the system has.
DIRECT = "direct"


def proxy_of(account: Account, kind: ProviderType, configuration: Configuration, where: str) -> str | None:
    """Return the URL of the proxy, or ``None``. Raises :class:`ConfigurationError` for a URL that can't be used."""
    if account.proxy_url == DIRECT:
        return None
    if account.proxy_url is not None:
        return _checked(account.proxy_url, f"{where}: proxyUrl")
    hosts = account.google.hosts if account.google is not None else ()
    return _of_system(account.base_url or (hosts[0] if hosts else kind.base_url), kind.protocol, configuration)


def login_proxy_of(account: Account, configuration: Configuration) -> str | None:
    """Return the URL of the proxy on the way to where an account's login is renewed: its own, or the system's for that
    host. ``account`` has what :func:`proxy_of` found only where it says so itself."""
    if account.google is None or account.proxy_url == DIRECT:
        return None
    if account.proxy_url is not None:
        return _checked(account.proxy_url, "proxyUrl")
    return login_proxy(account.google.token_url, configuration)


def login_proxy(url: str, configuration: Configuration) -> str | None:
    """Return the URL of the proxy on the way to an address of Google's OAuth. Raises :class:`ConfigurationError`."""
    return _of_system(url, "gemini", configuration)


def _of_system(url: str, protocol: str, configuration: Configuration) -> str | None:
    setting = _SETTINGS.get(protocol)
    if setting is None or not getattr(configuration, setting):
        return None
    parts = urlsplit(url)
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    found = system_proxy(parts.scheme, parts.hostname or "", port, os.environ)
    return None if found is None else _checked(found, f"{parts.scheme.upper()}_PROXY or ALL_PROXY")


def _checked(url: str, where: str) -> str:
    if "://" not in url:
        url = f"http://{url}"
    try:
        parsed_proxy(url)
    except ValueError as error:
        raise ConfigurationError(f"{where} is not the URL of a proxy: {error}") from None
    return url
