"""Who may use the client APIs: one of the configured keys, in any of the spellings that clients use."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from hmac import compare_digest
from urllib.parse import parse_qsl

from codenex.core.errors import Fault, FaultKind
from codenex.gateway.exchange import Exchange
from codenex.store.settings import ClientKey

_KEY_HEADERS = ("x-api-key", "x-goog-api-key")
#: ``Authorization`` headers that are remembered at most, and the longest one in characters.
_REMEMBERED = 1024
_LONGEST = 512


def digest_of(key: str) -> str:
    """Return the SHA-256 (hex) under which a key is kept."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def presented_key(exchange: Exchange) -> str | None:
    """Return the key that a request carries: bearer token, ``x-api-key``, ``x-goog-api-key`` or ``?key=``; empty
    ones count as none."""
    authorization = exchange.header("authorization")
    if authorization is not None and (token := _bearer(authorization)) is not None:
        return token
    for name in _KEY_HEADERS:
        value = exchange.header(name)
        if value is not None and value.strip():
            return value.strip()
    if "key=" in exchange.query:
        for name, value in parse_qsl(exchange.query, keep_blank_values=True):
            if name == "key" and value:
                return value
    return None


def may_be_session(exchange: Exchange) -> bool:
    """Whether a request carries what may be an admin session: a bearer token or the management API's cookie."""
    scheme, _, token = (exchange.header("authorization") or "").strip().partition(" ")
    return (scheme.lower() == "bearer" and bool(token)) or "codenex_session=" in (exchange.header("cookie") or "")


class Keyring:
    """The client keys of one generation. ``wall`` gives seconds since 1970."""

    def __init__(self, keys: Iterable[ClientKey], wall: Callable[[], float] = time.time) -> None:
        # Found by their digest: what a lookup's time tells is the digest of a guess, which tells nothing of a key.
        self._keys = {key.digest: key for key in keys}
        self._wall = wall
        #: ``Authorization`` header → the key that it was found to carry. Only those that were right are kept, and
        #: Python compares texts only where their hashes, which are secret, are equal: time tells a guess nothing.
        self._known: dict[str, ClientKey] = {}
        #: the same of ``x-api-key``, for requests without ``Authorization``
        self._known_keys: dict[str, ClientKey] = {}

    def authenticate(self, exchange: Exchange) -> ClientKey:
        """Return the key that a request carries. Raises :class:`Fault` ``authentication`` (401)."""
        authorization = exchange.header("authorization")
        key = None if authorization is None else self._known.get(authorization)
        if key is None:
            key = self._found(exchange)
            if authorization is None:
                named = exchange.header("x-api-key")
                if named is not None and compare_digest(digest_of(named.strip()), key.digest):
                    _remember(self._known_keys, named, key)
            elif _is_of(authorization, key):
                _remember(self._known, authorization, key)
        if key.disabled:
            raise Fault(FaultKind.AUTHENTICATION, "the API key has been revoked", code="revoked_api_key")
        if key.expires is not None and key.expires <= self._wall():
            raise Fault(FaultKind.AUTHENTICATION, "the API key has expired", code="expired_api_key")
        return key

    def recognised(self, headers: dict[str, str]) -> ClientKey | None:
        """Return the key that these headers, by name, are known to carry, where it is neither revoked nor can expire;
        ``None`` says nothing. Agrees with :meth:`authenticate`."""
        if "authorization" in headers:
            known, value = self._known, headers["authorization"]
        elif "x-api-key" in headers:
            known, value = self._known_keys, headers["x-api-key"]
        else:
            return None
        if value not in known:
            return None
        key = known[value]
        return None if key.disabled or key.expires is not None else key

    def _found(self, exchange: Exchange) -> ClientKey:
        """Return the key by its digest. Raises :class:`Fault` where there is none."""
        presented = presented_key(exchange)
        if presented is None:
            raise Fault(
                FaultKind.AUTHENTICATION,
                "no API key was sent: use 'Authorization: Bearer …', 'x-api-key', 'x-goog-api-key' or '?key='",
                code="invalid_api_key",
            )
        digest = digest_of(presented)
        key = self._keys.get(digest)
        if key is None or not compare_digest(key.digest, digest):
            raise Fault(FaultKind.AUTHENTICATION, "the API key is not valid", code="invalid_api_key")
        return key


def check_permission(key: ClientKey, provider: str, model: str, asked: str) -> None:
    """Let a key use a provider and a model, under the name that was asked for or the upstream's.

    Raises :class:`Fault` ``permission`` (403).
    """
    if key.providers and provider not in key.providers:
        raise Fault(FaultKind.PERMISSION, f"this key may not use {provider}", code="provider_not_allowed")
    if key.models and not any(_fits(name, pattern) for name in (asked, model) for pattern in key.models):
        raise Fault(
            FaultKind.PERMISSION,
            f"this key may not use the model {asked[:100]!r}",
            code="model_not_allowed",
            param="model",
        )


def _remember(known: dict[str, ClientKey], value: str, key: ClientKey) -> None:
    if len(value) <= _LONGEST and len(known) < _REMEMBERED:
        known[value] = key


def _is_of(authorization: str, key: ClientKey) -> bool:
    """Whether a header itself carries a key, so that no other header of the request had a say."""
    token = _bearer(authorization)
    return token is not None and compare_digest(digest_of(token), key.digest)


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
