"""TLS for clients: a certificate with its key, TLS 1.2 or later, HTTP/1.1 only."""

from __future__ import annotations

import ssl


def server_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """Return the context for a certificate (PEM, with its chain). Raises :class:`OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context
