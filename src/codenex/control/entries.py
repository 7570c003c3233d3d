"""One account as a file or the environment gives it: fields read with their types, every mistake named with its place.

A value that would only fail when a request is sent (a header that can't be sent, an address that is none) fails here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from codenex.control.errors import ConfigurationError
from codenex.models.capabilities import Capabilities
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store import sealed_files
from codenex.store.settings import ModelFacts

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_GRAPHIC = re.compile(r"[!-~]+")


class Entry:
    """The fields of one account. ``where`` says which, for messages. Every method raises
    :class:`ConfigurationError`."""

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._fields = fields

    def _mistake(self, field: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}: {field} {what}")

    def text(self, field: str | None) -> str | None:
        """Return a text without blanks around it; a blank one is none."""
        value = self._fields.get(field) if field is not None else None
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._mistake(str(field), "must be a text")
        return value.strip() or None

    def key(self, field: str | None) -> str | None:
        """Return a key, as it can be sent in a header."""
        value = self.text(field)
        if value is not None and _GRAPHIC.fullmatch(value) is None:
            raise self._mistake(str(field), "has blanks or characters beyond ASCII, which no key has")
        return value

    def url(self, field: str | None) -> str | None:
        """Return a base URL: http or https, a host, perhaps a port and a path, and nothing else."""
        value = self.text(field)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as error:
            raise self._mistake(str(field), f"is no URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._mistake(str(field), "must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.password is not None:
            raise self._mistake(str(field), "must not hold a user name or password")
        if "?" in value or "#" in value:
            raise self._mistake(str(field), "must not have a query or a fragment")
        if port == 0 or _GRAPHIC.fullmatch(value) is None:
            raise self._mistake(str(field), "is no URL: a port of 0, blanks, or characters beyond ASCII")
        return value

    def urls(self, field: str | None) -> tuple[str, ...]:
        """Return base URLs with commas or blanks between them, without slashes at their ends."""
        pieces = (self.text(field) or "").replace(",", " ").split()
        found = (Entry({str(field): piece}, self.where).url(field) for piece in pieces)
        return tuple(url.rstrip("/") for url in found if url is not None)

    def names(self, field: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._fields.get(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self._mistake(field, "must be a list of texts")
        return tuple(value)

    def texts(self, field: str) -> dict[str, str]:
        """Return an object of texts."""
        value = self._fields.get(field)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._mistake(field, "must be an object of texts")
        return value

    def headers(self, field: str) -> dict[str, str]:
        """Return an object of texts that are headers."""
        found = self.texts(field)
        for name, value in found.items():
            if _TOKEN.fullmatch(name) is None or _HEADER_VALUE.fullmatch(value) is None:
                raise self._mistake(field, f"has a name or value that no header can have, at {name[:64]!r}")
        return found

    def count(self, field: str, default: int) -> int:
        """Return a whole number of at least 0."""
        value = self._fields.get(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._mistake(field, "must be a whole number of at least 0")
        return value

    def seconds(self, field: str) -> float | None:
        """Return a time, or ``None`` where there is none."""
        value = self._fields.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
            raise self._mistake(field, "must be a number of seconds above 0")
        return float(value)

    def amount(self, field: str) -> float:
        """Return a number of at least 0; 0 where it isn't said."""
        value = self._fields.get(field)
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise self._mistake(field, "must be a number of at least 0")
        return float(value)

    def inner(self, field: str) -> Entry:
        """Return an object of fields; an empty one where it isn't said."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, dict):
            raise self._mistake(field, "must be an object")
        return Entry(value or {}, f"{self.where}.{field}")

    def switch(self, field: str, *, default: bool = False) -> bool:
        """Return true or false, as ``default`` where it isn't said."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, bool):
            raise self._mistake(field, "must be true or false")
        return default if value is None else value

    def choice(self, field: str, choices: tuple[str, ...]) -> str | None:
        """Return one of some texts."""
        value = self.text(field)
        if value is not None and value not in choices:
            raise self._mistake(field, f"must be one of {', '.join(choices)}")
        return value

    def capabilities(self, field: str) -> dict[str, Any]:
        """Return overrides of model facts, under the names of :class:`Capabilities`."""
        value = self._fields.get(field)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._mistake(field, "must be an object")
        unknown = sorted(value.keys() - set(Capabilities.__struct_fields__))
        if unknown:
            raise self._mistake(field, f"has no field {unknown[0][:64]!r}")
        try:
            msgspec.convert(value, Capabilities)
        except msgspec.ValidationError as error:
            raise self._mistake(field, f"does not fit: {error}") from None
        return value


def model_facts(entries: Sequence[Mapping[str, Any]]) -> tuple[ModelFacts, ...]:
    """Return the ``modelFacts`` of the configuration. Raises :class:`ConfigurationError`."""
    found = []
    for position, fields in enumerate(entries):
        where = f"modelFacts[{position}]"
        entry = Entry(fields, where)
        model, provider = entry.text("model"), entry.text("provider")
        unknown = sorted(fields.keys() - {"model", "provider", "facts"})
        if unknown:
            raise ConfigurationError(f"{where}: has no field {unknown[0][:64]!r}")
        if model is None:
            raise ConfigurationError(f"{where}: model is missing: a model's name, with * for anything")
        if provider is not None and provider not in PROVIDER_TYPES:
            raise ConfigurationError(f"{where}: provider must be one of {', '.join(PROVIDER_TYPES)}")
        found.append(ModelFacts(model, entry.capabilities("facts"), provider))
    return tuple(found)


def read_document(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds, an empty one where there is no file. Raises
    :class:`ConfigurationError`."""
    try:
        data = sealed_files.read(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from None
    return parsed_document(data, str(path))


def parsed_document(data: bytes, where: str) -> dict[str, Any]:
    """Return the object that a JSON text holds. Raises :class:`ConfigurationError`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise ConfigurationError(f"{where} can't be read: {error}") from None
    try:
        content = json.loads(text, parse_constant=_no_constant)
        # An escaped half of a character is no text that could be written or sent.
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{where} must hold an object")
    return content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
