"""What a login at Google leaves behind, in every shape in which programs keep it; written in one: that of Google's own
``oauth_creds.json``. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any

import msgspec

from codenex.core import json

_GRAPHIC = re.compile(r"[!-~]+")


class CredentialInvalid(ValueError):
    """What was read is no credential; the text says why, and shows nothing of it."""


class Credential(msgspec.Struct, frozen=True):
    """One login. ``expires`` is in seconds since 1970, 0 where nobody knows; a client stands here where the credential
    names that which it was made for: no other can renew it."""

    refresh_token: str | None = None
    access_token: str | None = None
    expires: float = 0.0
    scope: str | None = None
    id_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    project: str | None = None
    email: str | None = None


def parsed(content: bytes) -> Credential:
    """Return the credential in a file's content: JSON, or base64 of it. Raises :class:`CredentialInvalid`."""
    return from_document(_document(content))


def from_document(document: dict[str, Any]) -> Credential:
    """Return the credential in a document. Raises :class:`CredentialInvalid`."""
    kind = document.get("type")
    if kind in ("service_account", "external_account", "impersonated_service_account"):
        raise CredentialInvalid(f"it is a credential of the type {kind}, which can't log in here: use a user's login")
    token = document.get("token")
    nested = token if isinstance(token, dict) else {}
    values = {**document, **nested}
    found = Credential(
        refresh_token=_text(values, "refresh_token"),
        access_token=_text(values, "access_token"),
        expires=_expiry(values),
        scope=_scope(values),
        id_token=_text(values, "id_token"),
        client_id=_text(values, "client_id"),
        client_secret=_text(values, "client_secret"),
        project=_text(document, "project_id"),
        email=_text(document, "email"),
    )
    if found.refresh_token is None and found.access_token is None:
        raise CredentialInvalid("it holds neither a refresh_token nor an access_token")
    return found


def written(credential: Credential) -> bytes:
    """Return the credential in the canonical shape; what that has no place for follows where it is known."""
    document: dict[str, Any] = {
        "access_token": credential.access_token,
        "refresh_token": credential.refresh_token,
        "scope": credential.scope,
        "token_type": "Bearer",
        "id_token": credential.id_token,
        "expiry_date": int(credential.expires * 1000),
        "client_id": credential.client_id,
        "client_secret": credential.client_secret,
        "project_id": credential.project,
        "email": credential.email,
    }
    return json.encode({name: value for name, value in document.items() if value is not None}) + b"\n"


def _document(content: bytes) -> dict[str, Any]:
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text.startswith(b"{"):
        try:
            text = base64.b64decode(b"".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise CredentialInvalid("it is neither JSON nor base64 of it") from None
    try:
        return json.decode_object(text)
    except json.MalformedJson as error:
        raise CredentialInvalid(f"it is not JSON: {error}") from None


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    secret = name.endswith(("token", "secret", "_id"))
    if not isinstance(value, str) or not value.isprintable() or (secret and not _GRAPHIC.fullmatch(value)):
        raise CredentialInvalid(f"its {name} is no text that could be sent")
    return value


def _scope(values: dict[str, Any]) -> str | None:
    scopes = values.get("scopes")
    if isinstance(scopes, list):
        return " ".join(scope for scope in scopes if isinstance(scope, str) and scope.isprintable()) or None
    return _text(values, "scope")


def _expiry(values: dict[str, Any]) -> float:
    """Return when the access token ends: in milliseconds, as a date, or so many seconds after a moment."""
    moment = _number(values.get("expiry_date"))
    if moment is not None:
        return moment / 1000
    for name in ("expiry", "expired"):
        if (found := _date(values.get(name))) is not None:
            return found
    begun, lasts = _number(values.get("timestamp")), _number(values.get("expires_in"))
    return begun / 1000 + lasts if begun is not None and lasts is not None else 0.0


def _number(value: Any) -> float | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e15
    return float(value) if is_one else None


def _date(value: Any) -> float | None:
    """Return a moment in RFC 3339, whose fractions may be finer than microseconds."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValueError:
        return None
    return round(moment.timestamp(), 3) if moment.tzinfo is not None and moment.year > 1 else None
