"""Settings of the network, checked before anything is served: trusted proxies, certificates and authorities, the
collector of traces."""

from __future__ import annotations

import ipaddress
import ssl
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from codenex.control.errors import ConfigurationError

#: Stands for clients of the Unix socket among trusted proxies.
UNIX = "unix"


def checked_networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses and networks. Raises :class:`ConfigurationError`."""
    found: list[str] = []
    for name in names:
        try:
            if name != UNIX:
                ipaddress.ip_network(name, strict=False)
            found.append(name)
        except ValueError:
            raise ConfigurationError(
                f"TRUSTED_PROXIES names {name[:100]!r}, which is no address or network (10.0.0.0/8), nor {UNIX!r}"
            ) from None
    return tuple(found)


def checked_authorities(path: Path | None) -> str | None:
    """Return the path of a PEM file with authorities. Raises :class:`ConfigurationError` where it can't be used."""
    if path is None:
        return None
    try:
        ssl.create_default_context().load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"UPSTREAM_CA_FILE {path} can't be used: {error}") from None
    return str(path.absolute())


def checked_certificate(certificate: Path | None, key: Path | None) -> tuple[str | None, str | None]:
    """Return the paths of certificate and key. Raises :class:`ConfigurationError` where they don't fit together."""
    if certificate is None and key is None:
        return None, None
    if certificate is None:
        raise ConfigurationError("TLS_KEY is set and TLS_CERTIFICATE is not")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"TLS_CERTIFICATE {certificate} (with TLS_KEY) can't be used: {error}") from None
    return str(certificate.absolute()), None if key is None else str(key.absolute())


def checked_collector(url: str | None) -> str | None:
    """Return the address of an OpenTelemetry collector. Raises :class:`ConfigurationError`, whose message never holds
    the address."""
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ConfigurationError(f"{name} must be of the form http://host:4318") from None
    if not usable:
        raise ConfigurationError(f"{name} must be of the form http://host:4318")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be an address alone: credentials go into OTEL_EXPORTER_OTLP_HEADERS")
    # Its parents need not be there either, and looking for their children would fail.
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise ConfigurationError(f"{name} needs what is not installed: pip install 'codenex-ai-proxy-api[otel]'")
    return url
