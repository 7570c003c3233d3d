"""``client_keys.json``: named client keys with their limits. A key itself is shown once and kept nowhere."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from codenex.control.entries import Entry, read_document
from codenex.control.errors import ConfigurationError
from codenex.control.files import CLIENT_KEYS, place_of
from codenex.gateway.authentication import digest_of
from codenex.store.documents import Document
from codenex.store.settings import ClientKey

PERIODS = ("day", "month")
_PREFIX = "cdx-"


def keys_in(folder: Path) -> tuple[ClientKey, ...]:
    """Return the keys of the file in a folder. Raises :class:`ConfigurationError` where it can't be used."""
    path = place_of(CLIENT_KEYS, folder / CLIENT_KEYS)
    content = read_document(path)
    entries = content.get("keys", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(f"{path}: keys must be a list of objects")
    keys = tuple(_key(Entry(fields, f"{path.name}: keys[{index}]")) for index, fields in enumerate(entries))
    for field in ("id", "digest"):
        values = [getattr(key, field) for key in keys]
        if len(set(values)) < len(values):
            raise ConfigurationError(f"{path.name}: two keys have the same {field}")
    return keys


def _key(entry: Entry) -> ClientKey:
    budget = entry.inner("budget")
    digest = entry.text("digest")
    if digest is None or len(digest) != 64:
        raise ConfigurationError(f"{entry.where}: digest must be a SHA-256 in hex")
    return ClientKey(
        digest=digest,
        id=entry.text("id") or digest[:12],
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


class ClientKeyFile:
    """The file, as the management API changes it. Methods raise ``OSError`` and :class:`ConfigurationError`."""

    def __init__(self, folder: Path) -> None:
        self._document = Document(folder / CLIENT_KEYS)

    def entries(self) -> list[dict[str, Any]]:
        """Return the keys as they stand in the file."""
        return _entries(self._document.read())

    def create(self, fields: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Add a key with these limits; return its entry and the key itself, which nothing keeps."""
        key = f"{_PREFIX}{secrets.token_hex(32)}"
        entry = {
            "id": uuid4().hex[:12],
            **fields,
            **_secret(key),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._change(lambda entries: [*entries, entry])
        return entry, key

    def replace_secret(self, key_id: str) -> tuple[dict[str, Any], str] | None:
        """Give a key another secret, so that the old one opens nothing; ``None`` where there is no such key."""
        key = f"{_PREFIX}{secrets.token_hex(32)}"
        entry = self.update(key_id, _secret(key))
        return None if entry is None else (entry, key)

    def update(self, key_id: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        """Change fields of a key; ``None`` as a value removes one. Returns the entry, ``None`` where there is none."""
        found: list[dict[str, Any]] = []

        def change(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
            changed = []
            for entry in entries:
                if entry.get("id") == key_id:
                    entry = {name: value for name, value in {**entry, **fields}.items() if value is not None}
                    found.append(entry)
                changed.append(entry)
            return changed

        self._change(change)
        return found[0] if found else None

    def delete(self, key_id: str) -> bool:
        """Remove a key; return whether it was there."""
        before = len(self.entries())
        self._change(lambda entries: [entry for entry in entries if entry.get("id") != key_id])
        return len(self.entries()) < before

    def _change(self, change: Any) -> None:
        def rewritten(content: bytes | None) -> bytes:
            document = _document(content)
            document["keys"] = change(_entries(content))
            return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"

        self._document.update(rewritten)


def _secret(key: str) -> dict[str, str]:
    return {"digest": digest_of(key), "hint": f"{_PREFIX}…{key[-4:]}"}


def _document(content: bytes | None) -> dict[str, Any]:
    document = {} if content is None else json.loads(content)
    if not isinstance(document, dict):
        raise ConfigurationError(f"{CLIENT_KEYS} must hold an object")
    return document


def _entries(content: bytes | None) -> list[dict[str, Any]]:
    entries = _document(content).get("keys", [])
    if not isinstance(entries, list):
        raise ConfigurationError(f"{CLIENT_KEYS}: keys must be a list")
    return entries
