"""Who may use the client APIs: one of the configured keys, in any of the spellings that clients use."""

from __future__ import annotations

import hashlib
from hmac import compare_digest
from urllib.parse import parse_qsl

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.exchange import Exchange

_KEY_HEADERS = ("x-api-key", "x-goog-api-key")


def digest_of(key: str) -> str:
    """Return the SHA-256 (hex) under which a key is kept."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def presented_key(exchange: Exchange) -> str | None:
    """Return the key that a request carries: bearer token, ``x-api-key``, ``x-goog-api-key`` or ``?key=``; empty
    ones count as none."""
    authorization = exchange.header("authorization")
    if authorization is not None:
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
    for name in _KEY_HEADERS:
        value = exchange.header(name)
        if value is not None and value.strip():
            return value.strip()
    if "key=" in exchange.query:
        for name, value in parse_qsl(exchange.query, keep_blank_values=True):
            if name == "key" and value:
                return value
    return None


def authenticate(exchange: Exchange, digests: tuple[str, ...]) -> str:
    """Return the digest of the key that the request carries. Raises :class:`Fault` ``authentication`` (401)."""
    key = presented_key(exchange)
    if key is None:
        raise Fault(
            FaultKind.AUTHENTICATION,
            "no API key was sent: use 'Authorization: Bearer …', 'x-api-key', 'x-goog-api-key' or '?key='",
            code="invalid_api_key",
        )
    presented = digest_of(key)
    # Every digest is compared, so that time tells nothing about which one matched.
    found = None
    for digest in digests:
        if compare_digest(digest, presented):
            found = digest
    if found is None:
        raise Fault(FaultKind.AUTHENTICATION, "the API key is not valid", code="invalid_api_key")
    return found
