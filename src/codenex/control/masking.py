"""Hides the secrets of configurations, pools and files from whoever reads them, and puts them back where a masked value
is sent back unchanged.

What is a secret is told by the name of its field, by what a text looks like, and by what is stored as one elsewhere. A
masked secret shows four characters at most, so that its owner knows it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from codenex.core.redaction import MASK, PLAIN_HEADERS, hinted, redacted

#: Fields whose names look secret and that hold paths or facts.
_HARMLESS = frozenset({"tls_key", "public_key", "config_key"})
#: The last words of secret fields' names. Several of a kind may also be an object with facts about each of them.
_SINGLE = frozenset(
    [
        "apikey",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "digest",
        "key",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "token",
    ]
)
_SEVERAL = frozenset({"apikeys", "cookies", "passwords", "secrets", "tokens"})
#: Fields whose secrets may be numbers.
_PASSWORDS = frozenset({"passphrase", "passwd", "password", "pwd", "secret"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
#: ``NAME=value`` and ``NAME: value`` in files that are no JSON.
_LINE = re.compile(r"^(\s*(?:export\s+)?[\"']?([A-Za-z_][\w.-]*)[\"']?\s*[=:]\s*)(\S.*)$")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
#: A run in which letters and digits alternate as in no word: hexadecimal, base64.
_RANDOM = re.compile(r"(?<![\w+=-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{40,}")


class MaskedValue(Exception):
    """A masked value was sent that stands for no stored one. ``place`` says where."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is masked and stands for nothing that is stored: send the whole value")
        self.place = place


def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _last_word(name) in _SINGLE | _SEVERAL | {"base64"}


def masked(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """Return a JSON value without its secrets; ``secrets`` are hidden wherever they stand."""
    return _masked(value, secrets, "")


def masked_text(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return a file's text without its secrets: JSON by its fields, anything else by its lines."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return _hidden("\n".join(_masked_line(line) for line in text.split("\n")), secrets)
    if isinstance(content, dict | list):
        return json.dumps(masked(content, secrets), indent=2, ensure_ascii=False)
    return _hidden(text, secrets)


def secrets_in(value: Any) -> tuple[str, ...]:
    """Return every text of a JSON value that a field's name calls secret."""
    return tuple(dict.fromkeys(_secrets(value, "")))


def restored(sent: Any, stored: Any, place: str = "the value") -> Any:
    """Return what was sent, with the stored secrets in place of their masked forms.

    Raises :class:`MaskedValue` where a masked secret is none of the stored ones at its place.
    """
    return _restored(sent, stored, "", place)


def _masked(value: Any, secrets: tuple[str, ...], name: str) -> Any:
    """Mask a value that stands in a field; the elements of a list stand in the list's field."""
    match value:
        case dict():
            return {
                _hidden(inner, secrets): _masked(content, secrets, _inherited(name, inner))
                for inner, content in value.items()
            }
        case list():
            return [_masked(element, secrets, name) for element in value]
        case str() if is_secret(name):
            return hinted(value) if value else value
        case str():
            return _hidden(value, secrets)
        case int() | float() if not isinstance(value, bool) and _last_word(name) in _PASSWORDS:
            return MASK
        case _:
            return value


def _secrets(value: Any, name: str) -> Iterator[str]:
    match value:
        case dict():
            for inner, content in value.items():
                yield from _secrets(content, _inherited(name, inner))
        case list():
            for element in value:
                yield from _secrets(element, name)
        case str() if value and is_secret(name):
            yield value
        case _:
            return


def _restored(sent: Any, stored: Any, name: str, place: str) -> Any:
    if stored is not None and sent == _masked(stored, (), name):
        return stored
    match sent:
        case dict():
            known = stored if isinstance(stored, dict) else {}
            names = {_hidden(inner, ()): inner for inner in known}
            return {
                names.get(inner, inner): _restored(
                    content, known.get(names.get(inner, inner)), _inherited(name, inner), f"{place}.{inner}"
                )
                for inner, content in sent.items()
            }
        case list():
            # Elements may have been moved, added and removed: each is looked for among all stored ones.
            known_elements = stored if isinstance(stored, list) else []
            return [
                _restored(element, _counterpart(element, known_elements, position, name), name, f"{place}[{position}]")
                for position, element in enumerate(sent)
            ]
        case str() if MASK in sent:
            # No secret has asterisks in a row, and no setting: this is the masked form of something else.
            raise MaskedValue(place)
        case _:
            return sent


def _counterpart(element: Any, stored: list[Any], position: int, name: str) -> Any:
    """Return the stored element that one was made of: the same when masked, of the same uuid, or in its place."""
    for candidate in stored:
        if _masked(candidate, (), name) == element:
            return candidate
    if isinstance(element, dict) and element.get("uuid") is not None:
        for candidate in stored:
            if isinstance(candidate, dict) and candidate.get("uuid") == element["uuid"]:
                return candidate
    return stored[position] if position < len(stored) else None


def _inherited(outer: str, name: str) -> str:
    """Return the name by which a field's content is judged: inside of something secret, everything is."""
    if outer and is_secret(outer) and _last_word(outer) not in _SEVERAL:
        return outer
    if outer == "headers":
        return name if name.lower() in PLAIN_HEADERS else "header secret"
    return name


def _last_word(name: str) -> str:
    words = [word.lower() for word in _WORD.findall(name)]
    if "_".join(words) in _HARMLESS:
        return ""
    if words[-2:] == ["base", "64"]:
        return "base64"
    # OPENAI_API_KEY_2 and the like.
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    return words[-1] if words else ""


def _masked_line(line: str) -> str:
    found = _LINE.match(line)
    if found is None or not is_secret(found[2]):
        return line
    value = found[3].strip("\"', ")
    return f"{found[1]}{hinted(value)}"


def _hidden(text: str, secrets: tuple[str, ...]) -> str:
    text = _PRIVATE_KEY.sub(f"(private key: {MASK})", text)
    return _RANDOM.sub(lambda found: hinted(found[0]), redacted(text, secrets))
