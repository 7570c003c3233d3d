"""``client_keys.json``: named client keys with their limits. A key itself is shown once and kept nowhere."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from codenex.control.entries import Entry, read_document
from codenex.control.errors import ConfigurationError
from codenex.control.files import CLIENT_KEYS, place_of
from codenex.gateway.authentication import digest_of
from codenex.store.settings import ClientKey

PERIODS = ("day", "month")
_PREFIX = "cdx-"
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Characters of an id.
_ID = 12


def keys_in(folder: Path) -> tuple[ClientKey, ...]:
    """Return the keys of the file in a folder. Raises :class:`ConfigurationError` where it can't be used."""
    path = place_of(CLIENT_KEYS, folder / CLIENT_KEYS)
    return keys_of(read_document(path))


def keys_of(content: Mapping[str, Any]) -> tuple[ClientKey, ...]:
    """Return the keys of the file's content. Raises :class:`ConfigurationError` where it can't be used."""
    keys = tuple(
        _key(Entry(fields, f"{CLIENT_KEYS}: keys[{index}]")) for index, fields in enumerate(entries_of(content))
    )
    for field in ("id", "digest"):
        values = [getattr(key, field) for key in keys]
        if len(set(values)) < len(values):
            raise ConfigurationError(f"{CLIENT_KEYS}: two keys have the same {field}")
    return keys


def entries_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys as they stand in the file. Raises :class:`ConfigurationError` where they are no list of
    objects."""
    entries = content.get("keys")
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(f"{CLIENT_KEYS}: keys must be a list of objects")
    return entries


def _key(entry: Entry) -> ClientKey:
    budget = entry.inner("budget")
    digest = (entry.text("digest") or "").lower()
    if _DIGEST.fullmatch(digest) is None:
        raise ConfigurationError(f"{entry.where}: digest must be a SHA-256 in hex")
    return ClientKey(
        digest=digest,
        id=entry.text("id") or digest[:_ID],
        name=entry.text("name"),
        disabled=entry.switch("disabled"),
        expires=_moment(entry, "expires"),
        models=entry.names("models"),
        providers=entry.names("providers"),
        requests_per_minute=entry.count("requestsPerMinute", 0),
        tokens_per_minute=entry.count("tokensPerMinute", 0),
        budget=budget.amount("amount"),
        budget_period=budget.choice("period", PERIODS) or "month",
    )


def _moment(entry: Entry, field: str) -> float | None:
    text = entry.text(field)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{entry.where}: {field} must be a date such as 2030-12-31T23:59:59Z") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def id_of(entry: Mapping[str, Any]) -> str:
    """Return the id of an entry; one that was written by hand may have none of its own."""
    return str(entry.get("id") or "").strip() or str(entry.get("digest")).strip().lower()[:_ID]


def new_entry(fields: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the entry of a new key with these limits, and the key itself, which nothing keeps."""
    key = _new_key()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return said({"id": uuid4().hex[:_ID], **fields, **_facts_of(key), "created": created}), key


def renewed(entry: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return an entry with another secret, and the new key; the old one opens nothing then."""
    key = _new_key()
    # An id that was made of the old digest has to stay the same.
    return {**entry, "id": id_of(entry), **_facts_of(key)}, key


def said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: ``null`` says as much as a field that isn't there."""
    return {name: value for name, value in fields.items() if value is not None}


def _new_key() -> str:
    return f"{_PREFIX}{secrets.token_hex(32)}"


def _facts_of(key: str) -> dict[str, str]:
    return {"digest": digest_of(key), "hint": f"{_PREFIX}…{key[-4:]}"}
