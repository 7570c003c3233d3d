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
    setting = _SETTINGS.get(kind.protocol)
    if setting is None or not getattr(configuration, setting):
        return None
    hosts = account.google.hosts if account.google is not None else ()
    parts = urlsplit(account.base_url or (hosts[0] if hosts else kind.base_url))
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    url = system_proxy(parts.scheme, parts.hostname or "", port, os.environ)
    return None if url is None else _checked(url, f"{parts.scheme.upper()}_PROXY or ALL_PROXY")


def _checked(url: str, where: str) -> str:
    if "://" not in url:
        url = f"http://{url}"
    try:
        parsed_proxy(url)
    except ValueError as error:
        raise ConfigurationError(f"{where} is not the URL of a proxy: {error}") from None
    return url
